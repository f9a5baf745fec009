"""Accounting exports of plugins: once each period, again with a reason, whole or not at all; a plugin's fault is told."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.core.errors import Conflict, DomainError, InvalidInput
from app.exchange.accounting import content, done_before, look, perform, start, start_again
from app.exchange.accounting_models import AccountingRun
from app.exchange.models import RunState
from app.plugin_api import AccountingExport, ExportFile, ExportRequest, Plugin
from app.plugin_api.registry import plugins
from app.system.models import Document, ProtocolEntry
from app.system.retention import BOOKS, retain_until
from tests.receivables.books import at

DAY, FIRST, LAST = date(2026, 12, 1), date(2026, 11, 1), date(2026, 11, 15)
FILES = [ExportFile("sales.csv", "text/csv", b"a;b\r\n"), ExportFile("purchases.csv", "text/csv", b"c;d\r\n")]


class Ledger(AccountingExport):
    code, title = "ledger", "Ledger"

    def __init__(self) -> None:
        self.asked: list[ExportRequest] = []
        self.answer: Any = FILES

    def files(self, request: ExportRequest) -> list[ExportFile]:
        assert not db.session().in_transaction()
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def ledger(app):
    made = Ledger()

    class LedgerPlugin(Plugin):
        name, title = "ledger", "Ledger"

        def package(self) -> str:
            return "tests.exchange.test_accounting"

        def accounting_exports(self) -> list[AccountingExport]:
            return [made]

    plugins().loaded.pop("ledger", None)
    plugins().add(LedgerPlugin())
    with at(DAY):
        yield made
    plugins().loaded.pop("ledger", None)


def test_a_period_is_exported_once_and_again_only_with_a_reason(ledger):
    run = start("ledger", FIRST, LAST)
    with pytest.raises(Conflict):
        start("ledger", FIRST, LAST)
    assert perform(run.id).state is RunState.DONE and perform(run.id).state is RunState.DONE and len(ledger.asked) == 1
    name, kind, data = content(run)
    assert (name, kind, zipfile.ZipFile(io.BytesIO(data)).namelist()) == ("ledger-20261101-20261115-1.zip", "application/zip", ["sales.csv", "purchases.csv"])
    assert {row.retain_until for row in db.session.scalars(select(Document).where(Document.folder == "Accounting/2026"))} == {retain_until(BOOKS, LAST)}
    with pytest.raises(InvalidInput):
        start("ledger", FIRST, LAST)
    ledger.answer = FILES[:1]
    again = perform(start("ledger", FIRST, LAST, "The first was lost.").id)
    assert (again.number, ledger.asked[-1].again, ledger.asked[-1].key != ledger.asked[0].key, content(again)) == (2, "The first was lost.", True, ("sales.csv", "text/csv", b"a;b\r\n"))
    assert "The first was lost." in db.session.scalars(select(ProtocolEntry.note).where(ProtocolEntry.action == "accounting_export")).all()
    assert len(done_before("ledger", FIRST, LAST)) == 2


@pytest.mark.parametrize("given", [("ledger", LAST, FIRST), ("ledger", FIRST, DAY), ("ledger", date(2025, 1, 1), LAST), ("gone", FIRST, LAST), ("ledger", FIRST, LAST, "x"), ("ledger", FIRST, LAST, "never was")])
def test_what_cannot_be_asked_for(ledger, given):
    with pytest.raises(InvalidInput):
        start(*given)
    assert db.session.scalar(select(func.count()).select_from(AccountingRun)) == 0


@pytest.mark.parametrize("fault", [RuntimeError("boom"), DomainError("no accounts"), [], [FILES[0], FILES[0]], [ExportFile("../x.csv", "text/csv", b"x")], [ExportFile("x.csv", "text/csv", b"")], "nonsense",
                                   [ExportFile("x.csv", "text/csv", b"x", 999999)]])
@pytest.mark.sqlite_only
def test_a_fault_is_told_leaves_nothing_and_is_tried_again_with_its_key(ledger, fault):
    ledger.answer = fault
    run = start("ledger", FIRST, LAST)
    failed = perform(run.id)
    assert failed.state is RunState.FAILED and failed.error and db.session.scalar(select(func.count()).select_from(Document)) == 0
    ledger.answer = FILES
    start_again(failed)
    assert perform(run.id).state is RunState.DONE and len({request.key for request in ledger.asked}) == 1
    with pytest.raises(InvalidInput):
        start_again(failed)


def test_a_look_changes_nothing_and_survives_the_plugins_fault(ledger, monkeypatch):
    assert look("ledger", FIRST, LAST) == []
    monkeypatch.setattr(Ledger, "preview", lambda *_asked: 1 / 0)
    assert "ZeroDivisionError" in look("ledger", FIRST, LAST)[0]
