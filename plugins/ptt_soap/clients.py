"""One zeep client per process and server: built once, kept, replaced when the server's entry changes."""

from __future__ import annotations

import os
import threading
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import zeep
from flask_babel import lazy_gettext as _
from lxml import etree
from zeep.wsdl.bindings.soap import SoapBinding

from app.plugin_api import ProvisioningError, Refused, ServerAccess, TryLater
from app.plugin_api.network import Forbidden, NetworkPolicy, NoAnswer, NotConnected, shown
from plugins.ptt_soap.breaker import Breaker
from plugins.ptt_soap.client import Client, wait
from plugins.ptt_soap.faults import clean
from plugins.ptt_soap.profile import Profile
from plugins.ptt_soap.transport import LOAD_SECONDS, GuardedTransport
from plugins.ptt_soap.wsdl import BadXml

KEPT_CLIENTS = 256
make_zeep_client: Any = zeep.Client     # zeep comes without types


def build(server: ServerAccess, policy: NetworkPolicy, profile: Profile, breaker: Breaker) -> Client:
    """Read the WSDL and make a client. Every failure is TryLater: nothing is wrong with the order, and it goes out by
    itself as soon as the server, or its entry here, is mended. The reason stands beside it until then."""
    try:
        transport = GuardedTransport(server, policy)
        transport.load(server.wsdl)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # zeep warns of parts that it leaves out; check() names what is missing
            made = make_zeep_client(server.wsdl, transport=transport, settings=zeep.Settings(
                strict=False, raw_response=True, forbid_dtd=True, forbid_entities=True, force_https=False))
        transport.loaded()
        return _bind(made, server, transport, profile, breaker)
    except ProvisioningError:
        raise
    except (NotConnected, Forbidden) as problem:
        raise TryLater(problem.reason) from None
    except NoAnswer as problem:
        raise TryLater(_("The WSDL cannot be read: %(why)s", why=problem.reason)) from None
    except BadXml as problem:
        raise TryLater(_("The WSDL cannot be used: %(why)s.", why=problem.reason)) from None
    except OSError:
        raise TryLater(_("The file with the certificates of trusted authorities cannot be read.")) from None
    except Exception as problem:        # zeep raises anything for a WSDL that is wrong in itself
        raise TryLater(_("The WSDL cannot be used: %(why)s.", why=clean(f"{type(problem).__name__} {problem}",
                                                                       (server.password,)))) from None


def _bind(made: Any, server: ServerAccess, transport: GuardedTransport, profile: Profile, breaker: Breaker) -> Client:
    """Choose the SOAP port: the profile's, else the one that has most of its operations."""
    bindings = {b.name: b for inspection in transport.inspections for b in inspection.bindings}
    wanted = {operation.call for operation in profile.operations.values()}
    ports = [port for service in made.wsdl.services.values() if profile.service in (None, service.name)
             for port in service.ports.values()
             if profile.port in (None, port.name) and isinstance(port.binding, SoapBinding)]
    if not ports:
        raise TryLater(_("The WSDL has no service with a SOAP binding over HTTP."))
    usable = []
    for port in ports:
        found = bindings.get(etree.QName(port.binding.name).localname)
        if found is None or not found.encoded:
            usable.append(port)
    if not usable:
        raise TryLater(_("The WSDL uses the binding rpc/encoded, which is not supported."
                        " Ask the maker of the server for a document/literal one."))
    port = max(usable, key=lambda p: len(wanted & set(p.binding.all())))
    address = server.endpoint or port.binding_options.get("address") or ""
    if not address:
        raise TryLater(_("The WSDL names no address for its service. Enter the address."))
    if not server.endpoint:
        place = transport.check_address(address)
        if transport.home.scheme == "https" and place.scheme != "https":
            raise TryLater(_("The WSDL was read over https, but names the unprotected address %(url)s."
                            " Enter the address that is to be used.", url=shown(address)))
    service = made.create_service(port.binding.name.text, address)
    return Client(server, transport, service, port.binding.all(), breaker)


class Clients:
    """The kept clients. Each is built once, however many threads ask; a failure is told to those who waited and
    is then forgotten, so that the next call tries again."""

    def __init__(self, policy: Callable[[], NetworkPolicy], profiles: Mapping[str, Profile], keep: int = KEPT_CLIENTS):
        self._policy = policy
        self.profiles = profiles
        self._keep = keep
        self._lock = threading.Lock()
        self._kept: OrderedDict[ServerAccess, Client] = OrderedDict()
        self._building: dict[ServerAccess, Future[Client]] = {}
        self._breakers: OrderedDict[ServerAccess, Breaker] = OrderedDict()
        me = weakref.ref(self)

        def forked() -> None:
            kept = me()
            if kept is not None:
                kept._forget()

        os.register_at_fork(after_in_child=forked)

    def _forget(self) -> None:
        """A child process makes its own connections; two processes on one socket would read each other's answers."""
        self._lock = threading.Lock()
        self._kept = OrderedDict()
        self._building = {}
        self._breakers = OrderedDict()

    def profile(self, server: ServerAccess) -> Profile:
        try:
            return self.profiles[server.profile]
        except KeyError:
            raise Refused(_("There is no profile %(profile)s. Choose one of: %(known)s.", profile=server.profile,
                            known=", ".join(sorted(self.profiles)))) from None

    def get(self, server: ServerAccess) -> Client:
        """The key is the whole access: a changed address, secret or revision never meets an old client."""
        with self._lock:
            client = self._kept.get(server)
            if client is not None:
                self._kept.move_to_end(server)
                return client
            breaker = self._breaker(server)
            future = self._building.get(server)
            mine = future is None
            if future is None:
                future = self._building[server] = Future()
        if mine:
            return self._build(server, breaker, future)
        try:
            return future.result(LOAD_SECONDS + server.connect_timeout + server.read_timeout)
        except ProvisioningError as problem:    # its own exception for each thread that waited
            raise type(problem)(problem.reason) from None
        except TimeoutError:
            raise TryLater(_("Reading the WSDL of %(server)s takes too long.", server=server.name)) from None

    def _build(self, server: ServerAccess, breaker: Breaker, future: Future[Client]) -> Client:
        try:
            wait(breaker, server)
            client = self.fresh(server, breaker)
        except BaseException as problem:
            with self._lock:
                self._building.pop(server, None)
            future.set_exception(problem if isinstance(problem, ProvisioningError) else TimeoutError())
            raise
        future.set_result(client)
        return client

    def fresh(self, server: ServerAccess, breaker: Breaker | None = None) -> Client:
        """Build a new client and keep it in place of an older one."""
        profile = self.profile(server)
        if breaker is None:
            with self._lock:
                breaker = self._breaker(server)
        try:
            client = build(server, self._policy(), profile, breaker)
        except TryLater as problem:
            breaker.bad(problem.reason)
            raise
        breaker.good()
        with self._lock:
            self._building.pop(server, None)
            old = [s for s in self._kept if s == server or (s.id == server.id and s.revision < server.revision)]
            gone = [self._kept.pop(s) for s in old]
            self._kept[server] = client
            while len(self._kept) > self._keep:
                gone.append(self._kept.popitem(last=False)[1])
        for former in gone:
            former.transport.close()
        return client

    def _breaker(self, server: ServerAccess) -> Breaker:
        breaker = self._breakers.pop(server, None) or Breaker()
        self._breakers[server] = breaker
        while len(self._breakers) > 4 * self._keep:
            self._breakers.popitem(last=False)
        return breaker
