"""What the next prepaid period of a customer costs: values in, price out. No session, no clock.

Tariffs with periods of different length make one common period, the least that each divides: monthly and quarterly
give a quarter. Prices are in 1/10000 of the currency, amounts in cents; tax is rounded once per category and rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import lcm
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l

from app.catalog.models import TaxClass
from app.catalog.pricing import Tiers, amount_step, line_net, period_net
from app.catalog.tax import Treatment
from app.core.errors import InvalidInput
from app.core.money import ZERO, from_cents, tax_of, total


class Unpriced(InvalidInput):
    """This customer's next period has no price; the message says what to mend."""


@dataclass(frozen=True, slots=True)
class Terms:
    """A tariff that is paid in advance. `services`: price by service id of those that cost extra."""

    name: str
    months: int
    currency: str
    article_id: int | None
    graduated: bool
    tiers: Tiers
    services: Mapping[int, int]
    service_names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Use:
    """What a customer has of one tariff: number of licenses, and of them with each service."""

    tariff_id: int
    licenses: int
    services: Mapping[int, int]


class Part(NamedTuple):
    """A line of the bill. `net` in cents, of the whole period."""

    article_id: int
    text: str
    number: int
    net: int


class Price(NamedTuple):
    months: int
    licenses: int
    net: Decimal
    tax: Decimal
    parts: tuple[Part, ...] = ()

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax


def price_period(uses: Iterable[Use], terms: Mapping[int, Terms], currency: str, own_article: int | None,
                 classes: Mapping[int, TaxClass], treat: Callable[[TaxClass], Treatment]) -> Price:
    """`classes`: tax class by article; `treat`: how it is taxed for this customer. Raises Unpriced, or what `treat` raises."""
    uses = list(uses)
    months = lcm(*(terms[use.tariff_id].months for use in uses))
    step = _step(currency)
    bases: dict[tuple[str, Decimal], Decimal] = {}
    parts: list[Part] = []
    for use in uses:
        rule = terms[use.tariff_id]
        article_id = rule.article_id or own_article
        if rule.currency != currency:
            raise Unpriced(_l("Tariff “%(tariff)s” is in %(theirs)s, the customer is billed in %(his)s.", tariff=rule.name, theirs=rule.currency, his=currency))
        if not rule.tiers.complete:
            raise Unpriced(_l("Tariff “%(tariff)s” has no price for the first license.", tariff=rule.name))
        if article_id is None:
            raise Unpriced(_l("Neither the customer nor tariff “%(tariff)s” has an article.", tariff=rule.name))
        times = months // rule.months
        mine = [Part(article_id, rule.name, use.licenses, times * period_net(rule.tiers, use.licenses, rule.graduated, step))]
        mine += [Part(article_id, f"{rule.name}: {rule.service_names.get(service, '')}".rstrip(": "), count, times * count * line_net(rule.services[service], 1, 1, step))
                 for service, count in sorted(use.services.items()) if service in rule.services and count]
        case = treat(classes[article_id])
        key = (case.category, case.rate)
        bases[key] = bases.get(key, ZERO) + from_cents(sum(part.net for part in mine))
        parts += [part for part in mine if part.net]
    return Price(months, sum(use.licenses for use in uses), total(bases.values()),
                 total(tax_of(base, rate, currency) for (_category, rate), base in bases.items()), tuple(parts))


def _step(currency: str) -> Any:
    try:
        return amount_step(currency)
    except ValueError as error:
        raise Unpriced(_l("The currency %(currency)s cannot be billed.", currency=currency)) from error
