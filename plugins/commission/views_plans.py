"""Staff pages of plans."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import validators

from app.catalog.models import Article
from app.customers.models import Representative
from app.plugin_api import clock, formats
from app.plugin_api.staff import AdminInterface, AdminView, ListedField, NumberField, any_of, has_part
from plugins.commission.models import Plan
from plugins.commission.plans import CURRENCIES, delete_plan, save_plan

FIELDS = ("tariff", "article", "percent", "fixed", "currency", "valid_from", "valid_to")


def _rate(plan: Plan) -> str:
    if plan.percent is not None:
        return f"{formats.number(plan.percent.normalize())} %"
    return _("%(amount)s a unit", amount=formats.money(plan.fixed, plan.currency))


def _values(form: Any) -> dict[str, Any]:
    """What the form says; an empty number is none, a 0 is told as wrong."""
    return {**{name: form[name].data for name in FIELDS}, "currency": form.currency.data or ""}


class PlanView(AdminView):
    datamodel = AdminInterface(Plan)
    route_base = "/commission-plans"
    list_title, add_title, edit_title = _l("Commission plans"), _l("New commission plan"), _l("Edit commission plan")
    list_help = _l("What representatives get of what their customers pay. A plan for a tariff counts before one for an article, and that before a general one.")
    empty_text = _l("Without a plan a representative earns no commission.")
    list_columns = ["representative", "scope", "rate", "valid_from", "valid_to"]
    show_columns = ["representative", "scope", "rate", "valid_from", "valid_to"]
    add_columns = ["representative", *FIELDS]
    edit_columns = list(FIELDS)
    search_columns = ["representative", "tariff", "article", "valid_from", "valid_to"]
    order_columns = ["valid_from", "valid_to"]
    base_order = ("valid_from", "desc")
    quick_search = ["representative"]
    deletable = True
    tab_of = (Representative,)
    tab_rank = 20
    label_columns = {"scope": _l("For"), "rate": _l("Commission"), "percent": _l("Percent of the net"), "fixed": _l("Fixed amount a unit"), "currency": _l("Currency of the fixed amount"),
                     "tariff": _l("Tariff"), "article": _l("Article"), "representative": _l("Representative"), "valid_from": _l("Valid from"), "valid_to": _l("Valid to")}
    description_columns = {"tariff": _l("Empty: for all tariffs."), "article": _l("Empty: for all articles that are commissionable."), "valid_from": _l("The day of the invoice counts."),
                           "valid_to": _l("Last day; empty for no end.")}
    narrow = {"article": lambda query: query.where(Article.commissionable), "representative": lambda query: query.where(Representative.active)}
    add_form_extra_fields = edit_form_extra_fields = {
        "percent": NumberField(_l("Percent of the net"), [validators.Optional()], digits=4, description=_l("Or a fixed amount below.")),
        "fixed": NumberField(_l("Fixed amount a unit"), [validators.Optional()], digits=4, description=_l("For each piece of an article; for each license and period of a tariff, in proportion when it is billed in part.")),
        "currency": ListedField(_l("Currency of the fixed amount"), [validators.Optional()], listed=lambda: [(code, code) for code in CURRENCIES], default="EUR",
                                description=_l("Counts for invoices in this currency only.")),
    }

    def where_parent(self, parent: Any) -> Any:
        return Plan.representative_id == parent.id

    def find(self, text: str) -> Any:
        return any_of(Plan.id, Plan.representative_id.in_(select(Representative.id).where(has_part(Representative.name, text))))

    def raw(self, item: Plan, column: str) -> Any:
        if column == "scope":
            return str(item.tariff or item.article or _("everything commissionable"))
        return _rate(item) if column == "rate" else super().raw(item, column)

    def head_title(self, item: Plan) -> str:
        return f"{item.representative}: {item.tariff or item.article or _('everything commissionable')}"

    def head_state(self, item: Plan) -> Any:
        today = clock.today()
        if item.valid_from > today:
            return formats.badge(_("from %(day)s", day=formats.day(item.valid_from)), "info")
        return formats.badge(_("Valid"), "ok") if item.valid_to is None or item.valid_to >= today else formats.badge(_("Ended"))

    def fill_form(self, form: Any, item: Plan | None) -> None:
        if item is None:
            form.valid_from.data = clock.today().replace(day=1)

    def do_add(self, form: Any) -> Plan:
        return save_plan(None, representative=form.representative.data, **_values(form))

    def do_edit(self, item: Plan, form: Any) -> None:
        save_plan(item, representative=item.representative, **_values(form))

    def do_delete(self, item: Plan) -> None:
        delete_plan(item)
