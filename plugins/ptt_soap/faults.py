"""Faults: reading them out of an envelope, and what they mean for an order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

ENVELOPES = {"http://schemas.xmlsoap.org/soap/envelope/": "1.1", "http://www.w3.org/2003/05/soap-envelope": "1.2"}
MAX_TEXT = 300
_CODE_NAMES = ("code", "errorcode", "faultcode", "error_code", "errcode")

# Words of a fault's code, of the names in its detail, or of its text → kind. The first that fits counts, so that
# "does not exist" is found before "exists". Used only where the profile does not name the code.
_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple((kind, re.compile(pattern)) for kind, pattern in (
    ("not_member", r"\b(no such|not a|not an?|is no|unknown) member\b|\bnot (a )?member of\b"),
    ("missing", r"\b(not found|notfound|no such|does not exist|doesn t exist|do not exist|not exists?|not existing"
                r"|non existing|nonexist\w*|unknown (user|subscriber|customer|group|account|license|name)"
                r"|unknown \w+ id|is unknown|no data found|no (user|subscriber|customer|group|account|license)"
                r"|(could not|cannot|can t|unable to) (find|locate))\b"),
    ("exists", r"\b(already|exists|exist|duplicate|duplicated|taken|in use|not unique)\b"),
    ("later", r"\b(busy|temporar\w*|overload\w*|unavailable|try again|try later|retry|too many requests|throttl\w*|lock failure"
              r"|deadlock|maintenance|service down|stopping|not ready|resource exhausted)\b"),
    ("refused", r"\b(invalid|illegal|malformed|validation|missing (parameter|argument|element|field)|required|not allowed"
                r"|permission|forbidden|denied|unauthori[sz]ed|not authori[sz]ed|authentication|limit|quota|exceeded"
                r"|unsupported|not supported|not permitted|mismatch|bad request|wrong|too long|too short|violation)\b"),
    ("unknown", r"\b(internal|unexpected|timeout|timed out|time out|null ?pointer|general error|system error)\b"),
))


@dataclass(frozen=True, slots=True)
class SoapFault:
    """`codes` from the most to the least exact; `text` is for people, cleaned and cut."""

    codes: tuple[str, ...]
    text: str
    from_sender: bool       # Client/Sender: repeating it unchanged is pointless
    from_server: bool       # Server/Receiver


def clean(text: str | None, secrets: Iterable[str] = ()) -> str:
    """One line of printable text without secrets."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text or "").split())
    for secret in secrets:
        if secret:
            words = words.replace(secret, "…")
    return words if len(words) <= MAX_TEXT else words[:MAX_TEXT - 1] + "…"


def _local(text: str | None) -> str:
    return (text or "").strip().rpartition(":")[2]


def _name(node: etree._Element) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) else ""


def read_fault(body: etree._Element, secrets: Iterable[str] = ()) -> SoapFault | None:
    """The fault in a SOAP 1.1 or 1.2 body, however its namespaces are written; None where there is none."""
    fault = next((n for n in body if _name(n) == "Fault" and etree.QName(n).namespace in ENVELOPES), None)
    if fault is None:
        return None
    children = {_name(node).lower(): node for node in fault}
    general, text = "", ""
    codes: list[str] = []
    if "code" in children:                                          # 1.2
        values = [_local(node.text) for node in children["code"].iter() if _name(node) == "Value"]
        general, subcodes = (values[0] if values else ""), values[1:]
        codes += reversed(subcodes)
        reason = children.get("reason")
        text = next((n.text or "" for n in reason.iter() if _name(n) == "Text"), "") if reason is not None else ""
    if "faultcode" in children:
        whole = _local(children["faultcode"].text)
        general = whole.partition(".")[0]
        codes += [whole, whole.rpartition(".")[2]] if "." in whole else [whole]
    if "faultstring" in children:
        text = children["faultstring"].text or ""
    detail = children.get("detail")
    found: list[str] = []
    if detail is not None:
        below = [node for node in detail.iter() if node is not detail and _name(node)]
        found += [_local(n.text) for n in below if _name(n).lower() in _CODE_NAMES and n.text and len(n.text) < 100]
        found += [_name(node) for node in detail if _name(node)]
        if not text.strip():
            text = next((n.text or "" for n in below if _name(n).lower() in ("message", "faultstring", "text", "description")), "")
    unique = tuple(dict.fromkeys(clean(c, secrets)[:80] for c in [*found, *codes] if c.strip()))
    side = general.lower()
    return SoapFault(unique, clean(text, secrets), side in ("client", "sender"), side in ("server", "receiver"))


def _spread(text: str) -> str:
    """"CustomerNotFoundException" → "customer not found exception", for the table of words."""
    text = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3 \2\4", text[:400])
    return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def kind_of_name(name: str) -> str | None:
    """What the name of a fault says by its words; None when it says nothing."""
    words = _spread(name)
    return next((kind for kind, pattern in _WORDS if pattern.search(words)), None)


def classify(fault: SoapFault, known: Mapping[str, str]) -> str:
    """"exists", "missing", "not_member", "refused", "later" or "unknown".

    The profile's codes count first, then the words of codes and text, then the side that SOAP blames: a mistake of
    the sender stays one, a server that broke may have done it."""
    for code in fault.codes:
        if code in known:
            return known[code]
    for text in (*fault.codes, fault.text):
        kind = kind_of_name(text)
        if kind:
            return kind
    return "refused" if fault.from_sender else "unknown"
