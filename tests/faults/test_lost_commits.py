"""PostgreSQL stores, and nobody hears of it: the answer to the n-th COMMIT is dropped and the connection cut. The repeat ends as an undisturbed run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from app.billing.documents import release_all
from app.billing.pdf_process import Renderer
from app.core import clock
from app.core.db import db
from app.core.errors import Conflict
from app.customers.models import Customer
from app.housekeeping.invariants import broken
from app.receivables.bank.booking import book_new, release
from app.receivables.bank.intake import take_file
from app.receivables.bank_models import BankLine
from app.receivables.models import Allocation, Payment
from tests.api.test_api import NEW
from tests.faults.conftest import through
from tests.faults.killing import Copies, dump, only_make_faults, points
from tests.faults.month import BUSINESS, LEASES_OVER, NOW, OCTOBER, ask, run_until_done
from tests.faults.steps import most_points
from tests.receivables.bank_files import entry, message
from tests.receivables.books import at, demand

pytestmark = [pytest.mark.faults, pytest.mark.postgres_only]
LATER = datetime(2026, 11, 1, 9, 0, tzinfo=UTC) + LEASES_OVER
BOOKS = {**BUSINESS, "payments": select(Payment.key, Payment.amount, Payment.free), "allocations": select(Allocation.amount), "bank": select(BankLine.amount, BankLine.state)}


def fee_run(_api: Any) -> Callable[[], Any]:
    ask("billing.fee_run", NOW, period="2026-10")
    return lambda: run_until_done("billing.fee_run")


def issue(_api: Any) -> Callable[[], Any]:
    ask("billing.fee_run", NOW, period="2026-10")
    with clock.frozen(NOW):
        run_until_done("billing.fee_run")
        release_all(OCTOBER)
    ask("billing.issue", NOW, period="2026-10")
    return lambda: run_until_done("billing.issue")


def bank(_api: Any) -> Callable[[], Any]:
    customers = db.session.scalars(select(Customer).order_by(Customer.id)).all()[:2]
    with at(date(2026, 10, 20)):
        items = [demand(customer, "40.00", date(2026, 10, 31), reference=f"RE-2026-8{n:04d}") for n, customer in enumerate(customers)]
        data = message(entry("40.00", items[0].reference, ref="A1"), entry("12.34", items[1].reference, ref="A2"), entry("7.00", "Danke", ref="A3"))

    def work() -> None:
        try:
            take_file("statement.xml", data)
        except Conflict:        # it was stored: the clerk is told so
            db.session.rollback()
        release()
        book_new()

    return work


def api_write(api: Any) -> Callable[[], Any]:
    def work() -> None:
        answer = api("POST", "/customers", NEW, key="order-1")
        if answer.status_code == 503:
            assert answer.json["error"]["code"] == "unavailable" and answer.headers["Retry-After"]
            answer = api("POST", "/customers", NEW, key="order-1")
        assert answer.status_code == 201 and answer.json["company"] == NEW["company"]

    return work


@pytest.mark.parametrize("prepare", [pytest.param(work, id=work.__name__, marks=[] if work is api_write else [only_make_faults]) for work in (fee_run, issue, bank, api_write)])
def test_an_answer_to_commit_that_is_lost(provider, api, tmp_path, proxy, use_engine, prepare):
    work = prepare(api)
    copies = Copies(provider, tmp_path)
    with mock.patch.object(Renderer, "render", lambda _self, html: b"%PDF-1.4 " + html.encode()):
        try:
            calm = copies.make("calm")
            use_engine(through(proxy, calm))
            proxy.count("COMMIT\0")
            with clock.frozen(NOW):
                work()
            assert broken() == []
            expected, commits = dump(calm, BOOKS), proxy.passed
            assert commits >= 1
            for number in points(commits, most_points(2)):
                url = copies.make(f"lost{number}")
                use_engine(through(proxy, url))
                proxy.lose_answer("COMMIT\0", number)
                with clock.frozen(NOW):
                    try:
                        work()
                    except DBAPIError as error:
                        assert error.connection_invalidated
                    db.session.rollback()
                assert proxy.lost.is_set(), f"COMMIT {number} was not reached"
                with clock.frozen(LATER):
                    work()
                    assert dump(url, BOOKS) == expected, f"the answer to COMMIT {number} of {commits} was lost"
                    assert broken() == []
        finally:
            db.session.remove()
            db.engine.dispose()
            copies.drop()
