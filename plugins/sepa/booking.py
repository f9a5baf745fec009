"""When a direct debit counts as paid: on the day of collection, or when the bank has credited it (setting)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.customers.models import CustomerState
from app.plugin_api import DomainError, InvalidInput, JobContext, clock, db, formats, transaction
from app.receivables.models import OpenItem
from app.receivables.payments import record_payment
from app.receivables.queries import account_for_update
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from plugins.sepa.choosing import METHOD
from plugins.sepa.debit_models import BatchState, DebitBatch, DebitState, DirectDebit
from plugins.sepa.settings import ON_DAY


def payment_key(debit: DirectDebit) -> str:
    return f"{METHOD}:{debit.end_to_end_id}"


def book(debit_id: int, on: date) -> bool:
    """The money is there: a payment of exactly this demand; what was paid by other means meanwhile stays as credit. Of a customer who is
    deleted meanwhile and does not owe it any more, it is nobody's until staff say whose. False: booked before, or gone."""
    with transaction() as session:
        debit = session.get_one(DirectDebit, debit_id)
        owner = account_for_update(session, debit.customer_id)
        debit = session.get_one(DirectDebit, debit_id, with_for_update=True, populate_existing=True)
        if debit.state is not DebitState.EXPORTED:
            return False
        item = session.get_one(OpenItem, debit.open_item_id)
        uses = {item.id: min(item.open, debit.amount)} if item.open > 0 else {}
        whose = None if owner.state is CustomerState.DELETED and not uses else owner
        payment = record_payment(payment_key(debit), whose, debit.amount, "EUR", on, METHOD, item.reference, debit.debtor, uses=uses)
        debit.payment = payment
        debit.move_to(DebitState.COLLECTED)
        return True


def due(today: date) -> list[tuple[int, str, date]]:
    """(id, name, day of the payment) of exported debits that count as paid: the bank has credited them, or their day has come where that is enough."""
    query = select(DirectDebit.id, DirectDebit.end_to_end_id, DirectDebit.collect_on, DirectDebit.credited_on).where(DirectDebit.state == DebitState.EXPORTED)
    on_day = setting("sepa.book_on") == ON_DAY
    query = query.where((DirectDebit.collect_on <= today) | DirectDebit.credited_on.is_not(None)) if on_day else query.where(DirectDebit.credited_on.is_not(None))
    return [(row.id, row.end_to_end_id, row.collect_on if on_day and row.collect_on <= today else row.credited_on or row.collect_on)
            for row in db.session.execute(query.order_by(DirectDebit.customer_id, DirectDebit.id))]


def book_due(today: date) -> tuple[int, list[tuple[str, str]]]:
    """(how many, [(debit, why not)]). One transaction each: may be stopped anywhere and run again."""
    count, problems = 0, []
    for ident, name, day in due(today):
        try:
            count += book(ident, day)
        except DomainError as problem:
            problems.append((name, str(problem)))
    return count, problems


def take_in(ctx: JobContext) -> None:
    """Intake of payments, before anybody is locked. Raises when something could not be booked: then nobody is locked who may have paid."""
    count, problems = book_due(ctx.today)
    if count:
        ctx.count("direct_debits", count)
    if problems:
        raise InvalidInput(_("Direct debit %(name)s could not be booked: %(why)s", name=problems[0][0], why=problems[0][1]))


def mark_credited(session: Session, batch: DebitBatch, debit_ids: list[int], amount: Decimal, on: date, source: str) -> None:
    """Part of a file was credited. The caller has checked that `amount` is that of the debits; inside of his transaction."""
    session.execute(update(DirectDebit).where(DirectDebit.id.in_(debit_ids), DirectDebit.credited_on.is_(None)).values(credited_on=on).execution_options(synchronize_session=False))
    batch.credited += amount
    left = session.scalar(select(DirectDebit.id).where(DirectDebit.batch_id == batch.id, DirectDebit.credited_on.is_(None),
                                                       DirectDebit.state.not_in((DebitState.CANCELLED, DebitState.REJECTED))).limit(1))
    if left is None:
        batch.credited_on = on
    record(ProtocolKind.BILLING, "credited", subject_type="sepa_batch", subject_id=batch.id, subject=str(batch), note=f"{on.isoformat()} {amount} EUR {source}")


def credited(batch: DebitBatch, on: date, amount: Decimal) -> int:
    """A person says that the bank has credited the file in one sum: all of it, or all but what it refused. Books what is not booked yet."""
    with transaction() as session:
        session.refresh(batch, with_for_update=True)
        if batch.state is not BatchState.EXPORTED:
            raise InvalidInput(_("Only an exported file can be credited."))
        if batch.credited:
            raise InvalidInput(_("A credit of this file is recorded already."))
        if not batch.first_day <= on <= clock.today():
            raise InvalidInput(_("The bank credits between the day of collection and today."), "on")
        rows = session.execute(select(DirectDebit.id, DirectDebit.amount, DirectDebit.state).where(DirectDebit.batch_id == batch.id, DirectDebit.state != DebitState.CANCELLED)).all()
        check_sum(amount, [(row.amount, row.state) for row in rows])
        mark_credited(session, batch, [row.id for row in rows if row.state is not DebitState.REJECTED], amount, on, "")
    return book_due(clock.today())[0]


def check_sum(amount: Decimal, debits: list[tuple[Decimal, DebitState]]) -> None:
    """Banks credit the whole and debit what they refuse, or credit the rest at once. Raises InvalidInput for any other sum."""
    whole = sum((value for value, _state in debits), Decimal(0))
    rest = sum((value for value, state in debits if state is not DebitState.REJECTED), Decimal(0))
    if amount not in (whole, rest):
        raise InvalidInput(_("The bank credited %(amount)s, but %(total)s were to be collected.", amount=formats.money(amount, "EUR"), total=formats.money(whole, "EUR")), "amount")
