"""The connection test: everything that would fail at night is named now, in words."""

from __future__ import annotations

import logging
import time
from typing import Any

from flask_babel import gettext as _

from app.plugin_api import Health, ProvisioningError, ServerAccess
from plugins.ptt_soap.client import Client
from plugins.ptt_soap.clients import Clients
from plugins.ptt_soap.order import OPERATION_WORDS, Order, Said
from plugins.ptt_soap.profile import Operation
from plugins.ptt_soap.states import read_texts

log = logging.getLogger(__name__)
NOBODY = "ptt-admin-check"      # asked for where the profile has no ping; need not exist


def check(clients: Clients, server: ServerAccess) -> Health:
    """Reads the WSDL anew, compares it with the profile, then calls the server once. Never raises."""
    try:
        order = Order(clients, server, probe=True)
        client = clients.fresh(server)
        problems = _compare(order, client)
        return _ask(order, client, problems)
    except ProvisioningError as problem:
        return Health(False, (str(problem.reason),))
    except Exception:
        log.exception("The test of the PTT server %s failed.", server.id)
        return Health(False, (_("The test failed for a reason that is not known. See the log of the application."),))


def _compare(order: Order, client: Client) -> list[str]:
    problems = []
    for name, operation in order.profile.operations.items():
        if operation.call not in client.operations:
            problems.append(_("The WSDL has no operation %(operation)s. It is needed to %(purpose)s.",
                              operation=operation.call, purpose=OPERATION_WORDS[name]))
            continue
        unknown = [path for path in _paths(operation) if not _takes(client.operations[operation.call], path)]
        if unknown:
            problems.append(_("The operation %(operation)s of the WSDL takes no %(arguments)s.", operation=operation.call,
                              arguments=", ".join(unknown)))
    return problems


def _paths(operation: Operation) -> list[str]:
    paging = operation.paging
    extra = (paging.limit, paging.offset, paging.page) if paging else ()
    return [*operation.arguments.values(), *operation.constants, *(p for p in extra if p)]


def _takes(operation: Any, path: str) -> bool:
    """Whether the request of zeep's operation has an element at the dotted path."""
    body = operation.input.body if operation.input is not None else None
    kind = body.type if body is not None else None
    for step in path.split("."):
        elements = dict(getattr(kind, "elements", ()))
        attributes = dict(getattr(kind, "attributes", ()))
        found = elements.get(step) or attributes.get(step)
        if found is None:
            return False
        kind = found.type
    return True


def _ask(order: Order, client: Client, problems: list[str]) -> Health:
    """One call that changes nothing: is the server there, and does it accept the credentials?"""
    name = "ping" if order.can("ping") else "get_user"
    version, latency = "", None
    if order.operation(name).call in client.operations:
        began = time.perf_counter()
        try:
            element = order.call(name, {} if name == "ping" else {"name": NOBODY}, client=client)
            if element is not None and order.profile.version:
                version = next(iter(read_texts(element, order.profile.version) or ()), "")[:40]
        except Said:
            pass        # it answered
        except ProvisioningError as problem:
            problems.append(str(problem.reason))
        latency = round((time.perf_counter() - began) * 1000)
    return Health(not problems, tuple(problems), version, latency)
