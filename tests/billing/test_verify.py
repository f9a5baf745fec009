"""Immutability by trigger, and the proof that finds what was changed in spite of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.billing.issue import issue_documents
from app.billing.models import Invoice
from app.billing.pdf import pdf_document, render_invoices
from app.billing.triggers import install_triggers, remove_triggers
from app.billing.verify import verify_all, verify_chain
from app.core.db import db, is_postgresql
from app.system import documents
from tests.billing.invoice_data import Shop, invoices

DAY = date(2026, 11, 2)


@pytest.fixture
def issued(shop: Shop) -> list[Invoice]:
    rows = [shop.document(shop.customer(), ("Business", "4.90", n), ("Chat", "1.00", n)) for n in range(1, 4)]
    issue_documents([row.id for row in rows], DAY)
    return invoices()


def _sql(statement: str) -> None:
    with db.engine.begin() as connection:
        connection.execute(text(statement))


def _untriggered(statement: str) -> None:
    """What somebody does who owns the database."""
    db.session.rollback()
    with db.engine.begin() as connection:
        remove_triggers(connection)
        connection.execute(text(statement))
        install_triggers(connection)


UPDATES = ["UPDATE invoice SET gross = 1", "UPDATE invoice SET number = 'X' WHERE id = (SELECT min(id) FROM invoice)", "UPDATE invoice_line SET text = 'x'",
           "UPDATE invoice_tax SET tax = 0", "UPDATE invoice_file SET sha256 = 'x'", "UPDATE protocol_entry SET actor_name = 'nobody'",
           "UPDATE document SET sha256 = 'x'", "UPDATE document SET path = 'x'"]
DELETES = ["DELETE FROM invoice_file", "DELETE FROM invoice_tax", "DELETE FROM invoice_line", "DELETE FROM invoice"]


@pytest.mark.parametrize("statement", UPDATES + DELETES)
def test_sql_cannot_change_what_was_issued(shop: Shop, issued: list[Invoice], statement: str) -> None:
    render_invoices([issued[0].id], pytest.fail)
    db.session.rollback()
    with pytest.raises(DBAPIError, match="refused"):
        _sql(statement)
    assert verify_chain(shop.series) == []


def test_replace_and_truncate_are_refused(shop: Shop, issued: list[Invoice]) -> None:
    columns = ", ".join(c.name for c in Invoice.__table__.columns)
    statement = "TRUNCATE invoice CASCADE" if is_postgresql() else f"INSERT OR REPLACE INTO invoice ({columns}) SELECT {columns} FROM invoice"
    db.session.rollback()
    with pytest.raises(DBAPIError, match="refused"):
        _sql(statement)
    assert len(invoices()) == 3


def test_after_eight_full_years_deletion_is_possible(shop: Shop, issued: list[Invoice]) -> None:
    year = date.today().year - 9
    _untriggered(f"UPDATE invoice SET issued_on = '{year}-12-31' WHERE chain_index = 1")
    _untriggered(f"UPDATE invoice SET issued_on = '{year + 1}-01-01' WHERE chain_index = 2")
    first, second = issued[0].id, issued[1].id
    db.session.rollback()
    _sql("DELETE FROM open_item")
    for table in ("invoice_line", "invoice_tax"):
        with pytest.raises(DBAPIError, match="refused"):
            _sql(f"DELETE FROM {table} WHERE invoice_id = {second}")
        _sql(f"DELETE FROM {table} WHERE invoice_id = {first}")
    _sql(f"DELETE FROM invoice WHERE id = {first}")
    with pytest.raises(DBAPIError, match="refused"):
        _sql(f"DELETE FROM invoice WHERE id = {second}")


def test_the_protocol_can_be_cleared_but_not_rewritten(shop: Shop, issued: list[Invoice]) -> None:
    db.session.rollback()
    _sql("DELETE FROM protocol_entry")


@pytest.mark.parametrize(("statement", "words"), [
    ("UPDATE invoice_line SET net = net + 1 WHERE number = 1 AND invoice_id = (SELECT id FROM invoice WHERE chain_index = 2)",
     ["its content is not what was issued", "the tax table does not fit the lines"]),
    ("UPDATE invoice SET due_on = '2030-01-01' WHERE chain_index = 2", ["its content is not what was issued"]),
    ("UPDATE invoice SET hash = previous_hash WHERE chain_index = 2", ["not what was issued", "does not follow its predecessor"]),
    ("DELETE FROM invoice_line WHERE number = 1", ["a line is missing"]),
    ("UPDATE invoice_tax SET tax = tax - 1", ["a tax is not its base times its rate", "not the sum"]),
    ("UPDATE invoice SET number = 'RE-2026-00009' WHERE chain_index = 3", ["does not follow RE-2026-00002"]),
    ("UPDATE invoice_series SET last_hash = ''", ["end of the chain is missing"]),
    ("UPDATE invoice SET issued_on = '2026-10-01' WHERE chain_index = 3", ["before its predecessor"]),
])
def test_tampering_is_found(shop: Shop, issued: list[Invoice], statement: str, words: list[str]) -> None:
    _untriggered(statement)
    db.session.expire_all()
    found = " | ".join(str(problem) for problem in verify_chain(shop.series))
    assert all(word in found for word in words), found


@pytest.mark.parametrize(("index", "word"), [(2, "an invoice is missing"), (3, "end of the chain is missing")])
def test_a_removed_invoice_is_found(shop: Shop, issued: list[Invoice], index: int, word: str) -> None:
    ident = issued[index - 1].id
    db.session.rollback()
    _sql("DELETE FROM open_item")
    for statement in (f"DELETE FROM invoice_line WHERE invoice_id = {ident}", f"DELETE FROM invoice_tax WHERE invoice_id = {ident}",
                      f"DELETE FROM invoice WHERE id = {ident}"):
        _untriggered(statement)
    assert word in " ".join(str(problem) for problem in verify_chain(shop.series))


def _change(path: str) -> None:
    fs, full = documents._full(path)
    fs.pipe_file(full, b"%PDF-other")


def _remove(path: str) -> None:
    fs, full = documents._full(path)
    fs.rm_file(full)


@pytest.mark.parametrize(("harm", "word"), [(_change, "was changed"), (_remove, "is missing")])
def test_verify_reads_every_file(shop: Shop, issued: list[Invoice], harm: Callable[[str], None], word: str) -> None:
    render_invoices([row.id for row in issued], pytest.fail)
    said: list[str] = []
    assert verify_all(said.append) == 0 and "0 problems" in said[-1]
    document = pdf_document(issued[1].id)
    assert document is not None
    harm(document.path)
    said.clear()
    assert verify_all(said.append) == 1 and word in said[0]
