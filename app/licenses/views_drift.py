"""Differences between the PTT servers and the database: looked at, healed either way, taken over."""

from __future__ import annotations

from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from wtforms import validators

from app.catalog.models import Tariff, TariffState
from app.core import formats, states
from app.core.errors import DomainError
from app.core.fields import DayField, RelatedField, Required
from app.core.views import AdminInterface, AdminView, ServiceForm, action
from app.customers.forms import customer_field
from app.licenses import reconcile
from app.licenses.drift import Drift, DriftKind, DriftState
from app.licenses.models import OrderKind

FIELDS = {"enabled": _l("Enabled"), "alias": _l("Alias"), "phone": _l("Phone number"), "mode": _l("PTT mode"), "device": _l("Device"),
          "network": _l("Network provider"), "services": _l("Services"), "permissions": _l("Permissions"), "title": _l("Name"), "members": _l("Members")}


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or formats.NOTHING
    return str(value or formats.NOTHING)


def details(value: dict[str, Any]) -> Any:
    """Each differing field as wanted → on the server; for a stranger what the server says."""
    rows = [Markup("<li>{}: {}</li>").format(FIELDS.get(name, name), shown(pair[1]) if pair[0] is None else Markup("{} → {}").format(shown(pair[0]), shown(pair[1])))
            for name, pair in (value or {}).items() if pair[0] is not None or pair[1]]
    return Markup('<ul class="plain-list">{}</ul>').format(Markup("").join(rows)) if rows else formats.NOTHING


class TakeOverForm(ServiceForm):
    customer = customer_field()
    tariff = RelatedField(_l("Tariff"), [Required()], model=Tariff, narrow=lambda query: query.where(Tariff.state == TariffState.ACTIVE),
                          description=_l("It must be assigned to the customer."))
    first_day = DayField(_l("Active from"), [validators.Optional()], description=_l("Billed from this day on; today when left empty."))


class DriftView(AdminView):
    datamodel = AdminInterface(Drift)
    route_base = "/differences"
    list_title = _l("Differences to the servers")
    list_help = _l("Found each night at 03:10, or by “Compare” on a PTT server. Nothing is changed without you.")
    empty_text = _l("All PTT servers hold exactly what is wanted.")
    list_columns = ["name", "target", "kind", "server", "details", "state", "found_at"]
    show_columns = ["name", "target", "kind", "server", "details", "state", "decided_by", "found_at", "seen_at"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["server", "target", "kind", "name", "state"]
    order_columns = ["name", "found_at", "kind"]
    quick_search = "name"
    base_order = ("found_at", "desc")
    deletable = False
    list_tabs = [("open", _l("Open"), Drift.state == DriftState.OPEN),
                 ("missing", _l("Missing"), (Drift.state == DriftState.OPEN) & (Drift.kind == DriftKind.MISSING)),
                 ("extra", _l("Unknown to us"), (Drift.state == DriftState.OPEN) & (Drift.kind == DriftKind.EXTRA)),
                 ("different", _l("Different"), (Drift.state == DriftState.OPEN) & (Drift.kind == DriftKind.DIFFERENT)), ("all", _l("All"), None)]
    label_columns = {"name": _l("Name on the server"), "target": _l("What"), "kind": _l("Difference"), "details": _l("Wanted → on the server"),
                     "found_at": _l("Found"), "seen_at": _l("Last seen"), "decided_by": _l("Decided by")}
    formatters_columns = {"details": details, "target": states.word}

    def head_state(self, item: Drift) -> Any:
        return self.raw(item, "state")

    @action("heal_server", _l("Heal the server"), _l("The server becomes as it is wanted here."), "fa-rotate",
            when=lambda d: d.state in (DriftState.OPEN, DriftState.IGNORED) and d.target_id is not None)
    def heal_server(self, items: list[Drift]) -> None:
        self.each(items, reconcile.heal_server, lambda n: ngettext("%(num)d difference is being healed.", "%(num)d differences are being healed.", n))

    @action("take_values", _l("Take the server's values"), _l("Our licenses become as the server has them: alias, phone, device, network provider."), "fa-download",
            when=lambda d: d.state is DriftState.OPEN and d.kind is DriftKind.DIFFERENT and d.target is OrderKind.LICENSE)
    def take_values(self, items: list[Drift]) -> None:
        self.each(items, reconcile.take_values, lambda n: ngettext("%(num)d license changed.", "%(num)d licenses changed.", n))

    @action("take_over", _l("Take over as licenses"), _l("The users become licenses of a customer. They are not created again on the server."), "fa-user-plus",
            form=TakeOverForm, when=lambda d: d.state is DriftState.OPEN and d.kind is DriftKind.EXTRA and d.target is OrderKind.LICENSE and d.target_id is None)
    def take_over(self, items: list[Drift], form: TakeOverForm) -> None:
        self.each(items, lambda d: reconcile.take_over(d, form.customer.data, form.tariff.data, form.first_day.data),
                  lambda n: ngettext("%(num)d license taken over.", "%(num)d licenses taken over.", n))

    @action("remove", _l("Remove from the server"), _l("The users or groups are deleted on the PTT server. This cannot be undone."), "fa-trash", danger=True,
            when=lambda d: d.state is DriftState.OPEN and d.kind is DriftKind.EXTRA and d.target_id is None)
    def remove(self, items: list[Drift]) -> None:
        """Calls the servers, so not inside a transaction."""
        worked = 0
        for ident in [item.id for item in items]:
            try:
                reconcile.remove_stranger(ident)
                worked += 1
            except DomainError as error:
                flash(str(error), "danger")
        if worked:
            flash(ngettext("%(num)d removed from the server.", "%(num)d removed from the servers.", worked), "success")

    @action("leave", _l("Leave as it is"), _l("Shown again only when it changes."), "fa-eye-slash", when=lambda d: d.state is DriftState.OPEN)
    def leave(self, items: list[Drift]) -> None:
        self.each(items, reconcile.leave, lambda n: ngettext("%(num)d left as it is.", "%(num)d left as they are.", n))
