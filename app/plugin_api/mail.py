"""E-mail texts: what the core and plugins declare, and staff may change. Names of values only, never expressions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PLACEHOLDER = re.compile(r"\{\{ ?([a-z][a-z0-9_]{0,39}) ?\}\}")     # {{name}} and nothing else: no expressions


@dataclass(frozen=True)
class Placeholder:
    """A value that an e-mail text may name. `help` tells staff what it is, `sample` stands in the preview.

    `required`: the body must have it. `secret`: it is put in only while the e-mail is sent, so that neither staff nor a
    copy of the database has it; not allowed in a subject.
    """

    help: Any
    sample: Any                     # a text, a lazy text, or a function that returns one in the language of the locale
    required: bool = False
    secret: bool = False


@dataclass(frozen=True)
class MailTemplate:
    """An e-mail that the system writes: plain text per language (`en` at least) as (subject, body) with `{{name}}`.

    The purpose of a plugin's template begins with the plugin's name and a dot. Staff may change the texts; these stay
    as the default. Raises ValueError for texts that name a placeholder which is not there.
    """

    purpose: str
    title: Any
    placeholders: Mapping[str, Placeholder]
    texts: Mapping[str, tuple[str, str]]

    def __post_init__(self) -> None:
        if "en" not in self.texts:
            raise ValueError(f"e-mail {self.purpose}: a text in English is missing")
        for language, (subject, body) in self.texts.items():
            if unknown := (names_in(subject) | names_in(body)) - {*self.placeholders, *COMMON_PLACEHOLDERS}:
                raise ValueError(f"e-mail {self.purpose} ({language}): unknown {', '.join(sorted(unknown))}")
            if missing := {name for name, item in self.placeholders.items() if item.required} - names_in(body):
                raise ValueError(f"e-mail {self.purpose} ({language}): needs {', '.join(sorted(missing))}")


COMMON_PLACEHOLDERS = ("company", "company_email", "company_phone", "company_website")


def names_in(text: str) -> set[str]:
    """The placeholders that `text` names."""
    return set(PLACEHOLDER.findall(text))
