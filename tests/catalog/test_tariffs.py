"""Tariffs from draft to retirement: what is missing or wrong is said at the earliest point."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.catalog.models import Article, Billing, PttMode, Service, Tariff, TariffState, TariffTier, TierPolicy
from app.catalog.queries import offered, price_table, problems, service_net
from app.catalog.services import (
    activate_tariff,
    change_tariff,
    create_tariff,
    remove_tariff_service,
    remove_tier,
    retire_tariff,
    save_tariff_service,
    save_tier,
)
from app.core.db import db
from app.core.errors import IllegalTransition, InvalidInput


@pytest.fixture
def mode(app) -> PttMode:
    return db.session.scalars(select(PttMode)).first()


@pytest.fixture
def draft(mode) -> Tariff:
    return create_tariff(code="B1", name="Business", mode_id=mode.id, valid_from=date(2026, 1, 1))


@pytest.fixture
def gps(app) -> Service:
    return db.session.scalars(select(Service).where(Service.code == "gps")).one()


def test_a_tariff_without_prices_is_not_activated(draft):
    assert draft.state is TariffState.DRAFT
    with pytest.raises(InvalidInput, match="at least one price"):
        activate_tariff(draft)
    save_tier(draft, 5, "3")
    with pytest.raises(InvalidInput, match="begins at 5"):
        activate_tariff(draft)
    assert draft.state is TariffState.DRAFT
    save_tier(draft, 1, "4.25")
    assert activate_tariff(draft).state is TariffState.ACTIVE
    assert offered(db.session()) == [draft]
    retire_tariff(draft)
    assert offered(db.session()) == [] and draft.state is TariffState.RETIRED
    activate_tariff(draft)
    with pytest.raises(IllegalTransition):
        activate_tariff(draft)


@pytest.mark.parametrize("price", ["-0.01", "free", None, 1.5, True, "NaN", "Infinity", "1000000.01", "0.00001"])
def test_bad_prices_are_refused(draft, gps, price):
    with pytest.raises(InvalidInput) as caught:
        save_tier(draft, 1, price)
    assert caught.value.field == "unit_price"
    with pytest.raises(InvalidInput):
        save_tariff_service(draft, gps, unit_price=price)
    assert db.session.scalars(select(TariffTier)).all() == []


@pytest.mark.parametrize("quantity", [0, -1, "1", 1.0, True, 10**8])
def test_bad_quantities_are_refused(draft, quantity):
    with pytest.raises(InvalidInput) as caught:
        save_tier(draft, quantity, 1)
    assert caught.value.field == "from_quantity"


def test_a_tier_is_set_once_per_quantity(draft):
    save_tier(draft, 1, "4")
    save_tier(draft, 1, "5.1234")
    assert [(t.from_quantity, t.unit_price) for t in db.session.scalars(select(TariffTier))] == [(1, Decimal("5.1234"))]


def test_an_active_tariff_keeps_its_first_price(draft):
    first, second = save_tier(draft, 1, 4), save_tier(draft, 10, 3)
    activate_tariff(draft)
    with pytest.raises(InvalidInput):
        remove_tier(first)
    assert len(db.session.scalars(select(TariffTier)).all()) == 2
    remove_tier(second)
    save_tier(draft, 1, "4.5")
    assert [t.unit_price for t in db.session.scalars(select(TariffTier))] == [Decimal("4.5")]


@pytest.mark.parametrize(("fields", "field"), [
    ({"code": ""}, "code"), ({"code": "x" * 21}, "code"), ({"name": " "}, "name"), ({"mode_id": 10**6}, "mode_id"), ({"mode_id": None}, "mode_id"),
    ({"valid_from": None}, "valid_from"), ({"valid_to": date(2025, 12, 31)}, "valid_to"), ({"trial_days": -1}, "trial_days"), ({"trial_days": 367}, "trial_days"),
    ({"period_months": 5}, "period_months"), ({"period_months": 0}, "period_months"), ({"currency": "KWD"}, "currency"), ({"currency": "eur"}, "currency"),
    ({"currency": "EURO"}, "currency"), ({"article_id": 10**6}, "article_id"), ({"billing": Billing.PREPAID, "tier_policy": TierPolicy.GRADUATED}, "tier_policy"),
    ({"state": TariffState.ACTIVE}, None)])
def test_bad_fields_are_refused(mode, fields, field):
    with pytest.raises(InvalidInput) as caught:
        create_tariff(**{"code": "B1", "name": "Business", "mode_id": mode.id, "valid_from": date(2026, 1, 1), **fields})
    assert caught.value.field == field
    assert db.session.scalars(select(Tariff)).all() == []


def test_a_code_is_taken_once(draft, mode):
    with pytest.raises(InvalidInput, match="B1"):
        create_tariff(code="B1", name="Other", mode_id=mode.id, valid_from=date(2026, 1, 1))
    change_tariff(draft, code="B1", name="Same code, its own")
    assert draft.name == "Same code, its own"


def test_what_would_bill_twice_is_fixed_once_active(draft):
    save_tier(draft, 1, 4)
    change_tariff(draft, period_months=3, currency="BRL", billing=Billing.PREPAID)
    change_tariff(draft, period_months=1, currency="EUR", billing=Billing.POSTPAID)
    activate_tariff(draft)
    other = db.session.scalars(select(PttMode).where(PttMode.id != draft.mode_id)).first()
    for name, value in (("currency", "BRL"), ("billing", Billing.PREPAID), ("period_months", 3), ("mode_id", other.id)):
        with pytest.raises(InvalidInput) as caught:
            change_tariff(draft, **{name: value})
        assert caught.value.field == name
    change_tariff(draft, name="Business 2", trial_days=14, valid_to=date(2027, 12, 31))
    db.session.expire_all()
    assert (draft.name, draft.trial_days, draft.period_months, draft.currency) == ("Business 2", 14, 1, "EUR")


def test_services_included_or_priced(draft, gps):
    with pytest.raises(InvalidInput, match="included"):
        save_tariff_service(draft, gps, included=True, unit_price=1)
    save_tariff_service(draft, gps, unit_price="2.5")
    offer = save_tariff_service(draft, gps, included=True)
    assert [(o.service_id, o.included, o.unit_price) for o in draft.services] == [(gps.id, True, 0)]
    remove_tariff_service(offer)
    gps.active = False
    db.session.commit()
    with pytest.raises(InvalidInput, match="not active"):
        save_tariff_service(draft, gps)
    assert service_net(draft, gps.id) is None


def test_problems_are_told_together(draft):
    draft.article = Article(number="OLD", name_en="Old", active=False)
    save_tier(draft, 2, 1)
    found = problems(draft)
    assert len(found) == 2 and "quantity 1" in found[0] and "not active" in found[1]


def test_price_table(draft, gps):
    for quantity, price in ((1, "10.005"), (3, "8"), (10, "5")):
        save_tier(draft, quantity, price)
    save_tariff_service(draft, gps, unit_price="2.345")
    assert [(n, str(net)) for n, net in price_table(draft, [1, 2, 3, 10])] == [(1, "10.01"), (2, "20.02"), (3, "24.00"), (10, "50.00")]
    change_tariff(draft, tier_policy=TierPolicy.GRADUATED)
    assert [(n, str(net)) for n, net in price_table(draft, [1, 3, 10])] == [(1, "10.01"), (3, "28.02"), (10, "81.02")]
    assert str(service_net(draft, gps.id)) == "2.35"
