"""Representatives: entered, changed, deleted while no customer has them."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from stdnum import iban as iban_check
from stdnum.exceptions import ValidationError

from app.catalog.master import WORDS
from app.core.db import db, transaction
from app.core.errors import InUse, InvalidInput
from app.core.own_rows import reader
from app.core.uses import uses_of
from app.customers import checks
from app.customers.models import Representative

FIELDS = frozenset({"number", "name", "street", "address_extra", "postcode", "city", "region", "country", "phone", "email", "language",
                    "tax_number", "vat_id", "small_business", "iban", "active", "user"})


def save_representative(representative: Representative | None = None, **fields: Any) -> Representative:
    """A new representative, or changed columns of one. Raises InvalidInput with the field."""
    if unknown := set(fields) - FIELDS:
        raise InvalidInput(_("Unknown field: %(names)s", names=", ".join(sorted(unknown))))
    with transaction() as session:
        row = representative if representative is not None else Representative(country="DE", language="en")
        if representative is not None:
            session.refresh(row, with_for_update=True)
        with session.no_autoflush:
            for name, value in fields.items():
                setattr(row, name, value.strip() if isinstance(value, str) else value)
            _check(row)
            other = session.scalar(select(Representative).where(Representative.number == row.number))
            if other is not None and other is not row:
                raise InvalidInput(_("The number %(number)s belongs to %(other)s.", number=row.number, other=other.name), "number")
        session.add(row)
        session.flush()
        return row


def _check(row: Representative) -> None:
    if not row.number:
        raise InvalidInput(_("Enter a number, for example V01."), "number")
    if not row.name:
        raise InvalidInput(_("Enter the representative's name."), "name")
    row.country = checks.country(row.country or "DE")
    row.phone = checks.phone(row.phone or "", row.country)
    row.email = checks.email(row.email or "")
    row.language = checks.language(row.language or "en")
    row.vat_id = checks.vat_id(row.vat_id or "")
    if row.tax_number and row.country == "BR":
        row.tax_number = checks.brazilian_tax_number(row.tax_number)
    row.iban = iban(row.iban or "")
    row.user_id = row.user.id if row.user is not None else None


def iban(text: str, field: str = "iban") -> str:
    """Compact IBAN with a right check digit, or empty for empty."""
    if not text.strip():
        return ""
    try:
        return str(iban_check.validate(text))
    except ValidationError as error:
        raise InvalidInput(_("“%(text)s” is not an IBAN: check its digits. Example: DE89 3704 0044 0532 0130 00.", text=text), field) from error


def own_representative(chosen: Representative | None = None) -> Representative | None:
    """Whose the customer of a form is: what was chosen; for a reader who has only his own customers always himself."""
    limited = reader()
    if limited is None or (chosen is not None and chosen.user_id == limited.user_id):
        return chosen
    found: Representative | None = db.session.scalar(select(Representative).where(Representative.user_id == limited.user_id).order_by(Representative.id))
    if found is None:
        raise InvalidInput(_("You see only your own customers, but no representative is linked to your user. Ask an administrator."), "representative")
    return found


def delete_representative(representative: Representative) -> None:
    """Only one that nothing refers to; InUse says what does."""
    with transaction() as session:
        session.refresh(representative, with_for_update=True)
        if uses := uses_of(session, representative, WORDS):
            raise InUse(_("“%(name)s” cannot be deleted. It is used by: %(uses)s.", name=representative.name, uses=", ".join(uses)))
        session.delete(representative)
        session.flush()
