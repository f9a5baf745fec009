"""Signing in to the portal. A wrong name, a wrong password, no password yet, a disabled account: one answer, one time."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers import account_sessions
from app.customers.account_models import AccountCustomer, AccountState, PortalAccount
from app.customers.account_passwords import hash_password, is_outdated, matches
from app.customers.accounts import main_account
from app.customers.models import Customer, CustomerState
from app.customers.password_requests import find
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.throttle import place, take

OF_ONE = 20         # tries an hour for a name from one address: whoever forgot his password stops long before
OF_NAME = 100       # tries an hour for a name, from anywhere
OF_PLACE = 60       # tries an hour from one address
LONGEST_PASSWORD = 1000


class WrongLogin(InvalidInput):
    def __init__(self) -> None:
        super().__init__(_("This number and password do not belong together. Check both, or request a new password."))


def find_account(login: str) -> PortalAccount | None:
    """By e-mail address, or by the number of the customer whose main account it is."""
    found = find(login)
    return main_account(found) if isinstance(found, Customer) else found


def sign_in(login: Any, password: Any, address: str, agent: str = "") -> tuple[str, PortalAccount]:
    """A new session: its token for the cookie, and the account. Raises WrongLogin or TooManyTries."""
    if not isinstance(login, str) or not isinstance(password, str) or not 0 < len(login.strip()) <= 254 or len(password) > LONGEST_PASSWORD:
        raise WrongLogin()
    login = login.strip()
    take("portal_sign_in", f"{login.lower()} {place(address)}", OF_ONE)
    take("portal_sign_in_name", login.lower(), OF_NAME)
    take("portal_sign_in_place", place(address), OF_PLACE)
    account = find_account(login)
    usable = account is not None and account.state is AccountState.ACTIVE and _lives(account)
    stored = account.password_hash if account is not None and usable else None
    right = matches(stored, password)
    if account is None or stored is None or not right:
        if account is not None:
            with acting(Actor("portal", str(account), account.id, origin=address)), transaction():
                record(ProtocolKind.SECURITY, "sign_in_refused", subject_type="portal_account", subject_id=account.id, subject=str(account), customer_id=account.customer_id)
        raise WrongLogin()
    fresh = hash_password(password) if is_outdated(stored) else None
    with acting(Actor("portal", str(account), account.id, origin=address)), transaction() as session:
        session.refresh(account, with_for_update=True)
        if account.password_hash != stored or account.state is not AccountState.ACTIVE:     # changed while it was compared
            raise WrongLogin()
        if fresh is not None:
            account.password_hash = fresh
        token = account_sessions.start(account, address, agent)
        record(ProtocolKind.SECURITY, "signed_in", subject_type="portal_account", subject_id=account.id, subject=str(account), customer_id=account.customer_id)
    return token, account


def _lives(account: PortalAccount) -> bool:
    """At least one customer of the account is not deleted."""
    return db.session.scalar(select(Customer.id).join(AccountCustomer, AccountCustomer.customer_id == Customer.id)
                             .where(AccountCustomer.account_id == account.id, Customer.state != CustomerState.DELETED).limit(1)) is not None


def sign_out(session_id: int) -> None:
    account_sessions.end_one(session_id, "logout")
