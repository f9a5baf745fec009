"""How the daily jobs take rows: a dry run tells, more than usual waits for a person, one failure stops no others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask_babel import gettext as _

from app.core.apart import apart
from app.core.db import db, in_transaction, transaction
from app.core.jobs import Context
from app.licenses.mass import asked_for, hold, is_too_many

LISTED = 500
Named = Sequence[tuple[int, str, str]]      # id, name, why


def clean_up(ctx: Context, found: Named, of: int, what: str, words: Callable[[int, int], str], act: Callable[[int], str | None]) -> None:
    """`act(id)` in a transaction of its own for each of `found`; it returns why nothing was done, or None. `words(n, of)`: the question for a person."""
    db.session.rollback()
    if ctx.dry_run:
        _list(ctx, "would", found)
        ctx.count(what, len(found))
        return
    if is_too_many(len(found), of, asked_for(ctx)):
        _list(ctx, "held", found)
        hold(ctx, len(found), words(len(found), of))
    for ident, name, _why in found:
        assert not in_transaction()
        outcome: list[str | None] = []
        with apart(f"{what}: {ident}", outcome.append), transaction():
            outcome.append(act(ident))
        refused = outcome[-1]
        if refused is None:
            ctx.count(what)
        else:
            ctx.count("left")
            ctx.note("failed", name, refused)


def _list(ctx: Context, kind: str, found: Named) -> None:
    for _ident, name, why in found[:LISTED]:
        ctx.note(kind, name, why)
    if len(found) > LISTED:
        ctx.note(kind, "…", _("and %(n)s more", n=len(found) - LISTED))


