"""What a customer owes for the licenses of a month: rows in, charges out; no session, no clock, no float.

All rules of the fees stand here and in `catalog/pricing.py`, nowhere else. The words are explained in `fee_terms.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from app.billing.fee_terms import TARIFF_ITSELF, Account, Billed, Fee, Item, Offer, Span, Terms, Unbillable, Usage
from app.billing.locked_days import Days, Lock, covered, locked_days
from app.catalog.pricing import amount_step, line_net, open_prices, unit_prices

TEXT_LENGTH = 120


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
            step, article_id = _check(account, rule)
            fees += _tariff_fees(account, rule, licenses, billed, article_id, step)
            if usage.services:
                fees += _service_fees(account, rule, licenses, usage.services, billed, article_id, step, remarks)
    return fees, remarks


def billable_days(account: Account, usage: Usage, terms: Mapping[int, Terms]) -> dict[int, dict[int, tuple[Days, ...]]]:
    """By tariff and license, the days of the tariff's period that are to be paid (trial and prepaid days are not)."""
    found: dict[int, dict[int, tuple[Days, ...]]] = {}
    whole: dict[int, tuple[Days, ...]] = {}
    for license_id, active_from, active_to in usage.licenses:
        spans = usage.tariffs.get(license_id, ())
        if len(spans) > 1:
            _check_order(license_id, spans)
        for tariff_id, valid_from, valid_to in spans:
            rule = terms.get(tariff_id)
            if rule is None:
                continue
            first = valid_from if valid_from > active_from else active_from
            if rule.trial_days:
                first = max(first, active_from + timedelta(days=rule.trial_days))
            if account.paid_until is not None and usage.prepaid.get(license_id, date.max) < valid_from:
                first = max(first, account.paid_until + timedelta(days=1))
            start, last = rule.start, rule.end
            if valid_to is not None and valid_to < last:
                last = valid_to
            if active_to is not None and active_to < last:
                last = active_to
            if account.last_day is not None and account.last_day < last:
                last = account.last_day
            if first <= start and last == rule.end:     # nearly all: they share one object
                days = whole.get(tariff_id) or whole.setdefault(tariff_id, ((start, last),))
            elif (first := max(first, start)) <= last:
                days = ((first, last),)
            else:
                continue
            licenses = found.get(tariff_id)
            if licenses is None:
                licenses = found[tariff_id] = {}
            licenses[license_id] = licenses[license_id] + days if license_id in licenses else days
    return found


def _check_order(license_id: int, spans: Sequence[Span]) -> None:
    for (_before, _begin, busy_until), (_tariff, begin, _end) in zip(spans, spans[1:], strict=False):
        if busy_until is None or begin <= busy_until:
            raise Unbillable(_l("License %(id)s is in two tariffs on %(day)s.", id=license_id, day=begin.isoformat()))


def _without_locked(licenses: dict[int, tuple[Days, ...]], locks: Mapping[int | None, list[Lock]]) -> dict[int, tuple[Days, ...]]:
    """Licenses that were free on at least a part of a day that would be billed."""
    account = locks.get(None, [])
    return {license_id: days for license_id, days in licenses.items()
            if not (account or license_id in locks) or not covered(days, locked_days([*account, *locks.get(license_id, [])]))}


def _tariff_fees(account: Account, rule: Terms, licenses: Mapping[int, tuple[Days, ...]], billed: Billed, article_id: int, step: int) -> list[Fee]:
    """Of the licenses that are not billed yet. The tier is reached with all: those billed before count."""
    before = {key[0]: price for key, price in billed.items() if key[1:] == (rule.tariff_id, TARIFF_ITSELF, rule.start)} if billed else {}
    missing = [license_id for license_id in licenses if license_id not in before] if before else licenses
    prices = unit_prices(rule.tiers, len(missing) + len(before), rule.graduated)
    if before and rule.graduated:
        prices = open_prices(prices, before.values())
    fees: list[Fee] = []
    last_days, last_price, item = None, -1, None
    for license_id, price in zip(missing, prices, strict=False):
        days = licenses[license_id]
        if item is None or days is not last_days or price != last_price:
            last_days, last_price, item = days, price, _item(account, rule, TARIFF_ITSELF, price, days, article_id, step)
        fees.append((license_id, item))
    return fees


def _service_fees(account: Account, rule: Terms, licenses: Mapping[int, tuple[Days, ...]], services: Mapping[int, Sequence[Span]], billed: Billed,
                  article_id: int, step: int, remarks: list[Any]) -> list[Fee]:
    """Of the priced services on the days that are both in the tariff and in the service."""
    fees = []
    for license_id, days_in_tariff in licenses.items():
        if license_id not in services:
            continue
        for service_id, spans in _by_service(services[license_id]).items():
            both = _overlap(days_in_tariff, spans)
            if not both or (license_id, rule.tariff_id, service_id, rule.start) in billed:
                continue
            offer = rule.services[service_id]
            if not offer.offered:
                remarks.append(_l("License %(id)s has the service “%(service)s”, which tariff “%(tariff)s” does not offer. It is not billed.",
                                  id=license_id, service=_name(offer, account.language), tariff=rule.name))
            elif offer.price is not None:
                fees.append((license_id, _item(account, rule, service_id, offer.price, both, article_id, step)))
    return fees


def _item(account: Account, rule: Terms, service_id: int, price: int, days: tuple[Days, ...], article_id: int, step: int) -> Item:
    """For days in the tariff or service; without pro-rata the whole period is charged."""
    number = sum([(last - first).days + 1 for first, last in days]) if rule.by_days else rule.of_days
    key = service_id, price, number, article_id, account.language if service_id else ""
    found = rule.items.get(key)
    if found is None:
        text = service_text(rule.services[service_id], rule.name, account.language) if service_id else rule.name
        found = rule.items[key] = Item(rule.tariff_id, service_id, rule.start, rule.end, number, rule.of_days, price,
                                       line_net(price, number, rule.of_days, step), text, article_id)
    return found


def _check(account: Account, rule: Terms) -> tuple[int, int]:
    """Cents in the currency's smallest unit, and the article; Unbillable when the tariff cannot be billed to this customer."""
    article_id = rule.article_id or account.article_id
    if not rule.tiers.complete:
        raise Unbillable(_l("Tariff “%(tariff)s” has no price for the first license.", tariff=rule.name))
    if article_id is None:
        raise Unbillable(_l("Neither the customer nor tariff “%(tariff)s” has an article.", tariff=rule.name))
    if rule.currency != account.currency:
        raise Unbillable(_l("Tariff “%(tariff)s” is in %(theirs)s, the customer is billed in %(his)s.",
                            tariff=rule.name, theirs=rule.currency, his=account.currency))
    try:
        return amount_step(account.currency), article_id
    except ValueError as error:
        raise Unbillable(_l("The currency %(currency)s cannot be billed.", currency=account.currency)) from error


def _by_service(spans: Iterable[Span]) -> dict[int, list[tuple[date, date | None]]]:
    found: dict[int, list[tuple[date, date | None]]] = {}
    for service_id, first, last in spans:
        found.setdefault(service_id, []).append((first, last))
    return found


def _overlap(days: tuple[Days, ...], spans: Sequence[tuple[date, date | None]]) -> tuple[Days, ...]:
    """Days that are in `days` and in one of `spans` (by their first day); days that several spans name count once."""
    found: list[Days] = []
    for first, last in days:
        for begin, end in spans:
            start, stop = begin if begin > first else first, last if end is None or end > last else end
            if start <= stop:
                found.append((start, stop))
                first = stop + timedelta(days=1)
    return tuple(found)


def service_text(offer: Offer, tariff: str, language: str) -> str:
    """“GPS tracking (Business)”, in the customer's language."""
    room = TEXT_LENGTH - len(tariff) - 3
    return f"{_name(offer, language)[:room]} ({tariff})"


def _name(offer: Offer, language: str) -> str:
    return offer.names.get(language) or offer.names["en"]
