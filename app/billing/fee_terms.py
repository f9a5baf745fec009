"""The words of the fees: tariffs as they are billed in a month, customers with what they used, charges. Plain values.

Days are inclusive; prices are in 1/10000 of the currency, amounts in cents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from app.billing.locked_days import Lock
from app.catalog.pricing import Tiers
from app.core.errors import DomainError
from app.core.period import Month

TARIFF_ITSELF = 0       # service id of the charge for the tariff

LicenseRow = tuple[int, date, date | None]
"""License id and its days of service."""
Span = tuple[int, date, date | None]
"""Tariff or service id, and the days in it."""
Billed = Mapping[tuple[int, int, int, date], int]
"""Charges that exist: (license, tariff, service, period start) → unit price."""


class Unbillable(DomainError):
    """This customer's data does not allow to bill him; the message says what to mend."""


class Item(NamedTuple):
    """What is charged for a license in a tariff or service: columns of the table `charge` but for document and license.

    Licenses that cost the same share the object.
    """

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


@dataclass(frozen=True, slots=True)
class Offer:
    """A service as a tariff has it: its name by language and its price (None: included), or not `offered` at all."""

    names: Mapping[str, str]
    price: int | None = None
    offered: bool = True


@dataclass(frozen=True, slots=True)
class Terms:
    """A postpaid tariff as it is billed with the period `start` to `end`. `items`: what was priced before, to be shared."""

    tariff_id: int
    name: str
    currency: str
    article_id: int | None
    start: date
    end: date
    by_days: bool
    skip_locked: bool
    graduated: bool
    trial_days: int
    tiers: Tiers
    services: Mapping[int, Offer]
    of_days: int = field(init=False)
    items: dict[tuple[int, int, int, int, str], Item] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "of_days", (self.end - self.start).days + 1)


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


class Usage(NamedTuple):
    """What one customer used. `licenses` in the order of their ids; `tariffs` and `services` by license, in the order of
    days (they may hold other customers' too); `locks` by license, the account's under None; `prepaid`: for licenses that were
    in a prepaid tariff the day they last came into one, so that days paid in advance are not billed again."""

    licenses: Sequence[LicenseRow]
    tariffs: Mapping[int, Sequence[Span]]
    services: Mapping[int, Sequence[Span]]
    locks: Mapping[int | None, list[Lock]]
    prepaid: Mapping[int, date]


Fee = tuple[int, Item]
"""License id, what is charged for it."""


def billing_period(month: Month, months: int) -> tuple[date, date] | None:
    """The calendar block of `months` months that `month` ends; None when it ends none."""
    if (month.year * 12 + month.month) % months:
        return None
    return month.plus(1 - months).start, month.end
