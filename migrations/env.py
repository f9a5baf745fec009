"""Serves the core and every plugin; each has a version table of its own."""

import sqlalchemy as sa
from alembic import context

from app.core import text_index, types
from app.core.db import db

owner = context.config.attributes["owner"]
plugins = context.config.attributes["plugins"]


def mine(obj, name, kind, reflected, other):
    if kind == "index" and reflected and name.startswith(text_index.PREFIX):
        return False                    # they exist on PostgreSQL only: `text_index.install`
    if kind != "table":
        return True
    if name.endswith("alembic_version"):
        return False
    return max((plugin for plugin in plugins if name.startswith(f"{plugin}_")), key=len, default="core") == owner


def rendered(kind, obj, autogen_context):
    """Our column types by their short names; the others as Alembic writes them."""
    if kind != "type":
        return False
    home = type(obj).__module__
    if home.startswith("app.core."):
        return f"{home.rsplit('.', 1)[1]}.{type(obj).__name__}()"
    if obj is types.BigId or (isinstance(obj, sa.BigInteger) and "sqlite" in obj._variant_mapping):
        return "types.BigId"
    if isinstance(obj, sa.JSON) and "postgresql" in obj._variant_mapping:
        return "types.Json"
    return False


def whole(ctx, step, heads, run_args):
    """Before a migration is committed: SQLite looked at no reference while it ran."""
    if ctx.dialect.name == "sqlite" and (broken := ctx.connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise RuntimeError(f"The migration {step.up_revision_id} leaves rows of {broken[0]} that refer to nothing in {broken[2]}.")


with db.engine.connect() as connection:
    raw, sqlite = connection.connection.driver_connection, connection.dialect.name == "sqlite"
    if sqlite:      # it changes a table by making it anew, which its keys forbid as soon as a row refers to it; inside a transaction this does nothing
        raw.execute("PRAGMA foreign_keys=OFF")
    try:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_object=mine,
            render_as_batch=True,
            version_table=context.config.attributes["version_table"],
            render_item=rendered,
            on_version_apply=whole,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        connection.rollback()
        if sqlite and not connection.invalidated:
            raw.execute("PRAGMA foreign_keys=ON")
