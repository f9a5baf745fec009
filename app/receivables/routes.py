"""Where payments come from that the slice itself reads: statements that staff hand in, and their lines."""

from __future__ import annotations

from flask import Flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select

from app.core.db import db
from app.core.errors import DomainError
from app.core.jobs import Context
from app.receivables.bank.booking import INTAKE, book_new
from app.receivables.bank_models import BankFile
from app.receivables.intakes import Intake, register_intake


def statements_are_used() -> bool:
    """Who has never taken a statement in records payments in another way: nothing of his is too old."""
    return db.session.scalar(select(BankFile.id).where(BankFile.released_at.is_not(None)).limit(1)) is not None


def go_on(ctx: Context) -> None:
    """Lines that nobody waited for, or that a killed process left."""
    done = book_new()
    for state, count in done.items():
        ctx.count(f"bank lines {state}", count)
    if failed := done.get("failed"):
        raise DomainError(ngettext("%(num)d line of a bank statement could not be booked. The reason stands beside it under “Bank lines”.",
                                   "%(num)d lines of bank statements could not be booked. The reason stands beside each under “Bank lines”.", failed))
    if db.session.scalar(select(BankFile.id).where(BankFile.released_at.is_(None)).limit(1)) is not None:
        raise DomainError(_("A bank statement was handed in and nobody has booked it yet. Look at it under “Bank statements”."))


def install(flask_app: Flask) -> None:
    register_intake(Intake(INTAKE, _l("Bank statement"), in_use=statements_are_used))
    register_intake(Intake("bank_lines", _l("Lines of bank statements"), go_on))
