"""Letters other than invoices: reminder, statement of account, demands for the lawyer, commission statement. Values in, HTML out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from babel import Locale
from flask import current_app
from flask_babel import gettext as _

from app.customers.models import Customer

Pairs = Sequence[tuple[Any, Any]]


def postal_address(to: Mapping[str, Any], home: str) -> list[str]:
    """Lines of an envelope's window. `to`: name, contact, street, address_extra, postcode, city, region, country; abroad, seen from the country `home`, ends with the country in English."""
    city = " ".join(filter(None, (to["postcode"], to["city"])))
    rows = [to["name"], to["contact"] if to["contact"] != to["name"] else "", to["street"], to["address_extra"],
            f"{city}, {to['region']}" if to["region"] and to["country"] != "DE" else city]
    if to["country"] != home:
        rows.append((Locale("en").territories.get(to["country"]) or to["country"]).upper())
    return [row for row in rows if row]


def address_of(customer: Customer, seller: Mapping[str, Any]) -> list[str]:
    names = ("contact", "street", "address_extra", "postcode", "city", "region", "country")
    return postal_address({"name": customer.company, **{name: getattr(customer, name) for name in names}}, seller["country"])


def letter_html(seller: Mapping[str, Any], *, language: str, title: str, address: Sequence[str], facts: Pairs, paragraphs: Sequence[str], widths: str, rows: Sequence[Sequence[str]],
                sums: Pairs, total: tuple[Any, str], payment: Sequence[str] = (), logo: bool = False, wrap: bool = False, footer: Sequence[Sequence[str]] | None = None) -> str:
    """The document that the child renders; every text is escaped by the template. Inside `force_locale(language)`.

    `rows`: cells of the table, its heads first; `widths` of its columns in mm, the last ones are numbers; `wrap`: cells may take several lines. `footer`: the usual columns when left out.
    """
    town = f"{seller['postcode']} {seller['city']}".strip()
    usual = ([seller["name"], seller["street"], town], [seller["contact"], seller["phone"], seller["email"], seller["website"]],
             [seller["iban"] or seller["account"], seller["bic"], seller["bank"]], [seller["vat_id"] or seller["tax_number"], seller["register"]])
    view = {
        "lang": language.replace("_", "-"), "title": title, "seller": seller, "logo": logo, "sender": " · ".join(filter(None, (seller["name"], seller["street"], town))), "address": address,
        "facts": facts, "paragraphs": paragraphs, "widths": widths, "wrap": wrap, "lines": "\n".join("\t".join(" ".join(cell.split()) for cell in row) for row in rows),
        "sums": sums, "total": total, "payment": payment, "footer": [[text for text in column if text] for column in (usual if footer is None else footer)], "page_word": _("Page"),
    }
    return current_app.jinja_env.get_template("letters/letter.html").render(v=view)
