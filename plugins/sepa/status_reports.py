"""Takes in pain.002 files: each file once, each refused order once, what nobody knows into the list to be cleared."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.plugin_api import Conflict, clock, db, transaction
from app.system import documents
from app.system.models import DocumentKind
from app.system.uploads import shown_name
from plugins.sepa import pain002
from plugins.sepa.grouping import group_number, groups
from plugins.sepa.models import BatchState, DebitBatch, DirectDebit, ReturnState, StatusReportFile
from plugins.sepa.returns import Fact, take


@dataclass
class Taken:
    """What came of a file. `batch` None: it speaks of a file that is not ours."""

    batch: DebitBatch | None
    accepted: int = 0
    booked: int = 0
    to_clear: int = 0
    known: int = 0
    ids: list[int] = field(default_factory=list)


def take_in(name: str, data: bytes) -> Taken:
    """Raises InvalidInput for anything that is no whole pain.002, Conflict for a file that was read before. A file that stops half way can be
    handed in again: it is marked as read at the end."""
    report = pain002.read(data)
    digest = hashlib.sha256(data).hexdigest()
    known = db.session.scalar(select(StatusReportFile).where(StatusReportFile.sha256 == digest))
    if known is not None:
        raise Conflict(_("This file was read before, as “%(name)s”. Nothing was booked again.", name=known.file_name), "file")
    batch = db.session.scalar(select(DebitBatch).where(DebitBatch.message_id == report.original_msg_id))
    taken = Taken(batch)
    for fact in facts(report, batch):
        before = db.session.scalar(select(DirectDebit.state).where(DirectDebit.end_to_end_id == fact.end_to_end_id))
        row = take(fact)
        taken.ids.append(row.id)
        if row.state is ReturnState.OPEN:
            taken.to_clear += 1
        elif row.state is ReturnState.CLEARED or row.key != fact.key[:120] or (row.debit is not None and before is row.debit.state):
            taken.known += 1
        else:
            taken.booked += 1
    taken.accepted = sum(1 for item in report.transactions if item.status != pain002.REJECTED)
    _mark_read(shown_name(name), data, digest, report)
    return taken


def facts(report: pain002.Report, batch: DebitBatch | None) -> Iterable[Fact]:
    """The refused orders. Where a message or a group is refused as a whole, those are all of its debits."""
    source = f"pain.002 {report.msg_id}"
    told = _day(report.created)
    named: set[str] = set()
    for item in report.transactions:
        if item.status == pain002.REJECTED:
            named.add(item.end_to_end_id)
            yield Fact(f"pain.002:{report.original_msg_id}:{item.end_to_end_id or item.reference or item.mandate_id}", source, item.end_to_end_id, told, item.amount,
                       reason_code=item.reason, reason_text=item.text, mandate_reference=item.mandate_id, payer=item.debtor)
    whole: list[tuple[str | None, str, str]] = [(group.payment_info, group.reason, group.text) for group in report.groups if group.status == pain002.REJECTED]
    if report.status == pain002.REJECTED:
        whole = [(None, report.reason, report.text)]
    if batch is None or batch.state is not BatchState.EXPORTED:
        if whole and not named:
            yield Fact(f"pain.002:{report.original_msg_id}:", source, "", told, report.control_sum, reason_code=report.reason, reason_text=report.text)
        return
    found = groups(db.session(), batch)
    for name, code, text in whole:
        number = 0 if name is None else group_number(name, batch)
        if name is not None and not 0 < number <= len(found):
            yield Fact(f"pain.002:{report.original_msg_id}:group {name}", source, "", told, reason_code=code, reason_text=text)
            continue
        for debit_id, end_to_end_id in [debit for group in found for debit in group] if name is None else found[number - 1]:
            if end_to_end_id not in named:
                yield Fact(f"pain.002:{report.original_msg_id}:{end_to_end_id}", source, end_to_end_id, told, reason_code=code, reason_text=text, debit_id=debit_id)


def _day(text: str) -> date:
    try:
        return min(date.fromisoformat(text[:10]), clock.today())
    except ValueError:
        return clock.today()


def _mark_read(name: str, data: bytes, digest: str, report: pain002.Report) -> None:
    db.session.commit()
    stored = documents.put(data, "application/xml")
    try:
        with transaction() as session:
            document = documents.add(stored, DocumentKind.UPLOAD, f"sepa/{clock.today():%Y-%m}", _("Status report %(id)s", id=report.msg_id), name, "application/xml")
            session.add(StatusReportFile(sha256=digest, file_name=name[:120], message_id=report.msg_id[:70], original=report.original_msg_id[:70], document_id=document.id))
    except IntegrityError:      # handed in twice at the same moment: the facts were booked once by their keys
        documents.discard(stored)
