"""Entries follow what customers paid: once each, to the cent, negative when it is taken back; nothing for what nobody paid."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import delete

from app.billing import gone_triggers
from app.billing.cancel import cancel_invoice
from app.billing.gone_models import InvoiceGone
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.receivables.allocation import allocate, reverse_allocation
from app.receivables.events import PaymentAllocated
from app.receivables.models import Allocation
from app.receivables.open_items import add_demand, write_off
from app.receivables.payments import record_payment, record_return
from plugins.commission import Commission
from plugins.commission.entries import allocated, enter_missing
from plugins.commission.facts import missing
from plugins.commission.models import Claim, CommissionEntry
from plugins.commission.plans import delete_plan, save_plan
from plugins.commission.shares import earned
from tests.commission.books import NOVEMBER, bill, claims, client, entries, plan, representative
from tests.receivables.books import pay


def catch_up() -> tuple[int, list[str]]:
    problems: list[str] = []
    return enter_missing(lambda subject, reason: problems.append(f"{subject}: {reason}")), problems



def test_part_payments_bring_their_share_and_the_sum_is_the_whole(shop):
    item = bill(shop, client(shop, who := representative()), ("Tariff", "3.33", 10))       # 33.30 net, 39.63 gross
    plan(who, "7.5")
    for amount in ("13.21", "13.21", "13.21"):
        pay(item.customer, amount, NOVEMBER, reference=item.reference)
    assert sum(amount for _paid, amount in entries()) == Decimal("2.50") and [paid for paid, _amount in entries()] == [Decimal("13.21")] * 3
    assert (claims()[0].base, claims()[0].amount, claims()[0].representative) == (Decimal("33.30"), Decimal("2.50"), who)
    assert catch_up() == (0, [])


def test_a_reversal_and_a_return_take_it_back(shop):
    item = bill(shop, client(shop, who := representative()))
    plan(who)
    first, second = (pay(item.customer, amount, NOVEMBER, reference=item.reference) for amount in ("19.00", "100.00"))
    reverse_allocation(first.allocations[0], "wrong invoice")
    assert record_return(second, "MD06") and not record_return(second, "MD06")
    assert [amount for _paid, amount in entries()] == [Decimal("1.60"), Decimal("8.40"), Decimal("-1.60"), Decimal("-8.40")]
    allocate(first, item)
    assert sum(amount for _paid, amount in entries()) == Decimal("1.60")


def test_credit_notes_and_write_offs_are_not_money(shop):
    customer = client(shop, who := representative())
    plan(who)
    given_up, cancelled = bill(shop, customer), bill(shop, customer, ("Tariff", "20.00", 1))
    pay(customer, "59.50", NOVEMBER, reference=given_up.reference)
    write_off(given_up, "insolvent")
    cancel_invoice(cancelled.invoice_id, "never ordered")
    assert entries() == [(Decimal("59.50"), Decimal("5.00"))] and catch_up() == (0, [])


def test_only_commissionable_articles_count_and_the_most_special_plan(shop):
    with transaction():
        shop.reduced.commissionable = False
    customer = client(shop, who := representative())
    plan(who, "10")
    plan(who, fixed="0.50", article=shop.article)
    special = bill(shop, customer, ("Tariff", "10.00", 4))              # 4 licenses: 2.00
    pay(customer, str(special.amount), NOVEMBER, reference=special.reference)
    document = shop.document(customer, manual=[("Setup", "1", "100.00")], article=shop.reduced, sequence=2)
    from app.billing.issue import issue_documents

    issue_documents([document.id])
    pay(customer, "107.00", NOVEMBER, oldest=True)
    assert [amount for _paid, amount in entries()] == [Decimal("2.00"), Decimal("0.00")]
    assert [claim.base for claim in claims()] == [Decimal("40.00"), Decimal("0.00")]


def test_no_representative_no_plan_or_an_invoice_before_the_plan_brings_nothing(shop):
    who = representative()
    nobody, without, early = client(shop, None), client(shop, representative()), client(shop, who)
    plan(who, since=date(2026, 11, 3))
    for customer in (nobody, without, early):
        item = bill(shop, customer)
        pay(customer, "119.00", NOVEMBER, reference=item.reference)
    assert entries() == [] and catch_up() == (0, [])
    plan(without.representative)
    assert catch_up() == (1, []) and entries() == [(Decimal("119.00"), Decimal("10.00"))]


def test_the_first_payment_fixes_plan_and_representative(shop):
    customer = client(shop, who := representative())
    row, item = plan(who), bill(shop, customer)
    pay(customer, "59.50", NOVEMBER, reference=item.reference)
    save_plan(row, representative=who, percent=Decimal(50), valid_from=row.valid_from)
    with transaction():
        customer.representative = representative()
    pay(customer, "59.50", NOVEMBER, reference=item.reference)
    assert entries() == [(Decimal("59.50"), Decimal("5.00"))] * 2 and {claim.representative_id for claim in claims()} == {who.id}
    with pytest.raises(InvalidInput):
        delete_plan(row)


def test_the_same_fact_twice_is_one_entry(shop):
    item = bill(shop, client(shop, who := representative()))
    plan(who)
    payment = pay(item.customer, "119.00", NOVEMBER, reference=item.reference)
    row = payment.allocations[0]
    with transaction():
        allocated(PaymentAllocated(row.id, payment.id, item.id, item.invoice_id, item.customer_id, row.amount, row.on_date, payment.method))
    record_payment(payment.key, item.customer, payment.amount, "EUR", payment.received_on, payment.method, payment.reference)
    assert len(entries()) == 1 and catch_up() == (0, [])


def test_what_came_while_the_plugin_was_off_is_caught_up_reversals_too(shop):
    customer = client(shop, who := representative())
    plan(who)
    item, other = bill(shop, customer), bill(shop, customer, ("Tariff", "5.00", 2))
    for amount in ("20.00", "30.00"):
        pay(customer, amount, NOVEMBER, reference=item.reference)
    record_return(pay(customer, "11.90", NOVEMBER, reference=other.reference), "AC04")
    expected = entries()
    with transaction() as session:
        for table in (CommissionEntry, Claim):
            session.execute(delete(table))
    assert len(missing(db.session(), 0)) == 3       # the reversal follows what it reverses
    assert catch_up() == (4, []) and entries() == expected and catch_up() == (0, [])


def test_one_that_cannot_be_entered_is_told_and_the_others_go_on(shop, monkeypatch):
    customer = client(shop, who := representative())
    items = [bill(shop, customer), bill(shop, customer)]
    for item in items:
        pay(customer, "119.00", NOVEMBER, reference=item.reference)
    plan(who)
    from plugins.commission import entries as module

    real = module._claim
    monkeypatch.setattr(module, "_claim", lambda session, ident: 1 / 0 if ident == items[0].invoice_id else real(session, ident))
    count, problems = catch_up()
    assert count == 1 and len(problems) == 1 and items[0].reference in problems[0]
    monkeypatch.undo()
    assert catch_up() == (1, [])


def test_any_course_of_payments_ends_at_plan_times_paid(shop):
    dice = random.Random(7)     # the same course each time
    customer = client(shop, who := representative())
    plan(who, "8.35")
    items = [bill(shop, customer, (f"T{n}", "7.77", n + 1)) for n in range(3)]
    for n in range(40):
        with transaction():
            paid = [a for a in db.session.query(Allocation).filter(Allocation.amount > 0) if db.session.query(Allocation).filter_by(reverses_id=a.id).first() is None]
        if paid and dice.random() < 0.4:
            reverse_allocation(dice.choice(paid), "other")
            continue
        item = dice.choice(items)
        db.session.refresh(item)
        if item.open:
            pay(customer, str(min(item.open, Decimal(dice.randint(1, 1500)) / 100)), NOVEMBER, uses=None, oldest=False, reference=item.reference)
    db.session.expire_all()
    for claim in claims():
        sums = [(e.paid, e.amount) for e in db.session.query(CommissionEntry).filter_by(claim_id=claim.id)]
        assert sum(a for _p, a in sums) == earned(claim.amount, sum(p for p, _a in sums), claim.gross, "EUR")
    assert catch_up() == (0, []) and clock.today() == NOVEMBER


def test_plans_are_checked_and_do_not_overlap(shop):
    who = representative()
    row = plan(who, since=date(2026, 1, 1))
    for wrong, field in (({"percent": None}, "percent"), ({"percent": Decimal(101)}, "percent"), ({"percent": Decimal(-1)}, "percent"), ({"percent": Decimal("0.00001")}, "percent"),
                         ({"fixed": Decimal(1)}, "percent"), ({"percent": None, "fixed": Decimal(1)}, "currency"), ({"valid_to": date(2020, 1, 1)}, "valid_to"), ({}, "valid_from")):
        with pytest.raises(InvalidInput) as error:
            save_plan(None, **{"representative": who, "percent": Decimal(5), "valid_from": date(2026, 6, 1), **wrong})
        assert error.value.field == field, wrong
    save_plan(row, representative=who, percent=Decimal(10), valid_from=date(2026, 1, 1), valid_to=date(2026, 5, 31))
    plan(who, "5", since=date(2026, 6, 1))
    plan(who, "6", since=date(2026, 6, 1), article=shop.article)
    delete_plan(row)


def test_money_of_a_deleted_invoice_that_comes_back_takes_its_commission(shop):
    """The claim knows its number; a later payment of the demand brings it again, and until all is entered the invoice is needed."""
    customer = client(shop, who := representative())
    item = bill(shop, customer)
    first = pay(customer, "119.00", NOVEMBER, reference=item.reference)
    plan(who)
    assert list(Commission().needs_invoices([item.invoice_id])) == [item.invoice_id] and catch_up() == (1, []) and list(Commission().needs_invoices([item.invoice_id])) == []
    with transaction() as session:
        gone_triggers.remove_triggers(session.connection())
        session.add(InvoiceGone(series_id=shop.series.id, chain_index=1, number=item.reference, issued_on=item.issued_on, previous_hash="", hash=""))
        item.invoice_id = None
    record_return(first, "AC04")
    pay(customer, "119.00", NOVEMBER, reference=item.reference)
    add_demand(customer, "Fee", Decimal("5.00"), NOVEMBER, NOVEMBER)
    pay(customer, "5.00", NOVEMBER, reference="Fee")
    assert [amount for _paid, amount in entries()] == [Decimal("10.00"), Decimal("-10.00"), Decimal("10.00")] and catch_up() == (0, [])
