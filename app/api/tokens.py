"""Give, check and take away tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update

from app.api.models import ApiToken, IdempotencyRecord
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput

PREFIX = "ptt_"
# scope → (word, right of the user that it needs: permission and view)
SCOPES: dict[str, tuple[Any, tuple[str, str]]] = {
    "catalog:read": (_l("Read tariffs"), ("can_list", "TariffView")),
    "customers:read": (_l("Read customers"), ("can_list", "CustomerView")),
    "customers:write": (_l("Create and change customers"), ("can_edit", "CustomerView")),
    "licenses:read": (_l("Read licenses"), ("can_list", "LicenseView")),
    "licenses:write": (_l("Create, change, terminate and delete licenses"), ("terminate", "LicenseView")),
    "locks:write": (_l("Lock and unlock for the external billing system"), ("lock", "LicenseView")),
    "sms:write": (_l("Send SMS to licenses"), ("sms", "LicenseView")),
    "invoices:read": (_l("Read invoices and their files"), ("can_list", "InvoiceView")),
    "receivables:read": (_l("Read open items and payments"), ("can_list", "OpenItemView")),
    "payments:write": (_l("Record payments"), ("can_list", "PaymentView")),
}
LONGEST_DAYS = 3650


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def create_token(name: str, user: Any, scopes: Iterable[str], days: int = 365) -> tuple[ApiToken, str]:
    """Returns the row and the token itself, which nobody can see again."""
    wanted = sorted(set(scopes))
    if not name.strip():
        raise InvalidInput(_("Give the token a name, for example the program that uses it."), "name")
    if not wanted:
        raise InvalidInput(_("Choose at least one right."), "scopes")
    if unknown := [scope for scope in wanted if scope not in SCOPES]:
        raise InvalidInput(_("There is no right “%(names)s”.", names=", ".join(unknown)), "scopes")
    if not 1 <= days <= LONGEST_DAYS:
        raise InvalidInput(_("A token holds between 1 and %(n)s days.", n=LONGEST_DAYS), "days")
    token = PREFIX + secrets.token_urlsafe(32)
    with transaction() as session:
        if session.scalar(select(ApiToken.id).where(ApiToken.name == name.strip())):
            raise InvalidInput(_("There is a token with this name already."), "name")
        row = ApiToken(name=name.strip(), user=user, scopes=wanted, digest=digest(token), hint=token[:10], expires_at=clock.now() + timedelta(days=days))
        session.add(row)
        session.flush()
    return row, token


def revoke_token(row: ApiToken) -> None:
    with transaction():
        if row.revoked_at is not None:
            raise InvalidInput(_("This token is revoked already."))
        row.revoked_at = clock.now()


def authenticate(token: str) -> ApiToken | None:
    """The living token of an active user, or None. Compared by digest: the time tells nothing."""
    if not token.startswith(PREFIX) or len(token) > 100:
        return None
    row = db.session.scalar(select(ApiToken).where(ApiToken.digest == digest(token)))
    if row is None or row.revoked_at is not None or row.expires_at <= clock.now() or not row.user.active:
        return None
    if row.last_used_at is None or clock.now() - row.last_used_at > timedelta(minutes=5):
        ident = row.id
        db.session.rollback()
        with transaction() as session:
            session.execute(update(ApiToken).where(ApiToken.id == ident).values(last_used_at=clock.now()).execution_options(synchronize_session=False))
        row = db.session.get_one(ApiToken, ident, populate_existing=True)
    return row


def forget_answers(days: int = 30) -> int:
    """Answers of repeated writes are kept this long."""
    with transaction() as session:
        gone: Any = session.execute(delete(IdempotencyRecord).where(IdempotencyRecord.created_at < clock.now() - timedelta(days=days)))
        return int(gone.rowcount)
