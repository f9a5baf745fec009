"""B02: protocols are deleted when they have exceeded their time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.core import clock, formats, states
from app.core.db import db, transaction
from app.core.jobs import Context
from app.core.page_parts import page_facts
from app.core.sql import among
from app.housekeeping.settings import PROTOCOLS
from app.system.models import MailMessage, ProtocolEntry, ProtocolKind
from app.system.outbox import OutboxState
from app.system.protocol import record
from app.system.retention import BOOKS, kept_from, retain_until
from app.system.settings import setting
from app.system.sms_models import Sms

BATCH = 5000
MAIL_LEAST = 62         # days: jobs know by a sent e-mail's key that it was sent


def old_protocols(ctx: Context) -> None:
    """Protocols, such as customer e-mail, change of customer data, changes in license data, that have exceeded a preset time."""
    for kind in ProtocolKind:
        if (first := kept_since(kind, ctx.today)) is None:
            continue
        limit = clock.start_of(first)
        _delete(ctx, ProtocolEntry, (ProtocolEntry.kind == kind, ProtocolEntry.at < limit), str(states.word(kind)), limit)
    if days := setting("housekeeping.protocol_mail"):
        limit = clock.start_of(ctx.today - timedelta(days=max(days, MAIL_LEAST)))
        over = MailMessage.state.in_((OutboxState.DONE, OutboxState.CANCELLED))
        _delete(ctx, MailMessage, (over, MailMessage.created_at < limit), _("E-mails"), limit)
        _delete(ctx, Sms, (Sms.state.in_((OutboxState.DONE, OutboxState.CANCELLED)), Sms.created_at < limit), _("SMS"), limit)


def kept_since(kind: ProtocolKind, today: date) -> date | None:
    """The first day whose entries of this class are kept; None: all are."""
    if kind is ProtocolKind.BILLING:
        return kept_from(BOOKS, today)
    days = setting(f"housekeeping.protocol_{PROTOCOLS[kind][0]}")
    return today - timedelta(days=days) if days else None


def kept_until(kind: ProtocolKind, at: datetime) -> date | None:
    """The last day on which an entry is there, as the settings say today; None: for ever."""
    day = clock.local(at).date()
    if kind is ProtocolKind.BILLING:
        return retain_until(BOOKS, day)
    days = setting(f"housekeeping.protocol_{PROTOCOLS[kind][0]}")
    return day + timedelta(days=days) if days else None


@page_facts(ProtocolEntry)
def how_long(entry: ProtocolEntry) -> list[tuple[Any, Any, str]]:
    """On the page of an entry."""
    last = kept_until(entry.kind, entry.at)
    return [(_("Kept until"), formats.day(last) if last else _("for ever"), "")]


def _delete(ctx: Context, model: Any, where: tuple[Any, ...], what: str, limit: datetime) -> None:
    """In batches, each a transaction; one protocol row tells how many went."""
    session = db.session()
    number = session.scalar(select(func.count()).select_from(model).where(*where)) or 0
    session.rollback()
    if not number:
        return
    if ctx.dry_run:
        ctx.note("would", what, _("%(n)s entries from before %(day)s are deleted", n=formats.number(number), day=formats.day(clock.local(limit).date())))
        return
    while True:
        with transaction() as session:
            ids = list(session.scalars(select(model.id).where(*where).order_by(model.id).limit(BATCH)))
            if ids:
                session.execute(delete(model).where(among(model.id, ids)).execution_options(synchronize_session=False))
                _tell(session, model.__tablename__, what, len(ids), limit)
        ctx.count(model.__tablename__, len(ids))
        if len(ids) < BATCH:
            return


def _tell(session: Session, table: str, what: str, number: int, limit: datetime) -> None:
    record(ProtocolKind.SETTINGS, "cleaned_up", subject_type=table, subject=what, note=f"{number} < {limit.date().isoformat()}")
    session.flush()
