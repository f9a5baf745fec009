"""What the PTT servers do not match yet: waiting and failed orders, with retry and give-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import select

from app.core import formats, states
from app.core.db import db
from app.core.views import AdminInterface, AdminView, action, with_row
from app.licenses import provisioning
from app.licenses.models import License, OrderKind, ProvisioningOrder, PttGroup
from app.system.outbox import OutboxState


class ProvisioningView(AdminView):
    datamodel = AdminInterface(ProvisioningOrder)
    route_base = "/provisioning"
    list_title = _l("Provisioning")
    list_help = _l("Licenses and groups that a PTT server does not match yet. What was delivered is no longer here.")
    empty_text = _l("All PTT servers match what is wanted.")
    list_columns = ["target", "kind", "server", "state", "attempts", "error", "due_at"]
    show_columns = ["target", "kind", "server", "state", "attempts", "error", "unsure", "due_at", "created_at"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["server", "kind", "state", "error", "attempts", "due_at"]
    order_columns = ["due_at", "attempts", "created_at"]
    base_order = ("due_at", "asc")
    list_tabs = [("failed", _l("Failed"), ProvisioningOrder.state == OutboxState.HELD),
                 ("waiting", _l("Waiting"), ProvisioningOrder.state.in_([OutboxState.WAITING, OutboxState.CLAIMED])), ("all", _l("All"), None)]
    label_columns = {"target": _l("License or group"), "unsure": _l("May have got through"), "error": _l("Reason"), "created_at": _l("Ordered")}
    formatters_columns = {"kind": states.word, "due_at": with_row(lambda value, item: formats.NOTHING if item.state is OutboxState.HELD else formats.moment(value))}

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> Any:
        page = super().list_page(where, hidden)
        self.complete(page.rows)
        return page

    def show_context(self, item: ProvisioningOrder) -> dict[str, Any]:
        self.complete([item])
        return {}

    def complete(self, rows: list[Any]) -> None:
        """Give each order its license or group: one statement for each kind."""
        for kind, model in ((OrderKind.LICENSE, License), (OrderKind.GROUP, PttGroup)):
            ids = [row.target_id for row in rows if row.kind is kind]
            found = {target.id: target for target in db.session.scalars(select(model).where(model.id.in_(ids)))} if ids else {}
            for row in rows:
                if row.kind is kind:
                    row.target = found.get(row.target_id)

    def cell(self, item: ProvisioningOrder, column: str, link: bool = True) -> Any:
        cell = super().cell(item, column, link)
        if column == "target":
            target = getattr(item, "target", None)
            url = self.url_of_any(target) if link and target is not None else None
            cell.text = Markup('<a href="{}">{}</a>').format(url, target) if url else str(target or formats.NOTHING)
        return cell

    def head_title(self, item: ProvisioningOrder) -> str:
        return f"{states.word(item.kind)} {getattr(item, 'target', None) or ''}".strip()

    @action("retry", _l("Retry now"), icon="fa-play")
    def retry(self, items: list[ProvisioningOrder]) -> None:
        self.each(items, lambda item: provisioning.retry_order(item.id), lambda n: ngettext("%(num)d order is tried again.", "%(num)d orders are tried again.", n))

    @action("give_up", _l("Give up"), _l("The servers stay as they are. The difference remains visible on the license or group."), "fa-ban", danger=True)
    def give_up(self, items: list[ProvisioningOrder]) -> None:
        self.each(items, lambda item: provisioning.give_up_order(item.id), lambda n: ngettext("%(num)d order was given up.", "%(num)d orders were given up.", n))
