"""Groups: title and members, with as few calls as the profile allows."""

from __future__ import annotations

from dataclasses import replace

from flask_babel import lazy_gettext as _

from app.plugin_api import GroupState, Refused, TryLater
from plugins.ptt_soap.order import Order, Said
from plugins.ptt_soap.states import carried, read_group


def apply(order: Order, desired: GroupState, observed: GroupState | None, unsure: bool) -> GroupState:
    """Make the group match; as `ProvisioningDriver.apply_group`."""
    with order.settling():
        if unsure:
            observed = read(order, desired.name)
            order.known = True
        if not desired.exists:
            if observed is not None or not unsure:
                _delete(order, desired.name)
            return GroupState(desired.name, exists=False)
        if observed is None or not observed.exists:
            observed = _create(order, desired)
        try:
            return _match(order, desired, observed)
        except Said as problem:
            if problem.kind != "missing":
                raise
            # Either the group is gone, which is mended, or a member is unknown, which is not.
            if read(order, desired.name) is not None:
                raise
            return _match(order, desired, _create(order, desired))


def read(order: Order, name: str) -> GroupState | None:
    try:
        element = order.call("get_group", {"name": name})
    except Said as problem:
        if problem.kind == "missing":
            return None
        raise
    entry = order.entry("get_group", element)
    state = read_group(order.profile, entry) if entry is not None else None
    if state is None or state.name.casefold() != name.casefold():
        raise TryLater(_("The server's answer does not name the group %(name)s.", name=name))
    return replace(state, name=name)


def _create(order: Order, desired: GroupState) -> GroupState:
    """The group as it is after an attempt to create it, whoever did."""
    sent = carried(order.profile, "create_group")
    try:
        order.call("create_group", {"name": desired.name, "title": desired.title, "members": desired.members})
    except Said as problem:
        if problem.kind != "exists":
            raise
        found = read(order, desired.name)
        order.known = True
        if found is None:
            raise Refused(_("The server says that the group %(name)s exists, but does not show it.",
                            name=desired.name)) from None
        return found
    return GroupState(desired.name, title=desired.title if "title" in sent else "",
                      members=desired.members if "members" in sent else frozenset())


def _delete(order: Order, name: str) -> None:
    try:
        order.call("delete_group", {"name": name})
    except Said as problem:
        if problem.kind != "missing":
            raise


def _match(order: Order, desired: GroupState, observed: GroupState) -> GroupState:
    name = desired.name
    if desired.title != observed.title:
        order.call("modify_group", {"name": name, "title": desired.title})
    new, old = desired.members - observed.members, observed.members - desired.members
    single = order.can("add_member") and order.can("remove_member")
    if new or old:
        if order.can("set_members") and (len(new) + len(old) > 1 or not single):
            order.call("set_members", {"name": name, "members": desired.members})
        else:
            for member in sorted(old):
                _remove(order, name, member)
            for member in sorted(new):
                _add(order, name, member)
    return GroupState(name, title=desired.title, members=desired.members)


def _add(order: Order, name: str, member: str) -> None:
    try:
        order.call("add_member", {"name": name, "member": member})
    except Said as problem:
        if problem.kind != "exists":    # a member already
            raise


def _remove(order: Order, name: str, member: str) -> None:
    try:
        order.call("remove_member", {"name": name, "member": member})
    except Said as problem:
        if problem.kind == "not_member":
            return
        if problem.kind == "missing" and read(order, name) is not None:
            return      # the user is gone, and his membership with him
        raise
