"""Staff pages of talk groups: list, form, and who is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import func, or_, select

from app.core import formats
from app.core.db import db
from app.core.listing import Cell
from app.core.views import AdminInterface, AdminView, action, allowed, expose
from app.customers.models import Association, AssociationMember, Customer, MemberState
from app.licenses import groups
from app.licenses.models import License, LicenseState, PttGroup, SyncState, group_member
from app.licenses.orders import want_groups
from app.licenses.views_sms_actions import GroupSms

SHOWN = 100             # rows of each list of the member editor; the others are found by searching
MOST_AT_ONCE = 2000


class GroupView(GroupSms, AdminView):
    datamodel = AdminInterface(PttGroup)
    route_base = "/groups"
    show_page = "licenses/group.html"
    list_title, add_title, edit_title = _l("Groups"), _l("New group"), _l("Rename group")
    edit_verb = _l("Rename")
    list_help = _l("Who can talk to whom. A group belongs to a customer or to an association.")
    empty_text = _l("A group lets its members talk together.")
    list_columns = ["name", "owner", "member_count", "server", "sync_state"]
    show_columns = ["name", "owner", "server", "server_name", "sync_state", "sync_error", "observed_at"]
    add_columns = ["name", "customer", "association"]
    edit_columns = ["name"]
    search_columns = ["customer", "association", "server", "sync_state", "name"]
    order_columns = ["name"]
    base_order = ("name", "asc")
    quick_search = "name"
    tab_of = (Customer, Association)
    tab_rank = 20
    list_tabs = [("all", _l("All"), None), ("customers", _l("Of customers"), PttGroup.customer_id.is_not(None)),
                 ("associations", _l("Of associations"), PttGroup.association_id.is_not(None)), ("failed", _l("Failed on server"), PttGroup.sync_state == SyncState.FAILED)]
    deletable = True
    label_columns = {"owner": _l("Belongs to"), "member_count": _l("Members"), "server_name": _l("Name on the server"), "sync_state": _l("On server"),
                     "sync_error": _l("Error"), "observed_at": _l("Last seen")}
    description_columns = {"customer": _l("The group is on the customer's PTT server."), "association": _l("Instead of a customer: members come from all its customers.")}
    narrow = {"customer": lambda query: query.where(Customer.server_id.is_not(None))}

    def scope(self) -> Sequence[Any]:
        return (~PttGroup.deleted,)

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> Any:
        """Owners come with their own two statements, the numbers of members with one."""
        page = super().list_page(where, hidden)
        ids = [row.id for row in page.rows]
        counts = dict(db.session.execute(select(group_member.c.group_id, func.count()).where(group_member.c.group_id.in_(ids))
                                         .group_by(group_member.c.group_id)).all()) if ids else {}
        owners: dict[type, dict[int, Any]] = {}
        for model, name in ((Customer, "customer_id"), (Association, "association_id")):
            wanted = {getattr(row, name) for row in page.rows} - {None}
            owners[model] = {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(wanted)))} if wanted else {}
        for row in page.rows:
            row.member_count = counts.get(row.id, 0)
            row.owner = owners[Customer].get(row.customer_id) or owners[Association].get(row.association_id)
        return page

    def raw(self, item: PttGroup, column: str) -> Any:
        if column == "owner":
            return getattr(item, "owner", None) or item.customer or item.association
        return super().raw(item, column)

    def cell(self, item: PttGroup, column: str, link: bool = True) -> Any:
        if column != "owner":
            return super().cell(item, column, link)
        owner = self.raw(item, column)
        url = self.url_of_any(owner) if link and owner is not None else None
        return Cell(Markup('<a href="{}">{}</a>').format(url, owner) if url else str(owner or formats.NOTHING))

    def where_parent(self, parent: Any) -> Any:
        return PttGroup.association_id == parent.id if isinstance(parent, Association) else PttGroup.customer_id == parent.id

    def head_state(self, item: PttGroup) -> Any:
        return formats.pill(item.sync_state)

    def show_context(self, item: PttGroup) -> dict[str, Any]:
        if request.args.get("tab"):
            return {}
        text = (request.args.get("q") or "").replace("\x00", "").strip()[:100]
        inside = select(group_member.c.license_id).where(group_member.c.group_id == item.id)
        found = self._found(text)
        members = select(License).where(License.id.in_(inside), *found)
        others = select(License).where(License.id.not_in(inside), *self._eligible(item), *found)
        return {"q": text, "can_change": self.can("edit"), "most": MOST_AT_ONCE,
                "lists": [("in", *self._some(members)), ("out", *self._some(others))],
                "everyone": db.session.scalar(select(func.count()).select_from(group_member).where(group_member.c.group_id == item.id)) or 0}

    def _some(self, query: Any) -> tuple[list[License], int]:
        """The first rows, and how many there are (counted up to a limit)."""
        rows = list(db.session.scalars(query.order_by(License.alias, License.user_name).limit(SHOWN)))
        number = len(rows) if len(rows) < SHOWN else db.session.scalar(select(func.count()).select_from(query.with_only_columns(License.id).limit(MOST_AT_ONCE + 1).subquery())) or 0
        return rows, number

    @staticmethod
    def _found(text: str) -> list[Any]:
        if not text:
            return []
        return [or_(*(column.icontains(text, autoescape=True) for column in (License.alias, License.user_name, License.phone)))]

    @staticmethod
    def _eligible(group: PttGroup) -> list[Any]:
        """Licenses that may be members: of the customer or of accepted members of the association, on the same server."""
        owner = License.customer_id == group.customer_id if group.customer_id is not None else License.customer_id.in_(
            select(AssociationMember.customer_id).where(AssociationMember.association_id == group.association_id, AssociationMember.state == MemberState.ACCEPTED))
        return [owner, License.server_id == group.server_id, License.state != LicenseState.DELETED]

    # what staff does

    def do_add(self, form: Any) -> PttGroup:
        return groups.create_group(form.name.data, form.customer.data, form.association.data)

    def do_edit(self, item: PttGroup, form: Any) -> None:
        groups.rename_group(item, form.name.data)

    def do_delete(self, item: PttGroup) -> None:
        groups.delete_group(item)

    @expose("/members/<pk>", methods=["POST"])
    @allowed("edit")
    def members(self, pk: Any) -> Any:
        """Put the ticked licenses in or out; `all` takes every one that the search found."""
        group = self.datamodel.get(pk) or abort(404)
        text = (request.form.get("q") or "").replace("\x00", "").strip()[:100]
        adding = request.form.get("do") in ("add", "add_all")
        inside = select(group_member.c.license_id).where(group_member.c.group_id == group.id)
        if request.form.get("do") in ("add_all", "remove_all"):
            side = [License.id.not_in(inside), *self._eligible(group)] if adding else [License.id.in_(inside)]
            ids = list(db.session.scalars(select(License.id).where(*side, *self._found(text)).limit(MOST_AT_ONCE)))
        else:
            ids = [self.view_of(License).datamodel.key(value) for value in request.form.getlist("license")[:MOST_AT_ONCE]]
        if not ids:
            flash(_("Tick at least one license."), "warning")
        elif adding:
            self.attempt(lambda: groups.change_members(group, add=ids), ngettext("%(num)d license is a member now.", "%(num)d licenses are members now.", len(ids)))
        else:
            self.attempt(lambda: groups.change_members(group, remove=ids), ngettext("%(num)d license was taken out.", "%(num)d licenses were taken out.", len(ids)))
        return redirect(url_for(f"{self.endpoint}.show", pk=pk, q=text or None), 303)

    @action("send_again", _l("Send again"), _l("The group and its members are made to match on the PTT server."), "fa-rotate", single=True)
    def send_again(self, items: list[PttGroup]) -> None:
        def call(item: PttGroup) -> None:
            want_groups(db.session(), PttGroup.id == item.id)

        self.each(items, call, lambda n: ngettext("%(num)d group is sent again.", "%(num)d groups are sent again.", n))
