"""Demands for the lawyer: chosen, handed over by a second person, frozen, paid, taken back."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from app.core.actor import Actor, acting
from app.core.db import db
from app.core.errors import InvalidInput
from app.receivables import lawyer
from app.receivables.lawyer_models import CaseState, LawyerFile
from app.receivables.models import DemandKind, OpenItem
from app.receivables.open_items import set_dispute
from app.receivables.reminder_run import LETTERS
from app.system import documents
from app.system.job_runs import run_now
from app.system.models import Document
from app.system.settings import change_settings
from tests import factories as make
from tests.receivables.books import at, check_books, demand, pay
from tests.receivables.test_reminders import COMPANY, DUE, remind

LATE = DUE + timedelta(days=60)


@pytest.fixture
def owed(app: Any) -> OpenItem:
    """A demand that was reminded to the last level, with fees and interest."""
    change_settings(COMPANY)
    owner = make.customer(company="=cmd|' /C calc'!A0", language="de")
    with at(date(2026, 2, 16)):
        item = demand(owner, "1000.00", DUE)
    for days in (7, 21, 42):
        remind(DUE + timedelta(days=days))
    return item


def chosen(item: OpenItem, by: str = "Ada") -> Any:
    with at(LATE), acting(Actor("staff", by)):
        return lawyer.propose([item.id], "please be quick")[0]


def handed(item: OpenItem) -> Any:
    case = chosen(item)
    with at(LATE), acting(Actor("staff", "Bob")):
        lawyer.hand_over(case)
    return case


def test_only_what_was_reminded_to_the_last_level(owed: OpenItem) -> None:
    session = db.session()
    assert lawyer.candidates(session, DUE + timedelta(days=49)) == []           # the time to pay is not over
    assert [item.id for item in lawyer.candidates(session, LATE)] == [owed.id]
    with at(LATE):
        set_dispute(owed, True, "wrong")
        assert lawyer.candidates(session, LATE) == []
        with pytest.raises(InvalidInput, match="may not be handed over"):
            lawyer.propose([owed.id])


def test_a_second_person_hands_over_and_everything_freezes(owed: OpenItem) -> None:
    case = chosen(owed)
    assert case.state is CaseState.PROPOSED and not owed.with_lawyer
    with at(LATE), acting(Actor("staff", "Ada")), pytest.raises(InvalidInput, match="somebody else"):
        lawyer.hand_over(case)
    with at(LATE), acting(Actor("staff", "Eve")), pytest.raises(InvalidInput):
        lawyer.propose([owed.id])                                              # it is in a case already
    with at(LATE), acting(Actor("staff", "Bob")):
        lawyer.hand_over(case)
        with pytest.raises(InvalidInput):
            lawyer.hand_over(case)
    more = lawyer.belonging(db.session(), [owed.id])
    assert owed.with_lawyer and more and all(item.with_lawyer for item in more)
    assert case.total == owed.open + sum(item.open for item in more) and case.handed_by == "Bob"
    before = len(more)
    assert remind(LATE + timedelta(days=100)).counts["letters due"] == 0
    assert len(lawyer.belonging(db.session(), [owed.id])) == before            # no further interest
    check_books()


def test_payments_still_book_and_are_listed(owed: OpenItem) -> None:
    case = handed(owed)
    with at(LATE + timedelta(days=5)):
        pay(owed.customer, "400.00", LATE + timedelta(days=5), reference=owed.reference)
    parts = [(item.kind, part.amount) for part, _payment, item in lawyer.payments_since(db.session(), case)]
    assert sum(amount for _kind, amount in parts) == 400 and owed.open == 1000 - sum(amount for kind, amount in parts if kind is DemandKind.PRINCIPAL) > 600
    assert all(item.open == 0 for item in lawyer.belonging(db.session(), [owed.id]))        # costs and interest first
    check_books()


def test_taken_back_it_may_be_chosen_again(owed: OpenItem) -> None:
    case = handed(owed)
    with at(LATE):
        lawyer.take_back(case)
        with pytest.raises(InvalidInput):
            lawyer.take_back(case)
    assert (case.state, owed.with_lawyer) == (CaseState.BACK, False)
    again = chosen(owed)
    with at(LATE):
        lawyer.drop(again)
        assert again.state is CaseState.DROPPED and [item.id for item in lawyer.candidates(db.session(), LATE)] == [owed.id]


def test_what_was_paid_before_the_hand_over_stays_out(owed: OpenItem) -> None:
    case = chosen(owed)
    with at(LATE):
        everything = owed.open + sum(item.open for item in lawyer.belonging(db.session(), [owed.id]))
        pay(owed.customer, str(everything), LATE, reference=owed.reference)
        with acting(Actor("staff", "Bob")), pytest.raises(InvalidInput, match="Nothing of this case"):
            lawyer.hand_over(case)


def test_files_are_made_once_and_cannot_do_harm(owed: OpenItem) -> None:
    case = handed(owed)
    with at(LATE):
        assert run_now(LETTERS).counts["lawyer files"] == 3
        assert run_now(LETTERS).counts.get("lawyer files", 0) == 0
    files = {row.kind: documents.read(db.session.get_one(Document, row.document_id)) for row in db.session.scalars(select(LawyerFile).where(LawyerFile.case_id == case.id))}
    assert files["pdf"].startswith(b"%PDF")
    rows = list(csv.reader(io.StringIO(files["csv"].decode("utf-8-sig")), delimiter=";"))
    assert rows[1][1].startswith("'=cmd") and sum(Decimal(row[5]) for row in rows[14:]) == case.total
    sheet = openpyxl.load_workbook(io.BytesIO(files["xlsx"])).active
    assert sheet is not None and sheet["B2"].data_type == "s" and "credited against legal costs" in str([cell.value for row in sheet.iter_rows() for cell in row])


def test_without_a_second_person_it_goes_at_once(owed: OpenItem) -> None:
    change_settings({"lawyer.second_person": False})
    assert chosen(owed).state is CaseState.HANDED and owed.with_lawyer
