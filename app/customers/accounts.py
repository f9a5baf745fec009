"""Portal accounts: made for a customer, invited by e-mail, given a password by a link. A password is never mailed."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select, update

from app.core import clock, formats
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers import account_sessions, checks
from app.customers.account_models import (
    AccountCustomer,
    AccountRole,
    AccountState,
    LinkPurpose,
    PasswordLink,
    PortalAccount,
)
from app.customers.models import Customer, CustomerState
from app.system.mail_templates import queue_template
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def main_account(customer: Customer) -> PortalAccount | None:
    """The account that signs in with the customer number."""
    return db.session.scalar(select(PortalAccount).where(PortalAccount.customer_id == customer.id, PortalAccount.login.is_(None)))


def address_of(account: PortalAccount) -> str:
    """Where mail for the account goes: its login when that is an address, else the customer's stored one. Never what somebody typed."""
    return account.login or account.customer.email


def create_account(customer: Customer, login: str = "", name: str = "", role: AccountRole = AccountRole.OWNER, language: str = "") -> PortalAccount:
    """Without `login` the customer's main account, else a further one with that e-mail address. Raises InvalidInput."""
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        _must_live(customer)
        login = checks.email(login, "login").lower()
        if not login and main_account(customer) is not None:
            raise InvalidInput(_("%(name)s has an account already.", name=customer.company), "login")
        if login and session.scalar(select(PortalAccount.id).where(PortalAccount.login == login)) is not None:
            raise InvalidInput(_("There is an account with this e-mail address already."), "login")
        if not login and role is not AccountRole.OWNER:
            raise InvalidInput(_("The account with the customer number is the owner's. Enter an e-mail address for another person."), "login")
        account = PortalAccount(customer=customer, login=login or None, name=name.strip()[:120], language=checks.language(language or customer.language),
                                links=[AccountCustomer(customer=customer, role=role)])
        session.add(account)
        session.flush()
        return account


def _must_live(customer: Customer) -> None:
    if customer.state is CustomerState.DELETED:
        raise InvalidInput(_("This customer is deleted."))


def set_access(account: PortalAccount, customer: Customer, role: AccountRole | None) -> None:
    """Let the account act for a further customer in this role, change the role, or (None) take the access away."""
    with transaction() as session:
        session.refresh(account, with_for_update=True)
        link = next((link for link in account.links if link.customer_id == customer.id), None)
        if role is None:
            if customer.id == account.customer_id:
                raise InvalidInput(_("An account always sees its own customer. Disable it instead."), "customer")
            if link is not None:
                account.links.remove(link)
        elif link is None:
            _must_live(customer)
            account.links.append(AccountCustomer(customer=customer, role=role))
        else:
            link.role = role
        session.flush()


def disable(account: PortalAccount) -> None:
    """Nobody gets in with it any more, from this moment on."""
    with transaction() as session:
        session.refresh(account, with_for_update=True)
        account.move_to(AccountState.DISABLED)
        end_links(account)
        account_sessions.end_all(account.id, "staff")
        session.flush()


def enable(account: PortalAccount) -> None:
    with transaction() as session:
        session.refresh(account, with_for_update=True)
        account.move_to(AccountState.ACTIVE if account.password_hash else AccountState.INVITED)
        session.flush()


# links --------------------------------------------------------------------------------------------------------------


def make_link(account: PortalAccount, purpose: LinkPurpose) -> tuple[PasswordLink, str]:
    """A new link and its token; every older one ends. Call inside `transaction()`."""
    session = db.session()
    session.refresh(account, with_for_update=True)
    if account.state is AccountState.DISABLED:
        raise InvalidInput(_("The portal account %(name)s is disabled.", name=str(account)))
    end_links(account)
    token = secrets.token_urlsafe(32)
    life = timedelta(days=setting("portal.welcome_days")) if purpose is LinkPurpose.WELCOME else timedelta(minutes=setting("portal.reset_minutes"))
    link = PasswordLink(account_id=account.id, token_hash=digest(token), purpose=purpose, expires_at=clock.now() + life)
    session.add(link)
    session.flush()
    return link, token


def end_links(account: PortalAccount) -> None:
    db.session.execute(update(PasswordLink).where(PasswordLink.account_id == account.id, PasswordLink.used_at.is_(None), PasswordLink.ended_at.is_(None))
                       .values(ended_at=clock.now()).execution_options(synchronize_session=False))


def address_of_link(token: str) -> str:
    """From the configured address of the site, never from the request."""
    return f"{current_app.config['BASE_URL'].rstrip('/')}/portal/password/{token}"


def send_welcome(customer: Customer) -> PortalAccount:
    """The welcome e-mail with the first link. Who has a password already is refused: he is sent a password link."""
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        account = main_account(customer) or create_account(customer)
        if account.password_hash is not None:
            raise InvalidInput(_("%(name)s has chosen a password already. Send a password link instead.", name=customer.company))
        _send(account, LinkPurpose.WELCOME, "welcome")
        return account


def send_password_link(account: PortalAccount) -> None:
    """A link to choose a new password, to the stored address."""
    with transaction():
        _send(account, LinkPurpose.RESET, "password")


def send_customer_password_link(customer: Customer) -> None:
    """As `send_password_link`, for the customer's main account, which is made when there is none."""
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        send_password_link(main_account(customer) or create_account(customer))


def _send(account: PortalAccount, purpose: LinkPurpose, mail: str) -> None:
    customer = account.customer
    _must_live(customer)
    recipient = address_of(account)
    if not recipient:
        raise InvalidInput(_("%(name)s has no e-mail address. Enter one first.", name=customer.company), "email")
    link, token = make_link(account, purpose)
    queue_template(f"{mail}:{link.id}", mail, recipient, account.language, mail_values(account, link), secrets={"link": address_of_link(token)}, customer_id=customer.id)
    record(ProtocolKind.SECURITY, "password_link_sent", subject_type="portal_account", subject_id=account.id, subject=str(account), customer_id=customer.id,
           note=f"{purpose.value} → {recipient}")


def mail_values(account: PortalAccount, link: PasswordLink | None = None) -> dict[str, str]:
    """What the e-mails about an account may name."""
    with force_locale(account.language):
        return {
            "customer": account.customer.company, "name": account.name or account.customer.contact or account.customer.company, "number": account.customer.number,
            "login": str(account), "until": formats.instant(link.expires_at) if link is not None else "", "now": formats.instant(clock.now()),
        }
