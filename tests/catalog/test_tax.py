"""Tax cases: who is taxed how. Pure, no database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.catalog.models import TaxClass
from app.catalog.tax import (
    NO_TAX,
    OUTSIDE,
    REVERSE_CHARGE,
    SMALL_BUSINESS,
    Buyer,
    Rates,
    Seller,
    Treatment,
    treat,
    vat_state,
)
from app.core.errors import InvalidInput

DAY = date(2026, 11, 1)
STANDARD, REDUCED, ZERO = TaxClass.STANDARD, TaxClass.REDUCED, TaxClass.ZERO
RATES = Rates([("DE", STANDARD, date(2007, 1, 1), Decimal(19)), ("DE", STANDARD, date(2020, 7, 1), Decimal(16)), ("DE", STANDARD, date(2021, 1, 1), Decimal(19)),
               ("DE", REDUCED, date(2007, 1, 1), Decimal(7)), ("BR", STANDARD, date(2020, 1, 1), Decimal("0")), ("GR", STANDARD, date(2020, 1, 1), Decimal(24))])
GERMAN = Seller("DE", "DE136695976")
TAXED, AE, OUT = Treatment("S", Decimal(19)), Treatment("AE", NO_TAX, REVERSE_CHARGE), Treatment("O", NO_TAX, OUTSIDE)


@pytest.mark.parametrize(("seller", "buyer", "tax_class", "expected"), [
    (GERMAN, Buyer("DE"), STANDARD, TAXED),
    (GERMAN, Buyer("DE", business=False), REDUCED, Treatment("S", Decimal(7))),
    (GERMAN, Buyer("DE"), ZERO, Treatment("Z", NO_TAX)),
    (GERMAN, Buyer("DE", "ATU13585627"), STANDARD, TAXED),                      # established at home: a foreign number changes nothing
    (GERMAN, Buyer("AT", "ATU13585627"), STANDARD, AE),
    (GERMAN, Buyer("AT", "ATU 135 856 27"), STANDARD, AE),
    (GERMAN, Buyer("AT", "atu13585627"), ZERO, AE),
    (GERMAN, Buyer("GR", "EL094259216"), STANDARD, AE),                         # Greece's numbers begin with EL
    (GERMAN, Buyer("FR", "BE0776091951"), STANDARD, AE),                        # another member state than the seller's is enough
    (GERMAN, Buyer("AT", "DE136695976"), STANDARD, TAXED),                      # the seller's own state
    (GERMAN, Buyer("AT"), STANDARD, TAXED),                                     # business without a number
    (GERMAN, Buyer("AT", "ATU13585627", business=False), STANDARD, TAXED),
    (GERMAN, Buyer("AT", business=False), REDUCED, Treatment("S", Decimal(7))),
    (GERMAN, Buyer("CH"), STANDARD, OUT), (GERMAN, Buyer("CH", business=False), STANDARD, OUT),
    (GERMAN, Buyer("GB", "XI110305878"), STANDARD, OUT),                        # Northern Ireland: goods only
    (GERMAN, Buyer("BR"), STANDARD, OUT), (GERMAN, Buyer("US", "whatever"), ZERO, OUT),
    (Seller("DE", small_business=True), Buyer("DE"), STANDARD, Treatment("E", NO_TAX, SMALL_BUSINESS)),
    (Seller("DE", small_business=True), Buyer("AT", "ATU13585627"), STANDARD, Treatment("E", NO_TAX, SMALL_BUSINESS)),
    (Seller("BR"), Buyer("BR"), STANDARD, Treatment("Z", NO_TAX)),              # a rate of 0 is the zero category
    (Seller("BR"), Buyer("DE", "DE136695976"), STANDARD, OUT),
    (Seller("GR", "EL094259216"), Buyer("GR"), STANDARD, Treatment("S", Decimal(24))),
    (Seller("GR", "EL094259216"), Buyer("FR", "EL094259216"), STANDARD, Treatment("S", Decimal(24))),
])
def test_tax_cases(seller: Seller, buyer: Buyer, tax_class: TaxClass, expected: Treatment) -> None:
    assert treat(seller, buyer, tax_class, DAY, RATES) == expected


@pytest.mark.parametrize(("day", "rate"), [(date(2020, 6, 30), 19), (date(2020, 7, 1), 16), (date(2020, 12, 31), 16), (date(2021, 1, 1), 19)])
def test_the_rate_of_the_day_counts(day: date, rate: int) -> None:
    assert treat(GERMAN, Buyer("DE"), STANDARD, day, RATES).rate == rate


@pytest.mark.parametrize(("seller", "buyer", "day", "field"), [
    (GERMAN, Buyer("DE"), date(2006, 12, 31), "tax_rate"), (Seller("AT", "ATU13585627"), Buyer("AT"), DAY, "tax_rate"),
    (GERMAN, Buyer("AT", "ATU13585628"), DAY, "vat_id"), (GERMAN, Buyer("AT", "XI110305878"), DAY, "vat_id"), (GERMAN, Buyer("FR", "FR1"), DAY, "vat_id"),
    (Seller("DE"), Buyer("AT", "ATU13585627"), DAY, "company.vat_id"), (GERMAN, Buyer(""), DAY, "country"), (Seller(""), Buyer("DE"), DAY, "country"),
])
def test_what_is_missing_is_named(seller: Seller, buyer: Buyer, day: date, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        treat(seller, buyer, STANDARD, day, RATES)
    assert caught.value.field == field and len(str(caught.value)) > 20


def test_vat_state() -> None:
    assert [vat_state(n) for n in ("DE136695976", "EL094259216", "GR094259216", "XI110305878", "GB110305878", "DE136695977", "", "DE")] == \
        ["DE", "GR", "GR", None, None, None, None, None]
