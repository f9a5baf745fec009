"""Between the states of the contract and the words of a profile: reading answers, writing arguments, differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask_babel import lazy_gettext as _
from lxml import etree

from app.plugin_api import GroupState, Refused, UserState
from plugins.ptt_soap.profile import Operation, Profile

TRUE = frozenset({"true", "1", "yes", "active", "enabled", "unlocked"})
CHANGEABLE = ("alias", "phone", "mode", "device", "network", "services", "permissions")
LISTS = frozenset({"services", "permissions", "members"})


def find_all(node: etree._Element, path: str) -> list[etree._Element]:
    """Elements below `node` by a dotted path of local names; "" is the node itself."""
    found = [node]
    for name in path.split(".") if path else ():
        found = [child for parent in found for child in parent
                 if isinstance(child.tag, str) and etree.QName(child).localname == name]
    return found


def read_texts(node: etree._Element, path: str) -> list[str] | None:
    """Texts at the path ("a.b", or "a.@id" for an attribute); None when nothing stands there."""
    where, dot, last = path.rpartition(".")
    if last.startswith("@"):
        values = [n.get(last[1:]) for n in find_all(node, where if dot else "")]
        return [v.strip() for v in values if v is not None] or None
    nodes = find_all(node, path)
    if not nodes and "." in path and find_all(node, where):
        return []       # an empty wrapper is an empty list, not an unknown one
    return [(n.text or "").strip() for n in nodes] if nodes else None


def _read(profile: Profile, paths: Mapping[str, str], node: etree._Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, path in paths.items():
        texts = read_texts(node, path)
        if texts is None:
            continue
        words = [profile.from_server(name, text) for text in texts]
        if name in LISTS:
            found[name] = frozenset(w for w in words if w)
        else:
            found[name] = words[0] if words else ""
    return found


def read_user(profile: Profile, node: etree._Element) -> UserState | None:
    """The user at `node`; None when it has no name, so that it says nothing."""
    found = _read(profile, profile.user, node)
    if not found.get("name"):
        return None
    if "enabled" in found:
        found["enabled"] = found["enabled"].lower() in TRUE
    return UserState(**found)


def read_group(profile: Profile, node: etree._Element) -> GroupState | None:
    found = _read(profile, profile.group, node)
    return GroupState(**found) if found.get("name") else None


def write_arguments(profile: Profile, operation: Operation, values: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments for zeep: nested dicts by the paths of the profile. Names that the operation does not carry are left
    out; the caller has checked that none is lost."""
    request: dict[str, Any] = {}
    for path, value in operation.constants.items():
        _put(request, path, value)
    for name, path in operation.arguments.items():
        if name in values:
            value = profile.to_server(name, values[name])
            _put(request, path, sorted(value) if isinstance(value, (frozenset, set, tuple, list)) else value)
    return request


def _put(request: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    for step in way:
        request = request.setdefault(step, {})
    request[last] = value


def carried(profile: Profile, *operations: str) -> frozenset[str]:
    """Canonical fields that these operations of the profile can send."""
    return frozenset(name for operation in operations if operation in profile.operations
                     for name in profile.operations[operation].arguments)


def check_carried(profile: Profile, desired: UserState) -> None:
    """Refused when the server has no place for something that is asked for: nothing is dropped in silence."""
    can = carried(profile, "create_user", "modify_user")
    lost = [name for name in CHANGEABLE if getattr(desired, name) and name not in can]
    if lost:
        raise Refused(_("Servers of the kind %(profile)s have no place for: %(fields)s.", profile=profile.title,
                        fields=", ".join(lost)))


def differences(profile: Profile, desired: UserState, observed: UserState) -> dict[str, Any]:
    """Fields to change besides `enabled`; Refused when the server cannot change one of them."""
    changes = {name: getattr(desired, name) for name in CHANGEABLE if getattr(desired, name) != getattr(observed, name)}
    fixed = sorted(set(changes) - carried(profile, "modify_user"))
    if fixed:
        raise Refused(_("Servers of the kind %(profile)s cannot change: %(fields)s. Delete the user there and create it anew.",
                        profile=profile.title, fields=", ".join(fixed)))
    return changes


def told(profile: Profile, node: etree._Element, basis: UserState) -> UserState | None:
    """`basis` with what the answer says about the user; None when it says nothing or speaks of another one."""
    found = read_user(profile, node)
    if found is None or found.name.casefold() != basis.name.casefold():
        return None
    values = {name: getattr(found, name) for name in (*CHANGEABLE, "enabled") if name in profile.user}
    return replace(basis, exists=True, **values)
