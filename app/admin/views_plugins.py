"""Plugins: what each adds, what is wrong with a broken one, and events that one of them could not take."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.admin.event_repeat import repeat
from app.admin.plugin_state import without_plugin
from app.core.views import AdminInterface, AdminPage, AdminView, action, allowed, expose
from app.plugin_api.registry import GROUP, plugins
from app.system.models import EventFailure


def contributions(answers: dict[str, Any]) -> list[str]:
    words = {"payment_methods": lambda n: ngettext("%(num)d payment method", "%(num)d payment methods", n),
             "provisioning_drivers": lambda n: ngettext("%(num)d PTT server adapter", "%(num)d PTT server adapters", n),
             "payment_intakes": lambda n: ngettext("%(num)d source of payments", "%(num)d sources of payments", n),
             "sms_gateways": lambda n: ngettext("%(num)d SMS gateway", "%(num)d SMS gateways", n),
             "accounting_exports": lambda n: ngettext("%(num)d accounting export", "%(num)d accounting exports", n),
             "api_resources": lambda n: ngettext("%(num)d operation of the REST interface", "%(num)d operations of the REST interface", n),
             "public_blueprint": lambda n: _("calls by other systems"), "portal_blueprint": lambda n: _("pages of the portal"),
             "portal_entries": lambda n: ngettext("%(num)d entry of the portal’s menu", "%(num)d entries of the portal’s menu", n),
             "portal_form_targets": lambda n: _("ways from the portal to other sites"),
             "mail_templates": lambda n: ngettext("%(num)d e-mail", "%(num)d e-mails", n),
             "invoice_extras": lambda n: ngettext("%(num)d addition to invoices", "%(num)d additions to invoices", n),
             "jobs": lambda n: ngettext("%(num)d job", "%(num)d jobs", n), "admin_pages": lambda n: ngettext("%(num)d page", "%(num)d pages", n),
             "reactions": lambda n: ngettext("%(num)d reaction", "%(num)d reactions", n), "settings": lambda n: ngettext("%(num)d setting", "%(num)d settings", n)}
    return [words[key](len(answer)) for key, answer in answers.items() if answer and key in words]


def version_of(plugin: Any) -> str:
    if plugin.version:
        return str(plugin.version)
    try:
        return version(next(point.dist.name for point in entry_points(group=GROUP, name=plugin.name) if point.dist is not None))
    except (PackageNotFoundError, StopIteration):
        return ""


class PluginsPage(AdminPage):
    route_base = "/plugins"
    title = _l("Plugins")

    @expose("/")
    @allowed
    def index(self) -> Any:
        registry = plugins()
        rows = [{"name": name, "title": getattr(loaded.plugin, "title", name), "version": version_of(loaded.plugin), "adds": contributions(loaded.answers), "error": "", "part": registry.broken.get(name, "")}
                for name, loaded in registry.loaded.items()]
        rows += [{"name": name, "title": name, "version": "", "adds": [], "error": error, "part": ""} for name, error in registry.broken.items() if name not in registry.loaded]
        rows.sort(key=lambda row: (not (row["error"] or row["part"]), str(row["title"]).casefold()))
        return self.page("admin/plugins.html", rows=rows, off=registry.off, held=without_plugin())


class EventFailureView(AdminView):
    datamodel = AdminInterface(EventFailure)
    route_base = "/plugin-failures"
    list_title = _l("Failed reactions of plugins")
    list_columns = ["plugin", "event", "error", "at", "repeated_at"]
    show_columns = ["plugin", "event", "payload", "error", "at", "repeated_at"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["plugin", "event", "at"]
    order_columns = ["at"]
    base_order = ("", "desc")
    label_columns = {"plugin": _l("Plugin"), "event": _l("Event"), "payload": _l("Contents"), "repeated_at": _l("Repeated")}

    list_tabs = [("waiting", _l("Waiting"), EventFailure.repeated_at.is_(None)), ("all", _l("All"), None)]

    def head_title(self, item: Any) -> str:
        return _("%(plugin)s on %(event)s", plugin=item.plugin, event=item.event)

    @action("repeat", _l("Repeat"), _l("The plugin gets the event once more."), "fa-rotate-right", when=lambda row: row.repeated_at is None)
    def repeat(self, items: Sequence[Any]) -> None:
        self.each(list(items), repeat, lambda n: ngettext("%(num)d event was repeated.", "%(num)d events were repeated.", n))
