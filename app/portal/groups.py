"""Talk groups: own ones, and in those of an association only the own licenses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from wtforms import StringField
from wtforms.validators import Length

from app.core.db import db
from app.core.errors import DomainError, InvalidInput
from app.core.fields import Required, clean_text, no_control
from app.licenses import groups as services
from app.licenses.models import License, LicenseState, PttGroup, SyncState, group_member
from app.licenses.sms import INVITATION, kinds_for
from app.portal import paging
from app.portal.forms import PortalForm
from app.portal.gate import right, visit
from app.portal.pages import page, portal, put
from app.portal.scope import get, scoped

MOST_MEMBERS = 1000


class GroupForm(PortalForm):
    name = StringField(_l("Name"), [Required(), no_control, Length(max=60)], filters=[clean_text], description=_l("As it is shown on the radios."), render_kw={"autocomplete": "off"})


class MembersForm(PortalForm):
    """Only the token; the ticks are read by `_ids`."""


@portal.route("/groups")
@right("see")
def groups() -> Any:
    wanted = paging.text("q", 60)
    query = scoped(PttGroup)
    if wanted:
        query = query.where(PttGroup.name.icontains(wanted, autoescape=True))
    found = paging.found(query, joinedload(PttGroup.association), order=(PttGroup.name, PttGroup.id), q=wanted)
    ids = [row.id for row in found.rows]
    own = dict(db.session.execute(select(group_member.c.group_id, func.count()).join(License, License.id == group_member.c.license_id).where(
        group_member.c.group_id.in_(ids), License.customer_id == visit().customer.id).group_by(group_member.c.group_id)).all()) if ids else {}
    return page("groups", title=_("Groups"), found=found, own=own, q=wanted, SyncState=SyncState)


@portal.route("/groups/new", methods=["GET", "POST"])
@right("groups")
def group_new() -> Any:
    form, status = GroupForm(), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                row = services.create_group(form.name.data, visit().customer)
                flash(_("The group “%(name)s” was created. Choose its members.", name=row.name), "success")
                return redirect(url_for("portal.group", group_id=row.id), 303)
            except DomainError as error:
                status = put(form, _for_customer(error))
    return page("form", status, form=form, title=_("New group"), verb=_("Create group"), cancel=url_for("portal.groups"), crumb=(_("Groups"), url_for("portal.groups")))


def _for_customer(error: DomainError) -> DomainError:
    """A missing server is ours to mend, not the customer's."""
    return InvalidInput(_("Groups cannot be made at the moment. Write to us.")) if error.field == "customer" else error


@portal.route("/groups/<int:group_id>")
@right("see")
def group(group_id: int) -> Any:
    row = get(PttGroup, group_id, joinedload(PttGroup.association))
    customer = visit().customer
    member = select(group_member.c.license_id).where(group_member.c.group_id == row.id)
    mine = scoped(License).where(License.server_id == row.server_id)
    inside = db.session.scalars(mine.where(License.id.in_(member)).order_by(License.alias, License.user_name).limit(MOST_MEMBERS)).all()
    outside = db.session.scalars(mine.where(License.id.not_in(member)).order_by(License.alias, License.user_name).limit(MOST_MEMBERS)).all() if visit().may("groups") else []
    others = db.session.scalar(select(func.count()).select_from(group_member).join(License, License.id == group_member.c.license_id).where(
        group_member.c.group_id == row.id, License.customer_id != customer.id, License.state != LicenseState.DELETED)) if row.association_id else 0
    return page("group", title=row.name, row=row, inside=inside, outside=outside, others=others, form=MembersForm(), can_invite=bool(inside) and visit().may("licenses") and INVITATION in kinds_for(list(inside)), own=row.customer_id is not None, SyncState=SyncState,
                crumb=(_("Groups"), url_for("portal.groups")))


@portal.route("/groups/<int:group_id>/members", methods=["POST"])
@right("groups")
def group_members(group_id: int) -> Any:
    """What the page showed and what is ticked now: the difference is done, so that two people at work do not undo each other."""
    row = get(PttGroup, group_id)
    shown, ticked = _ids("shown"), _ids("member")
    mine = set(db.session.scalars(select(License.id).where(License.customer_id == visit().customer.id, License.id.in_(shown | ticked))))
    if (shown | ticked) - mine:
        abort(404)
    was = _ids("was") & shown
    try:
        added, removed = services.change_members(row, ticked - was, was - ticked)
    except DomainError as error:
        flash(str(error), "danger")
    else:
        flash(_("%(added)d added, %(removed)d removed. The radios learn it in a moment.", added=added, removed=removed) if added or removed else _("Nothing was changed."), "success")
    return redirect(url_for("portal.group", group_id=group_id), 303)


def _ids(name: str) -> set[int]:
    texts: Iterable[str] = request.form.getlist(name)
    if any(not (text.isascii() and text.isdecimal() and len(text) < 19) for text in texts):
        abort(400)
    return {int(text) for text in texts}


@portal.route("/groups/<int:group_id>/rename", methods=["GET", "POST"])
@right("groups")
def group_rename(group_id: int) -> Any:
    row = _own(group_id)
    form, status = GroupForm(obj=row), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                services.rename_group(row, form.name.data)
                flash(_("The group is called “%(name)s” now.", name=row.name), "success")
                return redirect(url_for("portal.group", group_id=group_id), 303)
            except DomainError as error:
                status = put(form, error)
    return page("form", status, form=form, title=_("Rename group"), verb=_("Rename group"), cancel=url_for("portal.group", group_id=group_id), crumb=(row.name, url_for("portal.group", group_id=group_id)))


@portal.route("/groups/<int:group_id>/delete", methods=["GET", "POST"])
@right("groups")
def group_delete(group_id: int) -> Any:
    row = _own(group_id)
    form = MembersForm()
    if request.method == "POST" and form.validate():
        name = row.name
        services.delete_group(row)
        flash(_("The group “%(name)s” was deleted.", name=name), "success")
        return redirect(url_for("portal.groups"), 303)
    return page("form", 200 if request.method == "GET" else 422, form=form, title=_("Delete group “%(name)s”", name=row.name), intro=_("Its members can no longer talk in it. The licenses stay."),
                verb=_("Delete group"), danger=True, cancel=url_for("portal.group", group_id=group_id), crumb=(row.name, url_for("portal.group", group_id=group_id)))


def _own(group_id: int) -> PttGroup:
    """Groups of an association are named and deleted by us."""
    row = get(PttGroup, group_id)
    if row.customer_id is None:
        abort(403)
    return row
