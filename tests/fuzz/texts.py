"""Texts of staff and customers: e-mail templates, rich text, passwords, amounts, addresses."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from app.core import fields
from app.core.errors import DomainError
from app.customers import checks
from app.system import mail_templates, rich_text, sms_parts
from app.system.passwords import check_password
from tests.fuzz.target import Target, storable


def templates(data: bytes) -> None:
    """A line with the subject, then the body. What is taken can be filled in."""
    subject, _line, body = data.decode("utf-8", "replace").partition("\n")
    spec = mail_templates.mail("portal_invitation")
    mail_templates.check_words(spec, subject, body)
    made = mail_templates.preview(spec, "en", mail_templates.Words(subject, body))
    storable((made.subject, made.body))
    assert "\n" not in made.subject and "\r" not in made.subject + made.body


class Harmless(HTMLParser):
    """Reads HTML as a browser would begin to, and refuses what could run or fetch from elsewhere."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in rich_text.TAGS, f"<{tag}>"
        for name, value in attrs:
            assert not name.startswith("on") and name not in ("style", "srcset", "srcdoc", "formaction"), f"{tag} {name}"
            if name in ("href", "src", "poster"):
                head = re.sub(r"[\x00-\x20]", "", value or "").lower()
                scheme = re.match(r"[a-z][a-z0-9+.-]*:", head)
                assert scheme is None or (name == "href" and scheme[0][:-1] in rich_text.SCHEMES), f"{tag} {name}={value}"
                assert name == "href" or head.startswith("/") and not head.startswith("//"), f"{tag} {name}={value}"

    handle_startendtag = handle_starttag


def rich(data: bytes) -> None:
    """What is left is harmless, also when it is cleaned once more (broken nesting may change then)."""
    html = rich_text.clean_html(data.decode("utf-8", "replace"))
    for cleaned in (html, rich_text.clean_html(html)):
        reader = Harmless(convert_charrefs=True)
        reader.feed(cleaned)
        reader.close()
    storable((html, rich_text.plain_text(html)))


def entered(data: bytes) -> None:
    """What people type into the forms of customers."""
    text = data.decode("utf-8", "replace")[:2000]
    fields.clean_text(text)
    for check in (checks.email, checks.vat_id, checks.brazilian_tax_number, lambda text: checks.phone(text, "DE"), fields.parse_number, lambda text: check_password(text[:200])):
        try:
            storable(check(text))
        except (DomainError, ValueError):
            continue


def messages(data: bytes) -> None:
    text = data.decode("utf-8", "replace")[:2000]
    _alphabet, parts = sms_parts.split(text)
    assert "".join(parts) == text
    sms_parts.simplify(text)


TARGETS = {
    "mail_templates": Target(templates, lambda: [b"Welcome, {{name}}\nUse {{link}} until {{until}}.\n- a list\n{{customer}}"], words=(b"{{link}}", b"{{", b"}}", b"{%", "\u202e".encode(), b"{{link")),
    "rich_text": Target(rich, lambda: [b'<h2 id="a">x</h2><p class="lead">y <a href="https://h/">z</a><img src="/media/1" alt=""><table><tr><td colspan="2">1</td></tr></table>', b"<svg><p><style><!--</style><img src=x onerror=1>-->"],
                        words=(b"<svg>", b"<math>", b"<noscript>", b"<style>", b"<template>", b"<mglyph>", b"<![CDATA[", b"&#x6A;", b"javascript:", b"srcset=", b"<!--")),
    "entered": Target(entered, lambda: [b"jan@example.org", "jürgen@müller.example".encode(), b"four words are enough"], longest=3000),
    "sms_texts": Target(messages, lambda: ["Grüße {€} 😀".encode(), b"a" * 161], longest=2000),
}
