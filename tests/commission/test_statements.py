"""Statements: a month's commission, carried forward when negative, numbered once, printed and mailed once."""

from decimal import Decimal

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.core.errors import Conflict, InvalidInput
from app.receivables.models import Payment
from app.receivables.payments import record_return
from app.system import documents
from app.system.job_runs import run_now
from plugins.commission.models import StatementState
from plugins.commission.statements import release
from tests.admin.staff import Desk, add_user
from tests.commission.books import DECEMBER, JANUARY, NOVEMBER, at, bill, client, plan, representative, statements
from tests.receivables.books import pay


@pytest.fixture
def who(shop):
    row = representative()
    plan(row)
    return row


def test_a_month_is_drafted_released_printed_and_a_return_is_carried_forward(shop, who):
    item = bill(shop, client(shop, who))
    payment = pay(item.customer, "119.00", NOVEMBER, reference=item.reference)
    with at(DECEMBER):
        run_now("commission.statements")
        (row,) = statements()
        assert (row.period, row.state, row.entries_sum, row.net, row.carried) == ("2026-11", StatementState.DRAFT, Decimal("10.00"), Decimal("10.00"), 0)
        run_now("commission.statements", period="2026-12+9")
        assert len(statements()) == 1
        release(row)
        with pytest.raises(Conflict):
            release(row)
        run_now("commission.letters")
        (row,) = statements()
        assert row.number.endswith("-2026-00001") and row.payout == row.net + row.tax and documents.read(row.document).startswith(b"%PDF")
        first = row.document_id
        run_now("commission.letters")
        assert statements()[0].document_id == first
        record_return(db.session.get(Payment, payment.id, populate_existing=True), "AC04 account closed")
    with at(JANUARY):
        run_now("commission.statements")
        old, new = statements()
        assert (new.period, new.entries_sum, new.net, new.carried) == ("2026-12", Decimal("-10.00"), 0, Decimal("-10.00"))
        assert old.net == Decimal("10.00")
        release(new)


def test_an_older_draft_is_released_first(shop, who):
    item = bill(shop, client(shop, who))
    pay(item.customer, "60.00", NOVEMBER, reference=item.reference)
    with at(DECEMBER):
        run_now("commission.statements")
        pay(item.customer, "59.00", DECEMBER, reference=item.reference)
    with at(JANUARY):
        run_now("commission.statements")
        first, second = statements()
        with pytest.raises(InvalidInput, match="2026-11"):
            release(second)
        assert first.entries_sum + second.entries_sum == Decimal("10.00")
        release(first)
        release(second)
        assert [row.number[-5:] for row in statements()] == ["00001", "00002"]


def test_pages(app, shop, who):
    item = bill(shop, client(shop, who))
    pay(item.customer, "119.00", NOVEMBER, reference=item.reference)
    add_user(app, "bea", "Billing")
    add_user(app, "leo", "Read only")
    with at(DECEMBER):
        run_now("commission.statements")
        key = statements()[0].id
        desk = Desk(app, "bea")
        for address in ("/admin/commission-statements/list/", "/admin/commission-entries/list/", "/admin/commission-plans/list/", f"/admin/commission-statements/show/{key}",
                        f"/admin/commission-statements/show/{key}?tab=CommissionEntryView", f"/admin/representatives/show/{who.id}?tab=PlanView"):
            page = desk.get(address)
            assert page.status_code == 200, address
        assert Desk(app, "leo").post(f"/admin/commission-statements/action/release/{key}").status_code == 403
        assert desk.post(f"/admin/commission-statements/action/release/{key}").status_code == 303
        assert statements()[0].state is StatementState.RELEASED
        assert db.session.scalar(select(func.count()).select_from(Payment)) == 1
