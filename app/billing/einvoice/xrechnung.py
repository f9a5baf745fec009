"""The further rules of XRechnung 3.0 (BR-DE-*), on the facts of an invoice, so that both syntaxes obey the same ones.

Of KoSIT's specification, in words of our own. Extensions of XRechnung (sub lines, vehicles) are not judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flask_babel import lazy_gettext as _l
from stdnum import iban

from app.billing.einvoice.facts import SEPA_DEBIT, SEPA_TRANSFER, XRECHNUNG, EInvoice, Means
from app.billing.einvoice.schematron import Broken

TYPES = frozenset("326 380 381 384 389 875 876 877".split())
TAXED = frozenset("S Z E AE K G L M".split())
TRANSFERS, CARDS, DEBITS = ("30", "58"), ("48", "54", "55"), ("59",)
SPECIFICATIONS = (XRECHNUNG, f"{XRECHNUNG}#conformant#urn:xeinkauf.de:kosit:extension:xrechnung_3.0", f"{XRECHNUNG}#compliant#urn:xeinkauf.de:kosit:xrechnung:cvd_0.9")
_ATOM, _LABEL = r"[A-Za-z0-9!#$%&\"*+/=?^_`{|}~-]+", r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")
_SKONTO = re.compile(r"#SKONTO#TAGE=\d+#PROZENT=\d+\.\d{2}(?:#BASISBETRAG=-?\d+\.\d{2})?#", re.ASCII)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
Rule = tuple[str, Any, bool, Callable[[EInvoice], bool]]


def _given(value: object) -> bool:
    return bool(value and str(value).strip())


def _seller_is_known(x: EInvoice) -> bool:
    used = {row.category for row in x.allowances} | {row.category for row in x.lines}
    return not used & TAXED or x.representative or _given(x.seller.vat_id) or _given(x.seller.tax_number)


def _cash_discount(x: EInvoice) -> bool:
    """Lines that begin with # are offers of cash discount, each of one form; a line break follows the last."""
    terms = x.payment_terms or ""
    offers = [" ".join(row.split()) for row in re.split(r"\r?\n", terms) if row.strip().startswith("#")]
    if not offers:
        return True
    return all(_SKONTO.fullmatch(row) for row in offers) and re.match(r"\s*\n", re.split(r"#.+#", terms)[-1]) is not None


def _about(group: Callable[[EInvoice], Any], test: Callable[[Any], bool]) -> Callable[[EInvoice], bool]:
    """A rule about a group that holds where the group is not there."""
    return lambda x: (found := group(x)) is None or test(found)


def _paid(codes: Iterable[str], test: Callable[[Means], bool]) -> Callable[[EInvoice], bool]:
    return lambda x: all(test(row) for row in x.means if (row.code or "") in codes)


def _valid_iban(value: str | None) -> bool:
    return bool(value) and iban.is_valid("".join(str(value).split()), check_country=False)


def _debit(x: EInvoice) -> bool:
    return any(row.debit for row in x.means)


def _seller_address(x: EInvoice) -> Any:
    return x.seller.address


def _buyer_address(x: EInvoice) -> Any:
    return x.buyer.address


def _contact(x: EInvoice) -> Any:
    return x.seller.contact


RULES: tuple[Rule, ...] = (
    ("BR-DE-1", _l("The invoice says how it is to be paid."), True, lambda x: bool(x.means)),
    ("BR-DE-2", _l("The seller names a contact."), True, lambda x: x.seller.contact is not None),
    ("BR-DE-3", _l("The seller’s city is given."), True, _about(_seller_address, lambda a: _given(a.city))),
    ("BR-DE-4", _l("The seller’s postcode is given."), True, _about(_seller_address, lambda a: _given(a.postcode))),
    ("BR-DE-5", _l("The seller’s contact has a name."), True, _about(_contact, lambda c: _given(c.name))),
    ("BR-DE-6", _l("The seller’s contact has a phone number."), True, _about(_contact, lambda c: _given(c.phone))),
    ("BR-DE-7", _l("The seller’s contact has an e-mail address."), True, _about(_contact, lambda c: _given(c.email))),
    ("BR-DE-8", _l("The buyer’s city is given."), True, _about(_buyer_address, lambda a: _given(a.city))),
    ("BR-DE-9", _l("The buyer’s postcode is given."), True, _about(_buyer_address, lambda a: _given(a.postcode))),
    ("BR-DE-10", _l("The city of delivery is given."), True, _about(lambda x: x.deliver_to, lambda a: _given(a.city))),
    ("BR-DE-11", _l("The postcode of delivery is given."), True, _about(lambda x: x.deliver_to, lambda a: _given(a.postcode))),
    ("BR-DE-14", _l("Each tax of the breakdown has a rate."), True, lambda x: all(row.rate is not None for row in x.vat)),
    ("BR-DE-15", _l("The buyer’s reference (Leitweg-ID) is given."), True, lambda x: _given(x.buyer_reference)),
    ("BR-DE-16", _l("The seller’s VAT id or tax number is given."), True, _seller_is_known),
    ("BR-DE-17", _l("The document is of a usual type, such as 380, 381 or 384."), False, lambda x: x.type_code in TYPES),
    ("BR-DE-18", _l("Cash discount is written as #SKONTO#TAGE=n#PROZENT=n.nn# and ends the line."), True, _cash_discount),
    ("BR-DE-19", _l("The account for a SEPA transfer is a valid IBAN."), False, _paid((SEPA_TRANSFER,), lambda m: _valid_iban(m.iban))),
    ("BR-DE-20", _l("The account that is debited is a valid IBAN."), False, _paid((SEPA_DEBIT,), lambda m: _valid_iban(m.debited_iban))),
    ("BR-DE-21", _l("The specification is that of XRechnung."), False, lambda x: x.specification in SPECIFICATIONS),
    ("BR-DE-22", _l("Attached files have different names."), True, lambda x: len(set(x.attachments)) == len(x.attachments)),
    ("BR-DE-23-a", _l("A transfer names the account it goes to."), True, _paid(TRANSFERS, lambda m: m.transfer)),
    ("BR-DE-23-b", _l("A transfer names neither card nor direct debit."), True, _paid(TRANSFERS, lambda m: not m.card and not m.debit)),
    ("BR-DE-24-a", _l("A card payment names the card."), True, _paid(CARDS, lambda m: m.card)),
    ("BR-DE-24-b", _l("A card payment names neither transfer nor direct debit."), True, _paid(CARDS, lambda m: not m.transfer and not m.debit)),
    ("BR-DE-25-a", _l("A direct debit names its mandate."), True, _paid(DEBITS, lambda m: m.debit)),
    ("BR-DE-25-b", _l("A direct debit names neither transfer nor card."), True, _paid(DEBITS, lambda m: not m.transfer and not m.card)),
    ("BR-DE-26", _l("A corrected invoice names the invoice that it corrects."), False, lambda x: x.type_code != "384" or x.preceding is not None),
    ("BR-DE-27", _l("The contact’s phone number has at least three digits."), False,
     _about(_contact, lambda c: len(re.findall(r"[0-9]", c.phone or "")) >= 3)),
    ("BR-DE-28", _l("The contact’s e-mail address is well-formed."), False, _about(_contact, lambda c: _EMAIL.fullmatch(c.email or "") is not None)),
    ("BR-DE-30", _l("A direct debit names the creditor identifier."), True, lambda x: not _debit(x) or x.creditor_id is not None),
    ("BR-DE-31", _l("A direct debit names the account that is debited."), True, lambda x: not _debit(x) or any(m.debited_iban is not None for m in x.means)),
    ("BR-TMP-2", _l("The address of a document elsewhere is a complete URL."), False, lambda x: all(_URL.match(row) for row in x.locations)),
)


def broken_of_xrechnung(invoice: EInvoice) -> Iterator[Broken]:
    """In the order of the table. `text` is what should hold."""
    for rule, words, fatal, holds in RULES:
        if not holds(invoice):
            yield Broken(rule, str(words), fatal)
