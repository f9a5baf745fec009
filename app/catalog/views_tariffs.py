"""Staff pages of tariffs: a form with tiers and services, a page that says what it costs and who has it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from flask import abort, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import select

from app.catalog import services as catalog
from app.catalog.editing import enter_tariff
from app.catalog.forms import TariffForm, form_for
from app.catalog.master import WORDS, delete_row
from app.catalog.models import Billing, Tariff, TariffState, TariffTier
from app.catalog.queries import price_table, problems
from app.core import formats, states
from app.core.db import db
from app.core.editing import MARKER, marker
from app.core.errors import Conflict, InvalidInput
from app.core.uses import uses_of
from app.core.views import AdminInterface, AdminView, action, allowed, expose

EXAMPLES = (1, 5, 10, 25, 50, 100, 500)
FORM_NAMES = {"mode_id": "mode", "article_id": "article"}


class TariffView(AdminView):
    datamodel = AdminInterface(Tariff)
    route_base = "/tariffs"
    show_page = "catalog/tariff.html"
    list_title, add_title, edit_title = _l("Tariffs"), _l("New tariff"), _l("Edit tariff")
    list_help = _l("What a license costs. Customers are assigned tariffs, licenses are in one of them.")
    empty_text = _l("A tariff has price tiers and services. Make a draft, then activate it.")
    list_columns = ["name", "code", "mode", "billing", "first_price", "valid_from", "valid_to", "state"]
    show_fieldsets = [
        (_l("Tariff"), {"fields": ["code", "name", "mode", "article", "valid_from", "valid_to"]}),
        (_l("Billing"), {"fields": ["billing", "period_months", "currency", "pro_rata", "while_locked", "trial_days", "tier_policy"]}),
    ]
    add_columns = edit_columns = ["code"]           # the form is made by `form_for`; named here so that the pages exist
    search_columns = ["mode", "article", "billing", "state", "currency", "valid_from", "valid_to"]
    order_columns = ["name", "code", "valid_from", "valid_to"]
    base_order = ("name", "asc")
    quick_search = ["name", "code"]
    list_tabs = [("all", _l("All"), None), ("active", _l("Active"), Tariff.state == TariffState.ACTIVE),
                 ("draft", _l("Drafts"), Tariff.state == TariffState.DRAFT), ("retired", _l("Retired"), Tariff.state == TariffState.RETIRED)]
    label_columns = {"billing": _l("Billing"), "period_months": _l("Period in months"), "pro_rata": _l("Part of a period"), "first_price": _l("Price from"),
                     "while_locked": _l("Locked licenses"), "trial_days": _l("Free days"), "tier_policy": _l("Volume discount")}
    formatters_columns = dict.fromkeys(("billing", "pro_rata", "while_locked", "tier_policy"), states.word)
    deletable = True

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> Any:
        """The prices of the first tiers come with one statement for the page."""
        page = super().list_page(where, hidden)
        query = select(TariffTier.tariff_id, TariffTier.unit_price).where(TariffTier.from_quantity == 1, TariffTier.tariff_id.in_([row.id for row in page.rows]))
        found = dict(db.session.execute(query).all()) if page.rows else {}
        for row in page.rows:
            row.first_price = found.get(row.id)
        return page

    def cell(self, item: Tariff, column: str, link: bool = True) -> Any:
        cell = super().cell(item, column, link)
        if column == "first_price":
            cell.text, cell.css = formats.price(item.first_price, item.currency), "num"
        return cell

    def show_context(self, item: Tariff) -> dict[str, Any]:
        missing = problems(item)
        uses = uses_of(db.session(), item, WORDS, own=frozenset({"tariff_tier", "tariff_service", "license_tariff"}))
        return {"problems": missing, "uses": uses, "examples": [] if missing else price_table(item, list(EXAMPLES)),
                "steps": [(tier, tier.from_quantity) for tier in item.tiers]}

    def head_facts(self, item: Tariff) -> list[tuple[Any, Any, str]]:
        first = next((tier.unit_price for tier in item.tiers if tier.from_quantity == 1), None)
        months = _("each month") if item.period_months == 1 else ngettext("every %(num)d month", "every %(num)d months", item.period_months)
        price = Markup("{} <small>{}</small>").format(formats.price(first, item.currency), months) if first is not None else formats.NOTHING
        return [(_("Price of a license"), price, ""), (_("Billing"), _("In advance") if item.billing is Billing.PREPAID else _("Afterwards"), ""),
                (_("Tiers"), formats.number(len(item.tiers)), ""), (_("Services"), formats.number(len(item.services)), ""), *super().head_facts(item)]

    # the form

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        return self._form(None, self.list_url())

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @allowed
    def edit(self, pk: Any) -> Any:
        item = self.datamodel.get(pk) or abort(404)
        return self._form(item, self.url_of(item) or self.list_url())

    def _form(self, item: Tariff | None, to: str) -> Any:
        form = form_for(item, request.form)
        if item is not None and request.method == "GET":
            form[MARKER].data = _marker(item)

        def save(form: TariffForm) -> Any:
            row = None
            if item is not None:
                row = self.datamodel.get(item.id, lock=True) or abort(404)
                if form[MARKER].data != _marker(row):
                    raise Conflict(_("Somebody else changed this meanwhile. Nothing was saved; open it again to see the change."))
            try:
                row = enter_tariff(row, form.columns(), form.tiers(), form.offers())
            except InvalidInput as error:
                raise InvalidInput(error.message, FORM_NAMES.get(error.field or "", error.field)) from error
            flash(_("The changes were saved.") if item is not None else _("“%(name)s” is a draft. Activate it, and customers can have it.", name=row.name), "success")
            return redirect(self.url_of(row) or self.list_url(), 303)

        title = self.edit_title if item is not None else self.add_title
        return self.form_page(form, save, title=title, verb=_("Save"), crumb=(str(item), to) if item is not None else (self.list_title, to),
                              to=to, template="catalog/tariff_form.html", tariff=item)

    def do_delete(self, item: Tariff) -> None:
        delete_row(item, own=("tariff_tier", "tariff_service"))

    # buttons

    @action("activate", _l("Activate"), icon="fa-check", when=lambda tariff: tariff.state is not TariffState.ACTIVE)
    def activate(self, items: list[Tariff]) -> None:
        self.each(items, catalog.activate_tariff, lambda n: ngettext("%(num)d tariff activated.", "%(num)d tariffs activated.", n))

    @action("retire", _l("Retire"), _l("No new customers get it. Who has it keeps it and is billed on."), "fa-box-archive", danger=True,
            when=lambda tariff: tariff.state is TariffState.ACTIVE)
    def retire(self, items: list[Tariff]) -> None:
        self.each(items, catalog.retire_tariff, lambda n: ngettext("%(num)d tariff retired.", "%(num)d tariffs retired.", n))


def _marker(tariff: Tariff) -> str:
    """Changes of tiers and services count too."""
    tiers = sorted((tier.from_quantity, str(tier.unit_price)) for tier in tariff.tiers)
    offers = sorted((offer.service_id, offer.included, str(offer.unit_price)) for offer in tariff.services)
    return hashlib.sha256(repr((marker(tariff), tiers, offers)).encode()).hexdigest()[:32]
