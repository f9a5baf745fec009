"""The core's migrations first, then every plugin's; each owner has a version table of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.core.db import db
from app.plugin_api.registry import plugins

ROOT = Path(__file__).resolve().parent.parent / "migrations"


def owners() -> Iterator[tuple[str, Path]]:
    yield "core", ROOT / "versions"
    for name, loaded in plugins().loaded.items():
        if folder := loaded.plugin.folder("migrations"):
            yield name, folder


def version_table(owner: str) -> str:
    return "alembic_version" if owner == "core" else f"{owner}_alembic_version"


def _config(owner: str, versions: Path) -> Config:
    alembic = Config()
    alembic.set_main_option("script_location", str(ROOT))
    alembic.set_main_option("version_locations", str(versions))
    alembic.set_main_option("path_separator", "os")
    alembic.attributes.update(owner=owner, plugins=list(plugins().loaded), version_table=version_table(owner))
    return alembic


def upgrade() -> None:
    for owner, versions in owners():
        command.upgrade(_config(owner, versions), "heads")


def upgrade_to(heads: dict[str, list[str]]) -> None:
    """Up to these migrations only (owner → revisions), as a backup had them. ValueError names what this program does not have."""
    known = dict(owners())
    for owner, revisions in heads.items():
        if revisions and owner not in known:
            raise ValueError(f"the plugin {owner} is not installed")
        for target in revisions:
            command.upgrade(_config(owner, known[owner]), target)


def heads_in(connection: Any, owner: str) -> set[str]:
    """The migrations that the database has of an owner."""
    return set(MigrationContext.configure(connection, opts={"version_table": version_table(owner)}).get_current_heads())


def revision(owner: str, message: str) -> None:
    """Developers: write a migration from the difference between models and database."""
    command.revision(_config(owner, dict(owners())[owner]), message, autogenerate=True)


def is_current() -> bool:
    """Whether the database has every migration of core and plugins."""
    with db.engine.connect() as connection:
        for owner, versions in owners():
            context = MigrationContext.configure(connection, opts={"version_table": version_table(owner)})
            heads = ScriptDirectory.from_config(_config(owner, versions)).get_heads()
            if set(context.get_current_heads()) != set(heads):
                return False
    return True
