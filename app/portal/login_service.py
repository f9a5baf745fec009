"""Logins that a customer gives to his people, by an invitation to their e-mail address."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers import accounts, checks
from app.customers.account_models import AccountCustomer, AccountRole, AccountState, LinkPurpose, PortalAccount
from app.customers.models import Customer
from app.system.mail_templates import queue_template
from app.system.throttle import take

INVITATIONS = 20        # an hour and customer: each is an e-mail to an address that somebody typed
MOST = 200              # logins of a customer


def logins_of(customer: Customer) -> list[AccountCustomer]:
    """Who may act for the customer."""
    return list(db.session.scalars(select(AccountCustomer).join(AccountCustomer.account).options(selectinload(AccountCustomer.account).selectinload(PortalAccount.customer))
                                   .where(AccountCustomer.customer_id == customer.id).order_by(PortalAccount.login.is_not(None), PortalAccount.login)))


def invite(by: PortalAccount, customer: Customer, email: str, name: str, role: AccountRole | None) -> None:
    """A new login gets a link; one that is there already gets the access. The answer is the same for both."""
    email = checks.email(email, "email").lower()
    if not email:
        raise InvalidInput(_("Enter an e-mail address."), "email")
    if role is None:
        raise InvalidInput(_("Choose one of the list."), "role")
    db.session.rollback()
    take("portal_invite", str(customer.id), INVITATIONS)
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        links = logins_of(customer)
        link = next((link for link in links if link.account.login == email), None)
        if link is not None and link.account.state is AccountState.DISABLED:
            raise InvalidInput(_("This login was taken away. Write to us to open it again."), "email")
        if link is not None:
            raise InvalidInput(_("%(email)s may act for %(name)s already.", email=email, name=customer.company), "email")
        if len(links) >= MOST:
            raise InvalidInput(_("There are %(n)d logins already. Take one away first.", n=MOST), "email")
        account = session.scalar(select(PortalAccount).where(PortalAccount.login == email))
        if account is None:
            account = accounts.create_account(customer, email, name, role)
            _send(by, account, customer)
        else:
            accounts.set_access(account, customer, role)
            queue_template(f"portal_access:{account.id}:{customer.id}:{account.version}", "portal_access", email, account.language, _values(by, account, customer), customer_id=customer.id)


def invite_again(by: PortalAccount, link: AccountCustomer) -> None:
    """A new link for a login of this customer that has no password yet; the old one ends."""
    db.session.rollback()
    take("portal_invite", str(link.customer_id), INVITATIONS)
    with transaction() as session:
        session.refresh(link.account, with_for_update=True)
        if link.account.state is not AccountState.INVITED or link.account.customer_id != link.customer_id:
            raise InvalidInput(_("This login has a password already. Whoever forgot it requests a new one himself."))
        _send(by, link.account, link.customer)


def _send(by: PortalAccount, account: PortalAccount, customer: Customer) -> None:
    link, token = accounts.make_link(account, LinkPurpose.WELCOME)
    values = {**accounts.mail_values(account, link), **_values(by, account, customer)}
    queue_template(f"portal_invitation:{link.id}", "portal_invitation", accounts.address_of(account), account.language, values, secrets={"link": accounts.address_of_link(token)}, customer_id=customer.id)


def _values(by: PortalAccount, account: PortalAccount, customer: Customer) -> dict[str, str]:
    return {"customer": customer.company, "number": customer.number, "name": account.name or str(account), "login": str(account), "by": by.name or customer.contact or str(by)}


def set_role(by: PortalAccount, link: AccountCustomer, role: AccountRole) -> None:
    _check(by, link)
    accounts.set_access(link.account, link.customer, role)


def remove(by: PortalAccount, link: AccountCustomer) -> None:
    """The login no longer acts for the customer; one that is his alone is disabled."""
    _check(by, link)
    account = link.account
    with transaction() as session:
        session.refresh(account, with_for_update=True)
        if account.customer_id != link.customer_id:
            accounts.set_access(account, link.customer, None)
        elif len(account.links) > 1:
            raise InvalidInput(_("This login acts for other customers too. Write to us to take it away."))
        else:
            accounts.disable(account)


def _check(by: PortalAccount, link: AccountCustomer) -> None:
    if link.account.login is None and link.account.customer_id == link.customer_id:
        raise InvalidInput(_("The login with the customer number stays as it is: it is the owner's."))
    if link.account_id == by.id:
        raise InvalidInput(_("Your own role is changed by another owner."))
