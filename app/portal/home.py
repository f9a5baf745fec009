"""The first page: what must be done, the figures, the newest licenses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload

from app.core import clock, formats
from app.core.db import db
from app.customers.locks import LockReason
from app.licenses.models import License, LicenseState, SyncState
from app.portal.gate import Visit, right, visit
from app.portal.pages import page, portal
from app.portal.scope import scoped
from app.portal.words import license_badge, why_locked
from app.receivables.models import OpenItem
from app.receivables.queries import balances

NEWEST = 5
SOON = timedelta(days=10)


@dataclass
class Step:
    """Something that the customer should do or know."""

    tone: str
    head: str
    text: str = ""
    verb: str = ""
    url: str = ""


@portal.route("/")
@right("see")
def home() -> Any:
    now = visit()
    counts = _counts(now)
    newest = db.session.scalars(scoped(License).options(joinedload(License.tariff)).order_by(License.id.desc()).limit(NEWEST)).all()
    open_now = balances(db.session(), now.customer.id, clock.today()) if now.may("money") else []
    steps = [*_money_steps(now, open_now), *_license_steps(now, counts)]
    return page("home", title=_("Hello, %(name)s", name=now.account.name or now.customer.contact or now.customer.company), steps=steps, counts=counts, newest=newest,
                balances=open_now, badge=license_badge)


def _counts(now: Visit) -> dict[str, int]:
    """Of the licenses in one statement."""
    locked, alive = License.lock_reasons != 0, License.state != LicenseState.DELETED
    row = db.session.execute(select(func.count(), func.sum(case((locked, 1), else_=0)),
                                    func.sum(case((~locked & (License.sync_state == SyncState.PENDING) & (License.active_from <= clock.today()), 1), else_=0)),
                                    func.sum(case((~locked & (License.sync_state == SyncState.FAILED), 1), else_=0)))
                             .where(License.customer_id == now.customer.id, alive)).one()
    total, shut, pending, failed = (int(value or 0) for value in row)
    return {"all": total, "locked": shut, "pending": pending, "failed": failed}


def _money_steps(now: Visit, open_now: list[Any]) -> list[Step]:
    customer, steps = now.customer, []
    if customer.lock_reasons:
        steps.append(Step("bad", _("Your licenses are locked."), why_locked(customer.lock_reasons), _("Pay") if now.may("pay") else "", url_for("portal.invoices") if now.may("money") else ""))
    overdue = [balance for balance in open_now if balance.overdue]
    if overdue:
        oldest = db.session.scalar(scoped(OpenItem).where(OpenItem.open > 0, OpenItem.due_on < clock.today()).order_by(OpenItem.due_on).limit(1))
        text = _("Please pay %(sum)s.", sum=" + ".join(formats.money(balance.overdue, balance.currency) for balance in overdue))
        if oldest is not None and oldest.lock_notice_on and not customer.lock_reasons & LockReason.UNPAID:
            text += " " + _("Without it the licenses are locked after %(day)s.", day=formats.day(oldest.lock_notice_on))
        head = _("“%(reference)s” was due on %(day)s.", reference=oldest.reference, day=formats.day(oldest.due_on)) if oldest else _("Something is overdue.")
        steps.append(Step("warn", head, text, _("Invoices"), url_for("portal.invoices")))
    if customer.paid_until is not None and now.may("money") and clock.today() <= customer.paid_until <= clock.today() + SOON:
        steps.append(Step("warn", _("Paid in advance until %(day)s.", day=formats.day(customer.paid_until)), _("Pay the next period before, and nothing is interrupted."), _("Pay"), url_for("portal.invoices")))
    return steps


def _license_steps(now: Visit, counts: dict[str, int]) -> list[Step]:
    steps = []
    if counts["failed"]:
        steps.append(Step("warn", ngettext("%(num)d license is not set up yet.", "%(num)d licenses are not set up yet.", counts["failed"]), _("The radio server refused the change. Our staff see it; you need not do anything."),
                          _("Show"), url_for("portal.licenses", state="failed")))
    if now.customer.termination_date is not None:
        steps.append(Step("info", _("Your contract ends on %(day)s.", day=formats.day(now.customer.termination_date)), _("The licenses work until then.")))
    if not counts["all"] and now.may("order"):
        steps.append(Step("info", _("There is no license yet."), _("A license is what a radio or a phone signs in with."), _("Create license"), url_for("portal.license_new")))
    return steps
