"""The hourly locks of 100,000 customers and 1,000,000 licenses against one raw statement that finds and changes the same licenses.

Both work on the product's own tables, in turns, on one PostgreSQL as shipped. The raw statement only turns the licenses;
the product's run also decides per account behind its lock, writes accounts, lock history and protocol, and orders every
license on its server, through the job engine. Afterwards the licenses' reasons are compared by a checksum.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import psycopg

from app.system.settings import change_settings
from benchmarks.support.application import make_app, make_tables
from benchmarks.support.figures import Figure, median, say, seconds
from benchmarks.support.postgres import plain, postgres

SUPPORT = Path(__file__).parent / "support"
CUSTOMERS, LICENSES = 100_000, 1_000_000
ITEMS = """
INSERT INTO open_item (customer_id, reference, issued_on, due_on, currency, amount, open, settled_on, disputed, dispute_note, reminder_block)
SELECT c.id, 'RE-' || c.id || '-' || m, current_date - 30 * m - 44, current_date - 30 * m - 30, 'EUR', 11900, 0, current_date - 30 * m - 30, false, '', false
FROM customer c, generate_series(1, 6) m;
INSERT INTO open_item (customer_id, reference, issued_on, due_on, currency, amount, open, settled_on, disputed, dispute_note, reminder_block)
SELECT id, 'RE-' || id || '-0', current_date - 10, current_date + 4, 'EUR', 11900, 11900, NULL, false, '', false FROM customer;
INSERT INTO open_item (customer_id, reference, issued_on, due_on, currency, amount, open, settled_on, disputed, dispute_note, reminder_block)
SELECT id, 'LATE-' || id, current_date - 54, current_date - 40, 'EUR', 11900, 11900, NULL, false, '', false FROM customer WHERE id % 20 = 0;
"""
RAW = """
WITH bad AS (SELECT DISTINCT customer_id FROM open_item WHERE open > 0 AND NOT disputed AND due_on < current_date - 10),
locked AS (UPDATE license l SET lock_reasons = lock_reasons | 1, changed_at = now() FROM bad
           WHERE l.customer_id = bad.customer_id AND l.lock_reasons & 1 = 0 AND l.state <> 'deleted' RETURNING 1),
unlocked AS (UPDATE license l SET lock_reasons = lock_reasons & ~1, changed_at = now()
             WHERE l.lock_reasons & 1 = 1 AND NOT EXISTS (SELECT FROM bad WHERE bad.customer_id = l.customer_id) RETURNING 1)
SELECT (SELECT count(*) FROM locked), (SELECT count(*) FROM unlocked)
"""
PAID = "UPDATE open_item SET open = 0, settled_on = current_date WHERE reference LIKE 'LATE-%'"
OWED = "UPDATE open_item SET open = amount, settled_on = NULL WHERE reference LIKE 'LATE-%'"
UNLOCKED = """
TRUNCATE provisioning_order, lock_period, protocol_entry, job_note, job_part, job_run CASCADE;
UPDATE customer SET lock_reasons = 0 WHERE lock_reasons <> 0;
UPDATE license SET lock_reasons = 0, sync_state = 'synced' WHERE lock_reasons <> 0 OR sync_state <> 'synced';
"""
LOCKED = """
TRUNCATE provisioning_order, lock_period, protocol_entry, job_note, job_part, job_run CASCADE;
UPDATE customer SET lock_reasons = 1 WHERE id % 20 = 0 AND lock_reasons <> 1;
UPDATE license SET lock_reasons = 1, sync_state = 'synced' WHERE customer_id % 20 = 0 AND (lock_reasons <> 1 OR sync_state <> 'synced');
INSERT INTO lock_period (customer_id, reason, from_at, note, ended_note) SELECT id, 1, now(), '', '' FROM customer WHERE id % 20 = 0;
"""
SUM = "SELECT count(*), sum(lock_reasons), sum(id * lock_reasons) FROM license"
WORKED = ("SELECT (SELECT count(*) FROM provisioning_order), (SELECT count(*) FROM lock_period), (SELECT count(*) FROM protocol_entry WHERE action LIKE '%locked'), "
          "(SELECT count(*) FROM customer WHERE lock_reasons <> 0)")


def run(options: argparse.Namespace) -> list[Figure]:
    with postgres() as url:
        make_tables(url)
        flask_app = make_app(url)
        with psycopg.connect(plain(url), autocommit=True) as connection, flask_app.app_context():
            change_settings({"locks.require_notice": False})        # as the raw statement: overdue is enough
            _fill(connection, options.scale)
            return _measure(connection, options.repeat)


def _fill(connection: psycopg.Connection, scale: float) -> None:
    script = (SUPPORT / "fee_data.sql").read_text(encoding="utf-8")
    script = script.replace("{customers}", str(int(CUSTOMERS * scale))).replace("{licenses}", str(int(LICENSES * scale)))
    took = seconds(lambda: connection.execute(script + ITEMS))
    connection.execute("VACUUM ANALYZE")
    late = connection.execute("SELECT count(*) FROM license WHERE customer_id % 20 = 0").fetchone()
    say(f"data in {took:.0f} s; {late[0] if late else 0:,} licenses of 5 % of the customers turn")


def _measure(connection: psycopg.Connection, rounds: int) -> list[Figure]:
    cases: dict[str, tuple[str, str]] = {"lock": (UNLOCKED, OWED), "unlock": (LOCKED, PAID), "nothing": (LOCKED, OWED)}
    raw: dict[str, list[float]] = {name: [] for name in cases}
    own: dict[str, list[float]] = {name: [] for name in cases}
    _hour()     # imports, prepared statements
    for number in range(1, rounds + 1):
        for name, (state, items) in cases.items():
            sums = []
            for times, work in ((raw, lambda: connection.execute(RAW)), (own, _hour)):
                _reset(connection, state, items)
                times[name].append(seconds(work))
                sums.append(connection.execute(SUM).fetchone())
            if sums[0] != sums[1]:
                raise SystemExit(f"locks: the runs differ in “{name}”: {sums[1]} against {sums[0]} of the statement")
            if number == 1:
                say("{}: {:,} orders, {:,} lock periods, {:,} protocol rows, {:,} locked accounts".format(name, *(connection.execute(WORKED).fetchone() or ())))
        say(f"round {number}: " + ", ".join(f"{name} {raw[name][-1] * 1000:,.0f} → {own[name][-1] * 1000:,.0f} ms" for name in cases))
    return [Figure("locks five percent ratio", median(own["lock"]) / median(raw["lock"]), at_most=2),
            Figure("locks five percent unlock ratio", median(own["unlock"]) / median(raw["unlock"]), at_most=2),
            Figure("locks nothing ratio", median(own["nothing"]) / median(raw["nothing"]), at_most=2),
            Figure("locks nothing", median(own["nothing"]) * 1000, digits=0, unit="ms")]


def _reset(connection: psycopg.Connection, state: str, items: str) -> None:
    connection.execute(state)
    connection.execute(items)
    for table in ("license", "customer", "open_item"):
        connection.execute(f"VACUUM ANALYZE {table}")
    connection.execute("CHECKPOINT")


def _hour() -> Any:
    """The product's hourly run; locking so many at once is approved beforehand."""
    from app.core.db import db
    from app.system.job_runs import run_now
    from app.system.models import RunState

    done = run_now("receivables.hourly", params={"approved": True, "asked": {"accounts": CUSTOMERS}})
    if done.state is not RunState.DONE:
        raise SystemExit(f"locks: the run ended {done.state.value}: {done.error}{done.held_because}")
    db.session.rollback()
