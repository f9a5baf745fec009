"""The file for DATEV: a month's bookings, exported once, under “Accounting exports”. Again is a deliberate act with a reason, and marked as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, type_coerce, update
from sqlalchemy.orm import Session

from app.plugin_api import (
    AccountingExport,
    DomainError,
    ExportFile,
    ExportRequest,
    InvalidInput,
    MoneyType,
    among,
    clock,
    current_actor,
    db,
    formats,
    transaction,
)
from app.system import documents
from app.system.models import Document, DocumentKind, ProtocolKind
from app.system.protocol import record
from app.system.retention import BOOKS, retain_until
from app.system.settings import setting
from plugins.datev import extf
from plugins.datev.books import post_missing
from plugins.datev.models import Entry, Export
from plugins.datev.settings import chart

FOLDER = "DATEV"
CSV = "text/csv"
PART = 10_000       # bookings that are marked by one statement


@dataclass(frozen=True, slots=True)
class Preview:
    """What an export of the month would hold. `changed`: texts that cp1252 cannot hold as they are (document, as written)."""

    period: str
    open: int
    turnover: Decimal
    exported: int
    changed: Sequence[tuple[str, str]]


class DatevExport(AccountingExport):
    """A month as batch of bookings (EXTF). What was given stays marked: a further run of the month gives only what was booked since."""

    code, title = "datev", _l("DATEV batch of bookings")
    help = _l("A file that your tax adviser imports (EXTF, “Buchungsstapel”). Each booking is in one file only; a further run of the month has what was booked since.")
    months, keeps_track = True, True

    def files(self, request: ExportRequest) -> list[ExportFile]:
        made = db.session.scalar(select(Export).where(Export.key == request.key))
        if made is None:
            _post()
            made = export(f"{request.first:%Y-%m}", request.again, again=bool(request.again), key=request.key)
        document, data = content(made)
        return [ExportFile(document.file_name, document.media_type, data, document.id)]

    def preview(self, first: date, last: date) -> list[str]:
        period = f"{first:%Y-%m}"
        found = preview(db.session(), period)
        text = [_("%(month)s: %(n)s bookings with a turnover of %(sum)s are not exported yet, %(done)s are. What was not posted yet is posted before.", month=period,
                  n=formats.number(found.open), sum=formats.money(found.turnover), done=formats.number(found.exported))]
        if found.changed:
            text.append(_("DATEV's character set lacks letters of %(n)s texts; they are written as: %(what)s.", n=len(found.changed),
                          what="; ".join(f"{document}: {written}" for document, written in found.changed[:5])))
        return text


def _post() -> None:
    """Everything into the books before a file is made. Raises InvalidInput with what could not be posted."""
    problems: list[str] = []
    post_missing(lambda _what, subject, reason: problems.append(f"{subject}: {reason}"))
    if problems:
        raise InvalidInput(_("Not everything could be posted. %(what)s", what=" ".join(problems[:5])))


def month_of(period: str) -> tuple[date, date]:
    """First and last day of "2026-05". Raises InvalidInput."""
    try:
        first = date.fromisoformat(f"{period}-01")
    except ValueError as error:
        raise InvalidInput(_("Choose a month, for example 2026-05."), "period") from error
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return first, date.fromordinal(following.toordinal() - 1)


def preview(session: Session, period: str) -> Preview:
    first, last = month_of(period)
    there = Entry.on_date.between(first, last)
    number, turnover = session.execute(select(func.count(), type_coerce(func.sum(func.abs(Entry.amount)), MoneyType)).where(there, Entry.export_id.is_(None))).one()
    exported = session.scalar(select(func.count()).where(there, Entry.export_id.is_not(None))) or 0
    texts = session.execute(select(Entry.document, Entry.text).where(there, Entry.export_id.is_(None)).order_by(Entry.id).limit(extf.MOST_ROWS))
    changed = [(document, extf.writable(text)) for document, text in texts if not extf.encodable(text)]
    return Preview(period, number, turnover or Decimal(0), exported, changed[:50])


def year_start(first: date) -> date:
    begins = setting("datev.year_begins")
    return date(first.year if first.month >= begins else first.year - 1, begins, 1)


def export(period: str, reason: str = "", again: bool = False, key: str | None = None) -> Export:
    """Write what was not yet exported of a month, or (`again`, with a reason) all of it once more. Raises InvalidInput when there is nothing.

    The file is stored first and named in the same transaction that marks its bookings: a file without a row is swept,
    a booking is never marked without its file. `key` is kept with it, so that who was killed after that finds it. Call outside a transaction.
    """
    first, last = month_of(period)
    if again and not 3 <= len(reason.strip()) <= 500:
        raise InvalidInput(_("Say why the bookings are exported again: whoever imports both files has them twice."), "reason")
    if last >= clock.today().replace(day=1):
        raise InvalidInput(_("The month is not over. Export it when no more will be posted for it."), "period")
    with transaction() as session:
        rows = session.scalars(_rows(first, last, again)).all()
        if not rows:
            raise InvalidInput(_("Nothing to export: every booking of the month is in a file already.") if not again else _("There is no booking in this month."), "period")
        ids, bookings = [row.id for row in rows], [booking(row) for row in rows]
        number = (session.scalar(select(func.count()).where(Export.period == period)) or 0) + 1
    try:
        data = extf.file_of(batch(first, last, f"PTT Admin {period}"), bookings)
    except extf.NotWritable as error:
        raise DomainError(_("DATEV cannot hold these bookings: %(why)s.", why=error)) from error
    name = f"EXTF_Buchungsstapel_{first:%Y%m}_{number}.csv"
    stored = documents.put(data, CSV)
    try:
        with transaction() as session:
            found = session.scalars(select(Export).where(Export.period == period).order_by(Export.id).limit(1)).first()
            made = Export(period=period, bookings=len(rows), turnover=sum((item.amount for item in bookings), Decimal(0)), created_by=current_actor().name[:80],
                          repeats_id=found.id if again and found else None, reason=reason.strip(), key=key)
            session.add(made)
            session.flush()
            if _mark(session, ids, made.id) != len(ids) and not again:
                raise InvalidInput(_("Somebody exported this month at the same moment. Look at the list of exports."), "period")
            made.document_id = documents.add(stored, DocumentKind.STATEMENT, f"{FOLDER}/{first.year}", _("DATEV bookings of %(month)s", month=period), name, CSV, retain_until=retain_until(BOOKS, last)).id
            record(ProtocolKind.BILLING, "exported", subject_type="datev_export", subject_id=made.id, subject=str(made), note=reason.strip())
    except Exception:
        documents.discard(stored)
        raise
    return made


def _mark(session: Session, ids: Sequence[int], export_id: int) -> int:
    """Those of the bookings that are in no file yet are in this one. Returns how many; in parts, no statement takes all of a file at once."""
    count = 0
    for start in range(0, len(ids), PART):
        unmarked = update(Entry).where(among(Entry.id, ids[start:start + PART]), Entry.export_id.is_(None))
        count += session.execute(unmarked.values(export_id=export_id).execution_options(synchronize_session=False)).rowcount      # type: ignore[attr-defined]
    return count


def _rows(first: date, last: date, again: bool) -> Any:
    query = select(Entry).where(Entry.on_date.between(first, last)).order_by(Entry.on_date, Entry.id).limit(extf.MOST_ROWS)
    return query if again else query.where(Entry.export_id.is_(None))


def batch(first: date, last: date, name: str) -> extf.Batch:
    return extf.Batch(setting("datev.adviser"), setting("datev.client"), year_start(first), setting("datev.account_length"), first, last, clock.now(), name,
                      current_actor().name, chart=chart().code)


def booking(row: Entry) -> extf.Booking:
    """A posting as DATEV wants it: positive, with its side."""
    side = extf.DEBIT if row.amount > 0 else extf.CREDIT
    return extf.Booking(abs(row.amount), side, row.account, row.contra, row.on_date, row.document, f"{row.due_on:%d%m%y}" if row.due_on else "", row.text, row.tax_key,
                        row.currency, row.served_on, row.vat_id)


def content(row: Export) -> tuple[Document, bytes]:
    """The stored file. Raises DomainError when it is gone."""
    if row.document is None:
        raise DomainError(_("The file of this export is gone."))
    return row.document, documents.read(row.document)
