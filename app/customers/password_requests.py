"""“Send me a password link”: what anybody may ask with a customer number, and what a worker makes of it.

The request is stored as it was typed, whether there is such a customer or not: the same statements, the same answer, the
same time. A worker looks the number up; the mail goes to the stored address, never to one that was typed.
"""

from __future__ import annotations

import logging
import unicodedata
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, or_, select, update

from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import after_commit, db, transaction
from app.core.errors import DomainError, InvalidInput
from app.customers import accounts
from app.customers.account_models import PasswordRequest, PortalAccount
from app.customers.models import Customer
from app.system.models import ProtocolKind
from app.system.outbox import OutboxState, claim_batch, try_again
from app.system.protocol import record
from app.system.throttle import place, take
from app.system.wake import wake

log = logging.getLogger(__name__)
PER_NUMBER, PER_ADDRESS = 3, 10         # an hour
LEASE = 60


def request_password(number: Any, address: str) -> None:
    """Remember the wish. Raises InvalidInput for what cannot be a number or a user name, TooManyTries beyond the limits."""
    if not isinstance(number, str):
        raise InvalidInput(_("Enter one customer number."), "number")
    number = " ".join(unicodedata.normalize("NFC", number).split())
    if not number or len(number) > 254 or any(unicodedata.category(char)[0] == "C" for char in number):
        raise InvalidInput(_("Enter your customer number, for example K10042. It stands on every invoice."), "number")
    take("password-address", place(address), PER_ADDRESS)
    take("password-number", number.casefold(), PER_NUMBER)
    with transaction() as session:
        session.add(PasswordRequest(number=number, address=address[:45]))
        session.flush()
        after_commit(lambda: wake("passwords"))


def requests_are_due() -> bool:
    now = clock.now()
    due = or_((PasswordRequest.state == OutboxState.WAITING) & (PasswordRequest.due_at <= now), (PasswordRequest.state == OutboxState.CLAIMED) & (PasswordRequest.lease_until < now))
    return db.session.scalar(select(PasswordRequest.id).where(due).limit(1)) is not None


def answer_requests(limit: int = 50) -> int:
    """Send the links that were asked for; returns how many requests were settled. A settled one is deleted: what was typed is not kept."""
    with transaction() as session:
        rows = claim_batch(session, PasswordRequest, limit, LEASE, columns=[PasswordRequest.number, PasswordRequest.address])
    for row in rows:
        try:
            with acting(Actor("portal", "visitor", origin=row.address or None)), transaction() as session:
                gone = session.execute(delete(PasswordRequest).where(PasswordRequest.id == row.id, PasswordRequest.claim == row.claim + 1)
                                       .execution_options(synchronize_session=False))
                if gone.rowcount:  # type: ignore[attr-defined]
                    _answer(row.number)
        except Exception as error:
            log.exception("password request %s", row.id)
            with transaction() as session:
                session.execute(update(PasswordRequest).where(PasswordRequest.id == row.id, PasswordRequest.claim == row.claim + 1)
                                .values(**try_again(row.attempts + 1, f"{type(error).__name__}", False)))
    return len(rows)


def _answer(number: str) -> None:
    """Why nothing was sent stands in the protocol; the number does not, when it is nobody's (people type passwords there)."""
    found = find(number)
    if found is None:
        record(ProtocolKind.SECURITY, "password_request_unknown", subject_type="portal_account")
        return
    try:
        if isinstance(found, Customer):
            accounts.send_customer_password_link(found)
        else:
            accounts.send_password_link(found)
    except DomainError as error:
        customer_id = found.id if isinstance(found, Customer) else found.customer_id
        record(ProtocolKind.SECURITY, "password_request_refused", subject_type="customer", subject_id=customer_id, subject=str(found), customer_id=customer_id, note=str(error))


def find(number: str) -> Customer | PortalAccount | None:
    """A further account by its e-mail address, else the customer with this number (small letters are fine)."""
    if "@" in number:
        return db.session.scalar(select(PortalAccount).where(PortalAccount.login == number.lower()))
    rows = db.session.scalars(select(Customer).where(Customer.number.in_({number, number.upper(), number.lower()}))).all()
    return next((row for row in rows if row.number == number), rows[0] if len(rows) == 1 else None)
