"""What a person has to look at: opened once for each thing, and told by e-mail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.plugin_api import InvalidInput, db, transaction
from app.system.mail import queue_mail
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from plugins.paypal.models import Attempt, Capture, Case, CaseKind, CaseState


@contextmanager
def staff_language() -> Iterator[None]:
    """What is stored for staff is written in the installation's language, not in that of the customer who has just pressed a button."""
    with force_locale(current_app.config.get("BABEL_DEFAULT_LOCALE") or "en"):
        yield


def open_case(session: Session, key: str, kind: CaseKind, text: Any, *, attempt: Attempt | None = None, capture: Capture | None = None) -> Case:
    """Inside of a transaction; `text` lazy. The same thing again: its text is brought up to date; cleared and something new about it: it is open again."""
    with staff_language():
        text = str(text)
    row = session.scalar(select(Case).where(Case.key == key).with_for_update())
    if row is None:
        row = Case(key=key, kind=kind, text=text, attempt=attempt, capture=capture)
        session.add(row)
        session.flush()
        _tell(row)
    elif row.text != text:
        row.text, row.state, row.note = text, CaseState.OPEN, ""
    return row


def close_case(session: Session, key: str, note: Any) -> None:
    """It has settled itself."""
    row = session.scalar(select(Case).where(Case.key == key, Case.state == CaseState.OPEN).with_for_update())
    if row is not None:
        with staff_language():
            row.state, row.note = CaseState.CLEARED, str(note)


def clear(row: Case, note: str) -> None:
    """A person says how it was settled."""
    note = " ".join(note.split())
    if not 3 <= len(note) <= 500:
        raise InvalidInput(_("Say in 3 to 500 characters how it was settled."), "note")
    with transaction() as session:
        session.refresh(row, with_for_update=True)
        if row.state is CaseState.CLEARED:
            raise InvalidInput(_("This is cleared already."))
        row.state, row.note = CaseState.CLEARED, note
        record(ProtocolKind.BILLING, "cleared", subject_type="paypal_case", subject_id=row.id, subject=row.key, note=note)


def to_clear() -> int:
    """The number beside the menu's entry."""
    return db.session.scalar(select(func.count()).select_from(Case).where(Case.state == CaseState.OPEN)) or 0


def _tell(row: Case) -> None:
    """Whoever gets the alerts of the installation."""
    row.told = True
    body = f"{row.text}\n\n{current_app.config['BASE_URL']}/admin/paypal-cases/"
    for address in setting("alerts.addresses"):
        queue_mail(f"paypal:case:{row.id}:{address}"[:120], "alert", address, f"PayPal: {row.text}"[:150], body)


