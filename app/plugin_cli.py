"""`ptt plugin …`: list, begin a new one, let one go."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup, with_appcontext

from app.core.errors import DomainError
from app.plugin_scaffold import write_distribution

plugin = AppGroup("plugin", help="Plugins: list, write a new one, remove the data of one.")


@plugin.command("list")
@with_appcontext
def list_plugins() -> None:
    """What is installed, in which version and state."""
    from app.admin.plugin_state import without_plugin
    from app.admin.views_plugins import contributions, version_of
    from app.plugin_api.registry import plugins

    registry = plugins()
    for name, loaded in sorted(registry.loaded.items()):
        state = f"in part: {registry.broken[name]}" if name in registry.broken else "running"
        click.echo(f"{name:20s} {version_of(loaded.plugin) or '-':10s} {state}; {', '.join(map(str, contributions(loaded.answers))) or 'adds nothing'}")
    for name in sorted(registry.broken.keys() - registry.loaded.keys()):
        click.echo(f"{name:20s} {'-':10s} not loaded: {registry.broken[name]}")
    for name in registry.off:
        click.echo(f"{name:20s} {'-':10s} switched off")
    for sentence in without_plugin():
        click.echo(f"! {sentence}")


@plugin.command("new")
@click.argument("name")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where the folder of the plugin is made.")
@click.option("--title", default="", help="What people read.")
def new(name: str, folder: Path, title: str) -> None:
    """Begin a plugin: a distribution with model, migration, settings, page, translations and tests."""
    try:
        made = write_distribution(name, folder, title)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{made} was made. Next: pip install -e {made}; flask --app app.factory ptt setup; pytest {made}")


@plugin.command("remove")
@click.argument("name")
@click.option("--keep-data/--drop-data", default=True, help="Keep its tables and settings (the default), or drop them for good.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def remove(name: str, keep_data: bool, yes: bool) -> None:
    """Say what still needs a plugin and, when asked to, drop its data. Then take it out of PLUGINS or uninstall it."""
    from app.admin.plugin_state import drop_data, needs, own_tables
    from app.cli import CLI
    from app.core.actor import acting
    from app.plugin_api.registry import plugins

    if name not in plugins().loaded:
        raise click.ClickException(f"The plugin {name} is not running.")
    if reasons := needs(name):
        raise click.ClickException(" ".join([*reasons, "Change them first: what needs the plugin is held without it."]))
    if keep_data:
        click.echo(f"Nothing needs {name}. Its data stays: {', '.join(own_tables(name)) or 'no tables'}.")
    else:
        tables = own_tables(name)
        if not yes:
            click.confirm(f"Drop {', '.join(tables) or 'no tables'} and the settings of {name} for good?", abort=True)
        try:
            with acting(CLI):
                drop_data(name)
        except DomainError as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"Dropped: {', '.join(tables) or 'no tables'}.")
    click.echo(f"Now leave {name} out of PLUGINS, or uninstall its distribution, and restart web, worker and ticker.")
