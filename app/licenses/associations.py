"""Associations as master data; joining and leaving are in `customers/services.py` and `licenses/groups.py`."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.catalog.models import PttServer
from app.core.db import transaction
from app.core.errors import InUse, InvalidInput
from app.customers.models import Association, AssociationMember, MemberState
from app.licenses.models import PttGroup


def save_association(association: Association | None = None, *, name: str, server: PttServer | None, note: str = "") -> Association:
    """A new association, or a changed one. The server stays once there are groups on it. Raises InvalidInput with the field."""
    with transaction() as session:
        row: Any = association if association is not None else Association()
        if association is not None:
            session.refresh(row, with_for_update=True)
        name = " ".join(name.split())
        if not 1 <= len(name) <= 120:
            raise InvalidInput(_("Enter a name of at most 120 characters."), "name")
        if server is None:
            raise InvalidInput(_("Choose the PTT server of its groups."), "server")
        with session.no_autoflush:
            other = session.scalar(select(Association.id).where(Association.name == name))
            if other is not None and other != row.id:
                raise InvalidInput(_("Another association is called “%(name)s”.", name=name), "name")
            if association is not None and server.id != row.server_id and _groups(session, row):
                raise InvalidInput(_("The server cannot change while the association has groups on it. Delete them first."), "server")
        row.name, row.server, row.note = name, server, note
        session.add(row)
        session.flush()
        return row


def delete_association(association: Association) -> None:
    """Only without groups and without members that are accepted."""
    with transaction() as session:
        session.refresh(association, with_for_update=True)
        groups = session.scalar(select(func.count()).select_from(PttGroup).where(PttGroup.association_id == association.id)) or 0
        members = session.scalar(select(func.count()).select_from(AssociationMember).where(
            AssociationMember.association_id == association.id, AssociationMember.state == MemberState.ACCEPTED)) or 0
        if groups or members:
            raise InUse(_("“%(name)s” cannot be deleted: it has %(groups)s groups and %(members)s members.", name=association.name, groups=groups, members=members))
        session.delete(association)
        session.flush()


def _groups(session: Any, association: Association) -> bool:
    return bool(session.scalar(select(func.count()).select_from(PttGroup).where(PttGroup.association_id == association.id, ~PttGroup.deleted)))
