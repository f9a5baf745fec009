"""Which demand is collected when, with what, and why not. Pure: facts in, decision out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from plugins.sepa.days import add_bank_days, bank_day_from, is_bank_day
from plugins.sepa.models import MandateState
from plugins.sepa.orders import B2B, FINAL, FIRST, ONE_OFF, RECURRING

METHOD = "sepa"


@dataclass(frozen=True, slots=True)
class MandateFacts:
    id: int
    account_id: int
    reference: str
    scheme: str
    state: MandateState
    one_off: bool
    last_one: bool
    confirmed: bool         # B2B: by the debtor's bank
    signed_on: date | None
    collections: int
    lapsed: bool
    busy: bool = False      # a direct debit with it is planned or at the bank

    @property
    def usable(self) -> bool:
        return self.state is MandateState.VALID and not self.lapsed and self.signed_on is not None and (self.scheme != B2B or self.confirmed)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An announced demand, as it is now."""

    notice_id: int
    item_id: int
    customer_id: int
    reference: str
    open: Decimal
    disputed: bool
    due_on: date
    currency: str
    announced: Decimal      # at most that
    announced_for: date
    retry: bool
    by_debit: bool          # the customer still pays by direct debit
    running: bool           # a direct debit of it is planned or at the bank
    mandate: MandateFacts


@dataclass(frozen=True, slots=True)
class Rules:
    use_first: bool
    most_amount: Decimal
    most_late_days: int


@dataclass(frozen=True, slots=True)
class Decision:
    """`skip`: "" or why not: word of `SKIPS`. `again`: it must be announced anew."""

    candidate: Candidate
    collect_on: date
    amount: Decimal
    sequence: str
    skip: str = ""
    again: bool = False


SKIPS = ("settled", "running", "disputed", "method", "currency", "mandate", "bank", "large", "late", "once")


def earliest_collection(now: datetime, lead_days: int, cut_off: str) -> date:
    """The first day on which the bank can still debit when it gets the file at `now` (the company's local time)."""
    hour, minute = (int(part) for part in cut_off.split(":"))
    day = now.date()
    if not is_bank_day(day) or now.time() >= time(hour, minute):
        day = bank_day_from(day + timedelta(1))
    return add_bank_days(day, lead_days)


def decide(found: Iterable[Candidate], earliest: date, rules: Rules) -> list[Decision]:
    """In the order given. A mandate that may be used once is used once: the first demand gets it."""
    used_once: set[int] = set()
    first: set[int] = set()
    result = []
    for item in found:
        mandate = item.mandate
        wanted = bank_day_from(max(item.announced_for, item.due_on))
        day = max(wanted, earliest)
        once = mandate.one_off or mandate.last_one
        skip = _skip(item, rules, mandate.id in used_once or (once and mandate.busy) or (mandate.one_off and mandate.collections > 0))
        again = not skip and (day - wanted).days > rules.most_late_days
        sequence = _sequence(mandate, rules.use_first, mandate.id in first)
        if not skip and not again:
            if once:
                used_once.add(mandate.id)
            first.add(mandate.id)
        result.append(Decision(item, day, min(item.open, item.announced), sequence, "late" if again else skip, again))
    return result


def _skip(item: Candidate, rules: Rules, used: bool) -> str:
    if item.open <= 0:
        return "settled"
    if item.running:
        return "running"
    if item.disputed:
        return "disputed"
    if item.currency != "EUR":
        return "currency"
    if not item.by_debit:
        return "method"
    if not item.mandate.usable:
        return "bank" if item.mandate.state is MandateState.VALID and item.mandate.scheme == B2B and not item.mandate.confirmed else "mandate"
    if used:
        return "once"
    return "large" if min(item.open, item.announced) > rules.most_amount else ""


def _sequence(mandate: MandateFacts, use_first: bool, later: bool) -> str:
    if mandate.one_off:
        return ONE_OFF
    if mandate.last_one:
        return FINAL
    return FIRST if use_first and mandate.collections == 0 and not later else RECURRING
