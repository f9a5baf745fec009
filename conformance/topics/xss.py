"""Topic "xss": HTML of an editor through the cleaner that runs when a page is saved; plain texts through the templates' escaping."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import lxml.html
from markupsafe import escape

from app.system.rich_text import clean_html, plain_text
from conformance.runner import NotUnderstood, Verdict

FORBIDDEN = {"script", "style", "iframe", "frame", "frameset", "form", "input", "button", "textarea", "select", "svg", "math", "object", "embed", "applet", "link", "meta", "base", "template",
             "noscript", "xmp", "marquee"}
LINKS = {"href", "src", "srcset", "action", "formaction", "data", "poster", "background", "xlink:href", "cite", "longdesc", "ping"}
SAFE = "no script, style, iframe, form or svg/math element; no on* attribute; no javascript:, vbscript: or data: link; no expression()/url() in style"


def check(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    html = case["input"].get("html")
    if not isinstance(html, str) or len(case["input"]) != 1 or case.get("kind") not in ("payload", "text_payload", "must_survive"):
        raise NotUnderstood(f"the case {case.get('kind')} with {sorted(case['input'])}")
    cleaned = clean_html(html)
    got: dict[str, Verdict] = {}
    for key, wanted in case["expect"].items():
        if key == "after_sanitising" and wanted == SAFE:
            shown = [cleaned, clean_html(cleaned)]
            if case["kind"] == "text_payload":
                shown += [f"<p>{escape(html)}</p>", f'<p title="{escape(html)}">x</p>', f"<p title='{escape(html)}'>x</p>"]
            got[key] = Verdict(not [what for text in shown for what in dangers(text)], shown)
        elif key == "visible_text_kept":
            got[key] = Verdict(str(wanted) in plain_text(cleaned), plain_text(cleaned))
        elif key == "same_text_and_tags":
            got[key] = Verdict((parts(cleaned) == parts(html)) is wanted, cleaned)
    return got


def dangers(html: str) -> list[str]:
    """What a browser could run, seen by two parsers that are not the cleaner's."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(_faults(tag, [(name, value or "") for name, value in attrs]))

    reader = Reader(convert_charrefs=True)
    reader.feed(html)
    reader.close()
    if html.strip():
        tree = lxml.html.fragment_fromstring(html, create_parent="article")
        for element in tree.iter():
            if isinstance(element.tag, str) and element.tag != "article":
                found.extend(_faults(element.tag, [(str(name), str(value)) for name, value in element.attrib.items()]))
    return found


def _faults(tag: str, attributes: list[tuple[str, str]]) -> list[str]:
    found = [f"<{tag}>"] if tag.lower() in FORBIDDEN else []
    for name, value in attributes:
        plain = re.sub(r"[\x00-\x20]", "", value).lower()
        if name.lower().startswith("on") or name.lower() in ("srcdoc", "style"):
            found.append(name)
        if name.lower() in LINKS and plain.startswith(("javascript:", "vbscript:", "data:", "view-source:")):
            found.append(f"{name}={value}")
    return found


def parts(html: str) -> list[str]:
    """Tags and texts in their order."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, _attrs: Any) -> None:
            found.append(f"<{tag}>")

        def handle_endtag(self, tag: str) -> None:
            found.append(f"</{tag}>")

        def handle_data(self, data: str) -> None:
            if data.strip():
                found.append(data)

    reader = Reader(convert_charrefs=True)
    reader.feed(html)
    reader.close()
    return [part for part in found if part not in ("</br>", "</img>", "</hr>", "</wbr>", "</source>", "</col>")]
