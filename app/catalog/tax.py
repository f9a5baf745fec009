"""How a supply is taxed: seller, customer, class of the article and day in, EN 16931 category and rate out. No session.

What is sold are electronically supplied and telecommunication services, so the place of supply to a business is
where that business is, and outside the European Union it is where the customer is:

* customer at home: the rate of the article's class, category S, or Z when that rate is 0;
* business in another member state with a VAT id of a state other than the seller's: reverse charge, AE;
* anybody else in the European Union: the seller's own rate (the one-stop shop for consumers is not supported);
* customer outside the European Union, or any customer abroad of a seller outside of it: not taxable at the seller's
  place, O ("services outside scope of tax"; G would be the export of goods);
* a seller who is a small business charges no tax to anybody: E.

Northern Ireland belongs to the EU's VAT area for goods only: an XI number counts for nothing here, and the customer,
in GB, is outside. Areas that leave their state's VAT (Canary Islands, Büsingen …) are not told apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from stdnum.eu import vat

from app.catalog.models import TaxClass
from app.core.errors import InvalidInput

EU = frozenset(("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT",
                "RO", "SE", "SI", "SK"))
NO_TAX = Decimal("0.0000")

REVERSE_CHARGE, OUTSIDE, SMALL_BUSINESS = "reverse_charge", "outside", "small_business"
NOTES: dict[str, Any] = {
    REVERSE_CHARGE: _l("Reverse charge: the recipient of the service owes the tax (Article 196 of Directive 2006/112/EC)."),
    OUTSIDE: _l("The service is not taxable in the seller’s country: its place of supply is where the recipient is established."),
    SMALL_BUSINESS: _l("No tax is charged: the seller is taxed as a small business."),
}
"""Sentence that an invoice must carry, by key, in the language of the current locale."""


@dataclass(frozen=True, slots=True)
class Seller:
    country: str
    vat_id: str = ""
    small_business: bool = False


@dataclass(frozen=True, slots=True)
class Buyer:
    country: str
    vat_id: str = ""
    business: bool = True


@dataclass(frozen=True, slots=True)
class Treatment:
    """`category` of EN 16931 (S, Z, E, AE, O), `rate` in percent, `note`: key of `NOTES` or empty."""

    category: str
    rate: Decimal
    note: str = ""


class Rates:
    """Dated rates of the countries. Built from rows (country, tax class, valid from, percent)."""

    def __init__(self, rows: Iterable[tuple[str, TaxClass, date, Decimal]]):
        self._rows: dict[tuple[str, TaxClass], list[tuple[date, Decimal]]] = {}
        for country, tax_class, valid_from, rate in rows:
            self._rows.setdefault((country, tax_class), []).append((valid_from, rate))
        for found in self._rows.values():
            found.sort(reverse=True)

    def on(self, country: str, tax_class: TaxClass, day: date) -> Decimal:
        """Percent in force on `day`. Raises InvalidInput when nobody entered one."""
        if tax_class is TaxClass.ZERO:
            return NO_TAX
        for valid_from, rate in self._rows.get((country, tax_class), ()):
            if valid_from <= day:
                return rate
        raise InvalidInput(_("There is no tax rate for %(country)s, class “%(kind)s”, on %(day)s. Enter it under tax rates.",
                             country=country, kind=tax_class.value, day=day.isoformat()), field="tax_rate")


def vat_state(number: str) -> str | None:
    """ISO code of the member state that a well-formed VAT id belongs to (Greece's EL gives GR); None when it is not one.

    Only form and check digits are tested, nothing is asked of a register. XI is none: it is for goods.
    """
    compact = "".join(number.split()).upper()
    if not vat.is_valid(compact):
        return None
    prefix = {"EL": "GR"}.get(compact[:2], compact[:2])
    return prefix if prefix in EU else None


def treat(seller: Seller, buyer: Buyer, tax_class: TaxClass, day: date, rates: Rates) -> Treatment:
    """The tax case of one line. Raises InvalidInput, with advice, when something that decides it is missing or wrong."""
    if not seller.country or not buyer.country:
        raise InvalidInput(_("Without the countries of seller and customer the tax cannot be told. Complete the addresses."), field="country")
    if seller.small_business:
        return Treatment("E", NO_TAX, SMALL_BUSINESS)
    if buyer.country == seller.country:
        return _taxed(seller, tax_class, day, rates)
    if buyer.country not in EU or seller.country not in EU:
        return Treatment("O", NO_TAX, OUTSIDE)
    if buyer.business and buyer.vat_id:
        state = vat_state(buyer.vat_id)
        if state is None:
            raise InvalidInput(_("“%(number)s” is not a VAT id of a member state. Correct it, or remove it: then tax is charged.",
                                 number=buyer.vat_id), field="vat_id")
        if state != seller.country:
            if not seller.vat_id:
                raise InvalidInput(_("Reverse charge needs the company’s own VAT id. Enter it in the settings, section “Company”."), field="company.vat_id")
            return Treatment("AE", NO_TAX, REVERSE_CHARGE)
    return _taxed(seller, tax_class, day, rates)


def _taxed(seller: Seller, tax_class: TaxClass, day: date, rates: Rates) -> Treatment:
    rate = rates.on(seller.country, tax_class, day)
    return Treatment("S", rate) if rate else Treatment("Z", NO_TAX)
