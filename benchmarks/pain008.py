"""SEPA direct debits: 20,000 announced demands become files for the bank, mandates, states and XSD check included.

The product's own run on one PostgreSQL as shipped: decide behind the accounts' locks, write the direct debits, build the
file, check it against the XSD, read it back, store it, mark debits and mandates. Beside it, the parts that only need the
processor. Tryton (27 payments/s on a machine like this) is what there was to beat.
"""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import psycopg

from benchmarks.support.application import make_app, make_tables
from benchmarks.support.figures import Figure, median, say, seconds
from benchmarks.support.postgres import plain, postgres

DEBITS = 20_000
NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
DATA = """
INSERT INTO customer (kind, number, company, contact, street, address_extra, postcode, city, region, country, phone, email, invoice_email, business, vat_id, tax_number,
    buyer_reference, language, currency, payment_method, terms_days, invoice_by_mail, state, lock_reasons, reminder_block, note, created_at, changed_at, version{more})
SELECT 'closed', 'K' || i, 'Müller & Söhne ' || i, '', 'Weg 1', '', '20457', 'Hamburg', '', 'DE', '', 'k' || i || '@example.org', '', true, '', '', '', 'de', 'EUR', 'sepa', 14,
    true, 'active', 0, false, '', now(), now(), 1{values} FROM generate_series(1, {n}) i;
INSERT INTO sepa_bank_account (title, holder, iban, bic, creditor_id, version, batch_booking, lead_days, cut_off, active)
VALUES ('Bank', 'Nordfunk PTT GmbH', 'DE89370400440532013000', 'COBADEFFXXX', 'DE98ZZZ09999999999', '{version}', true, 1, '14:00', true);
INSERT INTO sepa_mandate (customer_id, account_id, reference, scheme, one_off, last_one, holder, iban, bic, state, signed_on, valid_at, origin, proof, collections, former_reference,
    new_account, reason, created_at)
SELECT id, 1, 'M-' || number, 'CORE', false, false, company, 'DE02120300000000202051', '', 'valid', '2026-01-02', now(), 'paper', '{{}}', 1, '', false, '', now() FROM customer;
INSERT INTO open_item (customer_id, reference, issued_on, due_on, currency, amount, open, disputed, dispute_note, reminder_block{item_more})
SELECT id, 'RE-2026-' || id, '2026-10-10', '2026-10-30', 'EUR', 1000 + id, 1000 + id, false, '', false{item_values} FROM customer;
INSERT INTO sepa_notice (open_item_id, mandate_id, amount, collect_on, notified_on, kind, retry, state)
SELECT i.id, m.id, i.open, '2026-10-30', '2026-10-10', 'invoice', false, 'open' FROM open_item i JOIN sepa_mandate m ON m.customer_id = i.customer_id;
"""
AGAIN = """
TRUNCATE sepa_batch_file, sepa_return, sepa_debit, sepa_batch, protocol_entry;
UPDATE sepa_notice SET state = 'open'; UPDATE sepa_mandate SET collections = 1, last_collected_on = NULL;
"""


def run(options: argparse.Namespace) -> list[Figure]:
    count = max(100, int(DEBITS * options.scale))
    with postgres() as url:
        make_tables(url, "sepa")
        flask_app = make_app(url, "sepa")
        with psycopg.connect(plain(url), autocommit=True) as connection, flask_app.app_context():
            _fill(connection, count)
            whole = [_whole(connection, count) for _round in range(options.repeat)]
    return [Figure("pain008 payments per second", median(whole), 0, at_least=5000), *_parts(count, options.repeat)]


def _fill(connection: psycopg.Connection, count: int) -> None:
    more, values = _required(connection, "customer", DATA)
    item_more, item_values = _required(connection, "open_item", DATA)
    took = seconds(lambda: connection.execute(DATA.format(n=count, version="pain.008.001.08", more=more, values=values, item_more=item_more, item_values=item_values).encode()))
    connection.execute("VACUUM ANALYZE")
    say(f"{count:,} demands, one mandate each, in {took:.1f} s")


def _required(connection: psycopg.Connection, table: str, script: str) -> tuple[str, str]:
    """Columns of a core table that must not be empty and that the script does not know: named, and filled with nothing."""
    head = script[script.index(f"INSERT INTO {table} (") :]
    known = {name.strip() for name in head[head.index("(") + 1 : head.index("{" if "{" in head[: head.index(")")] else ")")].split(",")}
    nothing = {"boolean": "false", "integer": "0", "bigint": "0", "jsonb": "'{}'"}
    rows: list[Any] = connection.execute("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s AND is_nullable = 'NO' AND column_default IS NULL",
                                         (table,)).fetchall()
    missing = [(name, nothing.get(kind, "''")) for name, kind in rows if name not in known and name != "id"]
    return "".join(f", {name}" for name, _value in missing), "".join(f", {value}" for _name, value in missing)


def _whole(connection: psycopg.Connection, count: int) -> float:
    from app.core import clock
    from app.core.db import db
    from plugins.sepa import batches, collecting
    from plugins.sepa.models import CreditorAccount, DebitBatch

    connection.execute(AGAIN)
    db.session.remove()

    def work() -> None:
        with clock.frozen(NOW):
            outcome = collecting.collect(db.session.get_one(CreditorAccount, 1))
            for ident in outcome.batches:
                batches.export(db.session.get_one(DebitBatch, ident))
            if outcome.collected != count:
                raise RuntimeError(f"{outcome.collected} of {count} were collected: {outcome.skipped}")

    took = seconds(work)
    done = connection.execute("SELECT count(*), sum(amount) FROM sepa_debit WHERE state = 'exported'").fetchone()
    if done is None or done[0] != count or done[1] != sum(1000 + n for n in range(1, count + 1)):
        raise RuntimeError(f"not everything was exported: {done}")
    say(f"{count:,} in {took:.2f} s")
    return count / took


def _parts(count: int, rounds: int) -> list[Figure]:
    from plugins.sepa import pain008, schema
    from plugins.sepa.orders import Creditor, Order

    creditor = Creditor("Nordfunk PTT GmbH", "DE89370400440532013000", "COBADEFFXXX", "DE98ZZZ09999999999")
    orders = [Order(f"DD{n}-1", Decimal(1000 + n).scaleb(-2), "CORE", "RCUR", date(2026, 11, 3), f"M-K{n}", date(2026, 1, 2), f"Müller & Söhne {n}", "DE02120300000000202051",
                    remittance=f"RE-2026-{n} / K{n}") for n in range(count)]
    data = pain008.write("T1", NOW, creditor, orders)
    writing = count / median(seconds(lambda: pain008.write("T1", NOW, creditor, orders)) for _round in range(rounds))
    checking = count / median(seconds(lambda: schema.faults(data, pain008.V08)) for _round in range(rounds))
    return [Figure("pain008 written per second", writing, 0), Figure("pain008 checked by the XSD per second", checking, 0)]
