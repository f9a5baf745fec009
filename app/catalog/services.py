"""What happens to tariffs: their prices and services are entered, they are activated and retired."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import list_currencies
from flask_babel import gettext as _
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from app.catalog.models import (
    Article,
    Billing,
    ProRata,
    PttMode,
    Service,
    Tariff,
    TariffService,
    TariffState,
    TariffTier,
    TierPolicy,
    WhileLocked,
)
from app.catalog.pricing import amount_step
from app.catalog.queries import POSTPAID_MONTHS, problems
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.money import PRICE_STEP

HIGHEST_PRICE = Decimal(1_000_000)
LARGEST_QUANTITY = 10_000_000
FIELDS = frozenset({"code", "name", "mode_id", "article_id", "currency", "billing", "period_months", "pro_rata", "while_locked",
                    "tier_policy", "trial_days", "valid_from", "valid_to"})
FIXED_ONCE_ACTIVE = ("currency", "billing", "period_months", "mode_id")
"""A period could be billed twice or not at all, or licenses would be on the wrong server, if these changed."""


def create_tariff(**fields: Any) -> Tariff:
    """A draft with the columns of `Tariff` but its state. Prices follow with `save_tier`, then `activate_tariff`."""
    tariff = Tariff(state=TariffState.DRAFT, period_months=1, trial_days=0, billing=Billing.POSTPAID, pro_rata=ProRata.DAY, currency="EUR",
                    while_locked=WhileLocked.BILL, tier_policy=TierPolicy.ALL_UNITS)
    with transaction() as session:
        _fill(session, tariff, fields)
        session.add(tariff)
        session.flush()
    return tariff


def change_tariff(tariff: Tariff, **fields: Any) -> Tariff:
    """Change columns. Once active, currency, billing, period and PTT mode stay, and it must remain without problems."""
    with transaction() as session:
        row = _locked(session, tariff)
        with session.no_autoflush:
            _fill(session, row, fields)
            check_tariff(row)
    return row


def check_tariff(tariff: Tariff) -> None:
    """For a tariff with changes that are not stored yet (a form): InvalidInput when they must not be."""
    _check_fields(tariff)
    if tariff.state is TariffState.DRAFT:
        return
    history: Any = inspect(tariff).attrs
    for name in FIXED_ONCE_ACTIVE:
        if (changed := history[name].history).has_changes() and changed.deleted and changed.deleted[0] != changed.added[0]:
            raise InvalidInput(_("This cannot be changed any more: the tariff was active already. Retire it and make a new one."), field=name)
    _refuse(tariff)


def activate_tariff(tariff: Tariff) -> Tariff:
    """Offer it to customers. Refused while something is missing; the message says what."""
    with transaction() as session:
        row = _locked(session, tariff)
        _check_fields(row)
        _refuse(row)
        row.move_to(TariffState.ACTIVE)
    return row


def retire_tariff(tariff: Tariff) -> Tariff:
    """Offer it no more. Who has it keeps it and is billed on."""
    with transaction() as session:
        row = _locked(session, tariff)
        row.move_to(TariffState.RETIRED)
    return row


# ---- prices and services -----------------------------------------------------------------------------------------


def save_tier(tariff: Tariff, from_quantity: int, unit_price: Decimal | int | str) -> TariffTier:
    """Set the price from the `from_quantity`-th license on; an existing tier of that quantity is changed.

    A new price counts for every period that is not billed yet.
    """
    with transaction() as session:
        row = _locked(session, tariff)
        quantity, price = check_quantity(from_quantity), check_price(unit_price)
        tier = next((t for t in row.tiers if t.from_quantity == quantity), None)
        if tier is None:
            tier = TariffTier(from_quantity=quantity, unit_price=price)
            row.tiers.append(tier)
        tier.unit_price = price
        session.flush()
    return tier


def remove_tier(tier: TariffTier) -> None:
    with transaction() as session:
        row = _locked(session, tier.tariff)
        row.tiers.remove(tier)
        session.delete(tier)            # said aloud: the protocol does not see orphans
        if row.state is not TariffState.DRAFT:
            _refuse(row)


def save_tariff_service(tariff: Tariff, service: Service, included: bool = False, unit_price: Decimal | int | str = 0) -> TariffService:
    """Offer `service` with the tariff: included, or at `unit_price` per license and period."""
    with transaction() as session:
        row = _locked(session, tariff)
        price = check_price(unit_price)
        if included and price:
            raise InvalidInput(_("A service that is included has no price of its own."), field="unit_price")
        offer = next((o for o in row.services if o.service_id == service.id), None)
        if offer is None:
            if not service.active:
                raise InvalidInput(_("The service “%(service)s” is not active any more.", service=service.name_en), field="service")
            offer = TariffService(service=service)
            row.services.append(offer)
        offer.included, offer.unit_price = bool(included), price
        session.flush()
    return offer


def remove_tariff_service(offer: TariffService) -> None:
    """Offer it no more. Licenses that have it are reported by the fee run until it is taken off them."""
    with transaction() as session:
        _locked(session, offer.tariff).services.remove(offer)
        session.delete(offer)


def check_quantity(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_QUANTITY:
        raise InvalidInput(_("Enter a whole number from 1 to %(n)s.", n=f"{LARGEST_QUANTITY:,}"), field="from_quantity")
    return value


def check_price(value: Any, field: str = "unit_price") -> Decimal:
    """A price of at least 0 with at most 4 decimals; never from a float."""
    try:
        if isinstance(value, (float, bool)):
            raise InvalidOperation
        price = Decimal(value)
        if not price.is_finite():
            raise InvalidOperation
    except (InvalidOperation, TypeError, ValueError) as error:
        raise InvalidInput(_("Enter a price."), field=field) from error
    if price < 0:
        raise InvalidInput(_("A price must not be negative."), field=field)
    if price > HIGHEST_PRICE:
        raise InvalidInput(_("A price is at most %(n)s.", n=f"{HIGHEST_PRICE:,}"), field=field)
    if price != price.quantize(PRICE_STEP):
        raise InvalidInput(_("A price has at most 4 decimals."), field=field)
    return price


# ---- inside ------------------------------------------------------------------------------------------------------


def _locked(session: Session, tariff: Tariff) -> Tariff:
    """The stored tariff under a lock: whoever changes prices and whoever activates wait for each other."""
    if session.new or session.dirty or session.deleted:
        session.flush()
    session.refresh(tariff, with_for_update=True)
    return tariff


def _refuse(tariff: Tariff) -> None:
    if found := problems(tariff):
        raise InvalidInput(" ".join(found))


def _fill(session: Session, tariff: Tariff, fields: dict[str, Any]) -> None:
    if unknown := set(fields) - FIELDS:
        raise InvalidInput(_("“%(field)s” cannot be set.", field=sorted(unknown)[0]))
    if fields.get("mode_id") is not None and session.get(PttMode, fields["mode_id"]) is None:
        raise InvalidInput(_("Choose a PTT mode."), field="mode_id")
    if fields.get("article_id") is not None and session.get(Article, fields["article_id"]) is None:
        raise InvalidInput(_("Choose an article."), field="article_id")
    for name, value in fields.items():
        setattr(tariff, name, value.strip() if isinstance(value, str) else value)
    _check_fields(tariff)
    with session.no_autoflush:
        other = session.scalar(select(Tariff.id).where(Tariff.code == tariff.code))
    if other is not None and other != tariff.id:
        raise InvalidInput(_("The code “%(code)s” is taken by another tariff.", code=tariff.code), field="code")


def _check_fields(tariff: Tariff) -> None:
    """What must hold for a draft already."""
    if not tariff.code or len(tariff.code) > 20:
        raise InvalidInput(_("Enter a code of at most 20 characters."), field="code")
    if not tariff.name or len(tariff.name) > 60:
        raise InvalidInput(_("Enter a name of at most 60 characters."), field="name")
    if tariff.mode_id is None and tariff.mode is None:
        raise InvalidInput(_("Choose a PTT mode."), field="mode_id")
    if tariff.valid_from is None:
        raise InvalidInput(_("Enter from when on the tariff is valid."), field="valid_from")
    if tariff.valid_to is not None and tariff.valid_to < tariff.valid_from:
        raise InvalidInput(_("The tariff ends before it begins."), field="valid_to")
    if isinstance(tariff.trial_days, bool) or not isinstance(tariff.trial_days, int) or not 0 <= tariff.trial_days <= 366:
        raise InvalidInput(_("Enter 0 to 366 free days."), field="trial_days")
    if tariff.billing is Billing.POSTPAID and tariff.period_months not in POSTPAID_MONTHS:
        raise InvalidInput(_("A tariff billed afterwards has a period of 1, 2, 3, 4, 6 or 12 months."), field="period_months")
    if not isinstance(tariff.period_months, int) or not 1 <= tariff.period_months <= 120:
        raise InvalidInput(_("Enter a period of 1 to 120 months."), field="period_months")
    if tariff.billing is Billing.PREPAID and tariff.tier_policy is TierPolicy.GRADUATED:
        raise InvalidInput(_("Graduated tiers need a count at the end of the month. A tariff in advance takes “one price for all”."), field="tier_policy")
    if tariff.currency not in list_currencies():
        raise InvalidInput(_("Enter a currency by its three letters, for example EUR."), field="currency")
    try:
        amount_step(tariff.currency)
    except ValueError as error:
        raise InvalidInput(_("The currency %(currency)s cannot be billed.", currency=tariff.currency), field="currency") from error
