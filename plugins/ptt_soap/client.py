"""One zeep client per process and server, kept; and a single call through it."""

from __future__ import annotations

import os
import re
import threading
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from email.parser import BytesParser
from typing import Any

import zeep
from flask_babel import lazy_gettext as _
from lxml import etree
from zeep.wsdl.bindings.soap import SoapBinding

from app.plugin_api import ProvisioningError, Refused, ServerAccess, TryLater, Unknown
from plugins.ptt_soap.breaker import Breaker
from plugins.ptt_soap.faults import ENVELOPES, SoapFault, clean, read_fault
from plugins.ptt_soap.network import Forbidden, NetworkPolicy, NotConnected
from plugins.ptt_soap.profile import Profile
from plugins.ptt_soap.transport import LOAD_SECONDS, Answer, GuardedTransport, NoAnswer, TooLarge, shown
from plugins.ptt_soap.wsdl import BadXml, parse_xml

KEPT_CLIENTS = 256


class Faulted(Exception):
    """The server answered with a fault; the caller knows what it means for the order."""

    def __init__(self, fault: SoapFault):
        super().__init__(fault.text)
        self.fault = fault


class AnswerTooLarge(Unknown):
    """As Unknown; a list may be asked for in smaller pages."""


@dataclass(slots=True)
class Client:
    """A parsed WSDL with its connections. `call` is safe between threads."""

    server: ServerAccess
    transport: GuardedTransport
    service: Any                                # zeep's proxy of the chosen port
    operations: Mapping[str, Any]               # operation of the WSDL → zeep's description of it
    breaker: Breaker

    def call(self, operation: str, arguments: Mapping[str, Any], *, writes: bool, probe: bool = False) -> etree._Element | None:
        """Element of the answer, None where the answer's body is empty. Raises Faulted or a ProvisioningError.

        `probe` asks even a server that the breaker keeps away from."""
        if not probe:
            _wait(self.breaker, self.server)
        if operation not in self.operations:
            raise Refused(_("The WSDL of %(server)s has no operation %(operation)s.", server=self.server.name,
                            operation=operation))
        try:
            element = self._read(operation, self._send(operation, arguments, writes), writes)
        except (TryLater, Unknown) as problem:
            self.breaker.bad(problem.reason)
            raise
        except (Faulted, Refused):
            self.breaker.good()
            raise
        self.breaker.good()
        return element

    def _send(self, operation: str, arguments: Mapping[str, Any], writes: bool) -> Answer:
        lost = Unknown if writes else TryLater
        try:
            return self.service[operation](**arguments)
        except NotConnected as problem:
            raise TryLater(problem.reason) from None
        except TooLarge as problem:
            raise AnswerTooLarge(problem.reason) from None
        except NoAnswer as problem:
            raise lost(problem.reason) from None
        except Forbidden as problem:
            raise TryLater(problem.reason) from None
        except Exception as problem:
            # The transport raises nothing else, so the request could not be written: nothing was sent.
            # zeep's text may hold values.
            what = clean(str(problem), (self.server.password, *_texts(arguments)))
            raise Refused(_("The request %(operation)s cannot be written as the WSDL asks: %(why)s", operation=operation,
                            why=what)) from None

    def _read(self, operation: str, answer: Answer, writes: bool) -> etree._Element | None:
        lost = Unknown if writes else TryLater
        body = None
        try:
            body = _body(answer)
        except BadXml as problem:
            if answer.status == 200:
                why = _("it is a web page") if _is_page(answer) else problem.reason
                raise lost(_("The answer of the server cannot be used: %(why)s.", why=why)) from None
        fault = read_fault(body, (self.server.password,)) if body is not None else None
        if fault is not None:
            raise Faulted(fault)
        if answer.status != 200 and not (answer.status in (201, 202, 204) and not answer.content):
            raise _by_status(answer, lost)
        if answer.content and body is None:
            raise lost(_("The answer of the server is no SOAP message."))
        element = next((n for n in body if isinstance(n.tag, str)), None) if body is not None else None
        expected = _expected(self.operations[operation])
        if element is None:
            if expected is not None and answer.status != 202:
                raise lost(_("The answer of the server is empty."))
            return None
        if expected is not None and element.tag != expected:
            raise lost(_("The server answered with %(got)s where %(expected)s was expected.",
                         got=clean(str(element.tag)), expected=expected))
        return element


def _wait(breaker: Breaker, server: ServerAccess) -> None:
    """TryLater while the breaker is open: nobody waits for a server that is down."""
    pause = breaker.wait(server.connect_timeout + server.read_timeout)
    if pause:
        raise TryLater(_("%(reason)s It is asked again in %(seconds)s seconds.", reason=breaker.reason, seconds=int(pause) + 1))


def _texts(arguments: Mapping[str, Any]) -> list[str]:
    """Values that no message shall repeat: passwords are among them."""
    return [v for v in arguments.values() if isinstance(v, str) and len(v) >= 4]


def _charset(kind: str) -> str | None:
    """The character set that a Content-Type names."""
    found = re.search(r"charset=[\"']?([\w.:-]{1,40})", kind, re.IGNORECASE)
    return found.group(1) if found else None


def _is_page(answer: Answer) -> bool:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/html"


def _body(answer: Answer) -> etree._Element | None:
    """The body of the envelope; None where there is no envelope. BadXml when the content is no XML."""
    content = answer.content
    if not content.strip():
        return None
    kind = answer.headers.get("Content-Type", "")
    if kind.lower().startswith("multipart/related"):
        head = kind.encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"")
        message = BytesParser().parsebytes(b"Content-Type: " + head + b"\r\n\r\n" + content)
        first = message.get_payload()[0] if message.is_multipart() else None
        content = first.get_payload(decode=True) if first is not None else b""      # type: ignore[union-attr, assignment]
    root = parse_xml(content, _charset(kind))
    if etree.QName(root).localname != "Envelope" or etree.QName(root).namespace not in ENVELOPES:
        return None
    return next((n for n in root if n.tag == f"{{{etree.QName(root).namespace}}}Body"), None)


def _by_status(answer: Answer, lost: type[ProvisioningError]) -> ProvisioningError:
    """What an HTTP status without a fault says."""
    status = answer.status
    if status in (401, 403):
        return Refused(_("The server does not accept the user name or the password (status %(status)s).", status=status))
    if 300 <= status < 400:
        return TryLater(_("The server sends on to %(url)s, which is not followed. Enter the address where it is now.",
                          url=shown(answer.headers.get("Location", "?"))))
    if status in (502, 504):
        return lost(_("A gateway before the server got no answer from it (status %(status)s).", status=status))
    return TryLater(_("The server answers with an error page (status %(status)s).", status=status))


def _expected(operation: Any) -> str | None:
    """Name of the element that a document/literal answer holds; None when anything goes (RPC) or nothing comes."""
    output = operation.output
    if operation.style == "rpc" or output is None or output.body is None or output._is_body_wrapped:
        return None
    qname = getattr(output.body, "qname", None)
    return qname.text if qname is not None else None


def build(server: ServerAccess, policy: NetworkPolicy, profile: Profile, breaker: Breaker) -> Client:
    """Read the WSDL and make a client. Every failure is TryLater: nothing is wrong with the order, and it goes out by
    itself as soon as the server, or its entry here, is mended. The reason stands beside it until then."""
    try:
        transport = GuardedTransport(server, policy)
        transport.load(server.wsdl)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # zeep warns of parts that it leaves out; check() names what is missing
            made = zeep.Client(server.wsdl, transport=transport, settings=zeep.Settings(
                strict=False, raw_response=True, forbid_dtd=True, forbid_entities=True, force_https=False,
                xml_huge_tree=False))
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


def _bind(made: zeep.Client, server: ServerAccess, transport: GuardedTransport, profile: Profile, breaker: Breaker) -> Client:
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
        os.register_at_fork(after_in_child=lambda: (kept := me()) and kept._forked())

    def _forked(self) -> None:
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
            _wait(breaker, server)
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
