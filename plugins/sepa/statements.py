"""Reactions to what bank statements say of direct debits. What nobody here knows waits with the other lines of the statement."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.plugin_api import InvalidInput, db
from app.receivables.bank.booking import take as take_line
from app.receivables.events import DebitReturned, DebitsCredited
from plugins.sepa import ids
from plugins.sepa.booking import check_sum, mark_credited
from plugins.sepa.debit_models import BatchState, DebitBatch, DebitState, DirectDebit
from plugins.sepa.grouping import group_number, groups
from plugins.sepa.return_models import ReturnState
from plugins.sepa.returns import Fact, take


def returned(event: DebitReturned) -> None:
    """The line of a statement that a debit of ours came back."""
    if event.currency != "EUR" or not event.end_to_end_id:
        return
    if db.session.scalar(select(DirectDebit.id).where(DirectDebit.end_to_end_id == event.end_to_end_id)) is None:
        return
    row = take(Fact(event.key, event.source, event.end_to_end_id, event.returned_on, event.amount, event.fee, event.reason_code, event.reason_text, event.mandate_id, event.payer))
    note = _("waits under “Returned direct debits”: %(why)s", why=row.problem) if row.state is ReturnState.OPEN else _("returned direct debit %(id)s", id=event.end_to_end_id)
    take_line(event.line_id, note, row.debit.payment_id if row.debit is not None else None)


def credited(event: DebitsCredited) -> None:
    """The line of a statement that credits a file, a group of it or one debit. Raises InvalidInput when the sum is another one."""
    session = db.session()
    found = _credited(session, event)
    if found is None or event.currency != "EUR":
        return
    batch, members = found
    session.refresh(batch, with_for_update=True)
    rows = session.execute(select(DirectDebit.id, DirectDebit.amount, DirectDebit.state, DirectDebit.credited_on).where(DirectDebit.id.in_(members))).all()
    if ids.compact(event.account) != batch.account.iban:
        raise InvalidInput(_("It was credited to the account %(theirs)s, the file was made for %(ours)s.", theirs=event.account, ours=ids.shown(batch.account.iban)))
    if any(row.credited_on is not None for row in rows):
        raise InvalidInput(_("The credit of %(file)s is recorded already.", file=batch))
    check_sum(event.amount, [(row.amount, row.state) for row in rows])
    mark_credited(session, batch, [row.id for row in rows if row.state is not DebitState.REJECTED], event.amount, event.booked_on, event.source)
    take_line(event.line_id, _("direct debits of %(file)s", file=batch))


def _credited(session: Session, event: DebitsCredited) -> tuple[DebitBatch, list[int]] | None:
    """The file and its debits that the line speaks of."""
    if event.collection_id:
        batch = session.scalar(select(DebitBatch).where(DebitBatch.message_id.in_((event.collection_id, event.collection_id.rpartition("-")[0]))))
        if batch is None or batch.state is not BatchState.EXPORTED:
            return None
        found = groups(session, batch)
        number = group_number(event.collection_id, batch)
        if event.collection_id == batch.message_id:
            return batch, [ident for group in found for ident, _name in group]
        return (batch, [ident for ident, _name in found[number - 1]]) if 0 < number <= len(found) else None
    debit = session.scalar(select(DirectDebit).where(DirectDebit.end_to_end_id == event.end_to_end_id)) if event.end_to_end_id else None
    return (debit.batch, [debit.id]) if debit is not None and debit.batch.state is BatchState.EXPORTED else None
