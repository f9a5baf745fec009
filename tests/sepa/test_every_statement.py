"""Collection, export, booking and return, broken off at their n-th statement for every n: nothing is stored, and a repeat gives the
undisturbed end. That is what a killed process leaves, at the finest grain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.core.db import db
from app.receivables.models import OpenItem, Payment
from app.system.models import MailMessage, ProtocolEntry
from plugins.sepa import batches, booking, collecting, returns
from plugins.sepa.models import DebitBatch, DebitFile, DebitReturn, DirectDebit, Mandate, PreNotification
from plugins.sepa.returns import Fact
from tests.receivables.test_every_statement import break_off
from tests.sepa.books import DAY, announced, at, bank, debits, exported, fresh, payer, proposed

TABLES = (Mandate, PreNotification, DebitBatch, DebitFile, DirectDebit, DebitReturn, OpenItem, Payment, ProtocolEntry, MailMessage)


def stored() -> list[Any]:
    db.session.rollback()
    with db.engine.connect() as connection:
        return [connection.execute(select(model.__table__)).all() for model in TABLES]


def at_every_statement(work: Any) -> int:
    """Break `work` off at each of its statements: each time nothing is left, until it is there as a whole (the test looks at it then). Returns how many there were."""
    before, number = stored(), 1
    while break_off(work, number) and stored() == before:
        number += 1
    db.session.rollback()
    return number - 1


@pytest.fixture
def account(app):
    account = bank()
    for _n in range(2):
        announced(payer(), account)
    return account


def test_the_collection_run(account):
    with at(DAY):
        assert at_every_statement(lambda: collecting.collect(account)) > 8
        assert collecting.collect(account).collected == 0
    assert len(debits()) == 2 and len({d.batch_id for d in debits()}) == 1


def test_the_export(account):
    batch = proposed(account)
    with at(DAY):
        assert at_every_statement(lambda: batches.export(batch)) > 10
        data = batches.download(fresh(batch))
    assert data.count(b"<DrctDbtTxInf>") == 2 and {d.state.value for d in debits()} == {"exported"}


def test_the_booking(account):
    batch = exported(account)
    (first, second) = debits(batch)
    with at(batch.last_day):
        assert at_every_statement(lambda: booking.book(first.id, batch.last_day)) > 8
        assert booking.book_due(batch.last_day) == (1, [])
    assert fresh(first).payment.amount == first.amount and fresh(second).state.value == "collected"


def test_the_return(account):
    batch = exported(account)
    (first, _second) = debits(batch)
    with at(batch.last_day):
        booking.book_due(batch.last_day)
    with at(batch.last_day + timedelta(days=2)):
        fact = Fact("camt:1", "statement", first.end_to_end_id, batch.last_day + timedelta(days=2), first.amount, reason_code="AM04")
        assert at_every_statement(lambda: returns.take(fact)) > 15
        returns.take(fact)
    assert fresh(first.open_item).open == first.amount and len(debits()) == 2
