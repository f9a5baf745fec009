"""`invoice_gone` is insert-only, and takes nothing whose eight years (by the database's clock) are not over: triggers on both databases.

As in `triggers.py`: on SQLite an INSERT OR REPLACE would delete without asking a trigger, so an INSERT over an existing row is refused.
Migrations install these again after every change of the table.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from app.billing.triggers import YEARS

TABLE = "invoice_gone"
_SAME = "id = NEW.id OR number = NEW.number OR (series_id = NEW.series_id AND chain_index = NEW.chain_index)"
_NAMES = tuple(f"{TABLE}_no_{what}" for what in ("update", "delete", "early", "truncate", "replace"))


def install_triggers(connection: Connection) -> None:
    """May be run again."""
    dialect = connection.dialect.name
    for statement in (*_removals(dialect), *(_postgresql() if dialect == "postgresql" else _sqlite())):
        connection.execute(text(statement.replace(":", "\\:")))


def remove_triggers(connection: Connection) -> None:
    for statement in _removals(connection.dialect.name):
        connection.execute(text(statement))


def _removals(dialect: str) -> Iterator[str]:
    for name in _NAMES:
        yield f"DROP TRIGGER IF EXISTS {name}" + (f" ON {TABLE}" if dialect == "postgresql" else "")


def _postgresql() -> Iterator[str]:
    yield """CREATE OR REPLACE FUNCTION ptt_gone_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed (% refused)', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$"""
    for what in ("UPDATE", "DELETE"):
        yield f"CREATE TRIGGER {TABLE}_no_{what.lower()} BEFORE {what} ON {TABLE} FOR EACH ROW EXECUTE FUNCTION ptt_gone_refuse()"
    yield f"CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION ptt_gone_refuse()"
    yield (f"CREATE TRIGGER {TABLE}_no_early BEFORE INSERT ON {TABLE} FOR EACH ROW "
           f"WHEN (current_date < make_date(extract(year FROM NEW.issued_on)::int + {YEARS + 1}, 1, 1)) EXECUTE FUNCTION ptt_gone_refuse()")


def _sqlite() -> Iterator[str]:
    for what in ("UPDATE", "DELETE"):
        yield f"CREATE TRIGGER {TABLE}_no_{what.lower()} BEFORE {what} ON {TABLE} BEGIN SELECT RAISE(ABORT, '{TABLE} is never changed ({what} refused)'); END"
    yield (f"CREATE TRIGGER {TABLE}_no_replace BEFORE INSERT ON {TABLE} WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE {_SAME}) "  # noqa: S608  all names are ours
           f"BEGIN SELECT RAISE(ABORT, '{TABLE} is never changed (REPLACE refused)'); END")
    yield (f"CREATE TRIGGER {TABLE}_no_early BEFORE INSERT ON {TABLE} WHEN date('now') < (CAST(strftime('%Y', NEW.issued_on) AS INTEGER) + {YEARS + 1}) || '-01-01' "
           f"BEGIN SELECT RAISE(ABORT, '{TABLE} is never changed (INSERT refused)'); END")
