"""The opening and closing text of invoices, per language, that staff writes: placeholders and nothing else, no expressions.

A text that names a value which does not exist is refused when it is saved; one that got in otherwise is left out, and
the document is made without it.
"""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import formats
from app.core.errors import InvalidInput
from app.plugin_api.mail import PLACEHOLDER, names_in
from app.system.settings import Setting, declare, setting

TEXTS = _l("Texts on invoices")
NAMES = ("number", "customer", "customer_number", "date", "due", "amount", "net", "reference")
HELP = _l("Placeholders: {{number}}, {{customer}}, {{customer_number}}, {{date}}, {{due}}, {{amount}}, {{net}}, {{reference}}. “Invoice texts” under Billing shows a sample.")
INTRO = {"en": _l("Opening text, English"), "de": _l("Opening text, German"), "pt_BR": _l("Opening text, Portuguese")}
CLOSING = {"en": _l("Closing text, English"), "de": _l("Closing text, German"), "pt_BR": _l("Closing text, Portuguese")}


def problem(text: str) -> str:
    """What is wrong with a text, in words; empty when nothing is."""
    if unknown := sorted(names_in(text) - set(NAMES)):
        return _("There is no placeholder {{%(name)s}}.", name=unknown[0])
    if re.search(r"\{\{|\}\}|\{%|%\}", PLACEHOLDER.sub("", text)):
        return _("A placeholder is written as {{number}}; there are no expressions.")
    return ""


def _check(value: Any) -> None:
    if wrong := problem(str(value)):
        raise InvalidInput(wrong)


declare(*(Setting(f"invoice.{part}_{code}", str, "", title, TEXTS, HELP, long=True, check=_check)
          for part, titles in (("intro", INTRO), ("closing", CLOSING)) for code, title in titles.items()))


def words_of(part: str, head: Any) -> list[str]:
    """The filled rows of "intro" or "closing" for a document, in its language; none where the text is empty or broken. In the current locale."""
    text = str(setting(f"invoice.{part}_{head.language}")) if head.language in INTRO else ""
    if problem(text):
        return []
    values = {"number": head.number, "customer": head.buyer["name"], "customer_number": head.buyer["number"], "date": formats.day(head.issued_on),
              "due": formats.day(head.due_on), "amount": formats.money(head.gross, head.currency), "net": formats.money(head.net, head.currency),
              "reference": head.buyer["reference"]}
    filled = PLACEHOLDER.sub(lambda found: " ".join(str(values[found[1]]).split()), text)
    return [row for row in filled.splitlines() if row.strip()]
