"""Reminders: each level once, grouped, with what they claim; what stops them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers.services import change_customer
from app.receivables import reminder_letters
from app.receivables.models import DemandKind, OpenItem
from app.receivables.open_items import set_dispute, write_off
from app.receivables.reminder_letters import letter
from app.receivables.reminder_levels import change_level, save_text
from app.receivables.reminder_models import (
    ClaimKind,
    Reminder,
    ReminderClaim,
    ReminderItem,
    ReminderLevel,
    ReminderText,
)
from app.receivables.reminder_rules import Due, Level, letter_of, next_level, parse_fees
from app.receivables.reminder_run import LETTERS, REMINDERS
from app.receivables.reminder_texts import check_texts
from app.system.job_runs import approve, run_now
from app.system.models import Document, JobRun, MailMessage, RunState
from app.system.settings import change_settings
from tests import factories as make
from tests.receivables.books import account, at, check_books, demand, hour, locked, notes, pay

DUE = date(2026, 3, 2)
COMPANY = {"company.name": "Funk GmbH", "company.street": "Weg 1", "company.postcode": "20457", "company.city": "Hamburg", "company.country": "DE",
           "company.vat_id": "DE136695976", "company.iban": "DE02120300000000202051", "reminders.review": False}


@pytest.fixture
def firm(app: Any) -> None:
    change_settings(COMPANY)


def remind(day: date, **more: Any) -> JobRun:
    with at(day):
        return run_now(REMINDERS, **more)


def sent() -> list[Reminder]:
    db.session.expire_all()
    return list(db.session.scalars(select(Reminder).order_by(Reminder.id)))


def levels_of(item: OpenItem) -> list[int]:
    return list(db.session.scalars(select(ReminderItem.level).where(ReminderItem.open_item_id == item.id, ReminderItem.level > 0).order_by(ReminderItem.id)))


# ---- rules -------------------------------------------------------------------------------------------------------

LADDER = [Level(1, 7, {}), Level(2, 21, {"EUR": Decimal("2.50")}, True, True, 14), Level(3, 42, {"EUR": Decimal("2.50")}, True)]


def due(level: int = 0, on: date | None = None, amount: str = "100.00", ident: int = 1) -> Due:
    return Due(ident, f"RE-{ident}", Decimal(amount), DUE, level, on)


def test_levels_come_one_by_one_and_apart() -> None:
    assert next_level(due(), LADDER, DUE + timedelta(days=6)) is None
    assert next_level(due(), LADDER, DUE + timedelta(days=7)) is LADDER[0]
    late = DUE + timedelta(days=100)
    assert next_level(due(), LADDER, late) is LADDER[0]                                     # missed months do not skip a level
    assert next_level(due(1, late), LADDER, late + timedelta(days=13)) is None              # 21 - 7 days between them
    assert next_level(due(1, late), LADDER, late + timedelta(days=14)) is LADDER[1]
    assert next_level(due(3, late), LADDER, late + timedelta(days=400)) is None
    assert next_level(Due(1, "x", Decimal(0), DUE, 0, None), LADDER, late) is None
    assert next_level(due(), [Level(1, 0, {})], DUE) is None                                # due today is not late


def test_a_letter_is_grouped_and_has_one_fee() -> None:
    late = DUE + timedelta(days=30)
    found = letter_of([due(1, DUE + timedelta(days=7), ident=1), due(ident=2)], LADDER, late, "EUR", Decimal(0), Decimal("0.01"))
    assert found is not None and [(item.id, level.number) for item, level in found.items] == [(1, 2), (2, 1)]
    assert (found.level.number, found.fee, found.owed) == (2, Decimal("2.50"), Decimal("200.00"))
    assert letter_of([due()], LADDER, late, "EUR", Decimal("100.00"), Decimal("0.01")) is None         # his credit covers it
    assert letter_of([due(1, DUE)], LADDER, late, "USD", Decimal(0), Decimal("0.01")).fee == 0         # type: ignore[union-attr]


def test_fees_are_written_per_currency() -> None:
    assert parse_fees("EUR 2.50, BRL 10") == {"EUR": Decimal("2.50"), "BRL": Decimal("10.00")}
    assert parse_fees("EUR 2,50") == {"EUR": Decimal("2.50")} and parse_fees("") == {}
    for wrong in ("2.50", "EUR", "EUR -1", "EUR 1.234", "EUR 1, EUR 2", "eur 1"):
        with pytest.raises(ValueError):
            parse_fees(wrong)


def test_texts_name_registered_places_only() -> None:
    check_texts("Reminder", "{{sum}} by {{pay_until}}", False)
    for subject, body, lock in (("x", "{{sum}}", False), ("x", "{{sum}} {{pay_until}} {{secret}}", False), ("", "{{sum}} {{pay_until}}", False),
                                ("x", "{{sum}} {{pay_until}}", True), ("x", "{{sum}} {{pay_until}} {{lock_on}}", False), ("x", "{{sum}} {{pay_until}} {% if %}", False)):
        with pytest.raises(InvalidInput):
            check_texts(subject, body, lock)


# ---- the run -----------------------------------------------------------------------------------------------------


def test_a_demand_goes_through_the_levels_each_once(firm: None) -> None:
    owner = make.customer(company="Taxi Nord", language="de")
    with at(date(2026, 2, 16)):
        item = demand(owner, "1000.00", DUE)
    assert remind(DUE + timedelta(days=6)).counts.get("letters") is None
    run = remind(DUE + timedelta(days=7))
    assert (run.counts["letters"], run.state) == (1, RunState.DONE)
    assert remind(DUE + timedelta(days=7)).counts["letters due"] == 0                       # the same day again
    (first,) = sent()
    assert (first.level, first.total, first.lock_on, first.subject) == (1, Decimal("1000.00"), None, "Zahlungserinnerung")
    assert "1.000,00" in first.body and db.session.scalar(select(func.count()).select_from(OpenItem)) == 1

    day = DUE + timedelta(days=21)
    assert remind(day).counts["letters"] == 1
    second = sent()[1]
    claims = {row.kind: row for row in db.session.scalars(select(ReminderClaim))}
    # 3 March to 23 March 2026: 21 days at 1.27 + 9 = 10.27 percent of 1,000
    assert claims[ClaimKind.INTEREST].amount == Decimal("5.91") and claims[ClaimKind.FEE].amount == Decimal("2.50") and claims[ClaimKind.FLAT].amount == Decimal("40.00")
    assert (second.total, second.lock_on) == (Decimal("1048.41"), day + timedelta(days=14))
    assert item.lock_notice_on == day + timedelta(days=14) and item.reminder_level == 2
    made = {row.kind: row for row in db.session.scalars(select(OpenItem).where(OpenItem.principal_id == item.id))}
    assert made[DemandKind.INTEREST].open == Decimal("5.91") and made[DemandKind.COST].due_on == second.pay_until

    assert remind(DUE + timedelta(days=42)).counts["letters"] == 1
    assert levels_of(item) == [1, 2, 3]
    interest = list(db.session.scalars(select(ReminderClaim).where(ReminderClaim.kind == ClaimKind.INTEREST).order_by(ReminderClaim.id)))
    assert interest[1].from_on == interest[0].to_on + timedelta(days=1)
    assert db.session.scalar(select(func.count()).select_from(ReminderClaim).where(ReminderClaim.kind == ClaimKind.FLAT)) == 1
    assert sent()[2].total == 1000 + total_open(item)
    assert remind(DUE + timedelta(days=300)).counts["letters due"] == 0
    check_books(owner)


def total_open(item: OpenItem) -> Decimal:
    return db.session.scalar(select(func.sum(OpenItem.open)).where(OpenItem.principal_id == item.id))


def test_a_consumer_owes_less_and_no_flat_sum(firm: None) -> None:
    owner = make.customer(business=False)
    with at(date(2026, 2, 16)):
        demand(owner, "1000.00", DUE)
    remind(DUE + timedelta(days=7))
    remind(DUE + timedelta(days=21))
    assert {row.kind: row.amount for row in db.session.scalars(select(ReminderClaim))} == {ClaimKind.INTEREST: Decimal("3.61"), ClaimKind.FEE: Decimal("2.50")}


def test_brazil_has_its_own_rule_and_currency(firm: None) -> None:
    change_settings({"interest.rule": "br"})
    owner = make.customer(currency="BRL", language="pt_BR")
    with at(date(2026, 2, 16)):
        demand(owner, "300.00", DUE)
    remind(DUE + timedelta(days=7))
    remind(DUE + timedelta(days=21))
    assert {row.kind: row.amount for row in db.session.scalars(select(ReminderClaim))} == {ClaimKind.INTEREST: Decimal("2.10"), ClaimKind.FINE: Decimal("6.00")}
    assert sent()[1].currency == "BRL" and sent()[1].total == Decimal("308.10")


@pytest.mark.parametrize("what", ["paid", "credit", "dispute", "item", "customer", "write_off", "future"])
def test_what_stops_a_reminder(firm: None, what: str) -> None:
    owner = make.customer()
    with at(date(2026, 2, 16)):
        item = demand(owner, "100.00", DUE)
    remind(DUE + timedelta(days=7))
    day = DUE + timedelta(days=21)
    with at(day):
        if what == "paid":
            pay(owner, "100.00", day, reference=item.reference)
        elif what == "credit":
            pay(owner, "200.00", day, reference="nobody knows", oldest=False)
        elif what == "dispute":
            set_dispute(item, True, "wrong amount")
        elif what == "item":
            with transaction():
                item.reminder_block = True
        elif what == "customer":
            change_customer(owner, reminder_block=True)
        elif what == "write_off":
            write_off(item, "too small")
        else:
            from app.receivables.open_items import set_due_date

            set_due_date(item, day)
    assert remind(day).counts["letters due"] == 0
    assert levels_of(item) == [1]


def test_after_a_dispute_the_levels_begin_anew(firm: None) -> None:
    owner = make.customer()
    with at(date(2026, 2, 16)):
        item = demand(owner, "100.00", DUE)
    for days in (7, 21):
        remind(DUE + timedelta(days=days))
    with at(DUE + timedelta(days=30)):
        set_dispute(item, True, "wrong amount")
        set_dispute(item, False)
    assert (item.reminder_level, item.lock_notice_on) == (0, None)
    assert remind(DUE + timedelta(days=30)).counts["letters"] == 1
    assert levels_of(item) == [1, 2, 1]


def test_one_letter_for_all_demands_of_a_customer(firm: None) -> None:
    owner, other = make.customer(), make.customer()
    with at(date(2026, 2, 16)):
        items = [demand(owner, "10.00", DUE + timedelta(days=n)) for n in range(3)]
        demand(owner, "10.00", DUE + timedelta(days=30))
        demand(other, "5.00", DUE)
    run = remind(DUE + timedelta(days=9))
    assert (run.counts["letters"], run.counts["demands reminded"]) == (2, 4)
    remind(DUE + timedelta(days=37))
    letters = [row for row in sent() if row.customer_id == owner.id]
    assert len(letters) == 2 and all(item.reminder_level == 2 for item in items)
    assert {item.level for item in letters[1].items} == {0, 1, 2}


def test_every_demand_of_a_letter_locks_after_the_day_that_the_letter_says(firm: None) -> None:
    """A reaches level 3 with 14 days to the lock, B level 2 with 7: the letter names one day, and that day counts for both."""
    with transaction() as session:
        second, third = session.scalars(select(ReminderLevel).where(ReminderLevel.number > 1).order_by(ReminderLevel.number))
        second.lock_days, third.lock_notice, third.lock_days = 7, True, 14
    owner = make.customer()
    with at(date(2026, 2, 16)):
        older, younger = demand(owner, "10.00", DUE), demand(owner, "10.00", DUE + timedelta(days=21))
    for days in (7, 21, 28, 42):
        remind(DUE + timedelta(days=days))
    last = sent()[-1]
    assert (older.reminder_level, younger.reminder_level, last.lock_on) == (3, 2, DUE + timedelta(days=56))
    assert older.lock_notice_on == younger.lock_notice_on == last.lock_on


def test_a_further_letter_does_not_unlock_who_is_locked(firm: None) -> None:
    with transaction() as session:
        session.scalars(select(ReminderLevel).where(ReminderLevel.number == 3)).one().lock_notice = True
    owner = account(1, first=date(2026, 2, 1))
    with at(date(2026, 2, 16)):
        item = demand(owner, "100.00", DUE)
    for days in (7, 21, 36, 42):
        remind(DUE + timedelta(days=days))
        with at(DUE + timedelta(days=days)):
            run_now(LETTERS)
        hour(DUE + timedelta(days=days), 12)
    assert item.reminder_level == 3 and item.lock_notice_on == DUE + timedelta(days=35) and locked(owner)[0] != 0


def test_the_unique_row_stands_behind_it(firm: None) -> None:
    owner = make.customer()
    with at(date(2026, 2, 16)):
        item = demand(owner, "100.00", DUE)
    remind(DUE + timedelta(days=7))
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(ReminderItem(reminder_id=sent()[0].id, open_item_id=item.id, round=0, level=1, open=Decimal(1)))
        session.flush()


def test_a_review_is_held_then_approved_and_superseded(firm: None) -> None:
    change_settings({"reminders.review": True})
    owner = make.customer(company="Taxi Nord")
    with at(date(2026, 2, 16)):
        demand(owner, "100.00", DUE)
    old, run = remind(DUE + timedelta(days=7)), remind(DUE + timedelta(days=8))
    assert (run.state, sent()) == (RunState.HELD, []) and "Taxi Nord" in notes(run, "held")[0]
    db.session.refresh(old)
    assert old.state is RunState.CANCELLED
    with at(DUE + timedelta(days=8)):
        approve(run.id, "Ada")
        from app.system.job_runs import execute

        execute(run.id)
    assert len(sent()) == 1


def test_a_dry_run_tells_and_changes_nothing(firm: None) -> None:
    owner = make.customer(company="Taxi Nord")
    with at(date(2026, 2, 16)):
        demand(owner, "100.00", DUE)
    run = remind(DUE + timedelta(days=7), dry_run=True)
    assert sent() == [] and "Taxi Nord" in notes(run, "would")[0] and run.counts["letters due"] == 1


def test_more_than_usual_waits_even_without_review(firm: None) -> None:
    with at(date(2026, 2, 16)):
        for _n in range(21):
            demand(make.customer(), "10.00", DUE)
    assert remind(DUE + timedelta(days=7)).state is RunState.HELD and sent() == []


# ---- letters -----------------------------------------------------------------------------------------------------


def test_letters_are_archived_and_sent_once(firm: None) -> None:
    owner = make.customer(company="Müller & <Söhne>", language="de", email="rechnung@example.org")
    with at(date(2026, 2, 16)):
        demand(owner, "1000.00", DUE)
    remind(DUE + timedelta(days=7))
    with at(DUE + timedelta(days=7)):
        assert run_now(LETTERS).counts["letters"] == 1
        assert run_now(LETTERS).counts["letters to make"] == 0
    (row,) = sent()
    document = db.session.get_one(Document, row.document_id)
    assert document.retain_until == date(2032, 12, 31) and document.customer_id == owner.id
    assert letter(row).startswith(b"%PDF")
    mail = db.session.scalars(select(MailMessage).where(MailMessage.kind == "reminder")).one()
    assert (mail.recipient, mail.document_ids, mail.resend_when_unsure) == ("rechnung@example.org", [document.id], False)


def test_a_letter_that_cannot_be_made_is_shown_and_tried_again(firm: None) -> None:
    change_settings({"company.iban": ""})
    with at(date(2026, 2, 16)):
        demand(make.customer(), "100.00", DUE)
    remind(DUE + timedelta(days=7))
    with at(DUE + timedelta(days=7)):
        run = run_now(LETTERS)
        assert "Bank account" in notes(run, "failed")[0] and "Bank account" in sent()[0].problem
        change_settings(COMPANY)
        assert run_now(LETTERS).counts["letters"] == 1
    assert sent()[0].problem == ""


def test_a_letter_that_fails_in_an_unknown_way_stops_no_other(firm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with at(date(2026, 2, 16)):
        for name in ("Broken", "Taxi Nord"):
            demand(make.customer(company=name), "100.00", DUE)
    remind(DUE + timedelta(days=7))
    real = reminder_letters.letter_html
    monkeypatch.setattr(reminder_letters, "letter_html", lambda reminder, *args: {}["x"] if reminder.customer.company == "Broken" else real(reminder, *args))
    with at(DUE + timedelta(days=7)):
        run = run_now(LETTERS)
    assert run.counts["letters"] == 1 and "Broken: KeyError" in notes(run, "failed")[0] and "KeyError" in sent()[0].problem


def test_nobody_is_locked_by_a_letter_that_was_not_made(firm: None) -> None:
    """The notice counts from the letter: while it cannot be made nothing locks, and made later it names a later day."""
    owner = account(1, first=date(2026, 2, 1), language="en")
    with at(date(2026, 2, 16)):
        item = demand(owner, "100.00", DUE)
    remind(DUE + timedelta(days=7))
    with at(DUE + timedelta(days=7)):
        run_now(LETTERS)
    change_settings({"company.iban": ""})
    day = DUE + timedelta(days=21)
    remind(day)
    with at(day):
        assert run_now(LETTERS).counts["letters"] == 0
    assert item.lock_notice_on == day + timedelta(days=14)
    hour(day + timedelta(days=15))
    assert locked(owner) == (0, {0})
    change_settings(COMPANY)
    with at(day + timedelta(days=15)):
        assert run_now(LETTERS).counts["letters"] == 1
    last = sent()[-1]
    assert (last.sent_on, last.lock_on, item.lock_notice_on, item.reminded_on) == (day + timedelta(days=15), day + timedelta(days=29), last.lock_on, last.sent_on)
    assert "Apr 21, 2026" in last.body and last.pay_until == day + timedelta(days=22)
    hour(last.lock_on)
    assert locked(owner)[0] == 0
    hour(last.lock_on + timedelta(days=1))
    assert locked(owner)[0] != 0


def test_without_address_the_letter_is_there_to_print(firm: None) -> None:
    with at(date(2026, 2, 16)):
        demand(make.customer(email=""), "100.00", DUE)
    remind(DUE + timedelta(days=7))
    with at(DUE + timedelta(days=7)):
        run_now(LETTERS)
    assert sent()[0].document_id and "Print" in sent()[0].problem
    assert db.session.scalar(select(func.count()).select_from(MailMessage)) == 0


def test_the_lock_notice_of_a_level_can_be_turned(firm: None) -> None:
    """Neither the level nor its texts could go first: texts that fit no more are replaced, others stay."""
    session = db.session()
    level = session.scalars(select(ReminderLevel).where(ReminderLevel.number == 1)).one()
    own = session.scalars(select(ReminderText).where(ReminderText.level_id == level.id, ReminderText.language == "de")).one()
    session.rollback()
    assert change_level(level, level.name, level.days, "", False, True, 10) == ["de", "en", "pt_BR"] and "{{lock_on}}" in own.body
    save_text(level, "de", "Mahnung", "{{sum}} bis {{pay_until}}, sonst Sperre nach {{lock_on}}", own)
    assert change_level(level, level.name, level.days + 1, "", False, True, 10) == [] and own.subject == "Mahnung"
    assert len(change_level(level, level.name, level.days, "", False, False, 10)) == 3 and "{{lock_on}}" not in own.body


def test_levels_are_seeded(app: Any) -> None:
    assert [(row.number, row.days, row.lock_notice) for row in db.session.scalars(select(ReminderLevel).order_by(ReminderLevel.number))] == [(1, 7, False), (2, 21, True), (3, 42, False)]
