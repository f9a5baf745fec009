"""E-mail texts per purpose and language: the defaults of core and plugins, and what staff made of them.

A text names values as `{{name}}`; only names that its purpose declares, filled from a flat dictionary of strings. There
are no expressions, so a text can neither compute nor look anything up. What is filled in stands on one line, without
control characters, so it can neither add headers nor lines. Secrets (links) are put in while the e-mail is sent.
"""

from __future__ import annotations

import logging
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.plugin_api.mail import COMMON_PLACEHOLDERS, PLACEHOLDER, MailTemplate, names_in
from app.system.mail import queue_mail
from app.system.mail_template_models import MailText
from app.system.mail_voice import voice_of
from app.system.settings import declared, setting

log = logging.getLogger(__name__)
SUBJECT, BODY, VALUE = 150, 8000, 600       # most characters
WIDTH = 76
DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")     # would turn the text around
COMMON_HELP = {"company": _l("Name of our company"), "company_email": _l("Our e-mail address"), "company_phone": _l("Our phone number"), "company_website": _l("Our website")}
_declared: dict[str, MailTemplate] = {}


@dataclass(frozen=True)
class Words:
    """A text with its places still open, or filled: `changed` when staff wrote it."""

    subject: str
    body: str
    changed: bool = False


def declare_mail(*mails: MailTemplate) -> None:
    for mail in mails:
        _declared[mail.purpose] = mail


def mails() -> list[MailTemplate]:
    """All purposes, by title."""
    return sorted(_declared.values(), key=lambda mail: str(mail.title).casefold())


def mail(purpose: str) -> MailTemplate:
    """KeyError for a purpose that nobody declared."""
    return _declared[purpose]


def languages() -> list[str]:
    return list(current_app.config["LANGUAGES"])


def default_words(spec: MailTemplate, language: str) -> Words:
    """The text that came with it, in English where there is none in `language`."""
    return Words(*(spec.texts.get(language) or spec.texts["en"]))


def words_of(spec: MailTemplate, language: str) -> Words:
    """The text in force. A stored one that names what its purpose no longer has is passed over: an e-mail never shows braces."""
    row = stored(spec.purpose, language)
    if row is None:
        return default_words(spec, language)
    try:
        check_words(spec, row.subject, row.body)
    except InvalidInput as error:
        log.error("the changed text of e-mail %s (%s) is not used: %s", spec.purpose, language, error)
        return default_words(spec, language)
    return Words(row.subject, row.body, True)


def stored(purpose: str, language: str) -> MailText | None:
    return db.session.scalar(select(MailText).where(MailText.purpose == purpose, MailText.language == language))


def changed_texts() -> set[tuple[str, str]]:
    """(purpose, language) of every text that staff changed."""
    return {(row.purpose, row.language) for row in db.session.execute(select(MailText.purpose, MailText.language))}


# changing -----------------------------------------------------------------------------------------------------------


def check_words(spec: MailTemplate, subject: str, body: str) -> None:
    """Raises InvalidInput with the field and what to do."""
    for field, text, most in (("subject", subject, SUBJECT), ("body", body, BODY)):
        if not isinstance(text, str) or not text.strip():
            raise InvalidInput(_("Write a text."), field)
        if len(text) > most:
            raise InvalidInput(_("At most %(n)d characters.", n=most), field)
        if any(unicodedata.category(char) == "Cc" and not (field == "body" and char in "\n\t") for char in text) or DIRECTION & set(text):
            raise InvalidInput(_("This text has characters that an e-mail must not have. Type it instead of pasting it."), field)
        for name in sorted(names_in(text)):
            if name not in spec.placeholders and name not in COMMON_PLACEHOLDERS:
                raise InvalidInput(_("There is no value {{%(name)s}} in this e-mail. Use one of the list.", name=name), field)
        rest = PLACEHOLDER.sub("", text)
        if "{{" in rest or "}}" in rest or "{%" in rest:
            raise InvalidInput(_("Double braces stand only around the name of a value, for example {{company}}."), field)
    if secret := sorted(name for name in names_in(subject) if name in spec.placeholders and spec.placeholders[name].secret):
        raise InvalidInput(_("{{%(name)s}} must not stand in the subject.", name=secret[0]), "subject")
    if missing := sorted(name for name, item in spec.placeholders.items() if item.required and name not in names_in(body)):
        raise InvalidInput(_("The text needs {{%(name)s}}.", name=missing[0]), "body")


def save_words(purpose: str, language: str, subject: str, body: str) -> None:
    """Store a changed text; one that is the default again is no longer stored."""
    spec = _known(purpose, language)
    subject, body = subject.strip(), body.replace("\r\n", "\n").rstrip()
    check_words(spec, subject, body)
    default = default_words(spec, language)
    if (subject, body) == (default.subject, default.body.rstrip()):
        reset_words(purpose, language)
        return
    with transaction() as session:
        row = stored(purpose, language)
        if row is None:
            session.add(MailText(purpose=purpose, language=language, subject=subject, body=body))
        else:
            row.subject, row.body = subject, body
        session.flush()


def reset_words(purpose: str, language: str) -> bool:
    """Back to the text that came with it; False when it is that already."""
    _known(purpose, language)
    with transaction() as session:
        row = stored(purpose, language)
        if row is not None:
            session.delete(row)
    return row is not None


def _known(purpose: str, language: str) -> MailTemplate:
    if purpose not in _declared or language not in languages():
        raise InvalidInput(_("There is no such e-mail."))
    return _declared[purpose]


# writing ------------------------------------------------------------------------------------------------------------


def clean_value(value: str) -> str:
    """A value as it may stand in an e-mail: one line, nothing invisible, and never a place to fill."""
    text = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in str(value) if char not in DIRECTION)
    return " ".join(text.split())[:VALUE].replace("{{", "{ {")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Each `{{name}}` becomes its value; those that are not in `values` stay (secrets, put in by the delivery)."""
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return clean_value(values[name]) if name in values else "{{" + name + "}}"

    return PLACEHOLDER.sub(value, text)


def wrap(text: str) -> str:
    """Lines of at most 76 characters; addresses (and other long words) are never broken."""
    lines = []
    for line in text.split("\n"):
        if len(line) <= WIDTH:
            lines.append(line.rstrip())
            continue
        indent = "  " if line.startswith("- ") else ""
        lines += textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent=indent) or [""]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def company_values() -> dict[str, str]:
    """What every e-mail may name of the company; empty where a setting is not there."""
    keys = {"company": "company.name", "company_email": "company.email", "company_phone": "company.phone", "company_website": "company.website"}
    known = {item.key for item in declared()}
    return {name: str(setting(keys[name])) if keys[name] in known else "" for name in COMMON_PLACEHOLDERS}


def compose(spec: MailTemplate, language: str, values: Mapping[str, str], words: Words | None = None) -> Words:
    """Subject and body, filled but for the secrets. KeyError when a declared value is not given."""
    words = words or words_of(spec, language)
    ours = {name: values.get(name, value) for name, value in company_values().items()}
    given = {**ours, **{name: values[name] for name, item in spec.placeholders.items() if not item.secret}}
    return Words(fill(words.subject, given)[:200], wrap(fill(words.body, given)), words.changed)


def queue_template(key: str, purpose: str, recipient: str, language: str, values: Mapping[str, str], *, secrets: Mapping[str, str] | None = None,
                   customer_id: int | None = None, document_ids: Iterable[int] = (), resend_when_unsure: bool = True) -> bool:
    """Put the e-mail of `purpose` into the outbox, once per `key`; False when it is there already. See `queue_mail`."""
    spec = mail(purpose)
    sealed = {name: (secrets or {})[name] for name, item in spec.placeholders.items() if item.secret}
    voice = voice_of(purpose, customer_id)
    words = compose(spec, language, {**values, "company": voice.name, "company_email": voice.reply_to, "company_phone": "", "company_website": ""} if voice else values)
    return queue_mail(key, purpose, recipient, words.subject, words.body, customer_id=customer_id, document_ids=document_ids,
                      resend_when_unsure=resend_when_unsure, sealed=sealed)


# trying -------------------------------------------------------------------------------------------------------------


def samples(spec: MailTemplate, language: str) -> dict[str, str]:
    with force_locale(language):
        return {name: str(item.sample() if callable(item.sample) else item.sample) for name, item in spec.placeholders.items()}


def preview(spec: MailTemplate, language: str, words: Words) -> Words:
    """The e-mail with sample values, links too."""
    check_words(spec, words.subject, words.body)
    values = samples(spec, language)
    shown = compose(spec, language, values, words)
    return Words(shown.subject, fill(shown.body, {name: values[name] for name, item in spec.placeholders.items() if item.secret}))


def send_test(key: str, spec: MailTemplate, language: str, words: Words, recipient: str) -> None:
    """Send the preview to `recipient`, marked as a test."""
    shown = preview(spec, language, words)
    queue_mail(key, "test", recipient, _("[Test] %(subject)s", subject=shown.subject), shown.body)
