"""Demo data: a bank account, mandates, a file that was collected with one return, and one that waits to be checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select

from app.customers.models import Customer, CustomerKind
from app.plugin_api import clock, db, transaction
from app.receivables.models import OpenItem
from app.receivables.open_items import add_demand
from plugins.sepa import announcing, batches, booking, collecting, mandates, returns
from plugins.sepa.accounts import save_account
from plugins.sepa.choosing import METHOD
from plugins.sepa.days import add_bank_days
from plugins.sepa.debit_models import DebitBatch, DirectDebit
from plugins.sepa.mandate_models import CreditorAccount

IBANS = ("DE02120300000000202051", "DE02500105170137075030", "DE02100500000054540402", "DE02300209000106531065", "DE02200505501015871393")


@contextmanager
def _at(day: date) -> Iterator[None]:
    with clock.frozen(datetime(day.year, day.month, day.day, 9, 30, tzinfo=clock.zone())):
        yield


def load() -> None:
    today = clock.today()
    told = add_bank_days(today - timedelta(days=27), 0)
    account = save_account(None, title="Commerzbank", holder="Nordfunk PTT GmbH", iban="DE89370400440532013000", bic="COBADEFFXXX", creditor_id="DE98ZZZ09999999999")
    for number, customer in enumerate(_later(3, owing=False)):
        _mandate(customer, account, IBANS[number], told - timedelta(days=20))
        with _at(told):
            item = add_demand(customer, f"SV-{told:%Y}-{number + 1:03d}", Decimal("226.10") + 95 * number, told, told + timedelta(days=10))
            announcing.announce(item.id)
    _collect_and_return(account, told)
    for customer, iban in zip(_later(4), reversed(IBANS), strict=False):
        _mandate(customer, account, iban, today - timedelta(days=40), notice_days=5)
        with _at(add_bank_days(today - timedelta(days=9), 0)):
            for item in db.session.scalars(select(OpenItem).where(OpenItem.customer_id == customer.id, OpenItem.open > 0, OpenItem.issued_on <= clock.today()).limit(1)).all():
                announcing.announce(item.id)
    collecting.collect(account)
    for customer in _later(1, owing=False):
        mandates.request(mandates.new_mandate(customer, account=account, holder=customer.company, iban=IBANS[0], scheme="B2B"))


def _later(most: int, owing: bool = True) -> list[Customer]:
    """Customers without a mandate, those with the oldest demands first."""
    oldest = select(func.min(OpenItem.due_on)).where(OpenItem.customer_id == Customer.id, OpenItem.open > 0).scalar_subquery()
    query = select(Customer).where(Customer.currency == "EUR", Customer.kind == CustomerKind.CLOSED, Customer.payment_method != METHOD, Customer.country == "DE")
    return list(db.session.scalars(query.where(oldest.is_not(None) if owing else oldest.is_(None)).order_by(oldest, Customer.id).limit(most)))


def _mandate(customer: Customer, account: CreditorAccount, iban: str, signed_on: date, notice_days: int | None = None) -> None:
    with _at(signed_on):
        row = mandates.new_mandate(customer, account=account, holder=customer.company, iban=iban, notice_days=notice_days)
        mandates.sign(row, signed_on, proof={"account": "demo", "at": signed_on.isoformat(), "address": "192.0.2.7", "text_sha256": "demo"})
    with transaction():
        customer.payment_method = METHOD


def _collect_and_return(account: CreditorAccount, told: date) -> None:
    """Collected two weeks after it was told; one comes back four days later."""
    day = add_bank_days(told + timedelta(days=14), 0)
    with _at(day):
        for ident in collecting.collect(account).batches:
            batches.export(db.session.get_one(DebitBatch, ident))
    last = db.session.scalar(select(func.max(DirectDebit.collect_on)))
    if last is None:
        return
    with _at(last):
        booking.book_due(last)
    debit = db.session.scalars(select(DirectDebit).order_by(DirectDebit.id)).first()
    if debit is not None:
        with _at(min(clock.today(), last + timedelta(days=4))):
            returns.take(returns.Fact(f"demo:{debit.id}", "camt.054 DEMO-1", debit.end_to_end_id, clock.today(), debit.amount, Decimal("3.00"), "AM04"))
            returns.take(returns.Fact("demo:unknown", "camt.054 DEMO-1", "OLD-4711", clock.today(), Decimal("48.90"), reason_code="MD06", payer="Reederei Sturm", mandate_reference="OLD-17"))
