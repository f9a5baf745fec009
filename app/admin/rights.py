"""The rights of staff, kept in the process while nothing about roles has changed in the database.

A stamp beside the settings, which each request reads anyway, gets a new value in the transaction that changes a role, a
right or who has them: a change counts at once, in every process.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import (
    Group,
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_group_role,
    assoc_user_group,
    assoc_user_role,
)
from sqlalchemy import CompoundSelect, event, inspect, select, union_all
from sqlalchemy.orm import Session

from app.core.db import db
from app.system.models import SettingValue
from app.system.settings import stored_value

STAMP = "security.rights_stamp"
MOST = 500      # users kept
PARTS = {Role: ("permissions", "user", "groups"), Group: ("roles", "users"), User: ("roles", "groups"), PermissionView: (), Permission: (), ViewMenu: ()}

Rights = frozenset[tuple[str, str]]


def role_ids(user_id: int) -> CompoundSelect[tuple[int]]:
    """Ids of the roles of a user, his own and those of his groups, for `.in_(…)`."""
    return union_all(select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == user_id),
                     select(assoc_group_role.c.role_id).join(assoc_user_group, assoc_user_group.c.group_id == assoc_group_role.c.group_id)
                     .where(assoc_user_group.c.user_id == user_id))


def kept(user_id: int, read: Callable[[int], Rights]) -> Rights:
    """The rights of a user: as kept under the present stamp, else as `read` says."""
    stamp = stored_value(STAMP)
    if stamp is None:
        return read(user_id)
    store: dict[int, tuple[str, Rights]] = current_app.extensions.setdefault("ptt_kept_rights", {})
    found = store.get(user_id)
    if found is None or found[0] != stamp:
        if len(store) >= MOST:
            store.clear()
        found = store[user_id] = (stamp, read(user_id))
    return found[1]


def install() -> None:
    if not event.contains(Session, "before_flush", _restamp):
        event.listen(Session, "before_flush", _restamp)


def begin() -> None:
    """An installation from before the stamp gets its first one. Inside `transaction()`."""
    if db.session.get(SettingValue, STAMP) is None:
        _stamp(db.session())


def _restamp(session: Session, *_arguments: Any) -> None:
    if any(_matters(row) for row in session.dirty) or any(isinstance(row, tuple(PARTS)) for row in (*session.new, *session.deleted)):
        _stamp(session)


def _stamp(session: Session) -> None:
    session.merge(SettingValue(key=STAMP, value=secrets.token_hex(16)))


def _matters(row: Any) -> bool:
    """Whether a changed row changes what somebody may: its collections, or (rights and their names) anything of it."""
    for model, collections in PARTS.items():
        if isinstance(row, model):
            state = inspect(row)
            return not collections or any(state.attrs[name].history.has_changes() for name in collections if name in state.attrs)
    return False
