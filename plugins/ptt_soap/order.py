"""The calls of one order: canonical operations in, what the server's answers mean for the order out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask_babel import lazy_gettext as _
from lxml import etree

from app.plugin_api import ProvisioningError, Refused, ServerAccess, TryLater, Unknown
from plugins.ptt_soap.client import AnswerTooLarge, Client, Faulted
from plugins.ptt_soap.clients import Clients
from plugins.ptt_soap.faults import classify
from plugins.ptt_soap.profile import READING, Operation
from plugins.ptt_soap.states import find_all, write_arguments


class Said(Refused):
    """The server named a state of things: `kind` is "exists", "missing" or "not_member". Uncaught it is a refusal."""

    def __init__(self, reason: Any, kind: str):
        super().__init__(reason)
        self.kind = kind


class Order:
    """`changed`: a call of this order went through. `known`: the state on the server is known."""

    def __init__(self, clients: Clients, server: ServerAccess, *, unsure: bool = False, probe: bool = False):
        self.clients = clients
        self.server = server
        self.profile = clients.profile(server)
        self.changed = False
        self.known = not unsure
        self._probe = probe

    def operation(self, name: str) -> Operation:
        try:
            return self.profile.operations[name]
        except KeyError:
            raise Refused(_("Servers of the kind %(profile)s cannot do this: %(operation)s.", profile=self.profile.title,
                            operation=OPERATION_WORDS[name])) from None

    def can(self, name: str) -> bool:
        return name in self.profile.operations

    def call(self, name: str, values: Mapping[str, Any], extra: Mapping[str, Any] | None = None,
             client: Client | None = None) -> etree._Element | None:
        """One call. Said, Refused, TryLater or Unknown; a fault of a reading call never leaves anything unclear."""
        operation = self.operation(name)
        writes = name not in READING
        client = client or self.clients.get(self.server)
        request = write_arguments(self.profile, operation, values)
        request.update(extra or {})
        try:
            element = client.call(operation.call, request, writes=writes, probe=self._probe)
        except Faulted as problem:
            raise self._meaning(problem, writes) from None
        except AnswerTooLarge as problem:
            if name.startswith("list_"):
                raise
            raise (Unknown if writes else TryLater)(problem.reason) from None
        if writes:
            self.changed = True
        return element

    def _meaning(self, problem: Faulted, writes: bool) -> ProvisioningError:
        fault = problem.fault
        text = fault.text or (fault.codes[0] if fault.codes else "")
        reason = _("The server says: %(text)s", text=text) if text else _("The server refuses without a reason.")
        kind = classify(fault, self.profile.faults)
        if kind == "later":
            return TryLater(reason)
        if kind == "unknown":
            return Unknown(reason) if writes else TryLater(reason)
        return Refused(reason) if kind == "refused" else Said(reason, kind)

    def entry(self, name: str, element: etree._Element | None) -> etree._Element | None:
        """Where the answer of the operation holds the user or group; None when it holds none."""
        path = self.operation(name).answer
        if path is None or element is None:
            return None
        return next(iter(find_all(element, path)), None)

    def entries(self, name: str) -> Iterator[etree._Element]:
        """All entries of a list, page by page."""
        operation = self.operation(name)
        if operation.paging is None:
            element = self.call(name, {})
            yield from find_all(element, operation.items) if element is not None else ()
            return
        paging, size, seen, page = operation.paging, operation.paging.size, 0, operation.paging.first_page
        while True:
            extra: dict[str, Any] = {paging.offset: seen} if paging.offset else {paging.page: page}
            if paging.limit:
                extra[paging.limit] = size
            try:
                element = self.call(name, {}, extra)
            except AnswerTooLarge as problem:
                if not (paging.offset and paging.limit) or size == 1:
                    raise TryLater(problem.reason) from None
                size = max(1, size // 4)
                continue
            found = find_all(element, operation.items) if element is not None else []
            yield from found
            seen, page = seen + len(found), page + 1
            if len(found) < size:
                return

    @contextmanager
    def settling(self) -> Iterator[None]:
        """After a call that went through, a later failure leaves the order half done: the state is to be read first."""
        try:
            yield
        except TryLater as problem:
            if self.changed or not self.known:
                raise Unknown(problem.reason) from None
            raise
        except Refused as problem:
            problem.partly = self.changed
            raise


OPERATION_WORDS: dict[str, Any] = {
    "ping": _("test the connection"), "create_user": _("create a user"), "modify_user": _("change a user"),
    "delete_user": _("delete a user"), "set_password": _("set a password"), "lock_user": _("lock a user"),
    "unlock_user": _("unlock a user"), "get_user": _("read a user"), "list_users": _("list the users"),
    "create_group": _("create a group"), "modify_group": _("change a group"), "delete_group": _("delete a group"),
    "add_member": _("add a member to a group"), "remove_member": _("remove a member from a group"),
    "set_members": _("set the members of a group"), "get_group": _("read a group"), "list_groups": _("list the groups"),
}
