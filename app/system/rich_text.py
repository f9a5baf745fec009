"""HTML that staff writes in an editor: what may stay of it. Everything else falls away when it is saved, not when it is shown.

An allow-list: structure, emphasis, links, tables, pictures and films of the own container. No script, no style, no form,
nothing that the reader's browser would fetch from another host.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3

LONGEST = 400_000       # characters
BLOCKS = {"p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre", "div", "figure", "figcaption", "table", "caption", "colgroup", "col",
          "thead", "tbody", "tfoot", "tr", "th", "td", "details", "summary"}
INLINE = {"a", "abbr", "b", "cite", "code", "em", "i", "img", "kbd", "mark", "q", "s", "small", "span", "strong", "sub", "sup", "time", "u", "wbr", "del", "ins", "video", "source"}
TAGS = BLOCKS | INLINE
ATTRIBUTES = {
    "*": {"lang", "dir", "title", "class"}, "a": {"href", "title", "name", "id"}, "img": {"src", "alt", "width", "height", "loading"}, "th": {"colspan", "rowspan", "scope"},
    "td": {"colspan", "rowspan"}, "col": {"span"}, "ol": {"start", "type", "reversed"}, "li": {"value"}, "time": {"datetime"}, "details": {"open"}, "abbr": {"title"},
    "video": {"src", "poster", "controls", "width", "height", "preload"}, "source": {"src", "type"}, "h2": {"id"}, "h3": {"id"}, "h4": {"id"},
}
CLASSES = frozenset({"align-left", "align-center", "align-right", "lead", "button", "wide", "columns-2", "columns-3", "card", "note"})
SCHEMES = {"http", "https", "mailto", "tel"}
OWN = re.compile(r"/(?!/)[^\s\\]{0,500}")           # a path of this site
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
FETCHED = {("img", "src"), ("video", "src"), ("video", "poster"), ("source", "src")}


def clean_html(html: str) -> str:
    """The allowed part of `html`; texts of elements that fall away stay, but for those of scripts and styles. Safe to repeat."""
    return nh3.clean(CONTROL.sub("", html)[:LONGEST], tags=TAGS, attributes=ATTRIBUTES, attribute_filter=_attribute, url_schemes=SCHEMES, link_rel="noopener noreferrer",
                     strip_comments=True)


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        return " ".join(part for part in value.split() if part in CLASSES) or None
    if (tag, name) in FETCHED:
        return value if OWN.fullmatch(value) else None
    if name == "id":
        return value if re.fullmatch(r"[A-Za-z][\w-]{0,60}", value) else None
    return value


def plain_text(html: str) -> str:
    """What a reader sees of it, for search and summaries: no tags, blank lines folded."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    return re.sub(r"\s+", " ", "".join(reader.parts)).strip()


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            self.parts.append(" ")
