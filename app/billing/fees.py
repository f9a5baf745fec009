"""What a customer owes for the licenses of a month: rows in, charges out; no session, no clock, no float.

Days are inclusive; prices are in 1/10000 of the currency, amounts in cents. All rules of the fees stand here and in
`catalog/pricing.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l

from app.billing.locked_days import Days, Lock, covered, locked_days
from app.catalog.pricing import Tiers, amount_step, line_net, open_prices, unit_prices
from app.core.errors import DomainError
from app.core.period import Month

TEXT_LENGTH = 120
TARIFF_ITSELF = 0       # service id of the charge for the tariff

Span = tuple[int, int, date, date | None, date, date | None]
"""License id, tariff id, the span's days in the tariff, the license's days of service; in order of license and day."""
ServiceSpan = tuple[int, date, date | None]
"""Service id, days."""
Billed = Mapping[tuple[int, int, int, date], int]
"""Charges that exist: (license, tariff, service, period start) → unit price."""


class Unbillable(DomainError):
    """This customer's data does not allow to bill him; the message says what to mend."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A service as a tariff has it: its name by language and its price (None: included), or not `offered` at all."""

    names: Mapping[str, str]
    price: int | None = None
    offered: bool = True


@dataclass(frozen=True, slots=True)
class Terms:
    """A postpaid tariff as it is billed with the period `start` to `end`."""

    tariff_id: int
    name: str
    currency: str
    article_id: int | None
    start: date
    end: date
    of_days: int
    by_days: bool
    skip_locked: bool
    graduated: bool
    trial_days: int
    tiers: Tiers
    services: Mapping[int, Offer]


@dataclass(frozen=True, slots=True)
class Account:
    """What of the customer matters. `last_day`: end of the contract; `paid_until`: prepaid up to this day."""

    customer_id: int
    label: str
    language: str
    currency: str
    article_id: int | None
    last_day: date | None
    paid_until: date | None


class Fee(NamedTuple):
    """A charge to be: columns of the table `charge` but for its document."""

    license_id: int
    tariff_id: int
    service_id: int
    period_start: date
    period_end: date
    days: int
    of_days: int
    unit_price: int
    net: int
    text: str
    article_id: int


class Usage(NamedTuple):
    """Rows of one customer. `services` by license; `locks` by license, the account's under None; `prepaid`: for licenses
    that were in a prepaid tariff the day they last came into one, so that days paid in advance are not billed again."""

    spans: Iterable[Span]
    services: Mapping[int, list[ServiceSpan]]
    locks: Mapping[int | None, list[Lock]]
    prepaid: Mapping[int, date] = {}


def billing_period(month: Month, months: int) -> tuple[date, date] | None:
    """The calendar block of `months` months that `month` ends; None when it ends none."""
    if (month.year * 12 + month.month) % months:
        return None
    return month.plus(1 - months).start, month.end


def fees_of(account: Account, usage: Usage, billed: Billed, terms: Mapping[int, Terms]) -> tuple[list[Fee], list[Any]]:
    """The charges that are missing, and remarks for people. `terms`: tariffs that are billed this month, by id.

    Raises Unbillable when the customer cannot be billed; then nothing of him is.
    """
    fees: list[Fee] = []
    remarks: list[Any] = []
    for tariff_id, licenses in billable_days(account, usage, terms).items():
        rule = terms[tariff_id]
        if rule.skip_locked and usage.locks:
            licenses = _without_locked(licenses, usage.locks)
        if licenses:
            _bill_tariff(account, rule, licenses, usage.services, billed, fees, remarks)
    return fees, remarks


def billable_days(account: Account, usage: Usage, terms: Mapping[int, Terms]) -> dict[int, dict[int, list[Days]]]:
    """By tariff and license, the days of the tariff's period that are to be paid (trial and prepaid days are not)."""
    found: dict[int, dict[int, list[Days]]] = {}
    last_license, busy_until = 0, date.min
    for license_id, tariff_id, valid_from, valid_to, active_from, active_to in usage.spans:
        if license_id == last_license and valid_from <= busy_until:
            raise Unbillable(_l("License %(id)s is in two tariffs on %(day)s.", id=license_id, day=valid_from.isoformat()))
        last_license, busy_until = license_id, valid_to or date.max
        rule = terms.get(tariff_id)
        if rule is None:
            continue
        first = max(valid_from, active_from, rule.start)
        if rule.trial_days:
            first = max(first, active_from + timedelta(days=rule.trial_days))
        if account.paid_until is not None and usage.prepaid.get(license_id, date.max) < valid_from:
            first = max(first, account.paid_until + timedelta(days=1))
        last = rule.end
        if valid_to is not None and valid_to < last:
            last = valid_to
        if active_to is not None and active_to < last:
            last = active_to
        if account.last_day is not None and account.last_day < last:
            last = account.last_day
        if first <= last:
            found.setdefault(tariff_id, {}).setdefault(license_id, []).append((first, last))
    return found


def _without_locked(licenses: dict[int, list[Days]], locks: Mapping[int | None, list[Lock]]) -> dict[int, list[Days]]:
    """Licenses that were free on at least a part of a day that would be billed."""
    account = locks.get(None, [])
    return {license_id: days for license_id, days in licenses.items()
            if not (account or license_id in locks) or not covered(days, locked_days([*account, *locks.get(license_id, [])]))}


def _bill_tariff(account: Account, rule: Terms, licenses: dict[int, list[Days]], services: Mapping[int, list[ServiceSpan]],
                 billed: Billed, fees: list[Fee], remarks: list[Any]) -> None:
    article_id = rule.article_id or account.article_id
    step = _check(account, rule, article_id)
    assert article_id is not None
    start, end, of_days, tariff_id = rule.start, rule.end, rule.of_days, rule.tariff_id
    before = {key[0]: price for key, price in billed.items() if key[1:] == (tariff_id, TARIFF_ITSELF, start)} if billed else {}
    missing = [license_id for license_id in licenses if license_id not in before]
    prices = unit_prices(rule.tiers, len(missing) + len(before), rule.graduated)
    prices = open_prices(prices, before.values()) if before and rule.graduated else prices
    text, known = rule.name, {}
    for license_id, price in zip(missing, prices, strict=False):
        days = _paid_days(rule, licenses[license_id])
        net = known.get((price, days))
        if net is None:
            net = known[price, days] = line_net(price, days, of_days, step)
        fees.append(Fee(license_id, tariff_id, TARIFF_ITSELF, start, end, days, of_days, price, net, text, article_id))
    if not services:
        return
    for license_id, days_in_tariff in licenses.items():
        for service_id, spans in _by_service(services.get(license_id, ())).items():
            offer = rule.services[service_id]
            both = _overlap(days_in_tariff, spans)
            if not both or (license_id, tariff_id, service_id, start) in billed:
                continue
            if not offer.offered:
                remarks.append(_l("License %(id)s has the service “%(service)s”, which tariff “%(tariff)s” does not offer. It is not billed.",
                                  id=license_id, service=_name(offer, account.language), tariff=rule.name))
            elif offer.price is not None:
                days = _paid_days(rule, both)
                fees.append(Fee(license_id, tariff_id, service_id, start, end, days, of_days, offer.price,
                                line_net(offer.price, days, of_days, step), service_text(offer, rule.name, account.language), article_id))


def _check(account: Account, rule: Terms, article_id: int | None) -> int:
    """Cents in the smallest unit; Unbillable when the tariff cannot be billed to this customer."""
    if not rule.tiers.complete:
        raise Unbillable(_l("Tariff “%(tariff)s” has no price for the first license.", tariff=rule.name))
    if article_id is None:
        raise Unbillable(_l("Neither the customer nor tariff “%(tariff)s” has an article.", tariff=rule.name))
    if rule.currency != account.currency:
        raise Unbillable(_l("Tariff “%(tariff)s” is in %(theirs)s, the customer is billed in %(his)s.",
                            tariff=rule.name, theirs=rule.currency, his=account.currency))
    try:
        return amount_step(account.currency)
    except ValueError as error:
        raise Unbillable(_l("The currency %(currency)s cannot be billed.", currency=account.currency)) from error


def _paid_days(rule: Terms, days: list[Days]) -> int:
    """Days that are charged: those of service, or the whole period for a tariff without pro-rata."""
    if not rule.by_days:
        return rule.of_days
    return sum((last - first).days + 1 for first, last in days)


def _by_service(spans: Iterable[ServiceSpan]) -> dict[int, list[tuple[date, date | None]]]:
    found: dict[int, list[tuple[date, date | None]]] = {}
    for service_id, first, last in spans:
        found.setdefault(service_id, []).append((first, last))
    return found


def _overlap(days: list[Days], spans: list[tuple[date, date | None]]) -> list[Days]:
    """Days that are in `days` and in one of `spans`; days that several spans name count once."""
    found: list[Days] = []
    for first, last in days:
        reached = first
        for begin, end in sorted(spans, key=lambda span: span[0]):
            start, stop = max(reached, begin), last if end is None else min(last, end)
            if start <= stop:
                found.append((start, stop))
                reached = stop + timedelta(days=1)
    return found


def service_text(offer: Offer, tariff: str, language: str) -> str:
    """“GPS tracking (Business)”, in the customer's language."""
    room = TEXT_LENGTH - len(tariff) - 3
    return f"{_name(offer, language)[:room]} ({tariff})"


def _name(offer: Offer, language: str) -> str:
    return offer.names.get(language) or offer.names["en"]
