"""How many licenses, accounts or letters one run may touch without a person; and what a person has allowed by approving."""

from __future__ import annotations

from typing import Any, NoReturn

from sqlalchemy import update

from app.core.db import transaction
from app.core.errors import Held
from app.core.jobs import Context
from app.system.models import JobRun


def mass_limit(of: int) -> int:
    """More than this in one run waits for a person."""
    return max(20, of * 2 // 100)


def asked_for(ctx: Context, nothing: Any = 0) -> Any:
    """What a person saw and approved, as `hold` wrote it. An approval for another reason (the clock jumped) allows nothing here."""
    return ctx.params.get("asked", nothing) if ctx.params.get("approved") else nothing


def is_too_many(number: int, of: int, asked: int = 0) -> bool:
    """Whether `number` is more than usual beyond what was approved; meanwhile some may have come that nobody saw."""
    return number > asked + mass_limit(of)


def hold(ctx: Context, asked: Any, why: str) -> NoReturn:
    """Let the run wait for a person, who approves `asked` and no more."""
    with transaction() as session:
        params = {key: value for key, value in ctx.params.items() if key != "approved"}
        session.execute(update(JobRun).where(JobRun.id == ctx.run_id).values(params={**params, "asked": asked}))
    raise Held(why)
