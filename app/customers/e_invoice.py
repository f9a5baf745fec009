"""Which e-invoice a customer gets. The setting is copied into each invoice when it is issued."""

from __future__ import annotations

from flask_babel import gettext as _

from app.core.errors import InvalidInput

ZUGFERD, XRECHNUNG = "zugferd", "xrechnung"


def e_invoice_formats() -> dict[str, str]:
    """Code → title; the empty code is the PDF alone."""
    return {"": _("None: the PDF alone"), ZUGFERD: _("ZUGFeRD (PDF with embedded XML)"), XRECHNUNG: _("XRechnung (XML beside the PDF)")}


def e_invoice(code: str | None, reference: str, field: str = "e_invoice") -> str:
    """Raises InvalidInput for an unknown code, and for an XRechnung without the buyer's reference, which it must carry."""
    code = code or ""
    if code not in e_invoice_formats():
        raise InvalidInput(_("There is no such e-invoice. Choose one of: %(list)s.", list=", ".join(e_invoice_formats().values())), field)
    if code == XRECHNUNG and not reference.strip():
        raise InvalidInput(_("An XRechnung carries the buyer’s reference. Enter it, for public buyers their route id (Leitweg-ID)."), "buyer_reference")
    return code
