"""B03: invoices whose retention is over are deleted, with their lines, files, charges and billing data, when nothing needs them any more.

What stays of an invoice is its place in the chain (`InvoiceGone`). Its demand and payments are books of their own, which are kept longer:
they stay, and their key to the invoice is empty then. The file in the document store goes after the commit; what a crash leaves there the
daily sweep of the store takes away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.billing.gone_models import InvoiceGone
from app.billing.models import BillingDocument, Charge, Invoice, InvoiceFile, InvoiceSeries, ManualLine
from app.billing.triggers import YEARS
from app.core import formats
from app.core.apart import apart
from app.core.db import db, transaction
from app.core.jobs import Context
from app.core.sql import among
from app.housekeeping.invoice_needs import may_go, needed
from app.housekeeping.references import References
from app.licenses.mass import asked_for, hold, is_too_many
from app.receivables.queries import lock_accounts_in_order
from app.system import documents
from app.system.models import Document, Mark, ProtocolKind
from app.system.protocol import record
from app.system.retention import INVOICES, kept_from

PAGE = 5000         # invoices that are looked for at once
BATCH = 50          # invoices of a transaction, each with its corrections
TOLD = "invoice_gone.told"


def old_invoices(ctx: Context) -> None:
    """Delete them in small batches. One calendar year at a time is usual; more than usual of older ones waits for a person."""
    session = db.session()
    first = _first_kept(session, ctx.today)
    last, top = 0, session.scalar(select(func.max(Invoice.id)).where(Invoice.issued_on < first)) or 0
    number, older = _count(session, first, ctx.today, first), _count(session, first, ctx.today, date(first.year - 1, 1, 1))
    of = session.scalar(select(func.count()).select_from(Invoice)) or 0 if older else 0
    references = References.of(session.connection()) if number else None
    session.rollback()
    if ctx.dry_run:
        if number:
            ctx.note("would", _("Invoices"), ngettext("%(n)s invoice from before %(day)s is deleted, with its corrections, files and billing data",
                                                       "%(n)s invoices from before %(day)s are deleted, with their corrections, files and billing data", number, n=formats.number(number), day=formats.day(first)))
        return
    if is_too_many(older, of, asked_for(ctx)):
        hold(ctx, older, _("%(n)s invoices from before %(day)s would be deleted at once, beside those of the year whose retention ended last. Look at the setting “Keep invoices, years”, then approve.",
                           n=formats.number(older), day=formats.day(date(first.year - 1, 1, 1))))
    while references and (ids := db.session.scalars(select(Invoice.id).where(*may_go(first, ctx.today), Invoice.id > last, Invoice.id <= top).order_by(Invoice.id).limit(PAGE)).all()):
        last = ids[-1]
        db.session.rollback()
        for start in range(0, len(ids), BATCH):
            some = ids[start:start + BATCH]
            if not _batch(ctx, some, first, references):
                for ident in some:      # one of them cannot go: the others do
                    _batch(ctx, [ident], first, references, tell=True)
    _tell(first)


def _first_kept(session: Session, today: date) -> date:
    """By the settings and the law; and by the database's own clock, which the triggers ask."""
    now = session.scalar(select(func.current_date())) or today
    return min(kept_from(INVOICES, today), date(now.year - YEARS, 1, 1))


def _count(session: Session, first: date, today: date, before: date) -> int:
    return session.scalar(select(func.count()).select_from(Invoice).where(*may_go(first, today), Invoice.issued_on < before)) or 0


def _batch(ctx: Context, ids: Sequence[int], first: date, references: References, tell: bool = False) -> bool:
    """All or none of them; whether it was done. Then their files."""
    failed: list[str] = []
    gone = 0
    paths: list[str] = []
    with apart("old invoices", failed.append), transaction() as session:
        gone, paths = _delete(session, ids, first, ctx.today, references)
    if failed:
        if tell:
            ctx.count("left")
            ctx.note("failed", db.session.scalar(select(Invoice.number).where(Invoice.id == ids[0])) or "", failed[0])
            db.session.rollback()
        return False
    if gone:
        ctx.count("invoices deleted", gone)
    for path in paths:
        with apart("file of an old invoice", lambda _why: None):        # the sweep of the store tries again
            documents.discard(documents.Stored(path, 0, ""))
    return True


def _delete(session: Session, ids: Sequence[int], first: date, today: date, references: References) -> tuple[int, list[str]]:
    """(invoices deleted, paths of their files), behind the locks of accounts and series, in that order, and after another look."""
    lock_accounts_in_order(session, session.scalars(select(Invoice.customer_id).where(among(Invoice.id, ids)).distinct()).all())
    free = set(session.scalars(select(Invoice.id).where(among(Invoice.id, ids), *may_go(first, today))))
    free -= needed(session, free)
    if not free:
        return 0, []
    columns = (Invoice.id, Invoice.series_id, Invoice.chain_index, Invoice.number, Invoice.issued_on, Invoice.previous_hash, Invoice.hash, Invoice.document_id, Invoice.cancels_id)
    rows = session.execute(select(*columns).where(among(Invoice.id, free) | among(Invoice.cancels_id, free)).order_by(Invoice.series_id, Invoice.chain_index)).all()
    session.execute(select(InvoiceSeries.id).where(InvoiceSeries.id.in_({row.series_id for row in rows})).order_by(InvoiceSeries.id).with_for_update())
    session.add_all(InvoiceGone(series_id=row.series_id, chain_index=row.chain_index, number=row.number, issued_on=row.issued_on, previous_hash=row.previous_hash, hash=row.hash) for row in rows)
    session.flush()
    everything = [row.id for row in rows]
    files = session.execute(select(Document.id, Document.path).join(InvoiceFile, InvoiceFile.document_id == Document.id).where(among(InvoiceFile.invoice_id, everything))).all()
    references.let_go(session, Invoice.__table__, everything)
    for corrections in (True, False):
        session.execute(delete(Invoice).where(among(Invoice.id, [row.id for row in rows if (row.cancels_id is not None) is corrections])).execution_options(synchronize_session=False))
    _billing_data(session, [row.document_id for row in rows if row.document_id is not None], references)
    unused = references.unused(session, Document.__table__, [row.id for row in files])
    session.execute(delete(Document).where(among(Document.id, unused)).execution_options(synchronize_session=False))
    session.expire_all()
    return len(rows), [row.path for row in files if row.id in unused]


def _billing_data(session: Session, ids: Sequence[int], references: References) -> None:
    """What the invoices were made of."""
    for model in (Charge, ManualLine):
        session.execute(delete(model).where(among(model.document_id, ids)).execution_options(synchronize_session=False))
    session.execute(delete(BillingDocument).where(among(BillingDocument.id, references.unused(session, BillingDocument.__table__, ids))).execution_options(synchronize_session=False))


def _tell(first: date) -> None:
    """One entry for all that went since the last one, also when the run before was killed."""
    with transaction() as session:
        mark = session.get(Mark, TOLD, with_for_update=True)
        since = int(mark.value) if mark else 0
        number, newest = session.execute(select(func.count(), func.max(InvoiceGone.id)).where(InvoiceGone.id > since)).one()
        if number:
            record(ProtocolKind.SETTINGS, "cleaned_up", subject_type="invoice", subject=_("Invoices"), note=f"{number} < {first.isoformat()}")
            session.merge(Mark(name=TOLD, value=str(newest)))
            session.flush()
