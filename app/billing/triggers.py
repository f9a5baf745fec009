"""What was issued does not change, not even by SQL of the application: triggers on both databases.

`invoice` and what hangs on it: no UPDATE; no DELETE before eight full calendar years have passed (the retention of
German law, by the database's own clock). `protocol_entry`: no UPDATE. `document`: path, size and hash stay.
On SQLite an INSERT OR REPLACE would delete without asking a trigger, so an INSERT over an existing row is refused too.
Migrations install these again after every change of the tables; production connects with a role that cannot drop them.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

YEARS = 8
FROZEN = ("invoice", "invoice_line", "invoice_tax", "invoice_file")
_KEYS = {
    "invoice": "id = NEW.id OR number = NEW.number OR document_id = NEW.document_id OR (series_id = NEW.series_id AND chain_index = NEW.chain_index)",
    "invoice_line": "id = NEW.id OR (invoice_id = NEW.invoice_id AND number = NEW.number)",
    "invoice_tax": "id = NEW.id OR (invoice_id = NEW.invoice_id AND category = NEW.category AND rate = NEW.rate)",
    "invoice_file": "id = NEW.id OR (invoice_id = NEW.invoice_id AND kind = NEW.kind)",
}
_FIXED = ("path", "size", "sha256")


def statements(dialect: str) -> Iterator[str]:
    """The DDL, in order; may be run again."""
    yield from _postgresql() if dialect == "postgresql" else _sqlite()


def removals(dialect: str) -> Iterator[str]:
    """DDL that takes the triggers away (tests that empty tables, migrations that rebuild one)."""
    for table, name in _names(dialect):
        yield f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if dialect == "postgresql" else "")


def install_triggers(connection: Connection) -> None:
    for statement in (*removals(connection.dialect.name), *statements(connection.dialect.name)):
        connection.execute(text(statement.replace(":", "\\:")))


def remove_triggers(connection: Connection) -> None:
    for statement in removals(connection.dialect.name):
        connection.execute(text(statement))


def _names(dialect: str) -> Iterator[tuple[str, str]]:
    for table in FROZEN:
        yield table, f"{table}_no_update"
        yield table, f"{table}_no_delete"
        yield table, f"{table}_no_truncate" if dialect == "postgresql" else f"{table}_no_replace"
    yield "protocol_entry", "protocol_entry_no_update"
    yield "document", "document_no_update"


def _postgresql() -> Iterator[str]:
    yield """CREATE OR REPLACE FUNCTION ptt_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed (% refused)', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$"""
    yield f"""CREATE OR REPLACE FUNCTION ptt_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE issued date;
BEGIN
    IF TG_TABLE_NAME = 'invoice' THEN
        issued := OLD.issued_on;
    ELSE
        SELECT i.issued_on INTO issued FROM invoice i WHERE i.id = OLD.invoice_id;
    END IF;
    IF issued IS NOT NULL AND current_date < make_date(extract(year FROM issued)::int + {YEARS + 1}, 1, 1) THEN
        RAISE EXCEPTION '% is kept for {YEARS} years after its year (DELETE refused)', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$"""  # noqa: S608  all names are ours
    for table in FROZEN:
        yield f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION ptt_refuse()"
        yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION ptt_keep()"
        yield f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION ptt_refuse()"
    yield "CREATE TRIGGER protocol_entry_no_update BEFORE UPDATE ON protocol_entry FOR EACH ROW EXECUTE FUNCTION ptt_refuse()"
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in _FIXED)
    yield f"CREATE TRIGGER document_no_update BEFORE UPDATE ON document FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION ptt_refuse()"


def _sqlite() -> Iterator[str]:
    for table in FROZEN:
        issued = "OLD.issued_on" if table == "invoice" else "(SELECT issued_on FROM invoice WHERE id = OLD.invoice_id)"
        yield f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is never changed (UPDATE refused)'); END"
        yield (f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
               f"WHEN date('now') < (CAST(strftime('%Y', {issued}) AS INTEGER) + {YEARS + 1}) || '-01-01' "
               f"BEGIN SELECT RAISE(ABORT, '{table} is kept for {YEARS} years after its year (DELETE refused)'); END")
        same = f"EXISTS (SELECT 1 FROM {table} WHERE {_KEYS[table]})"  # noqa: S608  all names are ours
        yield (f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {same} "
               f"BEGIN SELECT RAISE(ABORT, '{table} is never changed (REPLACE refused)'); END")
    yield ("CREATE TRIGGER protocol_entry_no_update BEFORE UPDATE ON protocol_entry "
           "BEGIN SELECT RAISE(ABORT, 'protocol_entry is never changed (UPDATE refused)'); END")
    changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in _FIXED)
    yield (f"CREATE TRIGGER document_no_update BEFORE UPDATE ON document WHEN {changed} "
           f"BEGIN SELECT RAISE(ABORT, 'document is never changed (UPDATE refused)'); END")
