"""Using a link: opening it shows a form and changes nothing, sending the form uses it up, sets the password and accepts the terms."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.core.errors import Conflict, InvalidInput
from app.customers import account_sessions, terms
from app.customers.account_models import AccountState, PasswordLink, PortalAccount
from app.customers.account_passwords import hash_password
from app.customers.accounts import address_of, digest, end_links, mail_values
from app.customers.models import CustomerState
from app.system.mail_templates import queue_template
from app.system.models import ProtocolKind
from app.system.passwords import check_password
from app.system.protocol import record
from app.system.settings import setting
from app.system.throttle import place, take

TRIES = 20      # an hour and address


class DeadLink(InvalidInput):
    """Unknown, used, replaced or expired: which of them is nobody's business."""

    def __init__(self) -> None:
        super().__init__(_("This link is no longer valid. Links work once and for a short time; a newer one replaces an older one."))


def open_link(token: Any, address: str) -> PortalAccount:
    """The account of a link that may be used now. Changes nothing. Raises DeadLink, or TooManyTries after many wrong ones."""
    link = _find(token)
    if link is None or not _is_alive(link):
        take("link", place(address), TRIES)
        raise DeadLink()
    return link.account


def use_link(token: Any, password: Any, address: str, terms_id: int | None = None, ticked: bool = False) -> PortalAccount:
    """Set the password and accept the terms that the form showed (`terms_id`). Ends the link and all sessions, tells the owner.

    Raises DeadLink, TooManyTries, Conflict when newer terms hold than were shown, InvalidInput with the field `password` or `accept`.
    """
    take("link", place(address), TRIES)
    account = open_link(token, address)
    _check(account, password, terms_id, ticked)
    hashed = hash_password(password)            # takes its time: before the transaction
    db.session.rollback()
    with acting(Actor("portal", str(account), account.id, origin=address)), transaction() as session:
        link = _find(token, lock=True)
        if link is None or not _is_alive(link):
            raise DeadLink()
        account = link.account
        session.refresh(account, with_for_update=True)
        what = _check(account, password, terms_id, ticked, again=False)
        first = account.password_hash is None
        now = clock.now()
        account.password_hash, account.password_set_at, link.used_at = hashed, now, now
        if account.state is AccountState.INVITED:
            account.move_to(AccountState.ACTIVE)
        session.flush()
        end_links(account)
        account_sessions.end_all(account.id, "password")
        recipient = address_of(account)
        if what is not None:
            terms.accept(account, what, address, recipient, "tick" if ticked else "link")
        record(ProtocolKind.SECURITY, "password_set" if first else "password_changed", subject_type="portal_account", subject_id=account.id,
               subject=str(account), customer_id=account.customer_id)
        if recipient:
            queue_template(f"password_changed:{link.id}", "password_changed", recipient, account.language, mail_values(account), customer_id=account.customer_id)
        return account


def _check(account: PortalAccount, password: Any, terms_id: int | None, ticked: bool, again: bool = True) -> terms.Shown | None:
    """The terms that will be accepted, or None when there are none."""
    now = terms.current()
    if (now.id if now else None) != terms_id:
        raise Conflict(_("The terms have changed since this page was opened. Read the new version and send the form again."), "accept")
    if again:
        check_password(password, own_words(account))
    if now is None:
        return None
    if setting("portal.terms_tick") and not ticked:
        raise InvalidInput(_("Accept the terms to go on."), "accept")
    return terms.shown(now, account.language)


def own_words(account: PortalAccount) -> list[str]:
    """What the account's owner would be guessed by."""
    customer = account.customer
    return [word for text in (customer.company, customer.contact, account.name, customer.number, customer.city, (address_of(account)).partition("@")[0])
            for word in (text, *text.split()) if len(word) > 2]


def _find(token: Any, lock: bool = False) -> PasswordLink | None:
    if not isinstance(token, str) or not 20 <= len(token) <= 100:
        return None
    query = select(PasswordLink).where(PasswordLink.token_hash == digest(token))
    return db.session.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)


def _is_alive(link: PasswordLink) -> bool:
    return (link.used_at is None and link.ended_at is None and link.expires_at > clock.now() and link.account.state is not AccountState.DISABLED
            and link.account.customer.state is not CustomerState.DELETED)
