"""General terms: drafted, published, and the proof that somebody accepted them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers.account_models import AccountRole, PortalAccount, TermsAcceptance, TermsState, TermsVersion
from app.system.models import ProtocolKind
from app.system.protocol import record

LONGEST = 200_000       # characters of a text
TEXTS = {"en": "text_en", "de": "text_de", "pt_BR": "text_pt_br"}
FIELDS = frozenset({"name", "valid_from", *TEXTS.values()})


@dataclass(frozen=True)
class Shown:
    """The terms as one reader sees them."""

    id: int
    version: str
    valid_from: date
    language: str
    text: str

    @property
    def sha256(self) -> str:
        return digest(self.text)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def current(day: date | None = None) -> TermsVersion | None:
    """The published version that holds on `day` (today): the one with the latest first day."""
    return db.session.scalar(select(TermsVersion).where(TermsVersion.state == TermsState.PUBLISHED, TermsVersion.valid_from <= (day or clock.today()))
                             .order_by(TermsVersion.valid_from.desc(), TermsVersion.id.desc()).limit(1))


def shown(terms: TermsVersion, language: str) -> Shown:
    """Its text in `language`; where there is none, in the first language that there is."""
    for code in (language, *TEXTS):
        if code in TEXTS and (text := getattr(terms, TEXTS[code])):
            return Shown(terms.id, terms.name, terms.valid_from, code, text)
    raise LookupError(f"terms {terms.name} have no text")


def save_terms(terms: TermsVersion | None = None, **fields: Any) -> TermsVersion:
    """A new draft, or changes of one. Raises InvalidInput with the field; a published version is never changed."""
    if unknown := set(fields) - FIELDS:
        raise InvalidInput(_("Unknown field: %(names)s", names=", ".join(sorted(unknown))))
    with transaction() as session:
        row = terms if terms is not None else TermsVersion()
        if terms is not None:
            session.refresh(row, with_for_update=True)
        if row.state is TermsState.PUBLISHED:
            raise InvalidInput(_("Version %(version)s is published and cannot change. Write a new version.", version=row.name))
        for name in TEXTS.values():
            text = (fields.get(name, getattr(row, name)) or "").replace("\r\n", "\n").strip()
            if len(text) > LONGEST:
                raise InvalidInput(_("At most %(n)d characters.", n=LONGEST), name)
            setattr(row, name, text)
        row.name = (fields.get("name", row.name) or "").strip()
        row.valid_from = fields.get("valid_from", row.valid_from)
        if not row.name or len(row.name) > 20:
            raise InvalidInput(_("Name the version in at most 20 characters, for example 2026-11."), "name")
        if not isinstance(row.valid_from, date):
            raise InvalidInput(_("Enter the first day on which it holds."), "valid_from")
        if not any(getattr(row, name) for name in TEXTS.values()):
            raise InvalidInput(_("Write the text in at least one language."), "text_en")
        with session.no_autoflush:
            other = session.scalar(select(TermsVersion.id).where(TermsVersion.name == row.name, TermsVersion.id != (row.id or 0)))
        if other is not None:
            raise InvalidInput(_("There is a version %(version)s already.", version=row.name), "name")
        session.add(row)
        session.flush()
        return row


def publish(terms: TermsVersion) -> None:
    """From now on it never changes, and it holds from its first day on."""
    with transaction() as session:
        session.refresh(terms, with_for_update=True)
        latest = session.scalar(select(TermsVersion).where(TermsVersion.state == TermsState.PUBLISHED).order_by(TermsVersion.valid_from.desc()).limit(1))
        if terms.valid_from < clock.today():
            raise InvalidInput(_("The first day lies in the past. Nobody can have accepted these terms then: choose today or later."))
        if latest is not None and terms.valid_from <= latest.valid_from:
            raise InvalidInput(_("Version %(version)s holds from %(day)s on. A newer version has to begin later.", version=latest.name, day=latest.valid_from))
        terms.move_to(TermsState.PUBLISHED)
        terms.published_at = clock.now()
        terms.sha256 = digest(json.dumps([terms.name, terms.valid_from.isoformat(), {code: getattr(terms, name) for code, name in TEXTS.items()}],
                                         ensure_ascii=False, sort_keys=True))
        session.flush()


def delete_draft(terms: TermsVersion) -> None:
    with transaction() as session:
        session.refresh(terms, with_for_update=True)
        if terms.state is TermsState.PUBLISHED:
            raise InvalidInput(_("Version %(version)s is published and stays.", version=terms.name))
        session.delete(terms)
        session.flush()


def accept(account: PortalAccount, what: Shown, address: str, email: str, how: str) -> int:
    """Store the proof for every customer whose owner `account` is; returns for how many. Call inside `transaction()`."""
    owned = [link.customer for link in account.links if link.role is AccountRole.OWNER]
    for customer in owned:
        db.session.add(TermsAcceptance(customer_id=customer.id, account_id=account.id, account=str(account), terms_id=what.id, version=what.version,
                                       language=what.language, sha256=what.sha256, address=address[:45], email=email, how=how))
        record(ProtocolKind.CUSTOMER, "terms_accepted", subject_type="portal_account", subject_id=account.id, subject=str(account), customer_id=customer.id,
               changes={"version": [None, what.version], "sha256": [None, what.sha256]})
    return len(owned)


def accepted_by(customer_id: int) -> TermsAcceptance | None:
    """The latest proof of a customer."""
    return db.session.scalar(select(TermsAcceptance).where(TermsAcceptance.customer_id == customer_id).order_by(TermsAcceptance.id.desc()).limit(1))
