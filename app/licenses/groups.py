"""Talk groups and their members; the server follows through the outbox."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select

from app.core.db import transaction
from app.core.errors import InvalidInput
from app.customers.models import Association, AssociationMember, Customer, MemberState
from app.licenses.models import License, LicenseState, PttGroup, group_member
from app.licenses.orders import want_groups
from app.system.models import ProtocolKind
from app.system.protocol import record


def create_group(name: str, customer: Customer | None = None, association: Association | None = None) -> PttGroup:
    """A group of one customer or of one association, on its server. Its name on the server is given once and stays."""
    with transaction() as session:
        owner = customer or association
        if owner is None or (customer is not None and association is not None):
            raise InvalidInput(_("A group belongs to a customer or to an association."), "customer")
        server = owner.server
        if server is None:
            raise InvalidInput(_("Choose a PTT server for %(name)s first.", name=customer.company if customer else owner), "customer")
        group = PttGroup(customer=customer, association=association, server=server, name=_name(name), server_name=f"g-{uuid4().hex[:12]}")
        session.add(group)
        session.flush()
        want_groups(session, PttGroup.id == group.id)
        return group


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise InvalidInput(_("Give the group a name of 1 to 60 characters."), "name")
    return name


def rename_group(group: PttGroup, name: str) -> None:
    with transaction() as session:
        session.refresh(group, with_for_update=True)
        group.name = _name(name)
        session.flush()
        want_groups(session, PttGroup.id == group.id)


def set_members(group: PttGroup, license_ids: Iterable[int]) -> tuple[int, int]:
    """The members shall be exactly these; returns (added, removed). Licenses of others are refused."""
    wanted = set(license_ids)
    with transaction() as session:
        session.refresh(group, with_for_update=True)
        if group.deleted:
            raise InvalidInput(_("This group is deleted."))
        now = set(session.scalars(select(group_member.c.license_id).where(group_member.c.group_id == group.id)))
        added, removed = wanted - now, now - wanted
        if added:
            _check_members(group, added)
            session.execute(insert(group_member), [{"group_id": group.id, "license_id": i} for i in sorted(added)])
        if removed:
            session.execute(delete(group_member).where(group_member.c.group_id == group.id, group_member.c.license_id.in_(removed)))
        if added or removed:
            names = {row.id: row.user_name for row in session.execute(select(License.id, License.user_name).where(License.id.in_(added | removed)))}
            record(ProtocolKind.LICENSE, "members", subject_type="ptt_group", subject_id=group.id, subject=group.name, customer_id=group.customer_id,
                   changes={"members": [", ".join(sorted(names[i] for i in removed)), ", ".join(sorted(names[i] for i in added))]})
            want_groups(session, PttGroup.id == group.id)
            session.expire(group, ["members"])
        return len(added), len(removed)


def change_members(group: PttGroup, add: Iterable[int] = (), remove: Iterable[int] = ()) -> tuple[int, int]:
    """As `set_members`, from what the members are now: two people at work do not undo each other."""
    with transaction() as session:
        session.refresh(group, with_for_update=True)
        now = set(session.scalars(select(group_member.c.license_id).where(group_member.c.group_id == group.id)))
        return set_members(group, (now | set(add)) - set(remove))


def _check_members(group: PttGroup, ids: set[int]) -> None:
    """Own licenses, or for an association those of accepted members; on the same server, not deleted."""
    from app.core.db import db

    query = select(License.id).where(License.id.in_(ids), License.server_id == group.server_id, License.state != LicenseState.DELETED)
    if group.customer_id is not None:
        query = query.where(License.customer_id == group.customer_id)
    else:
        query = query.where(License.customer_id.in_(select(AssociationMember.customer_id).where(
            AssociationMember.association_id == group.association_id, AssociationMember.state == MemberState.ACCEPTED)))
    if missing := ids - set(db.session.scalars(query)):
        raise InvalidInput(_("%(n)s licenses cannot be members: they belong to somebody else, are deleted, or are on another server.", n=len(missing)), "members")


def delete_group(group: PttGroup) -> None:
    with transaction() as session:
        session.refresh(group, with_for_update=True)
        if group.deleted:
            return
        group.deleted = True
        session.execute(delete(group_member).where(group_member.c.group_id == group.id))
        session.flush()
        want_groups(session, PttGroup.id == group.id)


def leave_association(member: AssociationMember) -> None:
    """The customer leaves: his licenses go out of the association's groups, on the server too."""
    with transaction() as session:
        member.move_to(MemberState.LEFT)
        groups = list(session.scalars(select(PttGroup.id).where(PttGroup.association_id == member.association_id)))
        own = select(License.id).where(License.customer_id == member.customer_id)
        touched = list(session.scalars(select(group_member.c.group_id).where(group_member.c.group_id.in_(groups), group_member.c.license_id.in_(own)).distinct()))
        session.execute(delete(group_member).where(group_member.c.group_id.in_(touched), group_member.c.license_id.in_(own)))
        if touched:
            want_groups(session, PttGroup.id.in_(touched), ~PttGroup.deleted)
