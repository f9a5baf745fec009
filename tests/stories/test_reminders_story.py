"""A year of a customer who pays late, disputes, pays a part, gets a cancellation, and leaves; seen by what he was sent and owes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from app.billing.cancel import cancel_invoice
from app.billing.issue import issue_documents
from app.billing.models import Invoice
from app.core.db import db, transaction
from app.customers.models import Customer, CustomerState
from app.housekeeping.models import PurgedCustomer
from app.receivables.models import DemandKind, OpenItem
from app.receivables.open_items import set_dispute
from app.receivables.reminder_models import Reminder
from app.system.job_runs import run_now
from app.system.settings import change_settings
from tests.billing.invoice_fixtures import shop  # noqa: F401
from tests.receivables.books import at, check_books, pay
from tests.receivables.test_reminders import COMPANY


def nightly(first: date, last: date) -> None:
    """The reminder run on the first, on each seventh day after it, and on the last: the days between bring nothing here."""
    for day in sorted({*(first + timedelta(days=n) for n in range(0, (last - first).days, 7)), last}):
        with at(day, 6):
            run_now("receivables.reminders")


def letters(owner: Customer) -> list[tuple[date, int, Decimal]]:
    db.session.expire_all()
    return [(row.sent_on, row.level, row.total) for row in db.session.scalars(select(Reminder).where(Reminder.customer_id == owner.id).order_by(Reminder.id))]


def test_a_year(shop: Any) -> None:  # noqa: F811
    change_settings(COMPANY)
    owner = shop.customer(terms_days=14, business=True)

    def bill(day: date) -> OpenItem:
        with at(day):
            document = shop.document(owner, ("Business", "100.00", 10), period=f"{day:%Y-%m}")
            issue_documents([document.id])
            return db.session.scalars(select(OpenItem).join(Invoice, Invoice.id == OpenItem.invoice_id).where(Invoice.document_id == document.id)).one()

    # he pays late: one kind letter, nothing added
    first = bill(date(2026, 11, 2))
    nightly(date(2026, 11, 16), date(2026, 11, 25))
    assert letters(owner) == [(date(2026, 11, 23), 1, first.amount)]
    with at(date(2026, 11, 26)):
        pay(owner, str(first.amount), date(2026, 11, 26), reference=first.reference)
    nightly(date(2026, 11, 27), date(2026, 12, 20))
    assert len(letters(owner)) == 1 and first.open == 0

    # he disputes after the second letter: it rests, and begins anew when the dispute is over
    second = bill(date(2027, 1, 4))
    nightly(date(2027, 1, 18), date(2027, 2, 9))
    assert [level for _day, level, _sum in letters(owner)[1:]] == [1, 2]
    extras = list(db.session.scalars(select(OpenItem).where(OpenItem.principal_id == second.id).order_by(OpenItem.id)))
    assert {row.kind for row in extras} == {DemandKind.COST} or {row.kind for row in extras} == {DemandKind.COST, DemandKind.INTEREST}
    with at(date(2027, 2, 10)):
        set_dispute(second, True, "two radios were returned")
    nightly(date(2027, 2, 11), date(2027, 3, 1))
    assert len(letters(owner)) == 3
    with at(date(2027, 3, 2)):
        set_dispute(second, False)
        pay(owner, "500.00", date(2027, 3, 2), reference=second.reference)          # a part
    nightly(date(2027, 3, 2), date(2027, 3, 3))
    day, level, total = letters(owner)[3]
    assert (day, level) == (date(2027, 3, 2), 1)
    owed = db.session.scalar(select(func.sum(OpenItem.open)).where(OpenItem.customer_id == owner.id))
    assert total == owed

    # the invoice is cancelled: no further letter for it
    with at(date(2027, 3, 10)):
        cancel_invoice(second.invoice_id, "wrong number of radios")
    nightly(date(2027, 3, 11), date(2027, 4, 20))
    assert len(letters(owner)) == 4 and second.open == 0
    assert not db.session.scalar(select(func.count()).select_from(OpenItem).where(OpenItem.principal_id == second.id, OpenItem.open > 0))     # nor its fees and interest

    # he pays what is left and leaves; his amounts stay, he does not
    with at(date(2027, 4, 21)):
        left = db.session.scalar(select(func.sum(OpenItem.open)).where(OpenItem.customer_id == owner.id)) or Decimal(0)
        credit = db.session.scalars(select(OpenItem).where(OpenItem.customer_id == owner.id, OpenItem.open > 0)).all()
        if left:
            pay(owner, str(left), date(2027, 4, 21), oldest=True)
        assert all(item.open == 0 for item in credit)
    check_books(owner)
    with at(date(2027, 4, 22)), transaction() as session:
        session.refresh(owner)
        owner.move_to(CustomerState.DELETED)
        from app.receivables.models import Payment

        for payment in session.scalars(select(Payment).where(Payment.customer_id == owner.id, Payment.free > 0)):
            payment.free = Decimal(0)           # paid back
    with at(date(2028, 1, 5)):
        run_now("housekeeping.customers")
    db.session.expire_all()
    assert db.session.get_one(PurgedCustomer, owner.id).anonymised and owner.email == "" and len(letters(owner)) == 4
    assert first.amount > 0 and db.session.scalar(select(func.count()).select_from(Invoice).where(Invoice.customer_id == owner.id)) == 3
