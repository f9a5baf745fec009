"""Batches: checked, exported once, or cancelled before.

The file lies in the database and not in the document store, where every clerk could fetch it again without a word.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from app.customers.models import Customer
from app.plugin_api import Conflict, InvalidInput, among, clock, current_actor, transaction
from app.receivables.models import OpenItem
from app.receivables.queries import lock_accounts_in_order
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from plugins.sepa import pain008, pain008_reader
from plugins.sepa.choosing import METHOD
from plugins.sepa.models import (
    BatchState,
    DebitBatch,
    DebitFile,
    DebitState,
    DirectDebit,
    Mandate,
    MandateState,
    NoticeState,
    PreNotification,
)
from plugins.sepa.orders import B2B, FINAL, ONE_OFF, Amendment, Creditor, Order
from plugins.sepa.reading import earliest


def release(batch: DebitBatch) -> None:
    """The second person has checked it."""
    with transaction() as session:
        session.refresh(batch, with_for_update=True)
        me = current_actor().name
        if batch.created_by == me:
            raise InvalidInput(_("Somebody else than the one who proposed the file must release it."))
        batch.move_to(BatchState.RELEASED)
        batch.released_by = me[:80]


def unrelease(batch: DebitBatch) -> None:
    with transaction() as session:
        session.refresh(batch, with_for_update=True)
        batch.move_to(BatchState.PROPOSED)
        batch.released_by = ""


def cancel(batch: DebitBatch, why: str) -> None:
    """Before export: nothing is collected, the announcements stand and the next run collects."""
    why = " ".join(why.split())
    if not 1 <= len(why) <= 500:
        raise InvalidInput(_("Say why, in 1 to 500 characters."), "reason")
    with transaction() as session:
        _lock(session, batch)
        batch.move_to(BatchState.CANCELLED)
        session.flush()
        take_out(session, list(session.scalars(select(DirectDebit.id).where(DirectDebit.batch_id == batch.id, DirectDebit.state == DebitState.PLANNED))), why)
        record(ProtocolKind.BILLING, "cancelled", subject_type="sepa_batch", subject_id=batch.id, subject=str(batch), note=why)


def take_out(session: Session, debit_ids: Sequence[int], why: str) -> None:
    """Planned debits that are not to be collected after all; their announcements are open again. A batch without debits is cancelled.

    The accounts are locked: whoever exports or takes out waits for them first, then for the batch."""
    if not debit_ids:
        return
    rows = session.execute(select(DirectDebit.id, DirectDebit.batch_id, DirectDebit.notice_id).where(among(DirectDebit.id, debit_ids), DirectDebit.state == DebitState.PLANNED)).all()
    session.execute(update(DirectDebit).where(among(DirectDebit.id, [row.id for row in rows]), DirectDebit.state == DebitState.PLANNED).values(state=DebitState.CANCELLED, reason_text=why)
                    .execution_options(synchronize_session=False))
    session.execute(update(PreNotification).where(among(PreNotification.id, [row.notice_id for row in rows])).values(state=NoticeState.OPEN).execution_options(synchronize_session=False))
    session.expire_all()
    for batch in session.scalars(select(DebitBatch).where(among(DebitBatch.id, {row.batch_id for row in rows})).order_by(DebitBatch.id).with_for_update()):
        batch.count, batch.total = session.execute(select(func.count(), func.coalesce(func.sum(DirectDebit.amount), Decimal(0))).where(
            DirectDebit.batch_id == batch.id, DirectDebit.state != DebitState.CANCELLED)).one()
        if batch.count == 0 and batch.may_become(BatchState.CANCELLED):
            batch.move_to(BatchState.CANCELLED)


def stale(session: Session, batch_id: int) -> list[int]:
    """Planned debits that may not be collected any more: paid meanwhile (even in part), disputed, to be paid in another way, or the mandate is not valid."""
    query = (select(DirectDebit.id).join(OpenItem, OpenItem.id == DirectDebit.open_item_id).join(Mandate, Mandate.id == DirectDebit.mandate_id)
             .join(Customer, Customer.id == DirectDebit.customer_id)
             .where(DirectDebit.batch_id == batch_id, DirectDebit.state == DebitState.PLANNED,
                    or_(OpenItem.open < DirectDebit.amount, OpenItem.disputed, Customer.payment_method != METHOD, Mandate.state != MandateState.VALID, Mandate.reference != DirectDebit.mandate_reference,
                        (Mandate.scheme == B2B) & Mandate.bank_confirmed_on.is_(None))))
    return list(session.scalars(query))


def export(batch: DebitBatch) -> int:
    """Write the file and mark everything in it as handed to the bank, once, in one transaction. Returns how many debits fell out because
    they were paid, disputed, revoked or are to be paid in another way. Raises InvalidInput, or Conflict when somebody else was quicker.
    """
    with transaction() as session:
        _lock(session, batch)
        _check_may_export(batch)
        dropped = _tidy(session, batch)
        rows = _rows(session, batch.id)
        if not rows:
            return dropped
        account = batch.account
        orders = [_order(row, batch.scheme) for row in rows]
        batch.message_id = batch.message_id or f"SDD-{batch.id}-{secrets.token_hex(4).upper()}"
        data = pain008.build(batch.message_id, clock.local(), Creditor(account.holder, account.iban, account.bic, account.creditor_id), orders, account.version, account.batch_booking)
        _read_back(data, orders)
        session.execute(update(DirectDebit).where(DirectDebit.batch_id == batch.id, DirectDebit.state == DebitState.PLANNED).values(state=DebitState.EXPORTED)
                        .execution_options(synchronize_session=False))
        batch.first_day, batch.last_day = min(row.collect_on for row in rows), max(row.collect_on for row in rows)
        batch.move_to(BatchState.EXPORTED)
        batch.exported_at, batch.exported_by = clock.now(), current_actor().name[:80]
        digest = hashlib.sha256(data).hexdigest()
        session.add(DebitFile(batch_id=batch.id, data=zlib.compress(data), sha256=digest, size=len(data)))
        record(ProtocolKind.BILLING, "exported", subject_type="sepa_batch", subject_id=batch.id, subject=str(batch), note=f"{batch.count} / {batch.total} EUR, SHA-256 {digest}")
        session.flush()
        _use_mandates(session, batch.id)
        return dropped


def _check_may_export(batch: DebitBatch) -> None:
    if batch.state is BatchState.EXPORTED:
        raise Conflict(_("This file was exported already. It can be downloaded again with a reason."))
    if batch.state is BatchState.PROPOSED and setting("sepa.second_person"):
        raise InvalidInput(_("Somebody else must release this file before it can be exported."))
    if not batch.may_become(BatchState.EXPORTED):
        raise InvalidInput(_("This file was cancelled."))


def _tidy(session: Session, batch: DebitBatch) -> int:
    """What is stale or far later than announced goes, days that the bank cannot reach any more move."""
    first = earliest(batch.account)
    late = select(DirectDebit.id).join(PreNotification, PreNotification.id == DirectDebit.notice_id).where(
        DirectDebit.batch_id == batch.id, DirectDebit.state == DebitState.PLANNED, DirectDebit.collect_on < first, PreNotification.collect_on < first - timedelta(days=setting("sepa.most_late_days")))
    old = {*stale(session, batch.id), *session.scalars(late)}
    take_out(session, sorted(old), _("paid, disputed, revoked, to be paid in another way, or too late before the file was exported"))
    session.flush()
    session.refresh(batch)
    session.execute(update(DirectDebit).where(DirectDebit.batch_id == batch.id, DirectDebit.state == DebitState.PLANNED, DirectDebit.collect_on < first).values(collect_on=first)
                    .execution_options(synchronize_session=False))
    return len(old)


COLUMNS = (DirectDebit.id, DirectDebit.end_to_end_id, DirectDebit.amount, DirectDebit.sequence, DirectDebit.collect_on, DirectDebit.debtor, DirectDebit.iban, DirectDebit.bic, DirectDebit.mandate_reference, DirectDebit.signed_on,
           DirectDebit.former_reference, DirectDebit.new_account, DirectDebit.remittance)


def _rows(session: Session, batch_id: int, state: DebitState = DebitState.PLANNED) -> Sequence[Any]:
    return session.execute(select(*COLUMNS).where(DirectDebit.batch_id == batch_id, DirectDebit.state == state).order_by(DirectDebit.id)).all()


def _order(row: Any, scheme: str) -> Order:
    changed = Amendment(row.former_reference, row.new_account) if row.former_reference or row.new_account else Amendment()
    return Order(row.end_to_end_id, row.amount, scheme, row.sequence, row.collect_on, row.mandate_reference, row.signed_on, row.debtor, row.iban, row.bic, row.remittance, changed)


def _read_back(data: bytes, orders: Sequence[Order]) -> None:
    """The file is read and held against what was to be written: money is moved by what stands there."""
    if sorted(pain008_reader.essence(data)) != sorted((o.end_to_end_id, str(o.amount), o.iban, o.mandate_id, o.scheme, o.sequence, o.collect_on.isoformat()) for o in orders):
        raise InvalidInput(_("The file does not say what was to be collected. It was not exported; please report this."))


def _use_mandates(session: Session, batch_id: int) -> None:
    """What the bank is told now: the last use, amendments; a single-use or last collection ends its mandate."""
    of_batch = select(DirectDebit.mandate_id).where(DirectDebit.batch_id == batch_id, DirectDebit.state == DebitState.EXPORTED)
    used = select(DirectDebit.mandate_id, func.max(DirectDebit.collect_on).label("last")).where(DirectDebit.batch_id == batch_id, DirectDebit.state == DebitState.EXPORTED).group_by(
        DirectDebit.mandate_id).subquery()
    session.execute(update(Mandate).where(Mandate.id == used.c.mandate_id).values(collections=Mandate.collections + 1, last_collected_on=used.c.last, former_reference="", new_account=False)
                    .execution_options(synchronize_session=False))
    ended = of_batch.where(DirectDebit.sequence.in_((ONE_OFF, FINAL)))
    session.execute(update(Mandate).where(Mandate.id.in_(ended), Mandate.state == MandateState.VALID)
                    .values(state=MandateState.EXPIRED, ended_on=clock.today(), reason=_("last collection")).execution_options(synchronize_session=False))
    session.expire_all()


def download(batch: DebitBatch, reason: str = "") -> bytes:
    """The stored file. Once as it is; again only with a reason, which is kept: a bank collects twice when it gets a file twice."""
    with transaction() as session:
        session.refresh(batch, with_for_update=True)
        found = session.get(DebitFile, batch.id)
        if batch.state is not BatchState.EXPORTED or found is None:
            raise InvalidInput(_("This batch has no file yet."))
        reason = " ".join(reason.split())
        if batch.downloads and not 5 <= len(reason) <= 500:
            raise InvalidInput(_("The file was downloaded before. Say in 5 to 500 characters why it is needed again, and make sure that the bank does not get it twice."), "reason")
        data = zlib.decompress(found.data)
        if hashlib.sha256(data).hexdigest() != found.sha256:
            raise InvalidInput(_("The stored file was changed. Restore it from a backup; do not hand it to the bank."))
        batch.downloads += 1
        record(ProtocolKind.BILLING, "downloaded", subject_type="sepa_batch", subject_id=batch.id, subject=str(batch), note=reason)
    return data


def _lock(session: Session, batch: DebitBatch) -> None:
    """Accounts first, in their order, then the batch."""
    batch_id = batch.id
    owners: Iterable[int] = session.scalars(select(DirectDebit.customer_id).where(DirectDebit.batch_id == batch_id, DirectDebit.state == DebitState.PLANNED).distinct()).all()
    lock_accounts_in_order(session, owners)
    session.refresh(batch, with_for_update=True)
