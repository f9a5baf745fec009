"""What a kind of PTT server calls things, as data: one TOML file each in `profiles/`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "profiles"
USER_FIELDS = ("name", "alias", "phone", "mode", "device", "network", "services", "permissions", "enabled")
GROUP_FIELDS = ("name", "title", "members")
# canonical operation → arguments that it may carry
OPERATIONS: dict[str, tuple[str, ...]] = {
    "ping": (), "create_user": (*USER_FIELDS, "password"), "modify_user": USER_FIELDS, "delete_user": ("name",),
    "set_password": ("name", "password"), "lock_user": ("name",), "unlock_user": ("name",), "get_user": ("name",),
    "list_users": (), "create_group": GROUP_FIELDS, "modify_group": ("name", "title"), "delete_group": ("name",),
    "add_member": ("name", "member"), "remove_member": ("name", "member"), "set_members": ("name", "members"),
    "get_group": ("name",), "list_groups": (),
}
READING = frozenset({"ping", "get_user", "list_users", "get_group", "list_groups"})
FAULT_KINDS = ("exists", "missing", "not_member", "refused", "later", "unknown")


class BadProfile(ValueError):
    """The profile's file is wrong; says where."""


@dataclass(frozen=True, slots=True)
class Paging:
    """A list is asked for in pages: `offset` counts entries, `page` counts pages from `first_page`."""

    limit: str = ""
    offset: str = ""
    page: str = ""
    size: int = 200
    first_page: int = 1


@dataclass(frozen=True, slots=True)
class Operation:
    """`call` is the operation of the WSDL, `arguments` canonical field → path in its request ("services.code"),
    `constants` path → fixed value, `answer` the path of the user or group in the answer ("" is the answer itself,
    None: the answer says nothing), `items` the path of the entries of a list."""

    call: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    answer: str | None = None
    items: str = ""
    paging: Paging | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """`user` and `group`: canonical field → path below the entry. `values`: field → {canonical value: server's}.
    `faults`: the server's code → one of FAULT_KINDS."""

    code: str
    title: str
    operations: Mapping[str, Operation]
    user: Mapping[str, str] = field(default_factory=dict)
    group: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    version: str = ""           # path of the server's version in the answer of `ping`
    service: str | None = None
    port: str | None = None

    def to_server(self, name: str, value: Any) -> Any:
        """A canonical value as the server writes it."""
        table = self.values.get(name)
        if table:
            if isinstance(value, (frozenset, tuple, list)):
                return [table.get(v, v) for v in value]
            key = str(value).lower() if isinstance(value, bool) else value
            return table.get(key, value)
        return value

    def from_server(self, name: str, text: str) -> str:
        """The server's text as a canonical one."""
        for ours, theirs in self.values.get(name, {}).items():
            if theirs == text:
                return ours
        return text


def _known(where: str, data: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in data:
        if key not in allowed:
            raise BadProfile(f"{where}: {key!r} is unknown; known are {', '.join(allowed)}")


def _operation(where: str, name: str, data: Mapping[str, Any]) -> Operation:
    if name not in OPERATIONS:
        raise BadProfile(f"{where}: there is no operation {name!r}; known are {', '.join(OPERATIONS)}")
    where = f"{where}, {name}"
    _known(where, data, ("call", "arguments", "constants", "answer", "items", "paging"))
    if not isinstance(data.get("call"), str) or not data["call"]:
        raise BadProfile(f"{where}: `call` names the operation of the WSDL")
    _known(where, data.get("arguments", {}), OPERATIONS[name])
    if "name" in OPERATIONS[name] and "name" not in data.get("arguments", {}):
        raise BadProfile(f"{where}: the argument `name` is needed")
    paging = data.get("paging")
    if paging is not None:
        _known(where, paging, ("limit", "offset", "page", "size", "first_page"))
        if bool(paging.get("offset")) == bool(paging.get("page")) or not 1 <= paging.get("size", 200) <= 1000:
            raise BadProfile(f"{where}: paging takes either offset or page, and a size of 1 to 1000")
    if name.startswith("list_") and not data.get("items"):
        raise BadProfile(f"{where}: `items` is the path of the entries")
    return Operation(data["call"], dict(data.get("arguments", {})), dict(data.get("constants", {})), data.get("answer"),
                     data.get("items", ""), Paging(**paging) if paging else None)


def make_profile(data: Mapping[str, Any], where: str = "profile") -> Profile:
    """From the data of a file; BadProfile for what it does not understand."""
    _known(where, data, ("code", "title", "version", "service", "port", "user", "group", "values", "faults", "operations"))
    for key in ("code", "title", "operations"):
        if not data.get(key):
            raise BadProfile(f"{where}: `{key}` is missing")
    _known(f"{where}, user", data.get("user", {}), USER_FIELDS)
    _known(f"{where}, group", data.get("group", {}), GROUP_FIELDS)
    _known(f"{where}, faults", data.get("faults", {}), FAULT_KINDS)
    operations = {name: _operation(where, name, entry) for name, entry in data["operations"].items()}
    for name, fields in (("get_user", "user"), ("list_users", "user"), ("get_group", "group"), ("list_groups", "group")):
        if name in operations and "name" not in data.get(fields, {}):
            raise BadProfile(f"{where}: {name} needs the path of the name in [{fields}]")
    return Profile(
        data["code"], data["title"], operations, dict(data.get("user", {})), dict(data.get("group", {})),
        {k: dict(v) for k, v in data.get("values", {}).items()},
        {code: kind for kind, codes in data.get("faults", {}).items() for code in codes},
        data.get("version", ""), data.get("service"), data.get("port"))


def load_profiles(folder: Path = FOLDER) -> dict[str, Profile]:
    """code → profile, from every `*.toml` of the folder."""
    found: dict[str, Profile] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            profile = make_profile(tomllib.loads(path.read_text("utf-8")), path.name)
        except tomllib.TOMLDecodeError as problem:
            raise BadProfile(f"{path.name}: {problem}") from None
        if profile.code in found:
            raise BadProfile(f"{path.name}: the code {profile.code!r} is taken")
        found[profile.code] = profile
    return found
