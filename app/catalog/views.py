"""Staff pages of the catalog: articles, services, PTT modes, tax rates; tariffs are in `views_tariffs.py`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.catalog import master
from app.catalog.models import LANGUAGES, Article, PttMode, Service, TaxRate
from app.catalog.views_tariffs import TariffView
from app.core import clock, formats, states
from app.core.choices import ListedField, country_choices, country_name
from app.core.fields import NumberField, Required
from app.core.views import AdminEntry, AdminInterface, AdminView

UNITS = {"C62": _l("Piece"), "MON": _l("Month"), "ANN": _l("Year"), "DAY": _l("Day"), "HUR": _l("Hour"), "LS": _l("Lump sum")}
NAMES = [f"name_{language.lower()}" for language in LANGUAGES]
NAME_HELP = {"name_en": _l("Also used where a translation is missing.")}


def values(form: Any, names: Any) -> dict[str, Any]:
    """What was entered in the named fields."""
    return {name: form[name].data for name in names if name in form}


def unit_name(code: str) -> str:
    return str(UNITS.get(code, code))


def percent(rate: Decimal) -> str:
    """A rate without zeros that say nothing: 19 %, 8.1 %."""
    return f"{formats.number(rate.normalize(), None)}\u00a0%"


class MasterView(AdminView):
    """Master data that `master.py` saves and deletes."""

    abstract = True
    deletable = True

    def do_delete(self, item: Any) -> None:
        master.delete_row(item)


class ArticleView(MasterView):
    datamodel = AdminInterface(Article)
    route_base = "/articles"
    list_title, add_title, edit_title = _l("Articles"), _l("New article"), _l("Edit article")
    list_help = _l("What stands on invoices. Tariffs and manual lines are billed with an article.")
    empty_text = _l("An article gives a tariff its text, tax and revenue account on the invoice.")
    list_columns = ["number", "name_en", "unit", "net_price", "tax_class", "revenue_account", "active"]
    show_fieldsets = [(_l("Article"), {"fields": ["number", *NAMES, "unit", "active"]}),
                      (_l("Billing"), {"fields": ["net_price", "tax_class", "revenue_account", "commissionable"]})]
    add_fieldsets = edit_fieldsets = [(_l("Article"), {"fields": ["number", "unit", *NAMES, "active"]}),
                                      (_l("Billing"), {"fields": ["net_price", "tax_class", "revenue_account", "commissionable"]})]
    search_columns = ["tax_class", "revenue_account", "active", "commissionable"]
    order_columns = ["number", "name_en", "net_price"]
    base_order = ("number", "asc")
    quick_search = ["number", "name_en", "name_de"]
    list_tabs = [("all", _l("All"), None), ("active", _l("Active"), Article.active.is_(True)), ("old", _l("No longer used"), Article.active.is_(False))]
    label_columns = {"net_price": _l("Net price"), "revenue_account": _l("Revenue account"), "commissionable": _l("Counts for commission")}
    description_columns = {**NAME_HELP, "net_price": _l("Offered when the article is billed by hand. Tariffs have their own prices."),
                           "active": _l("Offered for new tariffs and manual lines."), "revenue_account": _l("Digits only, for example 8400."),
                           "commissionable": _l("Representatives get their commission on it.")}
    add_form_extra_fields = edit_form_extra_fields = {
        "unit": ListedField(_l("Unit"), [Required()], listed=lambda: UNITS.items(), default="MON", description=_l("Printed beside the quantity."))}
    formatters_columns = {"unit": unit_name, "tax_class": states.word}

    def head_title(self, item: Article) -> str:
        return f"{item.number} {item.name_en}"

    def head_state(self, item: Article) -> Any:
        return formats.badge(_("Active"), "ok") if item.active else formats.badge(_("No longer used"))

    def do_add(self, form: Any) -> Article:
        return master.save_article(**values(form, master.ARTICLE_FIELDS))

    def do_edit(self, item: Article, form: Any) -> None:
        master.save_article(item, **values(form, master.ARTICLE_FIELDS))


class ServiceView(MasterView):
    datamodel = AdminInterface(Service)
    route_base = "/services"
    list_title, add_title, edit_title = _l("Services"), _l("New service"), _l("Edit service")
    list_help = _l("Additional services such as GPS tracking. Each tariff says which it offers, and at what price.")
    empty_text = _l("A service can be included in a tariff, or be priced.")
    list_columns = ["name_en", "code", "safety_critical", "active"]
    show_columns = ["code", *NAMES, "safety_critical", "active"]
    add_columns = edit_columns = ["code", *NAMES, "safety_critical", "active"]
    search_columns = ["active", "safety_critical"]
    order_columns = ["name_en", "code"]
    base_order = ("name_en", "asc")
    quick_search = ["name_en", "code"]
    label_columns = {"safety_critical": _l("Matters for safety")}
    description_columns = {**NAME_HELP, "code": _l("What the PTT server is told, for example gps. It stays once the service is used."),
                           "safety_critical": _l("For example SOS. A setting can exempt its licenses from the lock for unpaid demands."),
                           "active": _l("Offered in tariffs.")}

    def head_state(self, item: Service) -> Any:
        return formats.badge(_("Active"), "ok") if item.active else formats.badge(_("No longer used"))

    def do_add(self, form: Any) -> Service:
        return master.save_service(**values(form, master.SERVICE_FIELDS))

    def do_edit(self, item: Service, form: Any) -> None:
        master.save_service(item, **values(form, master.SERVICE_FIELDS))


class ModeView(MasterView):
    datamodel = AdminInterface(PttMode)
    route_base = "/modes"
    list_title, add_title, edit_title = _l("PTT modes"), _l("New PTT mode"), _l("Edit PTT mode")
    list_help = _l("How handsets talk, for example NPOC or OMA PTT. A tariff is of one mode, a server offers some.")
    empty_text = _l("A tariff needs a mode, and a server that offers it.")
    list_columns = ["name", "code", "needs_phone", "configuration_sms", "group_invitation", "download_url"]
    show_columns = ["name", "code", "needs_phone", "configuration_sms", "setup_password", "group_invitation", "download_url"]
    add_columns = edit_columns = ["name", "code", "needs_phone", "configuration_sms", "setup_password", "group_invitation", "download_url"]
    search_columns = ["needs_phone", "group_invitation"]
    order_columns = ["name", "code"]
    base_order = ("name", "asc")
    quick_search = ["name", "code"]
    label_columns = {"needs_phone": _l("Phone number needed"), "group_invitation": _l("Group invitation by SMS"), "configuration_sms": _l("Configuration by SMS"),
                     "setup_password": _l("Set-up link makes a password"), "download_url": _l("Download of the app")}
    description_columns = {"code": _l("What the PTT server is told, for example npoc. It stays once the mode is used."),
                           "needs_phone": _l("The handset is addressed by its number: a license must have one."),
                           "group_invitation": _l("Members can be invited into a group by SMS."),
                           "configuration_sms": _l("Users can be sent a link to the settings of their license."),
                           "setup_password": _l("Whoever opens the link gets a new password, if the PTT server takes one. For apps, not for devices that sign in with their SIM card."),
                           "download_url": _l("Address that the download SMS names. Empty: there is no such SMS.")}

    def do_add(self, form: Any) -> PttMode:
        return master.save_mode(**values(form, master.MODE_FIELDS))

    def do_edit(self, item: PttMode, form: Any) -> None:
        master.save_mode(item, **values(form, master.MODE_FIELDS))


class TaxRateView(MasterView):
    datamodel = AdminInterface(TaxRate)
    route_base = "/tax-rates"
    list_title, add_title, edit_title = _l("Tax rates"), _l("New tax rate"), _l("Edit tax rate")
    list_help = _l("Percent of a class in a country from a day on. The newest that has begun counts.")
    empty_text = _l("Invoices need a rate for each class of article in your country.")
    list_columns = ["country", "tax_class", "rate", "valid_from"]
    show_columns = ["country", "tax_class", "rate", "valid_from"]
    add_columns = edit_columns = ["country", "tax_class", "rate", "valid_from"]
    search_columns = ["country", "tax_class", "valid_from"]
    order_columns = ["country", "tax_class", "rate", "valid_from"]
    base_order = ("country", "asc")
    list_tabs = [("all", _l("All"), None), ("now", _l("Has begun"), lambda: TaxRate.valid_from <= clock.today()),
                 ("coming", _l("Begins later"), lambda: TaxRate.valid_from > clock.today())]
    description_columns = {"valid_from": _l("Supplies from this day on have this rate. Invoices that are issued keep theirs.")}
    formatters_columns = {"country": country_name, "rate": percent, "tax_class": states.word}
    add_form_extra_fields = edit_form_extra_fields = {
        "country": ListedField(_l("Country"), [Required()], listed=country_choices, default="DE"),
        "rate": NumberField(_l("Rate in percent"), [Required()], digits=4, description=_l("For example 19 or 8.1."))}

    def list_order(self, column: str, descending: bool) -> list[Any]:
        """By country means: each class with its newest rate first."""
        order = super().list_order(column, descending)
        return [order[0], TaxRate.tax_class, TaxRate.valid_from.desc(), order[-1]] if column == "country" else order

    def head_title(self, item: TaxRate) -> str:
        return f"{country_name(item.country)}, {percent(item.rate)}"

    def do_add(self, form: Any) -> TaxRate:
        return master.save_tax_rate(**values(form, master.RATE_FIELDS))

    def do_edit(self, item: TaxRate, form: Any) -> None:
        master.save_tax_rate(item, **values(form, master.RATE_FIELDS))


VIEWS = [
    AdminEntry(TariffView, _l("Tariffs"), "catalog", "fa-tags"), AdminEntry(ArticleView, _l("Articles"), "catalog", "fa-box"),
    AdminEntry(ServiceView, _l("Services"), "catalog", "fa-location-dot"), AdminEntry(ModeView, _l("PTT modes"), "catalog", "fa-walkie-talkie"),
    AdminEntry(TaxRateView, _l("Tax rates"), "catalog", "fa-percent"),
]
