"""What stands on the paper: an issued invoice as texts in its own language. From the snapshot only, never from today's data."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel import Locale
from flask_babel import force_locale
from flask_babel import gettext as _

from app.billing.invoice_text import span
from app.billing.layout import USUAL, Layout, filled_footer
from app.billing.models import InvoiceKind
from app.billing.payment_methods import PAID_IN_ADVANCE, ask, method_of
from app.core import formats
from app.core.errors import InvalidInput
from app.plugin_api.payment import PaymentBlock, Picture

FACT = 26                   # characters beside the address at 9 points; what is longer stands under the title
MOST_WIDTH, MOST_HEIGHT = 170, 120      # mm of a picture
PNG = b"\x89PNG\r\n\x1a\n"
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """`lines`: rows of tab-separated cells, the first one the heading; `widths` in mm. All plain text, escaped by the template."""

    lang: str
    title: str
    seller: dict[str, Any]
    sender: str
    address: list[str]
    facts: Pairs
    intro: Sequence[str]
    widths: str
    lines: str
    sums: Pairs
    total: tuple[str, str]
    payment: Sequence[str]
    payment_rows: Pairs
    pictures: Sequence[tuple[str, float, float, str]]      # source, width and height in mm, text below
    notes: list[str]
    closing: list[str]
    footer: list[list[str]]
    page_word: str
    logo: bool
    look: Layout = USUAL


def invoice_view(head: Any, lines: Sequence[Any], taxes: Sequence[Any], *, original: str = "", closing: str = "", logo: bool = False,
                 payment: PaymentBlock | None = None, opening: Sequence[str] = (), look: Layout = USUAL) -> InvoiceView:
    """`original`: number of the invoice that this document corrects. `payment`: what `payment_of` gives. `opening`: rows above the lines."""
    with force_locale(head.language):
        seller, buyer = head.seller, head.buyer
        payment = payment or payment_of(head)
        return InvoiceView(
            lang=head.language.replace("_", "-"), title=title_of(head), seller=seller, sender=" · ".join(_address_of(seller, name=True)) if look.sender_line else "",
            address=_buyer_address(seller, buyer), facts=_facts(head, original, look),
            intro=[*([_("Your reference: %(text)s", text=buyer["reference"])] if len(buyer["reference"]) > _room(look) else []), *opening], widths=_widths(len(taxes) > 1),
            lines=_lines(head, lines, len(taxes) > 1), sums=_sums(taxes, head.net),
            total=(_("Total %(currency)s", currency=head.currency), formats.money(head.gross)), payment=payment.lines,
            payment_rows=[*payment.rows], pictures=[_picture(picture) for picture in payment.pictures],
            notes=list(head.notes), closing=[row for row in closing.splitlines() if row.strip()], footer=filled_footer(look, _footer(seller)),
            page_word=_("Page"), logo=logo, look=look)


def _room(look: Layout) -> int:
    """Characters of a value beside the address."""
    return int(FACT * USUAL.size / look.size)


def title_of(head: Any) -> str:
    words = {InvoiceKind.INVOICE: _("Invoice %(number)s", number=head.number), InvoiceKind.CANCELLATION: _("Cancellation %(number)s", number=head.number),
             InvoiceKind.CREDIT_NOTE: _("Credit note %(number)s", number=head.number)}
    return str(words[head.kind])


def _address_of(party: dict[str, Any], name: bool = False) -> list[str]:
    city = " ".join(filter(None, (party["postcode"], party["city"])))
    if region := party.get("region"):
        city = f"{city}, {region}"
    return [row for row in (party["name"] if name else "", party["street"], party["address_extra"], city) if row]


def _buyer_address(seller: dict[str, Any], buyer: dict[str, Any]) -> list[str]:
    rows = [buyer["name"], *([buyer["contact"]] if buyer["contact"] and buyer["contact"] != buyer["name"] else []), *_address_of(buyer)]
    if buyer["country"] != seller["country"]:
        rows.append((Locale("en").territories.get(buyer["country"]) or buyer["country"]).upper())     # for the post of any country
    return rows


def _facts(head: Any, original: str, look: Layout) -> Pairs:
    buyer = head.buyer
    number = {InvoiceKind.INVOICE: _("Invoice number"), InvoiceKind.CANCELLATION: _("Cancellation number"),
              InvoiceKind.CREDIT_NOTE: _("Credit note number")}[head.kind]
    rows = [(number, head.number), (_("Date"), formats.day(head.issued_on))]
    if original:
        rows.append((_("For invoice"), original))
    if look.customer_number:
        rows.append((_("Customer number"), buyer["number"]))
    if head.service_from and head.service_to:
        rows.append((_("Service period"), span(head.service_from, head.service_to, head.language)))
    if head.kind is InvoiceKind.INVOICE and head.payment_method != PAID_IN_ADVANCE:
        rows.append((_("Due on"), formats.day(head.due_on)))
    if buyer["vat_id"]:
        rows.append((_("Your VAT id"), buyer["vat_id"]))
    elif buyer["tax_number"]:
        rows.append((_("Your tax number"), buyer["tax_number"]))
    if 0 < len(buyer["reference"]) <= _room(look):
        rows.append((_("Your reference"), buyer["reference"]))
    return rows


def _widths(rates: bool) -> str:
    return "10 82 18 14 22 24" if rates else "10 92 20 23 25"


def _lines(head: Any, lines: Sequence[Any], rates: bool) -> str:
    rows = [["#", _("Description"), _("Quantity"), *([_("VAT")] if rates else []), _("Unit price"), _("Amount %(currency)s", currency=head.currency)]]
    for line in lines:
        rate = [f"{_number(line.tax_rate)} %"] if rates else []
        rows.append([str(line.number), " ".join(line.text.split()), _number(line.quantity), *rate, formats.price(line.unit_price), formats.money(line.net)])
    return "\n".join("\t".join(row) for row in rows)


def _number(value: Decimal) -> str:
    """Without decimals that say nothing: 3, 7.5."""
    digits = max(0, -int(value.normalize().as_tuple().exponent)) if value else 0
    return formats.number(value, digits)


def _sums(taxes: Sequence[Any], net: Decimal) -> Pairs:
    rows = [(_("Net amount"), formats.money(net))]
    rows += [(_("VAT %(rate)s %% on %(base)s", rate=_number(tax.rate), base=formats.money(tax.base)), formats.money(tax.tax)) for tax in taxes]
    return rows


def payment_of(head: Any) -> PaymentBlock:
    """How the demand gets paid, by its payment method. Raises InvalidInput while the plugin that knows it is not there."""
    with force_locale(head.language):
        if head.kind is not InvoiceKind.INVOICE:
            return PaymentBlock((_("Nothing has to be paid: the amount is set off, and what is left of it is yours."),))
        if head.payment_method == PAID_IN_ADVANCE:
            return PaymentBlock((_("Paid in advance: nothing has to be paid."),))
        method = method_of(head)
        if method is None:
            return PaymentBlock(tuple(_transfer(head)))
        found: PaymentBlock = ask(head, method, method.payment_block)
        return found


def _picture(picture: Picture) -> tuple[str, float, float, str]:
    """Raises InvalidInput for what is no PNG or has no place on the page."""
    if not picture.png.startswith(PNG) or not (0 < picture.width <= MOST_WIDTH and 0 < picture.height <= MOST_HEIGHT):
        raise InvalidInput(_("A picture of the payment method cannot be printed."))
    return f"data:image/png;base64,{b64encode(picture.png).decode()}", picture.width, picture.height, picture.text


def _transfer(head: Any) -> list[str]:
    seller = head.seller
    account = _("IBAN %(iban)s", iban=_groups(seller["iban"])) if seller["iban"] else seller["account"]
    parts = [account, _("BIC %(bic)s", bic=seller["bic"]) if seller["bic"] else "", seller["bank"] if seller["iban"] else ""]
    return [_("Please transfer %(amount)s by %(day)s, with the reference %(number)s, to:", amount=formats.money(head.gross, head.currency),
              day=formats.day(head.due_on), number=head.number), " · ".join(part for part in (seller["name"], *parts) if part)]


def _groups(iban: str) -> str:
    return " ".join(iban[n:n + 4] for n in range(0, len(iban), 4))


def _footer(seller: dict[str, Any]) -> dict[str, str]:
    """What the placeholders of the footer stand for, in the current locale."""
    city = " ".join(filter(None, (seller["postcode"], seller["city"])))
    plain = {name: str(seller[name]) for name in ("name", "street", "address_extra", "contact", "phone", "email", "website", "bic", "bank", "register")}
    return {**plain, "city": f"{city}, {seller['region']}" if seller.get("region") else city, "account": _groups(seller["iban"]) or seller["account"],
            "vat_id": _("VAT id %(number)s", number=seller["vat_id"]) if seller["vat_id"] else "",
            "tax_number": _("Tax number %(number)s", number=seller["tax_number"]) if seller["tax_number"] else ""}
