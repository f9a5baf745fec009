"""Why somebody is locked, or when he will be: sentences for staff."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.core.db import db
from app.core.errors import DomainError
from app.core.formats import day, money
from app.customers.locks import LockReason
from app.customers.models import Customer
from app.licenses.models import LockPeriod
from app.receivables.overdue import Decision, Item, Verdict, Why, decide
from app.receivables.prepaid_queries import quote
from app.receivables.queries import lock_facts, lock_rules

NAMED = 3       # demands that a sentence names; the others are counted


def because(decision: Decision) -> str:
    """“RE-2026-00012 (€119.00, due Oct 15, 2026) and 2 more, €476.00 in all”."""
    items = decision.because
    named = ", ".join(_item(item) for item in items[:NAMED])
    if len(items) == 1:
        return named
    owed = money(decision.owed, items[0].currency)
    if len(items) <= NAMED:
        return _("%(items)s; %(sum)s in all", items=named, sum=owed)
    return _("%(items)s and %(n)s more; %(sum)s in all", items=named, n=len(items) - NAMED, sum=owed)


def _item(item: Item) -> str:
    return _("%(reference)s (%(open)s, due %(day)s)", reference=item.reference, open=money(item.open, item.currency), day=day(item.due_on))


def why_unlocked(decision: Decision) -> str:
    if decision.why is Why.RESPITE:
        return _("Staff gave time until %(day)s.", day=day(decision.until))
    return _("Everything that caused the lock is paid.") if decision.why is Why.PAID else _("No demand is left that may lock.")


def why_expired(paid_until: date | None) -> str:
    return _("Nothing was paid in advance yet.") if paid_until is None else _("Paid until %(day)s.", day=day(paid_until))


def explain(customer: Customer, today: date | None = None) -> str:
    """All that staff should know of the account's locks, in sentences."""
    return " ".join(explanations(customer, today))


def explanations(customer: Customer, today: date | None = None) -> list[str]:
    """One sentence for each reason that the account carries or will carry; never empty."""
    session, now = db.session(), today or clock.today()
    since = {row.reason: row for row in session.execute(
        select(LockPeriod.reason, LockPeriod.from_at, LockPeriod.note).where(LockPeriod.customer_id == customer.id, LockPeriod.license_id.is_(None),
                                                                             LockPeriod.to_at.is_(None)).order_by(LockPeriod.id))}
    found = [_demands(session, customer, now, since)]
    if customer.lock_reasons & LockReason.PREPAID_EXPIRED:
        found.append(_prepaid(session, customer, now))
    for reason, text in ((LockReason.MANUAL, _("Locked by staff on %(day)s: %(note)s. Only staff lifts this lock.")),
                         (LockReason.EXTERNAL, _("Locked by the external billing system on %(day)s: %(note)s. Only that system or staff lifts this lock."))):
        if customer.lock_reasons & reason:
            row = since.get(int(reason))
            found.append(text % {"day": _on(row), "note": (row.note.rstrip(".") if row is not None else "") or _("no reason given")})
    sentences = [text for text in found if text]
    return sentences or [_("Not locked: nothing is overdue.")]


def _on(row: Any) -> str:
    return day(clock.local(row.from_at).date()) if row is not None else "–"


def _demands(session: Session, customer: Customer, today: date, since: dict[int, Any]) -> str:
    facts = lock_facts(session, [customer.id])[customer.id]
    decision = decide(facts, lock_rules(), today)
    if facts.locked:
        on = _on(since.get(int(LockReason.UNPAID)))
        if decision.verdict is Verdict.UNLOCK:
            return _("Locked on %(day)s for unpaid demands; will be unlocked with the next hourly run: %(why)s", day=on, why=why_unlocked(decision))
        return _("Locked on %(day)s because of %(items)s; will be unlocked with the next hourly run after all of it is paid.", day=on, items=because(decision))
    if decision.verdict is Verdict.LOCK:
        return _("Will be locked with the next hourly run because of %(items)s.", items=because(decision))
    if decision.why is Why.RESPITE:
        return _("Not locked although overdue: %(items)s. Staff gave time until %(day)s.", items=because(decision), day=day(decision.until))
    if decision.locks_on is not None:
        return _("Not locked; will be on %(day)s if nothing is paid until then.", day=day(decision.locks_on))
    if decision.why is Why.BELOW:
        return _("Not locked: %(items)s is less than the sum from which a customer is locked.", items=because(decision))
    return ""


def _prepaid(session: Session, customer: Customer, today: date) -> str:
    try:
        offer = quote(session, customer.id, today)
    except DomainError as error:
        return _("Locked because the prepaid period ended. %(paid)s What the next one costs cannot be told: %(error)s", paid=why_expired(customer.paid_until), error=error)
    if offer is None:
        return _("Locked because the prepaid period ended; will be unlocked with the next hourly run: there is no license that is paid in advance.")
    return _("Locked because the prepaid period ended. %(paid)s Will be unlocked when %(price)s for the next %(months)s months are paid.",
             paid=why_expired(customer.paid_until), price=money(offer.price.gross, offer.currency), months=offer.price.months)
