"""What a direct debit file is made of, as values, and the checks that no XSD makes. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from app.plugin_api import InvalidInput
from plugins.sepa import ids
from plugins.sepa.days import is_bank_day
from plugins.sepa.text import sepa_text

CORE, B2B = "CORE", "B2B"
SCHEMES = (CORE, B2B)
FIRST, RECURRING, ONE_OFF, FINAL = "FRST", "RCUR", "OOFF", "FNAL"
SEQUENCES = (FIRST, RECURRING, ONE_OFF, FINAL)


@dataclass(frozen=True, slots=True)
class Creditor:
    """Who collects and into which account."""

    name: str
    iban: str
    bic: str            # may be empty
    creditor_id: str


@dataclass(frozen=True, slots=True)
class Amendment:
    """What of a mandate changed since the last collection: its reference, the account, the creditor's id or name."""

    reference: str = ""         # the former mandate reference
    account: bool = False       # another account ("same mandate, new debtor account")
    creditor_id: str = ""       # the former creditor id
    creditor_name: str = ""     # the former name of the creditor

    def __bool__(self) -> bool:
        return bool(self.reference or self.account or self.creditor_id or self.creditor_name)


@dataclass(frozen=True, slots=True)
class Order:
    """One direct debit. Names and texts as people write them; ids as they stand in the file."""

    end_to_end_id: str
    amount: Decimal             # euros
    scheme: str
    sequence: str
    collect_on: date
    mandate_id: str
    signed_on: date
    debtor: str
    iban: str
    bic: str = ""
    remittance: str = ""
    amendment: Amendment = Amendment()


def group(orders: Iterable[Order]) -> dict[tuple[str, str, date], list[Order]]:
    """By (scheme, sequence type, collection date), sorted: one PmtInf each, orders in the order given."""
    found: dict[tuple[str, str, date], list[Order]] = defaultdict(list)
    for order in orders:
        found[order.scheme, order.sequence, order.collect_on].append(order)
    return dict(sorted(found.items()))


def by_scheme(orders: Iterable[Order]) -> dict[str, list[Order]]:
    """Banks take CORE and B2B as different kinds of orders, so each gets a file of its own."""
    found: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        found[order.scheme].append(order)
    return dict(sorted(found.items()))


def check_creditor(creditor: Creditor) -> None:
    """Raises InvalidInput."""
    if not sepa_text(creditor.name):
        raise InvalidInput(_("The creditor needs a name."), "name")
    ids.iban(creditor.iban, "iban")
    ids.bic(creditor.bic, "bic")
    ids.creditor_id(creditor.creditor_id, "creditor_id")


def check_orders(orders: Sequence[Order]) -> None:
    """Raises InvalidInput that names the first order with a fault."""
    if not orders:
        raise InvalidInput(_("There is nothing to collect."), "orders")
    seen: set[str] = set()
    for order in orders:
        fault = _fault(order)
        if fault is None and order.end_to_end_id in seen:
            fault = _("its end-to-end id is used twice")
        if fault is not None:
            raise InvalidInput(_("Direct debit %(id)s of %(name)s cannot be collected: %(why)s.", id=order.end_to_end_id, name=order.debtor, why=fault), "orders")
        seen.add(order.end_to_end_id)


def _fault(order: Order) -> Any:
    if not ids.is_mandate_id(order.end_to_end_id):
        return _("its end-to-end id is not made of 1 to 35 characters of the SEPA set")
    if not ids.is_mandate_id(order.mandate_id):
        return _("its mandate reference is not made of 1 to 35 characters of the SEPA set")
    if not ids.is_amount(order.amount):
        return _("the amount must lie between 0.01 and 999,999,999.99 euros and have two decimals")
    if order.scheme not in SCHEMES or order.sequence not in SEQUENCES:
        return _("its scheme or sequence type is unknown")
    if not sepa_text(order.debtor):
        return _("the name of the account holder is missing")
    if ids.iban_fault(order.iban) is not None or not ids.takes_direct_debits(order.iban):
        return _("its IBAN is wrong or of a country without direct debits")
    if not is_bank_day(order.collect_on):
        return _("banks are closed on %(day)s", day=order.collect_on.isoformat())
    if order.signed_on > order.collect_on:
        return _("its mandate is signed after the collection")
    return None
