"""Who is already a customer? Same VAT id, same e-mail, or a name that is nearly the same. Works alike on every database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.customers.models import Customer, CustomerState

SIMILAR = 0.86          # share of letters that two normalised names have in common, in order
CANDIDATES = 400        # rows that one question to the database may bring
LEGAL = "gmbh ggmbh mbh ag kg ohg ug gbr ev e v co cokg kgaa se ltd limited llc inc plc ltda eireli me sa s a sl srl bv nv und and y the der die das firma"
NOT_NAMES = frozenset(LEGAL.split())
SPLIT = re.compile(r"[^0-9a-z]+")
LOOSE = re.compile(r"ae|oe|ue|ss|[^0-9a-z]")     # may be written with one letter or two, or with an accent


@dataclass
class Duplicate:
    """A customer who may be the same, with the reasons in words. `score`: 1.0 for a certain one."""

    customer: Customer
    score: float
    reasons: list[str] = field(default_factory=list)


def normal(name: str) -> str:
    """Small letters without accents, punctuation and legal forms: `Müller & Söhne GmbH` → `mueller soehne`."""
    text = name.casefold()
    for letter, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("ø", "oe"), ("å", "aa"), ("æ", "ae")):
        text = text.replace(letter, letters)
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    found = [part for part in SPLIT.split(text) if part]
    return " ".join(part for part in found if part not in NOT_NAMES) or " ".join(found)


def likeness(one: str, other: str) -> float:
    """0 to 1, of two normalised names; the order of the words does not matter."""
    if not one or not other:
        return 0.0
    if one == other:
        return 1.0
    direct = SequenceMatcher(None, one, other, autojunk=False).ratio()
    return max(direct, SequenceMatcher(None, " ".join(sorted(one.split())), " ".join(sorted(other.split())), autojunk=False).ratio())


def find_duplicates(session: Session, *, names: Iterable[str], email: str = "", vat_id: str = "", tax_number: str = "", postcode: str = "", country: str = "",
                    most: int = 10) -> list[Duplicate]:
    """Customers (not deleted) who may be meant, the most certain first. At most four statements, whatever the number of customers."""
    alive = Customer.state != CustomerState.DELETED
    found: dict[int, Duplicate] = {}

    def add(row: Customer, score: float, reason: str) -> None:
        item = found.setdefault(row.id, Duplicate(row, 0.0))
        item.score = max(item.score, score)
        if reason not in item.reasons:
            item.reasons.append(reason)

    for column, value, reason in ((Customer.vat_id, vat_id, _("Same VAT number")), (Customer.tax_number, tax_number, _("Same tax number"))):
        if value:
            for row in session.scalars(select(Customer).where(alive, column == value).limit(CANDIDATES)):
                add(row, 1.0, reason)
    if email:
        same = or_(func.lower(Customer.email) == email.lower(), func.lower(Customer.invoice_email) == email.lower())
        for row in session.scalars(select(Customer).where(alive, same).limit(CANDIDATES)):
            add(row, 1.0, _("Same e-mail"))
    wanted = [text for name in names if (text := normal(name))]
    for row in _near(session, alive, wanted, postcode, country):
        score = max((likeness(name, normal(own)) for name in wanted for own in (row.company, row.contact) if own), default=0.0)
        if score >= SIMILAR:
            add(row, score * 0.99, _("Same name") if score == 1.0 else _("Similar name"))
    return sorted(found.values(), key=lambda item: (-item.score, item.customer.id))[:most]


def _near(session: Session, alive: Any, names: list[str], postcode: str, country: str) -> list[Customer]:
    """Customers worth a closer look: in the same place, or with a beginning of the two longest words in their name."""
    if not names:
        return []
    where: list[Any] = []
    for name in names:
        words = sorted((word for word in name.split() if len(word) > 2), key=len, reverse=True)[:2]
        where += [column.ilike(f"%{pattern(word)}%") for word in words for column in (Customer.company, Customer.contact)]
    rows = {row.id: row for row in session.scalars(select(Customer).where(alive, or_(*where)).order_by(Customer.id.desc()).limit(CANDIDATES))} if where else {}
    if postcode:
        here = and_(Customer.postcode == postcode, Customer.country == country)
        rows |= {row.id: row for row in session.scalars(select(Customer).where(alive, here).order_by(Customer.id.desc()).limit(CANDIDATES))}
    return list(rows.values())


def pattern(word: str) -> str:
    """The first letters of a normalised word for LIKE: `mueller` → `m%ll`, which finds Müller, Mueller and Muller."""
    return LOOSE.sub("%", word[:5])
