"""One box for everything: customers, licenses, invoices and groups by number, name, alias, phone or user name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import phonenumbers
from flask import current_app, redirect, request
from flask_babel import lazy_gettext as _l

from app.billing.models import Invoice
from app.core.access import allowed, may
from app.core.page_parts import view_of
from app.core.views import AdminPage, expose
from app.customers.models import Customer, Representative
from app.licenses.models import License, PttGroup

MODELS = (Customer, License, Invoice, PttGroup, Representative)
EACH = 8
SHORTEST = 2


@dataclass(frozen=True)
class Found:
    """What one kind has: its view, up to `EACH` rows, whether there are more, and the list with all of them."""

    view: Any
    rows: list[Any]
    more: bool
    url: str


def spoken(text: str) -> str:
    """A phone number as it is stored: `0171 440-2118` and `+49 (171) 4402118` are both found."""
    digits = "".join(c for c in text if c.isdigit() or c == "+")
    if len(digits) < 6 or any(c.isalpha() for c in text):
        return text
    if digits.startswith("+"):
        return digits
    try:
        number = phonenumbers.parse(text, current_app.config.get("PHONE_REGION", "DE"))
    except phonenumbers.NumberParseException:
        return text
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if phonenumbers.is_valid_number(number) else text


def search(text: str) -> list[Found]:
    """Only what the reader may list, through each view's own scope and find box; one bounded statement a kind."""
    found = []
    for model in MODELS:
        view = view_of(model)
        if view is None or not may(view, "can_list") or not view.quick_columns():
            continue
        wanted = spoken(text) if model is License else text
        order = view.list_order(view.quick_columns()[0], False)
        rows = view.datamodel.first([view.find(wanted)], order, EACH + 1, view.quick_columns())
        if rows:
            found.append(Found(view, rows[:EACH], len(rows) > EACH, view.list_url(q=wanted, **({"tab": "all"} if view.list_tabs else {}))))
    return found


class SearchPage(AdminPage):
    route_base = "/search"
    title = _l("Search")
    own_rows = True

    @expose("/")
    @allowed
    def index(self) -> Any:
        text = (request.args.get("q") or "").replace("\x00", "").strip()[:100]
        found = search(text) if len(text) >= SHORTEST else []
        if len(found) == 1 and len(found[0].rows) == 1 and not found[0].more:
            url = found[0].view.url_of(found[0].rows[0])
            if url:                     # one hit only: there at once
                return redirect(url, 303)
        return self.page("pttadmin/search.html", found=found, search_text=text, too_short=0 < len(text) < SHORTEST)
