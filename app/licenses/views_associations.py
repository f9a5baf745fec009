"""Staff pages of associations and their members."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import func, select

from app.core import formats
from app.core.db import db
from app.core.views import AdminInterface, AdminView, action
from app.customers.models import Association, AssociationMember, Customer, CustomerKind, CustomerState, MemberState
from app.customers.services import accept_membership, request_membership
from app.licenses.associations import delete_association, save_association
from app.licenses.groups import leave_association


class MemberView(AdminView):
    """Customers in an association, and the associations of a customer."""

    datamodel = AdminInterface(AssociationMember)
    route_base = "/association-members"
    list_title, add_title, add_verb = _l("Associations"), _l("Add to association"), _l("Add")
    list_help = _l("Joining needs acceptance. Who leaves is taken out of the association's groups.")
    empty_text = _l("An association lets licenses of several customers talk together.")
    list_columns = ["association", "customer", "state", "since"]
    show_columns = ["association", "customer", "state", "since"]
    add_columns = ["association", "customer"]
    edit_columns: list[str] = []
    search_columns = ["association", "customer", "state"]
    order_columns = ["since"]
    tab_of = (Customer,)
    tab_rank = 40
    label_columns = {"since": _l("Member since")}
    narrow = {"customer": lambda query: query.where(Customer.kind == CustomerKind.CLOSED, Customer.state != CustomerState.DELETED)}

    def where_parent(self, parent: Any) -> Any:
        return AssociationMember.customer_id == parent.id

    def do_add(self, form: Any) -> AssociationMember:
        return request_membership(form.association.data, form.customer.data)

    def after_add(self, item: AssociationMember) -> str | None:
        return self.url_of_any(item.association)

    @action("accept", _l("Accept"), icon="fa-check", when=lambda item: item.state is MemberState.REQUESTED)
    def accept(self, items: list[AssociationMember]) -> None:
        self.each(items, accept_membership, lambda n: ngettext("%(num)d customer is a member now.", "%(num)d customers are members now.", n))

    @action("leave", _l("Take out"), _l("The licenses of the customer leave the association's groups, on the PTT server too."), "fa-right-from-bracket", danger=True,
            when=lambda item: item.state is not MemberState.LEFT)
    def leave(self, items: list[AssociationMember]) -> None:
        self.each(items, leave_association, lambda n: ngettext("%(num)d customer left.", "%(num)d customers left.", n))


class AssociationView(AdminView):
    datamodel = AdminInterface(Association)
    route_base = "/associations"
    show_page = "licenses/association.html"
    list_title, add_title, edit_title = _l("Associations"), _l("New association"), _l("Edit association")
    list_help = _l("Customers that form one closed user group. Each of them is billed by himself.")
    empty_text = _l("An association lets licenses of several customers talk together.")
    list_columns = ["name", "server", "member_count", "waiting_count"]
    show_columns = ["name", "server", "note"]
    add_columns = edit_columns = ["name", "server", "note"]
    search_columns = ["server", "name"]
    order_columns = ["name"]
    base_order = ("name", "asc")
    quick_search = "name"
    deletable = True
    label_columns = {"member_count": _l("Members"), "waiting_count": _l("Waiting for acceptance")}
    description_columns = {"server": _l("The association's groups are on this server; so must be the licenses in them.")}

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> Any:
        page = super().list_page(where, hidden)
        query = select(AssociationMember.association_id, AssociationMember.state, func.count()).where(
            AssociationMember.association_id.in_([row.id for row in page.rows])).group_by(AssociationMember.association_id, AssociationMember.state)
        counts = {(ident, state): n for ident, state, n in db.session.execute(query)} if page.rows else {}
        for row in page.rows:
            row.member_count, row.waiting_count = counts.get((row.id, MemberState.ACCEPTED), 0), counts.get((row.id, MemberState.REQUESTED), 0)
        return page

    def show_context(self, item: Association) -> dict[str, Any]:
        members = db.session.scalars(select(AssociationMember).join(Customer, Customer.id == AssociationMember.customer_id).where(
            AssociationMember.association_id == item.id).order_by(Customer.company)).all()
        return {"members": [m for m in members if m.state is not MemberState.LEFT], "left": [m for m in members if m.state is MemberState.LEFT],
                "member_view": self.view_of(AssociationMember)}

    def head_facts(self, item: Association) -> list[tuple[Any, Any, str]]:
        rows = dict(db.session.execute(select(AssociationMember.state, func.count()).where(AssociationMember.association_id == item.id)
                                       .group_by(AssociationMember.state)).all())
        return [(_("Members"), formats.number(rows.get(MemberState.ACCEPTED, 0)), ""), (_("Waiting for acceptance"), formats.number(rows.get(MemberState.REQUESTED, 0)), ""),
                (_("PTT server"), item.server.name, "")]

    def do_add(self, form: Any) -> Association:
        return save_association(name=form.name.data, server=form.server.data, note=form.note.data or "")

    def do_edit(self, item: Association, form: Any) -> None:
        save_association(item, name=form.name.data, server=form.server.data, note=form.note.data or "")

    def do_delete(self, item: Association) -> None:
        delete_association(item)
