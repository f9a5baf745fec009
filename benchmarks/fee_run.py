"""The monthly fee run of 100,000 customers and 1,000,000 licenses against raw set-based SQL that writes the same rows.

Both write into the product's own tables with their keys and indexes, on one PostgreSQL as shipped, in turns; after each
turn the documents and charges are compared by a checksum over every column. The product's run goes through the job
engine in real worker processes: requested, planned, claimed and fenced part by part, as on the 1st at 00:01.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks.support.application import make_tables
from benchmarks.support.figures import Figure, median, say, seconds
from benchmarks.support.postgres import plain, postgres

SUPPORT = Path(__file__).parent / "support"
CUSTOMERS, LICENSES = 100_000, 1_000_000
COUNTED = ("customer", "license", "license_tariff", "license_service", "tariff", "tariff_tier", "tariff_service", "service", "article")
SUMS = """
SELECT (SELECT count(*) FROM billing_document), (SELECT count(*) FROM charge), (SELECT sum(net) FROM charge), (SELECT sum(fees_net) FROM billing_document),
       (SELECT sum(('x' || substr(md5(concat_ws('|', d.customer_id, d.period, d.sequence, d.currency, d.state, d.held_because, d.fees_net, d.fees_count)), 1, 12))::bit(48)::bigint)
        FROM billing_document d),
       (SELECT sum(('x' || substr(md5(concat_ws('|', d.customer_id, c.license_id, c.tariff_id, c.service_id, c.period_start, c.period_end, c.days, c.of_days, c.unit_price,
                                                     c.net, c.text, c.article_id)), 1, 12))::bit(48)::bigint)
        FROM charge c JOIN billing_document d ON d.id = c.document_id)
"""


def run(options: argparse.Namespace) -> list[Figure]:
    with postgres() as url:
        make_tables(url)
        with psycopg.connect(plain(url), autocommit=True) as connection:
            _fill(connection, options.scale)
            return _measure(url, connection, options.repeat)


def _fill(connection: psycopg.Connection, scale: float) -> None:
    script = (SUPPORT / "fee_data.sql").read_text(encoding="utf-8")
    script = script.replace("{customers}", str(int(CUSTOMERS * scale))).replace("{licenses}", str(int(LICENSES * scale)))
    took = seconds(lambda: connection.execute(script))
    for table in COUNTED:
        connection.execute(f"VACUUM ANALYZE {table}")
        connection.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    say(f"data in {took:.0f} s: " + ", ".join(f"{connection.execute(f'SELECT count(*) FROM {table}').fetchone()[0]:,} {table}" for table in COUNTED[:4]))


def _measure(url: str, connection: psycopg.Connection, rounds: int) -> list[Figure]:
    sql, one, two, memory = [], [], [], []
    wanted = None
    for number in range(1, rounds + 1):
        for times, work in ((sql, lambda: _limit(connection)), (one, lambda: _workers(url, connection, 1)), (two, lambda: _workers(url, connection, 2))):
            _reset(connection)
            took, used = work()
            times.append(took)
            memory += used
            found = connection.execute(SUMS).fetchone()
            wanted = wanted or found
            if found != wanted:
                raise SystemExit(f"fee-run: the runs differ: {found} against {wanted} of the SQL")
        say(f"round {number}: SQL {sql[-1]:.1f} s, one process {one[-1]:.1f} s, two workers {two[-1]:.1f} s")
    say(f"each run: {wanted[0]:,} documents, {wanted[1]:,} charges, {wanted[2] / 100:,.2f} EUR, equal in every column; SQL {wanted[1] / median(sql):,.0f} charges/s, "
        f"one process {wanted[1] / median(one):,.0f}, two workers {wanted[1] / median(two):,.0f}")
    return [Figure("fee-run one process ratio", median(one) / median(sql), at_most=1.4),
            Figure("fee-run two workers ratio", median(two) / median(sql), at_most=0.9),
            Figure("fee-run memory", max(memory), digits=0, unit="MB", at_most=300)]


def _reset(connection: psycopg.Connection) -> None:
    connection.execute("SET session_replication_role = replica; "      # invoices refuse to be emptied; there are none
                       "TRUNCATE charge, manual_line, billing_document, job_note, job_part, job_run, invoice CASCADE; SET session_replication_role = origin")
    connection.execute("CHECKPOINT")


def _limit(connection: psycopg.Connection) -> tuple[float, list[int]]:
    steps = (SUPPORT / "fee_limit.sql").read_text(encoding="utf-8").split("-- @step")

    def work() -> None:
        with connection.transaction():
            for step in steps:
                connection.execute(step)

    return seconds(work), []


def _workers(url: str, connection: psycopg.Connection, number: int) -> tuple[float, list[int]]:
    """Seconds from the request to the end, and megabytes of each worker. The processes are up before, as workers are."""
    processes = [subprocess.Popen([sys.executable, "-W", "ignore", "-m", "benchmarks.support.fee_worker", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True, cwd=SUPPORT.parents[1]) for _ in range(number)]
    try:
        for process in processes:
            assert process.stdout is not None
            if process.stdout.readline().strip() != "ready":
                raise SystemExit("fee-run: a worker did not start")
        memory: list[int] = []

        def work() -> None:
            run_id = connection.execute(
                "INSERT INTO job_run (job, period, created_at, requested_by, dry_run, params, planned, done, \"of\", held_because, state, claim, attempts, counts, error) "
                "VALUES ('billing.fee_run', '2026-11+1', %s, 'bench', false, '{}', false, 0, 0, '', 'waiting', 0, 0, '{}', '') RETURNING id",
                [datetime.now(UTC).replace(tzinfo=None)]).fetchone()[0]
            for process in processes:
                process.stdin.write(f"{run_id}\n")
                process.stdin.flush()
            for process in processes:
                state, megabytes = process.stdout.readline().split()
                if state != "done":
                    raise SystemExit(f"fee-run: the run ended {state}: {connection.execute('SELECT error, held_because FROM job_run').fetchone()}")
                memory.append(int(megabytes))

        return seconds(work), memory
    finally:
        for process in processes:
            process.stdin.close()
            process.wait(timeout=30)


