"""A reminder run over 1,000,000 open items against one raw statement that finds the demands which reach a level.

One in fifty is due. The statement only finds them; the product's run also plans each letter, computes fees and interest, and
books letters, claims and levels behind the accounts' locks, through the job engine. A second run on the same day finds
nothing and must cost next to nothing: work is proportional to what is due, not to what is open.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import psycopg

from benchmarks.support.application import make_app, make_tables
from benchmarks.support.figures import Figure, median, say, seconds
from benchmarks.support.postgres import plain, postgres

SUPPORT = Path(__file__).parent / "support"
CUSTOMERS, ITEMS = 100_000, 10         # ten open items for each
DATA = """
INSERT INTO open_item (customer_id, reference, issued_on, due_on, currency, amount, open, disputed, dispute_note, reminder_block)
SELECT c.id, 'RE-' || c.id || '-' || m, current_date - 20, CASE WHEN c.id % 10 = 0 AND m <= 2 THEN current_date - 9 ELSE current_date + m END, 'EUR', 11900, 11900, false, '', false
FROM customer c, generate_series(1, {items}) m;
"""
RAW = """
SELECT count(*), sum(open) FROM open_item i JOIN customer c ON c.id = i.customer_id
WHERE open > 0 AND NOT disputed AND NOT i.reminder_block AND NOT c.reminder_block AND NOT with_lawyer AND principal_id IS NULL
AND ((reminder_level = 0 AND due_on <= current_date - 7) OR (reminder_level = 1 AND due_on <= current_date - 21 AND reminded_on <= current_date - 14)
     OR (reminder_level = 2 AND due_on <= current_date - 42 AND reminded_on <= current_date - 21))
"""
RESET = """
TRUNCATE reminder_item, reminder_claim, reminder, protocol_entry, job_note, job_part, job_run CASCADE;
DELETE FROM open_item WHERE principal_id IS NOT NULL;
UPDATE open_item SET reminder_level = 0, reminded_on = NULL WHERE reminder_level <> 0;
"""
BOOKED = "SELECT count(*), coalesce(sum(open), 0) FROM reminder_item WHERE level > 0"


def run(options: argparse.Namespace) -> list[Figure]:
    with postgres() as url:
        make_tables(url)
        flask_app = make_app(url)
        with psycopg.connect(plain(url), autocommit=True) as connection, flask_app.app_context():
            _fill(connection, options.scale)
            return _measure(connection, options.repeat)


def _fill(connection: psycopg.Connection, scale: float) -> None:
    script = (SUPPORT / "fee_data.sql").read_text(encoding="utf-8")
    customers = int(CUSTOMERS * scale)
    script = script.replace("{customers}", str(customers)).replace("{licenses}", str(customers))
    took = seconds(lambda: connection.execute(script + DATA.replace("{items}", str(ITEMS))))
    connection.execute("VACUUM ANALYZE")
    say(f"data in {took:.0f} s; {customers * ITEMS:,} open items")


def _measure(connection: psycopg.Connection, rounds: int) -> list[Figure]:
    from app.receivables.reminder_texts import seed_levels

    raw: list[float] = []
    own: list[float] = []
    again: list[float] = []
    letters = 0
    seed_levels()
    for number in range(1, rounds + 1):
        connection.execute(RESET)
        for table in ("open_item", "customer"):
            connection.execute(f"VACUUM ANALYZE {table}")
        connection.execute("CHECKPOINT")
        raw.append(seconds(lambda: connection.execute(RAW)))
        due = connection.execute(RAW).fetchone() or (0, 0)
        own.append(seconds(_run))
        if connection.execute(BOOKED).fetchone() != due:
            raise SystemExit(f"reminders: the run and the statement differ: {connection.execute(BOOKED).fetchone()} against {due}")
        again.append(seconds(_run))
        letters = (connection.execute("SELECT count(*) FROM reminder").fetchone() or (0,))[0]
        say(f"round {number}: {letters:,} letters, {due[0]:,} demands; found in {raw[-1] * 1000:,.0f} ms, booked in {own[-1] * 1000:,.0f} ms, again {again[-1] * 1000:,.0f} ms")
    return [Figure("reminders letters per second", letters / median(own), digits=0, unit="/s"),
            Figure("reminders nothing due ratio", median(again) / median(raw), digits=2),
            Figure("reminders ratio", median(own) / median(raw), digits=1)]


def _run() -> None:
    """The product's run; so many letters at once are approved beforehand. The letters' PDFs are the benchmark `pdf`'s matter."""
    from app.core.db import db
    from app.system.job_runs import run_now
    from app.system.models import RunState

    done = run_now("receivables.reminders", params={"approved": True, "asked": CUSTOMERS})
    if done.state is not RunState.DONE or done.counts.get("failed"):
        raise SystemExit(f"reminders: the run ended {done.state.value}: {done.error}{done.held_because}")
    db.session.rollback()
