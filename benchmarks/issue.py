"""Issuing invoices of ten lines: numbers, hash chain, lines, taxes and open items, in one process, without PDF.

A PostgreSQL as shipped (fsync on), a new installation with its triggers, the product's own reactions. Each round issues
other documents; afterwards the chain is verified and every invoice has its open item.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from datetime import date

from sqlalchemy import func, select, text

from benchmarks.support.figures import Figure, median, say, seconds
from benchmarks.support.postgres import postgres

DOCUMENTS, LINES = 3_000, 10
COMPANY = {"company.name": "Benchmark GmbH", "company.street": "Street 1", "company.postcode": "10115", "company.city": "Berlin", "company.country": "DE",
           "company.vat_id": "DE136695976", "company.iban": "DE89370400440532013000"}
FILL = """
INSERT INTO customer (id, kind, number, company, contact, street, address_extra, postcode, city, region, country, phone, email, invoice_email, business, vat_id,
                      tax_number, buyer_reference, language, currency, payment_method, terms_days, invoice_by_mail, state, lock_reasons, reminder_block, note,
                      created_at, changed_at, version)
SELECT n, 'closed', 'B' || n, 'Customer ' || n, '', 'Street ' || n, '', '10115', 'Berlin', '', 'DE', '', '', '', true, '', '', '',
       CASE n % 3 WHEN 0 THEN 'en' WHEN 1 THEN 'de' ELSE 'pt_BR' END, 'EUR', 'transfer', 14, true, 'active', 0, false, '', now(), now(), 1
FROM generate_series(1, :documents) n;
INSERT INTO billing_document (id, customer_id, period, sequence, currency, state, held_because, fees_net, fees_count, created_at)
SELECT n, n, '2026-10', 1, 'EUR', 'released', '', 5500 * 2, 20, now() FROM generate_series(1, :documents) n;
INSERT INTO charge (document_id, license_id, tariff_id, service_id, period_start, period_end, days, of_days, unit_price, net, text, article_id)
SELECT d, d * 100 + l * 10 + k, l, 0, '2026-10-01', '2026-10-31', 31 - l, 31, 100000 * l, 100 * l, 'Tariff ' || l, (SELECT min(id) FROM article)
FROM generate_series(1, :documents) d, generate_series(1, :lines) l, generate_series(1, 2) k;
"""


def run(options: argparse.Namespace) -> list[Figure]:
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    with postgres() as url, tempfile.TemporaryDirectory(prefix="ptt-bench-") as folder:
        from app.admin.setup import setup_all
        from app.core.db import db
        from app.factory import create_app
        from config import engine_options

        flask_app = create_app(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_ENGINE_OPTIONS=engine_options(url), DOCUMENTS_URL=folder, PTT_INLINE=True, PLUGINS=[])
        with flask_app.app_context():
            setup_all()
            try:
                return _measure(max(50, int(DOCUMENTS * options.scale)), options.repeat)
            finally:
                db.session.remove()
                db.engine.dispose()


def _measure(documents: int, rounds: int) -> list[Figure]:
    from app.billing.issue import CHUNK, issue_documents
    from app.billing.models import InvoiceLine, InvoiceSeries
    from app.billing.verify import verify_chain
    from app.core import clock
    from app.core.db import db
    from app.receivables.models import OpenItem
    from app.system.settings import change_settings

    change_settings(COMPANY)
    with db.engine.begin() as connection:
        for statement in FILL.split(";"):
            if statement.strip():
                used = {name: value for name, value in (("documents", documents * rounds), ("lines", LINES)) if f":{name}" in statement}
                connection.execute(text(statement), used)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    day: date = clock.today()
    rates = []
    for number in range(rounds):
        ids = list(range(number * documents + 1, (number + 1) * documents + 1))

        def work(ids: list[int] = ids) -> None:
            for start in range(0, len(ids), CHUNK):
                result = issue_documents(ids[start:start + CHUNK], day)
                if result.held or result.skipped:
                    raise SystemExit(f"issue: {result.held[:1]} {result.skipped[:1]}")

        rates.append(documents * LINES / seconds(work))
        say(f"round {number + 1}: {documents:,} invoices, {rates[-1]:,.0f} lines/s")
    lines, items = (db.session.scalar(select(func.count()).select_from(model)) for model in (InvoiceLine, OpenItem))
    problems = verify_chain(db.session.scalars(select(InvoiceSeries)).first())
    if problems or lines != documents * LINES * rounds or items != documents * rounds:
        raise SystemExit(f"issue: {lines} lines, {items} open items, {problems[:1]}")
    return [Figure("issue lines/s", median(rates), digits=0, at_least=5000)]
