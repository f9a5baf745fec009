"""Serves the core and every plugin; each has a version table of its own."""

from alembic import context

from app.core.db import db

owner = context.config.attributes["owner"]
plugins = context.config.attributes["plugins"]


def mine(obj, name, kind, reflected, other):
    if kind != "table":
        return True
    if name.endswith("alembic_version"):
        return False
    return next((plugin for plugin in plugins if name.startswith(f"{plugin}_")), "core") == owner


with db.engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        include_object=mine,
        render_as_batch=True,
        version_table=context.config.attributes["version_table"],
        compare_type=False,
        user_module_prefix="types.",
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
