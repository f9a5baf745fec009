"""A tariff as staff enters it: columns, tiers and services in one go, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from app.catalog.models import Service, Tariff
from app.catalog.services import (
    change_tariff,
    create_tariff,
    remove_tariff_service,
    remove_tier,
    save_tariff_service,
    save_tier,
)
from app.core.db import transaction


class Tier(NamedTuple):
    """`unit_price` from the `from_quantity`-th license on."""

    from_quantity: int
    unit_price: Decimal


class Offer(NamedTuple):
    """A service of the tariff; `unit_price` per license and period, 0 when included."""

    service: Service
    included: bool
    unit_price: Decimal | int


def enter_tariff(tariff: Tariff | None, columns: dict[str, Any], tiers: Iterable[Tier], offers: Iterable[Offer]) -> Tariff:
    """A new draft (`tariff` None) or a changed tariff that has exactly these tiers and services. Raises InvalidInput, then nothing is stored."""
    wanted, offered = list(tiers), list(offers)
    with transaction():
        row = create_tariff(**columns) if tariff is None else tariff
        for tier in wanted:
            save_tier(row, tier.from_quantity, tier.unit_price)
        for old in [t for t in row.tiers if t.from_quantity not in {tier.from_quantity for tier in wanted}]:
            remove_tier(old)
        for offer in offered:
            save_tariff_service(row, offer.service, offer.included, offer.unit_price)
        for gone in [o for o in row.services if o.service_id not in {offer.service.id for offer in offered}]:
            remove_tariff_service(gone)
        if tariff is not None:
            change_tariff(row, **columns)
    return row
