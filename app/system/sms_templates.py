"""Texts of SMS per purpose, PTT mode and language: what came with the product, and what staff made of it.

As e-mail texts they name values as `{{name}}` and nothing else. In force is the text of the mode, else the one for all
modes, else the one that came with the product; a stored text that can no longer be filled is passed over.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.plugin_api.mail import COMMON_PLACEHOLDERS, PLACEHOLDER, Placeholder, names_in
from app.system.mail_templates import DIRECTION, company_values, fill, languages
from app.system.sms_models import SmsText

log = logging.getLogger(__name__)
BODY = 900              # most characters of a text


@dataclass(frozen=True)
class SmsTemplate:
    """An SMS that the system writes: one text per language (`en` at least) with `{{name}}`. ValueError for a text that names what is not there."""

    purpose: str
    title: Any
    placeholders: Mapping[str, Placeholder]
    texts: Mapping[str, str]

    def __post_init__(self) -> None:
        if "en" not in self.texts:
            raise ValueError(f"SMS {self.purpose}: a text in English is missing")
        for language, body in self.texts.items():
            if unknown := names_in(body) - {*self.placeholders, *COMMON_PLACEHOLDERS}:
                raise ValueError(f"SMS {self.purpose} ({language}): unknown {', '.join(sorted(unknown))}")


_declared: dict[str, SmsTemplate] = {}


def declare_sms(*templates: SmsTemplate) -> None:
    for template in templates:
        _declared[template.purpose] = template


def templates() -> list[SmsTemplate]:
    """All purposes, as they were declared."""
    return list(_declared.values())


def template(purpose: str) -> SmsTemplate:
    """KeyError for a purpose that nobody declared."""
    return _declared[purpose]


def stored(purpose: str, variant: str, language: str) -> SmsText | None:
    return db.session.scalar(select(SmsText).where(SmsText.purpose == purpose, SmsText.variant == variant, SmsText.language == language))


def changed_texts() -> set[tuple[str, str, str]]:
    """(purpose, variant, language) of every text that staff changed."""
    return {(row.purpose, row.variant, row.language) for row in db.session.execute(select(SmsText.purpose, SmsText.variant, SmsText.language))}


def standard(spec: SmsTemplate, language: str) -> str:
    return spec.texts.get(language) or spec.texts["en"]


def body_of(spec: SmsTemplate, variant: str, language: str) -> str:
    """The text in force, its places still open."""
    for which in dict.fromkeys((variant, "")):
        row = stored(spec.purpose, which, language)
        if row is None:
            continue
        try:
            check_body(spec, row.body)
        except InvalidInput as error:
            log.error("the changed text of SMS %s %s (%s) is not used: %s", spec.purpose, which, language, error)
            continue
        return row.body
    return standard(spec, language)


def check_body(spec: SmsTemplate, body: str) -> None:
    """Raises InvalidInput with what to do."""
    if not isinstance(body, str) or not body.strip():
        raise InvalidInput(_("Write a text."), "body")
    if len(body) > BODY:
        raise InvalidInput(_("At most %(n)d characters.", n=BODY), "body")
    if any(unicodedata.category(char) == "Cc" and char != "\n" for char in body) or DIRECTION & set(body):
        raise InvalidInput(_("This text has characters that an SMS must not have. Type it instead of pasting it."), "body")
    for name in sorted(names_in(body)):
        if name not in spec.placeholders and name not in COMMON_PLACEHOLDERS:
            raise InvalidInput(_("There is no value {{%(name)s}} in this SMS. Use one of the list.", name=name), "body")
    rest = PLACEHOLDER.sub("", body)
    if "{{" in rest or "}}" in rest or "{%" in rest:
        raise InvalidInput(_("Double braces stand only around the name of a value, for example {{company}}."), "body")
    if missing := sorted(name for name, item in spec.placeholders.items() if item.required and name not in names_in(body)):
        raise InvalidInput(_("The text needs {{%(name)s}}.", name=missing[0]), "body")


def save_body(purpose: str, variant: str, language: str, body: str) -> None:
    """Store a changed text; the standard for all modes is no longer stored when it is written again."""
    spec = _known(purpose, language)
    body = body.replace("\r\n", "\n").strip()
    check_body(spec, body)
    if not variant and body == standard(spec, language):
        reset_body(purpose, variant, language)
        return
    with transaction() as session:
        row = stored(purpose, variant, language)
        if row is None:
            session.add(SmsText(purpose=purpose, variant=variant, language=language, body=body))
        else:
            row.body = body
        session.flush()


def reset_body(purpose: str, variant: str, language: str) -> bool:
    """Back to what counts without this text; False when there was none."""
    _known(purpose, language)
    with transaction() as session:
        row = stored(purpose, variant, language)
        if row is not None:
            session.delete(row)
    return row is not None


def _known(purpose: str, language: str) -> SmsTemplate:
    if purpose not in _declared or language not in languages():
        raise InvalidInput(_("There is no such SMS."))
    return _declared[purpose]


def compose(spec: SmsTemplate, body: str, values: Mapping[str, str]) -> str:
    """The text, filled but for its secrets. `values` go before those of the company; KeyError when a declared one is not given."""
    ours = {name: values.get(name, value) for name, value in company_values().items()}
    given = {**ours, **{name: values[name] for name, item in spec.placeholders.items() if not item.secret}}
    return fill(body, given).strip()


def put_in_secrets(spec: SmsTemplate, text: str, values: Mapping[str, str]) -> str:
    """For a preview and its size: `values` of the secrets are samples of the right length."""
    return fill(text, {name: values[name] for name, item in spec.placeholders.items() if item.secret})
