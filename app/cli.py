"""`flask --app app.factory ptt …`: what an operator does from the command line."""

from __future__ import annotations

import getpass
import sys

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from app.core.actor import Actor, acting
from app.core.errors import DomainError
from app.operations_cli import COMMANDS
from app.plugin_cli import plugin

ptt = AppGroup("ptt", help="PTT Admin: setup, jobs, checks.")
ptt.add_command(plugin)
for operation in COMMANDS:
    ptt.add_command(operation)
CLI = Actor("cli", getpass.getuser() if sys.stdin is not None else "cli")


@ptt.command("setup")
@with_appcontext
def setup() -> None:
    """Bring the database up to date, create roles and the master data that every installation needs. Safe to repeat."""
    from app.admin.setup import setup_all

    with acting(CLI):
        setup_all()
    click.echo("The database is up to date.")


@ptt.command("admin")
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--email", default="")
@with_appcontext
def admin(username: str, password_stdin: bool, email: str) -> None:
    """Create an administrator, or give an existing one a new password."""
    from app.admin.setup import set_administrator

    password = sys.stdin.readline().rstrip("\n") if password_stdin else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        with acting(CLI):
            created = set_administrator(username, password, email)
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{username} was {'created' if created else 'given a new password'}.")


@ptt.command("reset-second-factor")
@click.argument("username")
@with_appcontext
def reset_second_factor(username: str) -> None:
    """For a lost telephone when no other administrator is there: the password alone opens the account until a new factor is set up."""
    from app.admin import totp

    user = current_app.appbuilder.sm.find_user(username)  # type: ignore[attr-defined]
    if user is None:
        raise click.ClickException(f"There is no user {username}.")
    try:
        with acting(CLI):
            totp.remove(user, by_owner=False)
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"The second factor of {username} was removed, all sessions ended.")


@ptt.command("demo")
@with_appcontext
def demo() -> None:
    """Load the demo data into an empty installation. Does nothing when customers exist."""
    from app.admin.demo import load_demo

    with acting(CLI):
        click.echo(load_demo())


@ptt.command("job")
@click.argument("name")
@click.option("--period", help="For example 2026-11.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, change nothing.")
@with_appcontext
def job(name: str, period: str | None, dry_run: bool) -> None:
    """Run a job here and now."""
    from sqlalchemy import select

    from app.core.db import db
    from app.core.states import word
    from app.system.job_runs import run_now
    from app.system.models import JobNote, RunState

    try:
        with acting(CLI):
            run = run_now(name, period, by=CLI.name, dry_run=dry_run)
    except DomainError as error:
        raise click.ClickException(str(error)) from error
    for note in db.session.scalars(select(JobNote).where(JobNote.run_id == run.id).order_by(JobNote.id)):
        click.echo(f"{note.kind}: {note.subject}: {note.reason}")
    click.echo(f"{run}: {word(run.state)} {run.counts or ''} {run.error}{run.held_because}")
    if run.state in (RunState.FAILED, RunState.HELD):
        raise SystemExit(1)


@ptt.command("jobs")
@with_appcontext
def jobs() -> None:
    """List the jobs and when they run."""
    from app.system.job_runs import jobs as all_jobs

    for item in sorted(all_jobs().values(), key=lambda j: j.name):
        click.echo(f"{item.name:34s} {item.once_per or 'by hand':8s} {item.at if item.once_per in ('day', 'month') else '':8s} {item.title}")


@ptt.command("tick")
@with_appcontext
def tick() -> None:
    """Ask once what is due, as the ticker does each minute."""
    from app.system.ticks import sweep
    from app.system.ticks import tick as ask

    click.echo(f"{len(ask())} runs created")
    sweep()


@ptt.command("verify")
@with_appcontext
def verify() -> None:
    """Check all that must hold of the stored data: chain of invoices, files, money, locks, jobs. Exit code 1 when something does not fit."""
    from app.housekeeping.invariants import verify as check

    raise SystemExit(1 if check(click.echo) else 0)


@ptt.command("revision")
@click.argument("message")
@click.option("--owner", default="core")
@with_appcontext
def revision(message: str, owner: str) -> None:
    """Developers: write a migration from the models."""
    from app.migrate import revision as write

    write(owner, message)


def main() -> None:
    """Console script `ptt`."""
    from app.factory import create_app

    flask_app = create_app()
    with flask_app.app_context():
        ptt(standalone_mode=True)
