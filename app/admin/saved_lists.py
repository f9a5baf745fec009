"""Lists kept under a name: filters, order and tab of a list page, one's own or shared by a colleague; one may be the beginning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import current_app, g
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import and_, func, or_, select

from app.admin.saved_lists_models import StaffListDefault, StaffListView
from app.core.access import may
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.views import AdminView

MOST = 50               # of one person and list
LONGEST = 1500          # characters of the address
LEFT_OUT = ("page", "all", "csrf_token", "back")


@dataclass(frozen=True)
class Saved:
    id: int
    name: str
    query: str
    mine: bool
    shared: bool
    default: bool


def view_named(endpoint: str) -> Any | None:
    """The list that the reader may open, else None."""
    view = next((v for v in current_app.appbuilder.baseviews if v.endpoint == endpoint), None)  # type: ignore[attr-defined]
    return view if isinstance(view, AdminView) and may(view, "can_list") else None


def cleaned(query: str) -> str:
    """The arguments of a list's address as they are kept: without the page, in their order."""
    return urlencode([(key, value) for key, value in parse_qsl(query[:LONGEST + 1000]) if key not in LEFT_OUT and "\x00" not in value])


def offered(endpoint: str) -> list[Saved]:
    """Own and shared ones of a list, by name; read once a request."""
    known: dict[str, list[Saved]] = g.setdefault("ptt_saved_lists", {})
    if endpoint not in known:
        user_id = current_user.id
        rows = db.session.execute(
            select(StaffListView.id, StaffListView.name, StaffListView.query, StaffListView.user_id == user_id, StaffListView.shared, StaffListDefault.user_id.is_not(None))
            .outerjoin(StaffListDefault, and_(StaffListDefault.list_view_id == StaffListView.id, StaffListDefault.user_id == user_id))
            .where(StaffListView.view == endpoint, or_(StaffListView.user_id == user_id, StaffListView.shared)).order_by(func.lower(StaffListView.name), StaffListView.id).limit(200))
        known[endpoint] = [Saved(*row) for row in rows]
        g.ptt_list_begins = any(saved.default for saved in known[endpoint])
    return known[endpoint]


def beginning(endpoint: str) -> str | None:
    """The arguments that this reader's list begins with."""
    return next((saved.query for saved in offered(endpoint) if saved.default and saved.query), None)


def save(endpoint: str, name: str, query: str, shared: bool) -> StaffListView:
    """A new one, or the own one of this name with other filters."""
    name, query = " ".join(name.split()), cleaned(query)
    if not name or len(name) > 60 or not name.isprintable():
        raise InvalidInput(_("Enter a name of at most 60 characters."), "name")
    if not query:
        raise InvalidInput(_("Filter or sort the list first, then keep it under a name."), "name")
    if len(query) > LONGEST:
        raise InvalidInput(_("These filters are too long to be kept."), "name")
    with transaction() as session:
        row: StaffListView | None = session.scalar(select(StaffListView).where(StaffListView.user_id == current_user.id, StaffListView.view == endpoint, StaffListView.name == name))
        if row is None:
            if (session.scalar(select(func.count()).select_from(StaffListView).where(StaffListView.user_id == current_user.id, StaffListView.view == endpoint)) or 0) >= MOST:
                raise InvalidInput(_("You keep %(n)s lists here already. Delete one first.", n=MOST), "name")
            row = StaffListView(user_id=current_user.id, view=endpoint, name=name)
            session.add(row)
        row.query, row.shared = query, shared
        session.flush()
        return row


def find(ident: int) -> StaffListView | None:
    """One that the reader may use: his own, or shared and of a list that he may open."""
    row = db.session.get(StaffListView, ident) if ident < 2**31 else None
    return row if row is not None and (row.user_id == current_user.id or row.shared) and view_named(row.view) is not None else None


def delete(row: StaffListView) -> None:
    with transaction() as session:
        session.delete(row)


def set_beginning(row: StaffListView, on: bool) -> None:
    with transaction() as session:
        chosen = session.get(StaffListDefault, (current_user.id, row.view), with_for_update=True)
        if on:
            session.merge(StaffListDefault(user_id=current_user.id, view=row.view, list_view_id=row.id))
        elif chosen is not None and chosen.list_view_id == row.id:
            session.delete(chosen)
