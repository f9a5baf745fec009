"""The roles that every installation begins with, by area of the menu: least privilege, each may be changed by hand.

A view that comes later (a new version, a plugin) gives its rights to these roles once; what an administrator took
away or added stays as it is.
"""

from __future__ import annotations

import json
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import select

from app.admin import rights
from app.core.db import db, transaction
from app.system.models import Mark

READ, EDIT, WRITE = "read", "edit", "write"      # see; see, add and change; everything
MARK = "roles.seeded"

BACK_OFFICE = {"JobRunView": READ, "ProtocolView": READ, "DocumentView": READ, "MailView": WRITE}
WATCHING = {"JobRunView": READ, "ProtocolView": READ, "DocumentView": READ, "MailView": READ}

# role → area → level; names of views stand for themselves
ROLES: dict[str, dict[str, str]] = {
    "Billing": {"customers": EDIT, "support": READ, "licenses": READ, "billing": WRITE, "receivables": WRITE, "catalog": READ, **BACK_OFFICE},
    "Support": {"customers": WRITE, "support": WRITE, "licenses": WRITE, "billing": READ, "receivables": READ, "catalog": READ, **BACK_OFFICE},
    "Sales": {"customers": EDIT, "CallbackView": WRITE, "ProspectView": WRITE, "licenses": READ, "billing": READ, "receivables": READ, "catalog": READ},
    "Website": {"website": WRITE},
    "Read only": {"customers": READ, "support": READ, "website": READ, "licenses": READ, "billing": READ, "receivables": READ, "catalog": READ, **WATCHING},
}


def rights_of(view: Any, level: str) -> set[str]:
    """The names of a view's rights up to `level`. A route that answers to POST changes something: it is no reading."""
    reading: set[str] = set()
    changing: set[str] = set()
    for name in dir(type(view)):
        method: Any = getattr(type(view), name, None)
        if hasattr(method, "_urls") and hasattr(method, "_permission_name"):
            right = f"can_{view.get_method_permission(name)}"
            (changing if any("POST" in methods for _url, methods in method._urls) else reading).add(right)
    reading -= changing
    wanted = {READ: reading, EDIT: reading | {"can_add", "can_edit"}, WRITE: set(view.base_permissions)}[level]
    return wanted & set(view.base_permissions)


def wanted_rights() -> dict[str, set[tuple[str, str]]]:
    """Role → (right, view) for all views of this installation."""
    areas: dict[str, str] = current_app.extensions["ptt_areas"]
    appbuilder: Any = current_app.extensions["appbuilder"]
    result: dict[str, set[tuple[str, str]]] = {role: set() for role in ROLES}
    for view in appbuilder.baseviews:
        for role, levels in ROLES.items():
            level = levels.get(view.endpoint) or levels.get(areas.get(view.endpoint, ""))
            if level is not None:
                result[role] |= {(right, view.class_permission_name) for right in rights_of(view, level)}
    return result


def seed_roles() -> None:
    """Create the roles and give them the rights that they were not yet given once. Safe to repeat."""
    with transaction() as session:
        mark = session.get(Mark, MARK)
        given = {tuple(item) for item in json.loads(mark.value)} if mark else set()
        pairs = {(permission, view): row for row, permission, view in session.execute(
            select(PermissionView, Permission.name, ViewMenu.name)
            .join(Permission, PermissionView.permission_id == Permission.id).join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id))}
        for name, wanted in wanted_rights().items():
            role = session.scalar(select(Role).where(Role.name == name))
            if role is None:
                role = Role(name=name)
                session.add(role)
            has = set(role.permissions)
            for right, view in sorted(wanted):
                if (name, right, view) not in given and (right, view) in pairs:
                    given.add((name, right, view))
                    if pairs[right, view] not in has:
                        role.permissions.append(pairs[right, view])
        value = json.dumps(sorted(given))
        if mark is None:
            session.add(Mark(name=MARK, value=value))
        elif mark.value != value:
            mark.value = value
        rights.begin()
    db.session.expire_all()
