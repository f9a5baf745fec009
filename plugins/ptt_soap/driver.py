"""The driver: computes the smallest list of calls that makes a PTT server match."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from flask_babel import lazy_gettext as _

from app.plugin_api import GroupState, Health, ProvisioningDriver, Refused, ServerAccess, TryLater, Unknown, UserState
from app.plugin_api.network import NetworkPolicy, configured_policy
from plugins.ptt_soap import checks, groups
from plugins.ptt_soap.clients import Clients
from plugins.ptt_soap.order import Order, Said
from plugins.ptt_soap.profile import USER_FIELDS, Profile, load_profiles
from plugins.ptt_soap.states import carried, check_carried, differences, read_group, read_user, told

# capability → operations of a profile that make it
CAPABILITIES: dict[str, tuple[str, ...]] = {
    "user": ("create_user", "delete_user", "get_user"), "password": ("set_password",),
    "lock": ("lock_user", "unlock_user"), "group": ("create_group", "delete_group", "get_group"),
    "member": ("add_member", "remove_member"), "list": ("list_users", "list_groups"),
}


class SoapDriver(ProvisioningDriver):
    """PTT servers that are managed over SOAP. A profile says what a kind of server calls its operations.

    `policy` decides which networks may be reached; by default the application's PTT_ALLOWED_NETS."""

    code: ClassVar[str] = "ptt_soap"
    title = _("PTT server over SOAP")

    def __init__(self, policy: NetworkPolicy | Callable[[], NetworkPolicy] | None = None,
                 profiles: Mapping[str, Profile] | None = None):
        chosen = policy or configured_policy
        self.profiles = dict(profiles if profiles is not None else load_profiles())
        self.clients = Clients(chosen if callable(chosen) else lambda: chosen, self.profiles)

    def capabilities(self) -> frozenset[str]:
        """What the driver can do for at least one profile; `capabilities_of` says it for one."""
        return frozenset().union(*(self.capabilities_of(code) for code in self.profiles))

    def capabilities_of(self, profile: str) -> frozenset[str]:
        made = self.profiles[profile]
        can = {name for name, needed in CAPABILITIES.items() if all(n in made.operations for n in needed)}
        if "enabled" in carried(made, "modify_user"):
            can.add("lock")
        if "set_members" in made.operations and "group" in can:
            can.add("member")
        if "services" in carried(made, "create_user") & carried(made, "modify_user"):
            can.add("services")
        return frozenset(can)

    def check(self, server: ServerAccess) -> Health:
        return checks.check(self.clients, server)

    # users -----------------------------------------------------------------------------------------------------
    def apply_user(self, server: ServerAccess, desired: UserState, observed: UserState | None, *,
                   unsure: bool) -> UserState:
        """Without `unsure` a user that was never there is created at once: should it exist, the server says so, and
        what it has is read and brought in line. That saves a call for each new license and is as safe."""
        order = Order(self.clients, server, unsure=unsure)
        with order.settling():
            if unsure:
                observed = self._read(order, desired.name)
                order.known = True
            if not desired.exists:
                if observed is not None or not unsure:
                    self._delete(order, desired.name)
                return UserState(desired.name, exists=False)
            check_carried(order.profile, desired)
            if observed is None or not observed.exists:
                observed = self._create(order, desired)
            try:
                return self._match(order, desired, observed)
            except Said as problem:
                if problem.kind != "missing":
                    raise
                # It was deleted on the server by somebody else: what is wanted is that it exists.
                return self._match(order, desired, self._create(order, desired))

    def _match(self, order: Order, desired: UserState, observed: UserState) -> UserState:
        changes = differences(order.profile, desired, observed)
        by_modify = "enabled" in carried(order.profile, "modify_user")
        if desired.enabled != observed.enabled and by_modify and (changes or not order.can("lock_user")):
            changes["enabled"] = desired.enabled
        state = observed
        # Locked first and unlocked last: nobody talks for a moment with rights that he shall not have.
        if state.enabled and not desired.enabled and "enabled" not in changes:
            state = self._switch(order, "lock_user", state)
        if changes:
            state = self._modify(order, desired, state, changes)
        if desired.enabled and not state.enabled:
            state = self._switch(order, "unlock_user", state)
        return state

    def _create(self, order: Order, desired: UserState) -> UserState:
        """The user as it is on the server after an attempt to create it, whoever did."""
        sent = carried(order.profile, "create_user")
        values = {name: getattr(desired, name) for name in USER_FIELDS}
        basis = UserState(desired.name, **{name: values[name] for name in USER_FIELDS[1:] if name in sent})
        try:
            return self._after(order, "create_user", values, basis)
        except Said as problem:
            if problem.kind != "exists":
                raise
        found = self._read(order, desired.name)
        order.known = True
        if found is None:
            raise Refused(_("The server says that the user %(name)s exists, but does not show it. Choose another name.",
                            name=desired.name))
        return found

    def _modify(self, order: Order, desired: UserState, state: UserState, changes: dict[str, Any]) -> UserState:
        return self._after(order, "modify_user", {"name": desired.name, **changes}, replace(state, **changes))

    def _switch(self, order: Order, operation: str, state: UserState) -> UserState:
        wanted = replace(state, enabled=operation == "unlock_user")
        try:
            return self._after(order, operation, {"name": state.name}, wanted)
        except Said as problem:
            if problem.kind != "exists":        # "is already locked" is what was wanted, if it is true
                raise
            found = self._read(order, state.name)
            if found is None or found.enabled != wanted.enabled:
                raise
            return found

    def _after(self, order: Order, operation: str, values: dict[str, Any], basis: UserState) -> UserState:
        """Call, and what is on the server now: `basis` where the answer says nothing."""
        element = order.call(operation, values)
        if order.operation(operation).answer is None:
            return basis
        entry = order.entry(operation, element)
        state = told(order.profile, entry, basis) if entry is not None else None
        if state is None:
            raise Unknown(_("The server's answer does not name the user %(name)s.", name=basis.name))
        return state

    @staticmethod
    def _delete(order: Order, name: str) -> None:
        try:
            order.call("delete_user", {"name": name})
        except Said as problem:
            if problem.kind != "missing":
                raise

    @staticmethod
    def _read(order: Order, name: str) -> UserState | None:
        try:
            element = order.call("get_user", {"name": name})
        except Said as problem:
            if problem.kind == "missing":
                return None
            raise
        entry = order.entry("get_user", element)
        state = told(order.profile, entry, UserState(name)) if entry is not None else None
        if state is None:   # an empty answer does not prove that there is no such user
            raise TryLater(_("The server's answer does not name the user %(name)s.", name=name))
        return state

    def get_user(self, server: ServerAccess, name: str) -> UserState | None:
        return self._read(Order(self.clients, server), name)

    def list_users(self, server: ServerAccess) -> Iterator[UserState]:
        order = Order(self.clients, server)
        for entry in order.entries("list_users"):
            state = read_user(order.profile, entry)
            if state is None:
                raise TryLater(_("The server's list holds an entry without a name."))
            yield state

    def set_password(self, server: ServerAccess, name: str, password: str) -> None:
        Order(self.clients, server).call("set_password", {"name": name, "password": password})

    # groups ----------------------------------------------------------------------------------------------------
    def apply_group(self, server: ServerAccess, desired: GroupState, observed: GroupState | None, *,
                    unsure: bool) -> GroupState:
        return groups.apply(Order(self.clients, server, unsure=unsure), desired, observed, unsure)

    def list_groups(self, server: ServerAccess) -> Iterator[GroupState]:
        order = Order(self.clients, server)
        for entry in order.entries("list_groups"):
            state = read_group(order.profile, entry)
            if state is None:
                raise TryLater(_("The server's list holds an entry without a name."))
            yield state
