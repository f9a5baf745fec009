"""Kind "wsdl": what the server answers when the WSDL is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from conformance.runner import NotUnderstood
from conformance.topics.soap import documents as d
from conformance.topics.soap.responses import HTML, PAGE, marker_file, secrets_of
from conformance.topics.soap.server import Reply, Script, Server, self_signed
from conformance.topics.soap.stage import Situation
from conformance.topics.soap.words import missing_name, says, size_in, status_in, urls_in

KNOWN_INPUT = {"what", "wsdl", "status", "headers", "operation", "operations"}
VERBS = (("delete", "delete_user"), ("remove", "delete_user"), ("unlock", "unlock_user"), ("lock", "lock_user"),
         ("suspend", "lock_user"), ("create", "create_user"), ("add", "create_user"), ("modify", "modify_user"),
         ("change", "modify_user"), ("update", "modify_user"), ("password", "set_password"), ("get", "get_user"),
         ("read", "get_user"), ("list", "get_user"))
Maker = Callable[[str], Script]


def build(case: dict[str, Any]) -> list[Situation]:
    data = case.get("input")
    if not isinstance(data, dict) or not isinstance(data.get("what", data.get("wsdl")), str):
        raise NotUnderstood("input.what is no text")
    unknown = set(data) - KNOWN_INPUT
    if unknown:
        raise NotUnderstood(f"input has keys that are not known: {', '.join(sorted(unknown))}")
    what = data.get("what", data.get("wsdl"))
    words = f"{what} {case.get('name', '')}"
    marker = str(marker_file())
    situations = _situations(words, what, str(case.get("name", "")))
    for situation in situations:
        situation.wsdl = True
        situation.secret_files.append(marker)
        situation.secret_texts += secrets_of([marker])
    return situations


def served(reply: Callable[[str], Reply], part: Reply | None = None) -> Maker:
    """Answers every GET with `reply(own address)`, or with `part` where it asks for an imported document; every call
    with a good answer."""
    def at(url: str) -> Script:
        def script(method: str, path: str, body: bytes) -> Reply:
            if part is not None and method == "GET" and not path.startswith("/service"):
                return part
            return reply(url) if method == "GET" else Reply(d.good("x").encode())
        return script
    return at


def document(**options: Any) -> Maker:
    operations, address, part = options.pop("operations", d.OPERATIONS), options.pop("address", ""), options.pop("part", None)
    return served(lambda url: Reply(d.wsdl(address or f"{url}/service", dict.fromkeys(operations.values(), ()), **options)), part)


def _places(words: str, default: str) -> tuple[list[str], list[Server]]:
    """Addresses that the WSDL points to: as written, and a host on this machine that tells whether it was asked."""
    canary = Server(lambda *_request: Reply(b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'))
    written = urls_in(words) or re.findall(r"""location\s*=\s*["']([^"']+)""", words, re.IGNORECASE)
    return written or [default], [canary]


def _pointing(words: str, default: str, make: Callable[[str], Maker]) -> list[Situation]:
    """A situation for each address of the words, and one whose address is the canary's."""
    places, (canary,) = _places(words, default)
    situations = [Situation(make(place)) for place in places]
    paths = [re.sub(r"^file:/*", "/", place) for place in places if place.startswith("file:")]
    for situation in situations:
        situation.secret_files += paths
        situation.secret_texts += secrets_of(paths)
    if any(place.startswith("file:") for place in places):
        situations.append(Situation(make(f"file://{marker_file()}")))
    if any(re.match(r"(?!file:)\w+:", place) for place in places):
        def late(url: str) -> Script:
            path = urlsplit(places[0]).path or "/x"
            return make(urlunsplit(("http", f"127.0.0.1:{canary.port}", path, "", "")))(url)
        situations.append(Situation(late, foreign=[canary]))
    return situations


def _situations(words: str, what: str, name: str) -> list[Situation]:
    if what.lstrip().startswith("<") and "…" not in what:
        return [Situation(served(lambda _url: Reply(what.encode())))]
    if says(words, "billion laughs", "nested entit", "exponential", "quadratic"):
        prolog = d.laughs()
        return [Situation(document(prolog=prolog, top="<documentation>&e9;</documentation>"))]
    if says(words, r"\bxxe\b", "external entit", "<!entity"):
        def entity(place: str) -> Maker:
            return document(prolog=f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "{place}">]>',
                            top="<documentation>&x;</documentation>")
        return _pointing(words, f"file://{marker_file()}", entity)
    if says(words, r"\bdtd\b", "doctype", "document type"):
        def external(place: str) -> Maker:
            return document(prolog=f'<?xml version="1.0"?><!DOCTYPE d SYSTEM "{place}">')
        return _pointing(words, "http://127.0.0.1:9/x.dtd", external)
    if says(words, "redirect", r"\blocation:") or status_in(words) in (301, 302, 303, 307, 308):
        status = status_in(words) or 302
        if not urls_in(words) and says(words, "itself", "loop"):
            return [Situation(served(lambda url: Reply(b"", status, (("Location", f"{url}/service?wsdl"),))))]
        return _pointing(words, "http://169.254.169.254/", lambda place: served(
            lambda _url: Reply(b"", status, (("Location", place),))))
    if says(words, "cycl", "circular", "imports itself", "recursive", "endless", r"loop"):
        return [_cycle(words)]
    if says(words, r"\bwsdl:import|wsdl import"):
        return _pointing(words, "http://internal/x.wsdl", lambda place: document(
            part=_part(words, '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:other"/>'),
            imports=f'<import namespace="urn:other" location="{place}"/>'))
    if says(words, r"\binclude\b"):
        return _pointing(words, "http://internal/x.xsd", lambda place: document(
            part=_part(words, f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{d.NAMESPACE}"/>'),
            schema=f'<xs:include schemaLocation="{place}"/>'))
    if says(words, r"\bimport", "schemalocation"):
        return _pointing(words, "http://internal/x.xsd", lambda place: document(
            part=_part(words, '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:other"/>'),
            schema=f'<xs:import namespace="urn:other" schemaLocation="{place}"/>'))
    return _shape(words, what, name)


def _part(words: str, content: str) -> Reply:
    """The imported document, where it lies on the server itself."""
    gone = 404 if says(words, "missing", "not there", "not found", "broken link") else 200
    status = status_in(words) or gone
    return Reply(content.encode() if status == 200 else PAGE, status)


def _cycle(words: str) -> Situation:
    """The WSDL imports a schema (or WSDL) that imports the next one, and so on; the names never repeat when "endless"."""
    endless = says(words, "endless", "infinite", "never end")
    kind = "wsdl" if says(words, "wsdl.{0,12}import|imports? .{0,12}wsdl") else "xsd"

    def at(url: str) -> Script:
        def script(method: str, path: str, body: bytes) -> Reply:
            if method != "GET":
                return Reply(d.good("x").encode())
            number = int((re.search(r"/(\d+)\.", path) or [0, "0"])[1])
            following = f"{url}/{number + 1 if endless else 1 - number % 2}.{kind}"
            if path.endswith(".xsd"):
                return Reply(f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:n{number}">'
                             f'<xs:import namespace="urn:n{number + 1 if endless else 1 - number % 2}"'
                             f' schemaLocation="{following}"/></xs:schema>'.encode())
            imports = f'<import namespace="{d.NAMESPACE}" location="{following}"/>' if kind == "wsdl" else ""
            schema = f'<xs:import namespace="urn:n0" schemaLocation="{url}/0.xsd"/>' if kind == "xsd" else ""
            return Reply(d.wsdl(f"{url}/service", dict.fromkeys(d.OPERATIONS.values(), ()), imports=imports, schema=schema))
        return script
    return Situation(at)


def _shape(words: str, what: str, name: str) -> list[Situation]:
    if says(words, "no service", "without (a )?service"):
        return [Situation(document(service=False))]
    lacks = missing_name(what) or (missing_name(name) if says(name, "operation") else "")
    if (says(words, "operation") and says(words, "missing", "lack", "without", "absent", r"\bno\b")) or (
            lacks and says(what, "lack", "without")):
        return [_lacking(lacks or "dropOne")]
    if says(words, r"\brpc\b", "encoded"):
        style = "rpc" if says(words, r"\brpc\b") else "document"
        return [Situation(document(style=style, use="encoded" if says(words, "encoded") else "literal"))]
    if says(words, "connection refused", r"\bdown\b", "nothing listens", "not reachable", "unreachable"):
        return [Situation(document(), down=True)]
    if says(words, "https") and says(words, "address|endpoint") and says(words, r"http:", "http address", "unprotected", "downgrade"):
        return [Situation(served(lambda url: Reply(d.wsdl(url.replace("https:", "http:") + "/service", dict.fromkeys(
            d.OPERATIONS.values(), ())))), tls=True, options={"ca_file": self_signed()[0]})]
    if says(words, "certificate", "self-?signed", r"\btls\b", r"\bssl\b", "expired"):
        return [Situation(document(), tls=True)]
    if says(words, r"soap:address|address|endpoint") and (urls_in(words) or says(words, "other host", "internal", "localhost")):
        return _pointing(words, "http://internal/service", lambda place: document(address=place))
    if says(words, r"soap ?1\.2"):
        return [Situation(document(soap="1.2"))]
    if says(words, r"wsdl ?2"):
        return [Situation(served(lambda _url: Reply(b'<description xmlns="http://www.w3.org/ns/wsdl"/>')))]
    size = size_in(words)
    if size or says(words, r"\bhuge\b", "very large"):
        return [_large(size or 5_000_000)]
    odd = _odd(words)
    return [Situation(served(lambda _url: odd))]


def _lacking(call: str) -> Situation:
    """A profile that needs the operation `call`, and a WSDL that has all others."""
    canonical = next((c for verb, c in VERBS if verb in call.lower()), "delete_user")
    needed = {**d.OPERATIONS, canonical: call}
    there = {c: w for c, w in needed.items() if c != canonical}
    return Situation(document(operations=there), lacks=call, operations=needed)


def _large(size: int) -> Situation:
    if size <= 8_000_000:
        whole = d.wsdl("URL", dict.fromkeys(d.OPERATIONS.values(), ()), padding=max(0, size - 20_000))
        return Situation(served(lambda url: Reply(whole.replace(b'"URL"', f'"{url}/service"'.encode()))))
    before, after = d.wsdl("URL", dict.fromkeys(d.OPERATIONS.values(), ()), top="<documentation>\0</documentation>").decode().split("\0")
    return Situation(served(lambda url: Reply(partial(d.stream, before, size, after.replace('"URL"', f'"{url}/service"')))))


def _odd(words: str) -> Reply:
    """Not a WSDL at all, or none that arrives."""
    whole = d.wsdl("http://127.0.0.1/service", dict.fromkeys(d.OPERATIONS.values(), ()))
    status = status_in(words)
    if says(words, r"\b1 byte\b|byte (per|a) second|one byte|byte by byte", r"\bdrip", "trickle", r"\bslow"):
        return Reply(whole, pause=0.4)
    if says(words, "no answer", r"\bhangs?\b", "never answers", "does not answer", r"time-?\s?out", "no response"):
        return Reply(silent=True, then="hang")
    if says(words, "truncat", r"\bhalf\b", "incomplete", "cut off", "broken off", "breaks off", "in the middle"):
        return Reply(whole[:len(whole) // 2], then="close", missing=len(whole) // 2)
    if says(words, "reset", r"clos(e[sd]?|ing)\b", "disconnect", r"\bdrop", r"\bcut\b"):
        return Reply(silent=True, then="reset" if says(words, "reset") else "close")
    if says(words, "html", "web page", "login page", "error page", "maintenance"):
        return Reply(PAGE, status or 200, (HTML,))
    if says(words, r"\bempty\b", "no content", r"\b0 bytes"):
        return Reply(b"", status or 200)
    if says(words, "not well-?formed", "not xml", "no xml", "broken", "malformed", "syntax", "garbage", "invalid"):
        return Reply(b"<definitions><types>", status or 200)
    if status:
        return Reply(PAGE, status, (HTML,))
    raise NotUnderstood(f"no situation is known for {words!r}")
