"""What a person has to look at: one for each thing, told by e-mail each time that it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.plugin_api import InvalidInput, clock, db, transaction
from app.system.mail import queue_mail
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from plugins.paypal.models import Attempt, Capture, Case, CaseKind, CaseState

RESTS = timedelta(days=7)


@contextmanager
def staff_language() -> Iterator[None]:
    """What is stored for staff is written in the installation's language, not in that of the customer who has just pressed a button."""
    with force_locale(current_app.config.get("BABEL_DEFAULT_LOCALE") or "en"):
        yield


def open_case(session: Session, key: str, kind: CaseKind, text: Any, *, attempt: Attempt | None = None, capture: Capture | None = None, goes_on: bool = False) -> Case:
    """Inside of a transaction; `text` lazy. The same thing again: its text is brought up to date; one that was cleared is open again, and told again.

    `goes_on`: found by looking, every hour, and not something that has happened once more: what was cleared rests for `RESTS` unless there is something new about it.
    """
    with staff_language():
        text = str(text)
    row = _known(session, key)
    if row is None:
        try:
            with transaction():
                row = Case(key=key, kind=kind, text=text, attempt=attempt, capture=capture)
                session.add(row)
                session.flush()
        except IntegrityError:      # it happened twice at the same moment
            row = session.scalars(select(Case).where(Case.key == key).with_for_update()).one()
    elif row.state is CaseState.CLEARED and not (goes_on and row.text == text and row.cleared_at is not None and row.cleared_at > clock.now() - RESTS):
        row.state, row.note = CaseState.OPEN, ""
    row.text = text
    row.attempt, row.capture = row.attempt or attempt, row.capture or capture
    if row.state is CaseState.OPEN and not row.told:
        _tell(row)
    return row


def _known(session: Session, key: str) -> Case | None:
    return session.scalar(select(Case).where(Case.key == key).with_for_update().execution_options(populate_existing=True))


def close_case(session: Session, key: str, note: Any) -> None:
    """It has settled itself."""
    row = _known(session, key)
    if row is not None and row.state is CaseState.OPEN:
        with staff_language():
            _clear(row, str(note))


def clear(row: Case, note: str) -> None:
    """A person says how it was settled."""
    note = " ".join(note.split())
    if not 3 <= len(note) <= 500:
        raise InvalidInput(_("Say in 3 to 500 characters how it was settled."), "note")
    with transaction() as session:
        session.refresh(row, with_for_update=True)
        if row.state is CaseState.CLEARED:
            raise InvalidInput(_("This is cleared already."))
        _clear(row, note)
        record(ProtocolKind.BILLING, "cleared", subject_type="paypal_case", subject_id=row.id, subject=row.key, note=note)


def _clear(row: Case, note: str) -> None:
    row.state, row.note, row.cleared_at, row.told = CaseState.CLEARED, note, clock.now(), False


def to_clear() -> int:
    """The number beside the menu's entry."""
    return db.session.scalar(select(func.count()).select_from(Case).where(Case.state == CaseState.OPEN)) or 0


def _tell(row: Case) -> None:
    """Whoever gets the alerts of the installation, once each time that it is opened; while there is nobody, it is told when it comes again."""
    body = f"{row.text}\n\n{current_app.config['BASE_URL']}/admin/paypal-cases/"
    opened = f":{row.cleared_at:%Y%m%dT%H%M%S%f}" if row.cleared_at is not None else ""
    for address in setting("alerts.addresses"):
        row.told = True
        queue_mail(f"paypal:case:{row.id}{opened}:{address}"[:120], "alert", address, f"PayPal: {row.text}"[:150], body)
