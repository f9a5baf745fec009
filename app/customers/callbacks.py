"""Ask to be called, and what staff did about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, select

from app.core import clock
from app.core.actor import current_actor
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.fields import clean_text
from app.customers import checks
from app.customers.callback_models import Callback, CallbackState
from app.customers.models import Customer
from app.system.throttle import place, take

LIMIT = 5               # an hour and network address
MESSAGE = 1000
WAITING = (CallbackState.OPEN, CallbackState.UNREACHED)


def request_callback(*, key: str, name: str, phone: str, wished: str = "", message: str = "", language: str = "en", origin: str = "website", address: str = "",
                     country: str = "", customer: Customer | None = None) -> Callback:
    """Store the wish, once per `key` (random, of the form). Raises InvalidInput or TooManyTries. Not inside a transaction."""
    if not key or len(key) > 40 or not (key.isascii() and key.isprintable()):
        raise InvalidInput(_("This form is no longer valid. Go back, load the page again and repeat what you did."))
    if (known := db.session.scalar(select(Callback).where(Callback.key == key))) is not None:
        return known
    values = {"name": clean_text(name) or "", "wished": clean_text(wished) or "", "message": clean_text(message) or ""}
    if not values["name"]:
        raise InvalidInput(_("Enter your name."), "name")
    for field, most in (("name", 120), ("wished", 100), ("message", MESSAGE)):
        if len(values[field]) > most:
            raise InvalidInput(_("At most %(n)d characters.", n=most), field)
        if any(ord(char) < 32 and not (field == "message" and char in "\r\n\t") for char in values[field]):
            raise InvalidInput(_("This text has characters that cannot be stored. Type it instead of pasting it."), field)
    if not (phone or "").strip():
        raise InvalidInput(_("Enter the phone number under which we reach you."), "phone")
    number = checks.phone(phone[:60], country)
    take("callback", place(address), LIMIT)
    with transaction() as session:
        if (known := session.scalar(select(Callback).where(Callback.key == key))) is not None:
            return known
        row = Callback(key=key, phone=number, language=language, origin=origin, network_address=address[:45], customer=customer, **values)
        session.add(row)
        session.flush()
    return row


def settle(row: Callback, state: CallbackState, note: str = "") -> None:
    """Staff called, did not reach anybody, or dropped it."""
    with transaction():
        if row.state is not state:
            row.move_to(state)
        if note.strip():
            row.note = "\n".join(filter(None, (row.note, note.strip())))[:4000]
        if state not in WAITING:
            row.done_at, row.done_by = clock.now(), current_actor().name[:64]


def waiting() -> int:
    """How many people wait for a call."""
    return db.session.scalar(select(func.count()).select_from(Callback).where(Callback.state.in_(WAITING))) or 0


def _old(before: datetime) -> tuple[Any, ...]:
    return Callback.state.not_in(WAITING), Callback.done_at < before


def old_and_all(before: datetime) -> tuple[int, int]:
    """How many `forget` would delete, and of how many."""
    old, of = db.session.execute(select(func.count().filter(*_old(before)), func.count()).select_from(Callback)).one()
    return old, of


def forget(before: datetime) -> int:
    """Delete what was settled before this instant; returns how many."""
    with transaction() as session:
        result = session.execute(delete(Callback).where(*_old(before)).execution_options(synchronize_session=False))
        return int(result.rowcount)  # type: ignore[attr-defined]
