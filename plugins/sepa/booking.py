"""When a direct debit counts as paid: on the day of collection, or when the bank has credited it (setting)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import select

from app.plugin_api import DomainError, InvalidInput, clock, db, transaction
from app.receivables.models import OpenItem
from app.receivables.payments import record_payment
from app.receivables.queries import account_for_update
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from plugins.sepa.choosing import METHOD
from plugins.sepa.models import BatchState, DebitBatch, DebitState, DirectDebit
from plugins.sepa.settings import ON_DAY


def payment_key(debit: DirectDebit) -> str:
    return f"{METHOD}:{debit.end_to_end_id}"


def book(debit_id: int, on: date) -> bool:
    """The money is there: a payment of exactly this demand; what was paid by other means meanwhile stays as credit. False: booked before, or gone."""
    with transaction() as session:
        debit = session.get_one(DirectDebit, debit_id)
        owner = account_for_update(session, debit.customer_id)
        debit = session.get_one(DirectDebit, debit_id, with_for_update=True, populate_existing=True)
        if debit.state is not DebitState.EXPORTED:
            return False
        item = session.get_one(OpenItem, debit.open_item_id)
        uses = {item.id: min(item.open, debit.amount)} if item.open > 0 else {}
        payment = record_payment(payment_key(debit), owner, debit.amount, "EUR", on, METHOD, item.reference, debit.debtor, uses=uses)
        debit.payment = payment
        debit.move_to(DebitState.COLLECTED)
        return True


def due(today: date) -> list[int]:
    """Exported debits whose day of collection has come."""
    return list(db.session.scalars(select(DirectDebit.id).where(DirectDebit.state == DebitState.EXPORTED, DirectDebit.collect_on <= today).order_by(DirectDebit.customer_id, DirectDebit.id)))


def book_due(today: date) -> tuple[int, list[tuple[str, str]]]:
    """On the day of collection, when the setting says so. (how many, [(debit, why not)]). May be stopped anywhere and run again."""
    if setting("sepa.book_on") != ON_DAY:
        return 0, []
    return _book_all(due(today), None)


def _book_all(ids: list[int], on: date | None) -> tuple[int, list[tuple[str, str]]]:
    count, problems = 0, []
    for debit_id in ids:
        try:
            debit = db.session.get_one(DirectDebit, debit_id)
            count += book(debit_id, on or debit.collect_on)
        except DomainError as problem:
            problems.append((f"DD{debit_id}", str(problem)))
    return count, problems


def credited(batch: DebitBatch, on: date, amount: Decimal | None = None) -> tuple[int, list[tuple[str, str]]]:
    """The bank has credited a batch on that day, as a person or a statement says; `amount` must be that of the batch. Books what is not booked yet."""
    with transaction() as session:
        session.refresh(batch, with_for_update=True)
        if batch.state is not BatchState.EXPORTED:
            raise InvalidInput(_("Only an exported file can be credited."))
        if not batch.first_day <= on <= clock.today():
            raise InvalidInput(_("The bank credits between the day of collection and today."), "on")
        if amount is not None and amount != batch.total:
            raise InvalidInput(_("The bank credited %(amount)s, the file collects %(total)s.", amount=amount, total=batch.total), "amount")
        if batch.credited_on is None:
            batch.credited_on = on
            record(ProtocolKind.BILLING, "credited", subject_type="sepa_batch", subject_id=batch.id, subject=str(batch), note=on.isoformat())
        ids = list(session.scalars(select(DirectDebit.id).where(DirectDebit.batch_id == batch.id, DirectDebit.state == DebitState.EXPORTED, DirectDebit.collect_on <= on)
                                   .order_by(DirectDebit.customer_id, DirectDebit.id)))
    return _book_all(ids, on)
