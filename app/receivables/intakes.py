"""Where payments come from by themselves: bank statements, PayPal. Each source says when it was last read in full.

Nobody is locked while a source cannot be read, or was read too long ago: he may have paid.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from app.core import clock
from app.core.apart import reason_of
from app.core.db import db, transaction
from app.core.errors import LostClaim
from app.core.formats import instant
from app.core.jobs import Context
from app.customers.checks import payment_methods
from app.customers.models import Customer, CustomerState
from app.plugin_api.payment import PaymentIntake
from app.system.models import Mark
from app.system.settings import setting

log = logging.getLogger(__name__)


Intake = PaymentIntake


def intakes() -> dict[str, Intake]:
    found: dict[str, Intake] = current_app.extensions.setdefault("ptt_intakes", {})
    return found


def register_intake(intake: Intake) -> None:
    intakes()[intake.name] = intake


def mark_read(name: str, at: datetime | None = None) -> None:
    """The source was read completely up to `at`, by default now."""
    at = at or clock.now()
    with transaction() as session:
        session.merge(Mark(name=f"intake:{name}", value=at.isoformat(), at=at))


def read_all(ctx: Context) -> dict[str, str]:
    """Read every source; returns by name why nobody may be locked now."""
    blocked: dict[str, str] = {}
    for intake in intakes().values():
        if intake.run is None:
            continue
        try:
            intake.run(ctx)
            mark_read(intake.name)
        except LostClaim:
            raise
        except Exception as error:
            log.exception("intake %s failed", intake.name)
            db.session.rollback()
            reason = reason_of(error)
            ctx.note("failed", str(intake.title), reason)
            blocked[intake.name] = _("%(source)s could not be read: %(reason)s", source=intake.title, reason=reason)
    return {**too_old(), **blocked}


def too_old() -> dict[str, str]:
    """Sources that were last read longer ago than the setting allows, with the reason."""
    found = _without_plugin()
    hours = setting("locks.max_intake_age_hours")
    if not hours:
        return found
    for intake in intakes().values():
        if not intake.in_use():
            continue
        mark = db.session.get(Mark, f"intake:{intake.name}", populate_existing=True)
        if mark is None:
            found[intake.name] = _("%(source)s was never read.", source=intake.title)
        elif mark.at < clock.now() - timedelta(hours=hours):
            found[intake.name] = _("%(source)s was last read on %(when)s, more than %(n)s hours ago.", source=intake.title, when=instant(mark.at), n=hours)
    return found


def _without_plugin() -> dict[str, str]:
    """Ways to pay that customers have and no running plugin knows: what was paid by them is not seen."""
    known = payment_methods()
    chosen = db.session.scalars(select(Customer.payment_method).where(Customer.state != CustomerState.DELETED).distinct())
    return {f"method:{code}": _("Customers pay by “%(code)s”, but its plugin is not running: what they paid is not seen. Start it, or choose another payment method for them.", code=code)
            for code in chosen if code not in known}
