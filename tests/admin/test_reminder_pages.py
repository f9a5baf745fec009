"""The staff's pages of reminders and of the lawyer list."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db
from app.receivables.lawyer_models import CaseState, LawyerCase
from app.receivables.models import OpenItem
from app.receivables.open_items import add_demand
from app.receivables.reminder_models import Reminder, ReminderLevel, ReminderText
from app.receivables.reminder_run import LETTERS, REMINDERS
from app.system.job_runs import execute, run_now
from app.system.models import JobRun
from app.system.settings import change_settings
from tests import factories as make
from tests.receivables.books import at
from tests.receivables.test_reminders import COMPANY


@pytest.fixture
def item(app: Any) -> OpenItem:
    change_settings(COMPANY)
    today = clock.today()
    return add_demand(make.customer(company="Taxi Nord"), "RE-1", Decimal(100), today - timedelta(days=30), today - timedelta(days=10))


def run_all() -> None:
    for run in db.session.scalars(select(JobRun.id).where(JobRun.job.in_((REMINDERS, LETTERS))).order_by(JobRun.id)).all():
        execute(run)


def test_the_run_is_seen_then_started_once(desk: Any, item: OpenItem) -> None:
    clerk = desk("Billing")
    page = clerk.get("/admin/reminder-run/").text
    assert "Taxi Nord" in page and "Send 1 reminder" in page and "/start?seen=1" in page
    assert clerk.post("/admin/reminder-run/start?seen=1").status_code == 303
    clerk.post("/admin/reminder-run/start?seen=1")              # a second click
    assert db.session.scalar(select(func.count()).select_from(JobRun).where(JobRun.job == REMINDERS)) == 1
    run_all()
    run_all()
    reminder = db.session.scalars(select(Reminder)).one()
    assert "No letter is due" in clerk.get("/admin/reminder-run/").text
    page = clerk.get(f"/admin/reminders/show/{reminder.id}").text
    assert "RE-1" in page and f"/admin/documents/download/{reminder.document_id}" in page
    assert clerk.get(f"/admin/documents/download/{reminder.document_id}").data.startswith(b"%PDF")
    assert "Reminder level" in clerk.get(f"/admin/open-items/show/{item.id}").text and "Reminder level" in clerk.get(f"/admin/customers/show/{item.customer_id}").text
    assert "Taxi Nord" in clerk.get("/admin/reminders/list/").text


def test_a_rehearsal_changes_nothing(desk: Any, item: OpenItem) -> None:
    clerk = desk("Billing")
    clerk.post("/admin/reminder-run/rehearse")
    run_all()
    assert "Rehearsal of" in clerk.get("/admin/reminder-run/").text and db.session.scalar(select(func.count()).select_from(Reminder)) == 0


def test_who_may_only_read_starts_nothing(desk: Any, item: OpenItem) -> None:
    reader = desk("Read only")
    assert "Send 1 reminder" not in reader.get("/admin/reminder-run/").text
    assert reader.post("/admin/reminder-run/start").status_code == 403
    assert reader.post("/admin/lawyer-list/choose", {"item": str(item.id)}).status_code == 403


def test_levels_and_texts_are_edited(desk: Any, app: Any) -> None:
    clerk = desk("Billing")
    first = db.session.scalars(select(ReminderLevel).where(ReminderLevel.number == 1)).one()
    page = f"/admin/reminder-levels/edit/{first.id}"

    def given(**change: str) -> dict[str, str]:
        return {"name": "Kind reminder", "days": "10", "fees": "EUR 1.00, BRL 5", "lock_days": "14", "row_version": clerk.marker(page), **change}

    assert clerk.post(page, given()).status_code == 303
    db.session.refresh(first)
    assert (first.name, first.days, first.fees) == ("Kind reminder", 10, "EUR 1.00, BRL 5.00")
    assert clerk.post(page, given(days="21")).status_code == 422          # as late as the next level
    assert clerk.post(page, given(fees="much")).status_code == 422
    text = db.session.scalars(select(ReminderText).where(ReminderText.level_id == first.id, ReminderText.language == "en")).one()
    page = f"/admin/reminder-texts/edit/{text.id}"
    assert clerk.post(page, {"row_version": clerk.marker(page), "subject": "Hello", "body": "{{sum}} {{secret}}"}).status_code == 422
    assert clerk.post(page, {"row_version": clerk.marker(page), "subject": "Hello", "body": "Pay {{sum}} by {{pay_until}}."}).status_code == 303
    assert "Pay €264.60 by" in clerk.get(f"/admin/reminder-texts/show/{text.id}").text
    assert clerk.post("/admin/reminder-levels/add", {"name": "Court", "days": "90", "fees": "", "lock_days": "14"}).status_code == 303
    last = db.session.scalars(select(ReminderLevel).order_by(ReminderLevel.number.desc())).first()
    assert last is not None and (last.number, len(last.texts)) == (4, 3)
    clerk.post(f"/admin/reminder-levels/delete/{first.id}")
    clerk.post(f"/admin/reminder-levels/delete/{last.id}")
    assert db.session.scalar(select(func.count()).select_from(ReminderLevel)) == 3


def test_two_people_hand_over(desk: Any, item: OpenItem) -> None:
    day = date.today()
    for n in (0, 20, 50):
        with at(day + timedelta(days=n)):
            run_now(REMINDERS)
    with at(day + timedelta(days=80)):
        ada, bob = desk("Billing", name="ada"), desk("Billing", name="bob")
        assert "RE-1" in ada.get("/admin/lawyer-list/").text
        ada.post("/admin/lawyer-list/choose", {"item": str(item.id), "note": "quick"})
        case = db.session.scalars(select(LawyerCase)).one()
        ada.post(f"/admin/lawyer-cases/action/hand_over/{case.id}")
        db.session.refresh(case)
        assert case.state is CaseState.PROPOSED
        bob.post(f"/admin/lawyer-cases/action/hand_over/{case.id}")
        db.session.refresh(case)
        assert case.state is CaseState.HANDED
        run_all()
        page = bob.get(f"/admin/lawyer-cases/show/{case.id}").text
        assert "PDF" in page and "XLSX" in page and "RE-1" in page
        assert "With the lawyer" in bob.get(f"/admin/customers/show/{item.customer_id}").text
        bob.post(f"/admin/lawyer-cases/action/take_back/{case.id}")
        db.session.refresh(case)
        assert case.state is CaseState.BACK
