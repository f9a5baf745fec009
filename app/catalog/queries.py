"""Reads of the catalog: what speaks against a tariff, what it costs, what uses it."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.orm import Session

from app.catalog.models import Billing, Tariff, TariffState, TariffTier, TierPolicy
from app.catalog.pricing import Tiers, amount_step, line_net, period_net
from app.core.money import from_cents

POSTPAID_MONTHS = (1, 2, 3, 4, 6, 12)       # periods that fill a calendar year


def tiers_of(session: Session, tariff_id: int) -> Tiers:
    """The tariff's prices as `pricing` takes them."""
    return Tiers.of(session.execute(select(TariffTier.from_quantity, type_coerce(TariffTier.unit_price, BigInteger))
                                    .where(TariffTier.tariff_id == tariff_id)).all())


def problems(tariff: Tariff) -> list[str]:
    """What keeps the tariff from being offered, in words; empty: nothing."""
    found = []
    starts = sorted(tier.from_quantity for tier in tariff.tiers)
    if not starts:
        found.append(_("Enter at least one price."))
    elif starts[0] != 1:
        found.append(_("Enter a price from quantity 1 on; the first tier begins at %(n)s.", n=starts[0]))
    if len(set(starts)) != len(starts):
        found.append(_("Two tiers begin at the same quantity."))
    if any(tier.unit_price < 0 for tier in tariff.tiers) or any(offer.unit_price < 0 for offer in tariff.services):
        found.append(_("A price must not be negative."))
    if tariff.billing is Billing.PREPAID and tariff.tier_policy is TierPolicy.GRADUATED:
        found.append(_("Graduated tiers need a count at the end of the month. A tariff in advance takes “one price for all”."))
    if tariff.billing is Billing.POSTPAID and tariff.period_months not in POSTPAID_MONTHS:
        found.append(_("A tariff billed afterwards has a period of 1, 2, 3, 4, 6 or 12 months."))
    if tariff.valid_to is not None and tariff.valid_to < tariff.valid_from:
        found.append(_("The tariff ends before it begins."))
    try:
        amount_step(tariff.currency)
    except ValueError:
        found.append(_("The currency %(currency)s cannot be billed.", currency=tariff.currency))
    if tariff.article is not None and not tariff.article.active:
        found.append(_("Its article is not active any more."))
    return found


def price_table(tariff: Tariff, units: list[int]) -> list[tuple[int, Any]]:
    """(number of licenses, net of a whole period) for people who compare; the tariff must be without problems."""
    tiers = Tiers.of((tier.from_quantity, int(tier.unit_price * 10_000)) for tier in tariff.tiers)
    step = amount_step(tariff.currency)
    graduated = tariff.tier_policy is TierPolicy.GRADUATED
    return [(number, from_cents(period_net(tiers, number, graduated, step))) for number in units]


def service_net(tariff: Tariff, service_id: int) -> Any | None:
    """Net of a whole period for a priced service; 0 when included, None when the tariff does not offer it."""
    for offer in tariff.services:
        if offer.service_id == service_id:
            return from_cents(0 if offer.included else line_net(int(offer.unit_price * 10_000), 1, 1, amount_step(tariff.currency)))
    return None


def offered(session: Session) -> list[Tariff]:
    """Active tariffs, by name."""
    return list(session.scalars(select(Tariff).where(Tariff.state == TariffState.ACTIVE).order_by(Tariff.name, Tariff.id)))
