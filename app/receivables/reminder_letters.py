"""Letters of booked reminders: PDF by a worker, archived, and into the mail outbox, each once.

A reminder without a document is looked for again by every run: killed at any line, the next one goes on. The bytes are
made and put outside the transaction; row, document and e-mail are one transaction behind the reminder's row lock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.billing.invoice_settings import seller_snapshot
from app.billing.pdf import PDF, _logo
from app.billing.pdf_process import renderer
from app.core import clock, formats
from app.core.apart import apart
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.receivables.reminder_models import Reminder
from app.receivables.reminder_view import letter_html, rows_of
from app.receivables.reminders import postpone
from app.system import documents
from app.system.mail import is_address
from app.system.mail_templates import queue_template
from app.system.models import DocumentKind, MailMessage
from app.system.outbox import OutboxState
from app.system.retention import LETTERS, retain_until
from app.system.settings import setting

KEY = "reminder:"


def folder_of(day: date) -> str:
    return str(setting("reminders.folder")).replace("{year}", f"{day.year}").replace("{month}", f"{day.month:02d}")


def without_letter(session: Session) -> list[int]:
    return list(session.scalars(select(Reminder.id).where(Reminder.document_id.is_(None)).order_by(Reminder.id)))


def make_letters(ids: list[int], failed: Callable[[str, str], Any]) -> int:
    """Make and send those that have no document yet; returns how many. `failed(customer, reason)` for each that could not be."""
    made = 0
    for ident in ids:
        session = db.session()
        reminder = session.get(Reminder, ident, populate_existing=True)
        if reminder is None or reminder.document_id is not None:
            session.rollback()
            continue
        name = f"{reminder.customer.number} {reminder.customer.company}"
        with apart(f"letter of reminder {ident}", partial(_not_made, ident, name, failed)):
            seller = seller_snapshot()
            logo = _logo()
            if reminder.lock_on is not None and reminder.sent_on < clock.today():
                postpone(ident, clock.today())
            html = letter_html(reminder, rows_of(session, [ident])[ident], seller, logo is not None)
            session.rollback()          # nothing is held while the child works
            made += _keep(ident, renderer(logo).render(html))
    return made


def _not_made(ident: int, name: str, failed: Callable[[str, str], Any], why: str) -> None:
    with transaction() as session:
        session.execute(update(Reminder).where(Reminder.id == ident, Reminder.document_id.is_(None)).values(problem=why))
    failed(name, why)


def _keep(ident: int, data: bytes) -> int:
    """Archive the letter and put its e-mail into the outbox; 0 when another worker was faster."""
    stored = documents.put(data, PDF)
    kept = False
    try:
        with transaction() as session:
            reminder = session.get_one(Reminder, ident, with_for_update=True, populate_existing=True)
            if reminder.document_id is None:
                document = documents.add(stored, DocumentKind.REMINDER, folder_of(reminder.sent_on), f"{reminder.subject} {reminder.customer.number}"[:200],
                                         f"{reminder.sent_on.isoformat()}-{reminder.customer.number}-{reminder.id}.pdf", PDF, customer_id=reminder.customer_id,
                                         retain_until=retain_until(LETTERS, reminder.sent_on))
                reminder.document_id, reminder.problem = document.id, ""
                _mail(reminder, document.id)
                kept = True
    finally:
        if not kept:
            documents.discard(stored)
    return int(kept)


def _mail(reminder: Reminder, document_id: int) -> None:
    """One row in the outbox; when the delivery is unclear a person decides, so that nobody is dunned twice by mistake."""
    customer = reminder.customer
    if not setting("reminders.by_mail") or not customer.invoice_by_mail:
        return
    recipient = customer.invoice_email or customer.email
    with force_locale(reminder.language):
        if not is_address(recipient):
            reminder.problem = _("The customer wants e-mail, but has no address. Print the letter.")
            return
        values = {"customer": customer.company, "subject": reminder.subject, "sum": formats.money(reminder.total, reminder.currency), "pay_until": formats.day(reminder.pay_until)}
    queue_template(f"{KEY}{reminder.id}", "reminder", recipient, reminder.language, values, customer_id=customer.id, document_ids=[document_id], resend_when_unsure=False)


def deliveries(session: Session, reminder_ids: list[int]) -> dict[int, OutboxState]:
    """How the e-mails of these reminders stand; those without one are left out."""
    if not reminder_ids:
        return {}
    rows = session.execute(select(MailMessage.key, MailMessage.state).where(MailMessage.key.in_([f"{KEY}{ident}" for ident in reminder_ids])))
    return {int(row.key.removeprefix(KEY)): row.state for row in rows}


def unclear(session: Session) -> int:
    """Reminders whose letter could not be made or sent, or whose delivery is unclear."""
    mails = session.scalar(select(func.count()).select_from(MailMessage).where(MailMessage.kind == "reminder", MailMessage.state.in_((OutboxState.UNSURE, OutboxState.HELD)))) or 0
    return mails + (session.scalar(select(func.count()).select_from(Reminder).where(Reminder.document_id.is_(None), Reminder.problem != "")) or 0)


def letter(reminder: Reminder) -> bytes:
    """The archived bytes."""
    if reminder.document is None:
        raise InvalidInput(_("The letter is still being made. Try again in a minute."))
    return documents.read(reminder.document)
