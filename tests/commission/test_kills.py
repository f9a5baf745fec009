"""Catch-up, draft, release and PDF in a real process that is killed, and another that finishes it: every cent once, one number, one PDF, one e-mail."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DatabaseError

from app.core.db import db, transaction
from app.receivables.payments import record_return
from app.system.models import MailMessage
from plugins.commission.entries import enter_missing
from plugins.commission.letters import make_letters, without_letter
from plugins.commission.models import Claim, CommissionEntry, Series, Statement, StatementState
from plugins.commission.statements import prepare, release
from tests.commission.books import DECEMBER, NOVEMBER, at, bill, client, plan, representative, statements
from tests.faults.killing import Copies, dump, fork, points
from tests.receivables.books import pay

SEEN = {
    "entries": select(CommissionEntry.allocation_id, CommissionEntry.paid, CommissionEntry.amount, CommissionEntry.statement_id.is_not(None)),
    "claims": select(Claim.reference, Claim.base, Claim.amount), "series": select(Series.year, Series.next_number),
    "statements": select(Statement.state, Statement.number, Statement.entries_sum, Statement.net, Statement.tax, Statement.payout, Statement.carried, Statement.document_id.is_not(None)),
    "mails": select(func.count()).select_from(MailMessage).where(MailMessage.kind == "commission.statement"),
}


def failed(subject: str, reason: str) -> None:
    raise AssertionError(f"{subject}: {reason}")


def chain() -> None:
    with at(DECEMBER):
        enter_missing(failed)
        prepare("2026-11", failed)
        for row in db.session.scalars(select(Statement).where(Statement.state == StatementState.DRAFT)).all():
            release(row)
        make_letters(without_letter(db.session()), failed)


@pytest.mark.faults
def test_killed_anywhere_and_started_again_it_ends_the_same(app, shop, tmp_path):
    customer = client(shop, who := representative())
    plan(who, "7.5")
    item = bill(shop, customer)
    for amount in ("13.37", "60.00"):
        pay(customer, amount, NOVEMBER, reference=item.reference)
    record_return(pay(customer, "20.00", NOVEMBER, reference=item.reference), "AC04")
    with transaction() as session:      # the plugin was off
        for table in (CommissionEntry, Claim):
            session.execute(delete(table))
    copies = Copies(app, tmp_path)
    try:
        calm, report = copies.make("calm"), tmp_path / "statements"
        assert fork(app, calm, chain, report=report) == 0
        expected = dump(calm, SEEN)
        assert len(expected["entries"]) == 4 and len(expected["statements"]) == 1 and expected["mails"] == [("1",)]
        for n in points(int(report.read_text()), 5):
            url = copies.make(f"kill{n}")
            assert fork(app, url, chain, kill_at=n) == -9
            assert fork(app, url, chain) == 0
            assert dump(url, SEEN) == expected, f"killed at statement {n}"
    finally:
        copies.drop()


def test_what_was_released_does_not_change_by_sql_either(shop):
    item = bill(shop, client(shop, who := representative()))
    plan(who)
    pay(item.customer, "119.00", NOVEMBER, reference=item.reference)
    with at(DECEMBER):
        prepare("2026-11", failed)
        release(statements()[0])
    for statement in ("UPDATE commission_statement SET net = net + 1", "DELETE FROM commission_statement", "UPDATE commission_entry SET amount = amount + 1",
                      "UPDATE commission_entry SET statement_id = NULL", "DELETE FROM commission_entry"):
        with pytest.raises(DatabaseError):
            db.session.execute(text(statement))
        db.session.rollback()
    assert statements()[0].entries_sum == 10
