"""Reads an e-invoice of either syntax and says which rules it breaks."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from app.billing.einvoice.facts import EInvoice
from app.billing.einvoice.read_cii import RSM, read_cii
from app.billing.einvoice.read_ubl import CREDIT_NOTE, INVOICE, read_ubl
from app.billing.einvoice.schematron import CII, UBL, Broken, broken_rules
from app.billing.einvoice.xml_parts import parse
from app.billing.einvoice.xrechnung import broken_of_xrechnung
from app.core.errors import InvalidInput

PROFILE_ONLY = "FX-SCH-A-000556"        # the profile's own specification identifier: XRechnung has another one
_KINDS = {f"{{{INVOICE}}}Invoice": (UBL, read_ubl), f"{{{CREDIT_NOTE}}}CreditNote": (UBL, read_ubl), f"{{{RSM}}}CrossIndustryInvoice": (CII, read_cii)}


def read(data: bytes) -> EInvoice:
    """Raises InvalidInput when it is no e-invoice."""
    root = parse(data)
    return _kind(root)[1](root)


def broken_of_en16931(data: bytes) -> list[Broken]:
    """The rules of EN 16931 and of the syntax that the document breaks."""
    root = parse(data)
    return broken_rules(_kind(root)[0], root)


def broken(data: bytes) -> list[Broken]:
    """All that the document breaks of the rules that its specification names; the national ones for XRechnung only."""
    invoice = read(data)
    found = broken_of_en16931(data)
    if "xrechnung" in (invoice.specification or ""):
        found = [row for row in found if row.rule != PROFILE_ONLY] + list(broken_of_xrechnung(invoice))
    return found


def _kind(root: Any) -> Any:
    kind = _KINDS.get(root.tag)
    if kind is None:
        raise InvalidInput(_("This XML file is no invoice: neither UBL nor CII."))
    return kind
