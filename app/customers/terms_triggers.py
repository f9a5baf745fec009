"""What was accepted does not change, not even by SQL of the application: triggers on both databases.

`terms_version`: neither UPDATE nor DELETE once it is published. `terms_acceptance`: no UPDATE; no DELETE before ten full
calendar years have passed. Migrations install these again after every change of the tables.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

YEARS = 10
_NAMES = (("terms_version", "terms_version_no_update"), ("terms_version", "terms_version_no_delete"),
          ("terms_acceptance", "terms_acceptance_no_update"), ("terms_acceptance", "terms_acceptance_no_delete"))


def install_triggers(connection: Connection) -> None:
    """May be run again."""
    dialect = connection.dialect.name
    for statement in (*_removals(dialect), *(_postgresql() if dialect == "postgresql" else _sqlite())):
        connection.execute(text(statement.replace(":", "\\:")))


def remove_triggers(connection: Connection) -> None:
    for statement in _removals(connection.dialect.name):
        connection.execute(text(statement))


def _removals(dialect: str) -> Iterator[str]:
    for table, name in _NAMES:
        yield f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if dialect == "postgresql" else "")
    if dialect != "postgresql":
        for table in ("terms_version", "terms_acceptance"):
            yield f"DROP TRIGGER IF EXISTS {table}_no_replace"


def _postgresql() -> Iterator[str]:
    yield """CREATE OR REPLACE FUNCTION ptt_terms_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed (% refused)', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$"""
    yield "CREATE TRIGGER terms_version_no_update BEFORE UPDATE ON terms_version FOR EACH ROW WHEN (OLD.state = 'published') EXECUTE FUNCTION ptt_terms_refuse()"
    yield "CREATE TRIGGER terms_version_no_delete BEFORE DELETE ON terms_version FOR EACH ROW WHEN (OLD.state = 'published') EXECUTE FUNCTION ptt_terms_refuse()"
    yield "CREATE TRIGGER terms_acceptance_no_update BEFORE UPDATE ON terms_acceptance FOR EACH ROW EXECUTE FUNCTION ptt_terms_refuse()"
    yield ("CREATE TRIGGER terms_acceptance_no_delete BEFORE DELETE ON terms_acceptance FOR EACH ROW "
           f"WHEN (current_date < make_date(extract(year FROM OLD.at)::int + {YEARS + 1}, 1, 1)) EXECUTE FUNCTION ptt_terms_refuse()")


def _sqlite() -> Iterator[str]:
    published = "OLD.state = 'published'"
    yield f"CREATE TRIGGER terms_version_no_update BEFORE UPDATE ON terms_version WHEN {published} BEGIN SELECT RAISE(ABORT, 'terms_version is never changed (UPDATE refused)'); END"
    yield f"CREATE TRIGGER terms_version_no_delete BEFORE DELETE ON terms_version WHEN {published} BEGIN SELECT RAISE(ABORT, 'terms_version is never changed (DELETE refused)'); END"
    yield ("CREATE TRIGGER terms_version_no_replace BEFORE INSERT ON terms_version WHEN EXISTS (SELECT 1 FROM terms_version WHERE (id = NEW.id OR name = NEW.name) "
           "AND state = 'published') BEGIN SELECT RAISE(ABORT, 'terms_version is never changed (REPLACE refused)'); END")
    yield "CREATE TRIGGER terms_acceptance_no_update BEFORE UPDATE ON terms_acceptance BEGIN SELECT RAISE(ABORT, 'terms_acceptance is never changed (UPDATE refused)'); END"
    yield (f"CREATE TRIGGER terms_acceptance_no_delete BEFORE DELETE ON terms_acceptance WHEN date('now') < (CAST(strftime('%Y', OLD.at) AS INTEGER) + {YEARS + 1}) || '-01-01' "
           "BEGIN SELECT RAISE(ABORT, 'terms_acceptance is never changed (DELETE refused)'); END")
    yield ("CREATE TRIGGER terms_acceptance_no_replace BEFORE INSERT ON terms_acceptance WHEN EXISTS (SELECT 1 FROM terms_acceptance WHERE id = NEW.id) "
           "BEGIN SELECT RAISE(ABORT, 'terms_acceptance is never changed (REPLACE refused)'); END")
