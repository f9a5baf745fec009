"""What an operator does with an installation as a whole: check it, back it up, bring it back, change its keys."""

from __future__ import annotations

import getpass

import click
from flask.cli import with_appcontext

from app.core.actor import Actor, acting


def _me() -> Actor:
    try:
        return Actor("cli", getpass.getuser())
    except (KeyError, OSError):
        return Actor("cli", "cli")


@click.command("check")
@click.option("--deploy", is_flag=True, help="All that a productive installation must have.")
@click.option("--no-network", is_flag=True, help="Leave out the certificate of BASE_URL.")
@with_appcontext
def check(deploy: bool, no_network: bool) -> None:
    """Look for what is missing or unsafe. Exit code 1 when there is an error."""
    from app.admin.deploy_check import CHECKS, findings

    if not deploy:
        raise click.UsageError("Say what to check: --deploy")
    found = findings(network=not no_network)
    for item in sorted(found, key=lambda f: f.level):
        click.echo(str(item))
    errors = sum(item.level == "error" for item in found)
    click.echo(f"{len(CHECKS) - no_network} topics checked: {errors} errors, {len(found) - errors} warnings.")
    raise SystemExit(1 if errors else 0)


@click.command("backup")
@click.option("--prune", is_flag=True, help="Then delete the old ones that the settings do not keep.")
@with_appcontext
def backup(prune: bool) -> None:
    """Make a backup at BACKUP_URL, sealed with PTT_BACKUP_KEYS, and read it back. Harmless while everything runs."""
    from app.system import backup as backups

    with acting(_me()), _told():
        backups.make_and_verify(click.echo)
        for name in backups.prune() if prune else ():
            click.echo(f"{name} deleted")


@click.command("backups")
@with_appcontext
def list_backups() -> None:
    """List the backups at BACKUP_URL."""
    from app.system import backup as backups

    for item in backups.backups():
        click.echo(f"{item.name}  {item.size // 1000} kB")


@click.command("verify-backup")
@click.argument("name")
@with_appcontext
def verify_backup(name: str) -> None:
    """Read a backup whole and compare every sum. NAME: one of `backups`, or a path."""
    from app.system import backup as backups

    with _told():
        manifest = backups.verify(name)
    click.echo(f"Complete: {len(manifest['entries'])} entries, {manifest['database']}, made {manifest['made']}.")


@click.command("restore")
@click.argument("name")
@with_appcontext
def restore(name: str) -> None:
    """Restore into an EMPTY database and document store. The copy sends nothing and runs no job until it is released."""
    from app.admin.setup import setup_all
    from app.housekeeping.invariants import verify as verify_all
    from app.system import backup as backups

    with acting(_me()), _told():
        backups.restore(name, click.echo)
        setup_all()
        problems = verify_all(click.echo)
    click.echo("Restored. It is in quarantine: nothing goes out and no job runs until `flask ptt release`. First read docs/operations.md, Backup.")
    raise SystemExit(1 if problems else 0)


@click.command("release")
@click.confirmation_option(prompt="Is this the production, and is every other copy of it switched off for good?")
@with_appcontext
def release() -> None:
    """End the quarantine of a restored copy: jobs and everything outgoing go on."""
    from app.core.errors import DomainError
    from app.system import quarantine

    try:
        with acting(_me()):
            number = quarantine.release()
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Released; {number} held runs go on.")


@click.command("rotate-keys")
@with_appcontext
def rotate_keys() -> None:
    """Seal all stored secrets with the first key of PTT_ENCRYPTION_KEYS; then the older ones may be taken away."""
    from app.core.secrets import SecretError
    from app.system.rotation import rotate

    try:
        with acting(_me()):
            lost = rotate(click.echo)
    except SecretError as error:
        raise click.ClickException(str(error)) from error
    raise SystemExit(1 if lost else 0)


class _told:
    """A backup that cannot be made or read: a sentence instead of a traceback."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from app.core.secrets import SecretError
        from app.system.backup_stream import BackupError

        if isinstance(error, BackupError | SecretError | OSError):
            raise click.ClickException(str(error)) from error


COMMANDS = (check, backup, list_backups, verify_backup, restore, release, rotate_keys)
