"""Kind "response": the server's WSDL is fine, its answer to a call is what the case shows or describes."""

from __future__ import annotations

import gzip
import re
import tempfile
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

from lxml import etree

from conformance.runner import NotUnderstood
from conformance.topics.soap import documents as d
from conformance.topics.soap.server import Reply, Script
from conformance.topics.soap.stage import Situation
from conformance.topics.soap.words import says, size_in, status_in, urls_in

KNOWN_INPUT = {"response", "status", "headers", "content_type", "encoding", "operation", "delay"}
MARK = "content-of-a-secret-file-7261"
HTML = ("Content-Type", "text/html; charset=utf-8")
PAGE = b"<html><head><title>Error</title></head><body><h1>Internal Server Error</h1><br></body></html>"


def build(case: dict[str, Any]) -> list[Situation]:
    """One situation, or several where one text can be played in several ways."""
    data = case.get("input")
    if not isinstance(data, dict) or not isinstance(data.get("response"), str):
        raise NotUnderstood("input.response is no text")
    unknown = set(data) - KNOWN_INPUT
    if unknown:
        raise NotUnderstood(f"input has keys that are not known: {', '.join(sorted(unknown))}")
    name, text = str(case.get("name", "")), data["response"]
    literal = _literal(text)
    if literal is None:
        words = f"{text} {name}"
        if says(words, "connection refused", "server (is )?down", "nothing listens"):
            return [Situation(_always(Reply()), down=True)]
        marker = str(marker_file())
        return [Situation(_always(_status(data, _described(words, text))), secret_files=[marker], secret_texts=secrets_of([marker]))]
    situations = [_written(case, data, form, files) for form, files in _forms(literal)]
    for situation in situations[1:]:
        situation.asked, situation.bait, situation.secret_texts = MARK, True, []
    return situations


def _literal(text: str) -> str | None:
    """The document that the case shows in full; None when it is described or cut short."""
    if "…" in text or "(built" in text or not text.strip().startswith(("<", "\ufeff<", "HTTP/", "{")):
        match = re.match(r"\s*(?:HTTP\s+)?([1-5]\d\d)\b[^<]{0,80}(<.*)", text, re.DOTALL)
        return None if match is None or "…" in text else match.group(2)
    return text


def _forms(text: str) -> list[tuple[str, list[str]]]:
    """The text as it is; and with each file that it names replaced by one whose content is known."""
    paths = [re.sub(r"^file:/*", "/", url) for url in urls_in(text) if url.startswith("file:")]
    forms = [(text, paths)]
    if paths:
        marker = marker_file()
        changed = text
        for url in urls_in(text):
            if url.startswith("file:"):
                changed = changed.replace(url, f"file://{marker}")
        forms.append((changed, [str(marker)]))
    return forms


@cache
def marker_file() -> Path:
    """A file whose content must never be seen."""
    folder = Path(tempfile.mkdtemp(prefix="secret-"))
    path = folder / "secret.txt"
    path.write_text(MARK, "utf-8")
    return path


def secrets_of(paths: Iterable[str]) -> list[str]:
    found = []
    for path in paths:
        try:
            lines = Path(path).read_text("utf-8", "replace").split("\n")
        except OSError:
            continue
        found += [line.strip() for line in lines[:3] if len(line.strip()) > 5]
    return found


def _written(case: dict[str, Any], data: dict[str, Any], text: str, paths: list[str]) -> Situation:
    name = str(case.get("name", ""))
    encoding = str(data.get("encoding") or _declared(text) or "utf-8")
    try:
        body = text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        body = text.encode()
    try:
        root = etree.fromstring(body, etree.XMLParser(recover=True, resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        root = None
    asked, fault, is_fault = "", "", False
    for node in root.iter() if root is not None else ():
        local = etree.QName(node).localname if isinstance(node.tag, str) else ""
        if not asked and local == "r" and re.fullmatch(r"[^\s<>&]{1,64}", (node.text or "").strip()) and node.text.isprintable():
            asked = (node.text or "").strip()
        is_fault = is_fault or local == "Fault"
        if local in ("faultstring", "Text") and node.text:
            fault = node.text.strip()
    kind = HTML if re.match(r"\s*(<!doctype\s+html|<html)", text, re.IGNORECASE) else d.XML
    status = status_in(f"{data['response'] if not data['response'].lstrip().startswith('<') else ''} {name}")
    reply = _status(data, Reply(body, status or (500 if is_fault else 200), (kind,)))
    return Situation(_always(reply), asked=asked or "x", fault=fault, answer=text, secret_files=paths, secret_texts=secrets_of(paths))


def _declared(text: str) -> str:
    found = re.match(r"\s*<\?xml[^>]*encoding=[\"']([\w-]+)", text)
    return found.group(1) if found else ""


def _status(data: dict[str, Any], reply: Reply) -> Reply:
    """What the case says besides the text: status and headers."""
    headers = list(reply.headers)
    for name, value in (data.get("headers") or {}).items():
        headers = [h for h in headers if h[0].lower() != name.lower()] + [(name, str(value))]
    if data.get("content_type"):
        headers = [h for h in headers if h[0] != "Content-Type"] + [("Content-Type", str(data["content_type"]))]
    return Reply(reply.body, int(data.get("status") or reply.status), tuple(headers), reply.then, reply.missing,
                 float(data.get("delay") or reply.pause), reply.chunked, reply.silent)


def _always(reply: Reply) -> Any:
    """Serves the WSDL, and `reply` for every call."""
    def at(url: str) -> Script:
        document = d.wsdl(f"{url}/service", dict.fromkeys(d.OPERATIONS.values(), ()))

        def script(method: str, path: str, body: bytes) -> Reply:
            return Reply(document) if method == "GET" else reply
        return script
    return at


def _described(words: str, text: str) -> Reply:
    """The answer that the words of the case describe."""
    good = d.good("x").encode()
    size, status = size_in(words), status_in(words)
    if says(words, "billion laughs", "nested entit", "exponential"):
        return Reply(d.laughs(d.good("", inside="&e9;")).encode())
    if says(words, "quadratic"):
        return Reply(d.quadratic().encode())
    if says(words, "parameter entit"):
        return Reply(('<?xml version="1.0"?><!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p.dtd">%p;]>' + d.good("x")).encode())
    if says(words, r"\bxxe\b", "external entit"):
        return Reply((f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY x SYSTEM "file://{marker_file()}">]>'
                      + d.good("", inside="&x;")).encode())
    if says(words, r"\bdtd\b", "doctype", "document type"):
        return Reply(('<?xml version="1.0"?><!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd">' + d.good("x")).encode())
    if says(words, "xinclude", "xi:include"):
        inside = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" parse="text" href="file://{marker_file()}"/>'
        return Reply(d.good("", inside=inside).encode())
    if says(words, r"\b(zip|gzip|compress\w*|decompression|deflate)\b.*\bbomb", r"bomb.*\b(zip|gzip|compress)"):
        return Reply(d.bomb(size or 50_000_000), headers=(d.XML, ("Content-Encoding", "gzip")))
    if says(words, r"\bgzip", "compressed"):
        return Reply(gzip.compress(good), headers=(d.XML, ("Content-Encoding", "gzip")))
    if says(words, r"\bdeep", "nesting", "nested element"):
        return Reply((d.good("", inside="<a>" * 20_000 + "</a>" * 20_000)).encode())
    if says(words, "attribute") and says(words, "huge", "long", "large", "many", r"\bMB\b"):
        before, after = d.good("\0").replace("<r>\0", '<r a="\0">x').split("\0")
        return Reply(partial(d.stream, before, size or 10_000_000, after))
    if size:
        before, after = d.good("\0").split("\0")
        return Reply(partial(d.stream, before, size, after))
    return _transport(words, text, status, good)


def _transport(words: str, text: str, status: int | None, good: bytes) -> Reply:
    if says(words, r"\b1 byte\b|byte (per|a) second|one byte|byte by byte", r"\bdrip", "trickle", "slowly", r"slow\b"):
        return Reply(good, pause=0.4)
    if says(words, "no answer", r"\bhangs?\b", "never answers", "does not answer", r"time-?\s?out", "no response", "too late"):
        return Reply(silent=True, then="hang")
    if says(words, "truncat", r"\bhalf\b", "incomplete", "cut off", "broken? off", "breaks off", "in the middle", "cut short"):
        return Reply(good[:len(good) // 2], then="close", missing=len(good) // 2)
    if says(words, "reset", r"clos(e[sd]?|ing)\b", r"\blost\b", "disconnect", r"\bdrops?\b|dropped", r"\bcut\b", "aborted"):
        return Reply(silent=True, then="reset" if says(words, "reset") else "close")
    if says(words, "json"):
        return Reply(b'{"error": "not supported"}', status or 200, (("Content-Type", "application/json"),))
    if says(words, "html", "web page", "login page", "error page", "maintenance"):
        return Reply(PAGE, status or 200, (HTML,))
    if says(words, "redirect") or status in (301, 302, 303, 307, 308):
        place = next(iter(urls_in(words)), "http://169.254.169.254/")
        return Reply(b"", status or 302, (("Location", place),))
    if says(words, r"\bempty\b", "no content", "nothing", r"\b0 bytes", "zero bytes", "without (a )?(body|content)"):
        inner = says(words, "empty (soap:)?body", "empty envelope") and status in (None, 200)
        return Reply(d.envelope("").encode() if inner else b"", status or 200)
    if says(words, r"\bmtom\b", "multipart", r"\bxop\b"):
        head, body = d.multipart(good.decode())
        return Reply(body, headers=(head,))
    if says(words, r"\bbom\b", "byte order mark"):
        return Reply(b"\xef\xbb\xbf" + good)
    if says(words, r"utf-?16"):
        return Reply(('<?xml version="1.0" encoding="utf-16"?>' + good.decode()).encode("utf-16"),
                     headers=(("Content-Type", "text/xml; charset=utf-16"),))
    if says(words, r"invalid utf", "not utf-8", "broken encoding", "wrong (charset|encoding)", "bad encoding"):
        return Reply(d.good("x\x00").replace("\x00", "").encode().replace(b"<r>x", b"<r>x\xff\xfe"))
    if says(words, r"latin-?1", r"iso-8859-1"):
        return Reply(('<?xml version="1.0" encoding="iso-8859-1"?>' + good.decode()).encode("latin-1"))
    if says(words, "content.?type"):
        return Reply(good, headers=(("Content-Type", "text/plain"),))
    if says(words, r"chunked"):
        return Reply(good, chunked=True)
    if says(words, r"soap ?1\.2"):
        return Reply(d.fault12("Something went wrong").encode(), status or 500, (("Content-Type", "application/soap+xml"),))
    if says(words, "fault"):
        return Reply(d.fault("Something went wrong").encode(), status or 500)
    if says(words, "garbage", "random bytes", "not xml", "no xml", "binary", "plain text", "not well-?formed"):
        return Reply(bytes(range(256)) * 4, status or 200)
    if status:
        return Reply(PAGE, status, (HTML,))
    raise NotUnderstood(f"no situation is known for {text!r}")


def idempotent(stage_fault: str, agrees: bool) -> Any:
    """Create says that the user exists; reading shows him, with the data that are wanted or with others."""
    def at(url: str) -> Script:
        document = d.wsdl(f"{url}/service", dict.fromkeys(d.OPERATIONS.values(), ()))

        def script(method: str, path: str, body: bytes) -> Reply:
            if method == "GET":
                return Reply(document)
            if f"{d.OPERATIONS['create_user']}".encode() in body or f"{d.OPERATIONS['delete_user']}".encode() in body:
                return Reply(stage_fault.encode(), 500)
            return Reply(d.good("x", "wanted" if agrees or d.OPERATIONS["modify_user"].encode() in body else "other").encode())
        return script
    return at
