"""What each operation does: arguments of the request in, answer as nested dicts out, `Fault` for a no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator import rules
from simulator.rules import Fault
from simulator.store import Store, User

VERSION = "1.0"
MAX_PAGE = 1000
Arguments = dict[str, Any]      # element → text, list of texts, or absent
Answer = dict[str, Any]
# element of the request → field of a user
TEXTS = {"displayName": "alias", "msisdn": "phone", "pttMode": "mode", "device": "device", "network": "network"}


def user_answer(user: User) -> Answer:
    return {"userName": user.name, "displayName": user.alias, "msisdn": user.phone, "pttMode": user.mode,
            "device": user.device, "network": user.network, "services": {"code": user.services},
            "permissions": {"code": user.permissions}, "enabled": user.enabled}


def group_answer(name: str, title: str, members: list[str]) -> Answer:
    return {"groupName": name, "title": title, "members": {"userName": members}}


def _flag(text: str) -> bool:
    if text not in ("true", "false", "1", "0"):
        raise Fault("InvalidValue", "enabled is true or false.")
    return text in ("true", "1")


def _number(arguments: Arguments, name: str, low: int, high: int) -> int:
    text = arguments.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise Fault("InvalidValue", f"{name} is a number between {low} and {high}.")
    return int(text)


class Operations:
    """`call(operation, arguments)` for every operation of the WSDL."""

    def __init__(self, store: Store, modes: tuple[str, ...] = rules.MODES):
        self.store = store
        self.modes = modes

    def call(self, name: str, arguments: Arguments) -> Answer:
        method: Callable[[Arguments], Answer] = getattr(self, f"do_{name}")
        return method(arguments)

    def _fields(self, arguments: Arguments) -> dict[str, Any]:
        """The fields of a user that the request names, checked."""
        found: dict[str, Any] = {field: rules.check_text(element, arguments[element])
                                 for element, field in TEXTS.items() if element in arguments}
        if "phone" in found:
            rules.check_phone(found["phone"])
        if "mode" in found:
            rules.check_mode(found["mode"], self.modes)
        for name in ("services", "permissions"):
            if name in arguments:
                found[name] = rules.check_codes(name, arguments[name])
        return found

    def do_ping(self, arguments: Arguments) -> Answer:
        totals = self.store.totals()
        return {"version": VERSION, "users": totals["users"], "groups": totals["groups"]}

    def do_createUser(self, arguments: Arguments) -> Answer:
        user = User(rules.check_user_name(arguments["userName"]), **self._fields(arguments),
                    enabled=_flag(arguments.get("enabled", "true")))
        password = arguments.get("password", "")
        if password:
            rules.check_password(password)
        return {"user": user_answer(self.store.create_user(user, password))}

    def do_modifyUser(self, arguments: Arguments) -> Answer:
        user = self.store.change_user(arguments["userName"], "modifyUser", **self._fields(arguments))
        return {"user": user_answer(user)}

    def do_deleteUser(self, arguments: Arguments) -> Answer:
        self.store.delete_user(arguments["userName"])
        return {"deleted": True}

    def do_setPassword(self, arguments: Arguments) -> Answer:
        self.store.set_password(arguments["userName"], rules.check_password(arguments["password"]))
        return {"changed": True}

    def do_lockUser(self, arguments: Arguments) -> Answer:
        return {"user": user_answer(self.store.change_user(arguments["userName"], "lockUser", enabled=False))}

    def do_unlockUser(self, arguments: Arguments) -> Answer:
        return {"user": user_answer(self.store.change_user(arguments["userName"], "unlockUser", enabled=True))}

    def do_getUser(self, arguments: Arguments) -> Answer:
        return {"user": user_answer(self.store.get_user(arguments["userName"]))}

    def do_listUsers(self, arguments: Arguments) -> Answer:
        total, users = self.store.users(_number(arguments, "offset", 0, 99_999_999),
                                        _number(arguments, "limit", 1, MAX_PAGE))
        return {"total": total, "user": [user_answer(user) for user in users]}

    def do_createGroup(self, arguments: Arguments) -> Answer:
        count = self.store.create_group(rules.check_group_name(arguments["groupName"]),
                                        rules.check_text("title", arguments.get("title", "")),
                                        arguments.get("members", []))
        return {"memberCount": count}

    def do_modifyGroup(self, arguments: Arguments) -> Answer:
        self.store.change_group(arguments["groupName"], rules.check_text("title", arguments["title"]))
        return {"changed": True}

    def do_deleteGroup(self, arguments: Arguments) -> Answer:
        self.store.delete_group(arguments["groupName"])
        return {"deleted": True}

    def do_addMember(self, arguments: Arguments) -> Answer:
        self.store.add_member(arguments["groupName"], arguments["userName"])
        return {"changed": True}

    def do_removeMember(self, arguments: Arguments) -> Answer:
        self.store.remove_member(arguments["groupName"], arguments["userName"])
        return {"changed": True}

    def do_setMembers(self, arguments: Arguments) -> Answer:
        return {"memberCount": self.store.set_members(arguments["groupName"], arguments["members"])}

    def do_getGroup(self, arguments: Arguments) -> Answer:
        title, members = self.store.get_group(arguments["groupName"])
        return {"group": group_answer(arguments["groupName"], title, members)}

    def do_listGroups(self, arguments: Arguments) -> Answer:
        total, groups = self.store.groups(_number(arguments, "offset", 0, 99_999_999),
                                          _number(arguments, "limit", 1, MAX_PAGE))
        return {"total": total, "group": [group_answer(*group) for group in groups]}
