"""What the owner of a login changes himself. Password and address ask for the password again."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import Conflict, InvalidInput
from app.customers import account_sessions, checks
from app.customers.account_models import PortalAccount
from app.customers.account_passwords import hash_password, matches
from app.customers.accounts import address_of, end_links, mail_values
from app.customers.models import Customer
from app.customers.password_links import own_words
from app.customers.services import change_customer
from app.system.mail_templates import queue_template
from app.system.models import ProtocolKind
from app.system.passwords import check_password
from app.system.protocol import record
from app.system.throttle import take

TRIES = 10          # an hour and account, for the password that is asked again
ADDRESS = ("contact", "street", "address_extra", "postcode", "city", "region", "phone")       # not the country: it decides the tax of his invoices


def prove(account: PortalAccount, password: Any, field: str = "current") -> None:
    """The signed-in knows the password. Raises InvalidInput, or TooManyTries. Not inside a transaction."""
    db.session.rollback()
    take("portal_prove", str(account.id), TRIES)
    if not isinstance(password, str) or not matches(account.password_hash, password):
        raise InvalidInput(_("This is not your password."), field)


def change_password(account: PortalAccount, session_id: int, current: Any, password: Any) -> None:
    """The other sessions and all links of the account end; the owner is told by e-mail."""
    prove(account, current)
    known = account.password_hash
    check_password(password, own_words(account))
    hashed = hash_password(password)            # takes its time: before the transaction
    db.session.rollback()
    with transaction() as session:
        session.refresh(account, with_for_update=True)
        if account.password_hash != known:
            raise Conflict(_("The password was changed meanwhile. Sign in again."))
        account.password_hash, account.password_set_at = hashed, clock.now()
        session.flush()
        end_links(account)
        account_sessions.end_all(account.id, "password", but=session_id)
        record(ProtocolKind.SECURITY, "password_changed", subject_type="portal_account", subject_id=account.id, subject=str(account), customer_id=account.customer_id)
        if recipient := address_of(account):
            queue_template(f"password_changed:own:{account.id}:{account.version}", "password_changed", recipient, account.language, mail_values(account), customer_id=account.customer_id)


def change_address(account: PortalAccount, customer: Customer, current: Any, expected_version: int | None = None, **fields: Any) -> None:
    """Of the customer for whom the account acts; only the fields of ADDRESS. The protocol has it with the old values."""
    if unknown := set(fields) - set(ADDRESS):
        raise InvalidInput(_("Unknown field: %(names)s", names=", ".join(sorted(unknown))))
    prove(account, current)
    change_customer(customer, expected_version, **fields)


def set_language(account: PortalAccount, language: str) -> None:
    with transaction() as session:
        session.refresh(account, with_for_update=True)
        account.language = checks.language(language)
        session.flush()
