"""Articles, services, PTT modes and tax rates: entered, changed, deleted while nothing uses them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pycountry
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalog.models import Article, PttMode, Service, Tariff, TariffState, TaxRate
from app.catalog.services import check_price
from app.core import clock
from app.core.db import transaction
from app.core.errors import InUse, InvalidInput
from app.core.uses import uses_of

ARTICLE_FIELDS = frozenset({"number", "name_en", "name_de", "name_pt_br", "unit", "net_price", "tax_class", "revenue_account", "commissionable", "active"})
SERVICE_FIELDS = frozenset({"code", "name_en", "name_de", "name_pt_br", "safety_critical", "active"})
MODE_FIELDS = frozenset({"code", "name", "needs_phone", "group_invitation", "configuration_sms", "setup_password", "download_url"})
RATE_FIELDS = frozenset({"country", "tax_class", "valid_from", "rate"})
CODE = re.compile(r"[a-z][a-z0-9_-]{0,11}")
DOWNLOAD = re.compile(r"https?://[A-Za-z0-9.-]{1,100}(:[0-9]{1,5})?(/[!-~]*)?")
UNIT = re.compile(r"[A-Z0-9]{2,3}")
WORDS: dict[str, Any] = {
    "tariff": _l("tariffs"), "tariff_service": _l("tariffs"), "tariff_assignment": _l("customers"), "customer": _l("customers"),
    "license": _l("licenses"), "license_service": _l("licenses"), "license_tariff": _l("licenses"), "ptt_group": _l("groups"),
    "association": _l("associations"), "ptt_server": _l("PTT servers"), "ptt_server_mode": _l("PTT servers"),
    "manual_line": _l("billing lines"), "recurring_line": _l("recurring lines"), "provisioning_order": _l("provisioning orders"),
    "representative": _l("representatives"),
}
"""Plurals of tables that may refer to master data."""


def save_article(article: Article | None = None, /, **fields: Any) -> Article:
    """A new article, or changed columns of one. Raises InvalidInput with the field."""
    with transaction() as session:
        row = _row(session, article or Article(unit="C62", net_price=Decimal(0)), fields, ARTICLE_FIELDS)
        _text(row, "number", 20)
        _text(row, "name_en", 120)
        row.net_price = check_price(row.net_price, "net_price")
        if not UNIT.fullmatch(row.unit or ""):
            raise InvalidInput(_("Choose a unit: two or three capital letters or digits, for example MON for month."), "unit")
        if row.revenue_account and not re.fullmatch(r"[0-9]{1,12}", row.revenue_account):
            raise InvalidInput(_("An account is a number, for example 8400."), "revenue_account")
        if article is not None and row.active is False:
            _not_offered(session, article)
        _unique(session, row, "number", _("The number “%(value)s” belongs to another article.", value=row.number))
        return _stored(session, row)


def save_service(service: Service | None = None, /, **fields: Any) -> Service:
    """A new additional service, or changed columns of one. The code is what the PTT server is told: it stays once used."""
    with transaction() as session:
        before = service.code if service is not None else None
        row = _row(session, service or Service(), fields, SERVICE_FIELDS)
        _code(session, row, before)
        _text(row, "name_en", 120)
        return _stored(session, row)


def save_mode(mode: PttMode | None = None, /, **fields: Any) -> PttMode:
    """A new PTT mode, or changed columns of one. The code stays once it is used."""
    with transaction() as session:
        before = mode.code if mode is not None else None
        row = _row(session, mode or PttMode(), fields, MODE_FIELDS)
        _code(session, row, before)
        _text(row, "name", 60)
        row.download_url = (row.download_url or "").strip()
        if row.download_url and (len(row.download_url) > 200 or not DOWNLOAD.fullmatch(row.download_url)):
            raise InvalidInput(_("Write the whole address, for example https://example.org/app."), "download_url")
        return _stored(session, row)


def save_tax_rate(rate: TaxRate | None = None, /, **fields: Any) -> TaxRate:
    """A percentage from a day on. Invoices that are issued keep theirs."""
    with transaction() as session:
        row = _row(session, rate or TaxRate(), fields, RATE_FIELDS)
        row.country = (row.country or "").upper()
        if pycountry.countries.get(alpha_2=row.country) is None:
            raise InvalidInput(_("There is no country “%(code)s”. Enter two letters, for example DE or BR.", code=row.country), "country")
        row.rate = check_price(row.rate, "rate")
        if row.rate > 100:
            raise InvalidInput(_("A rate is at most 100 percent."), "rate")
        if row.valid_from is None:
            raise InvalidInput(_("Enter the day from which on the rate holds."), "valid_from")
        same = select(TaxRate.id).where(TaxRate.country == row.country, TaxRate.tax_class == row.tax_class, TaxRate.valid_from == row.valid_from)
        with session.no_autoflush:
            others = [found for found in session.scalars(same) if found != row.id]
        if others:
            raise InvalidInput(_("There is a rate of this class from that day on already."), "valid_from")
        return _stored(session, row)


def delete_row(row: Any, own: Iterable[str] = ()) -> None:
    """Delete master data that nothing refers to; InUse says what does."""
    with transaction() as session:
        session.refresh(row, with_for_update=True)
        if isinstance(row, TaxRate) and row.valid_from <= clock.today():
            raise InUse(_("This rate holds already and invoices may rest on it. Enter a new rate from a later day on instead."))
        if uses := uses_of(session, row, WORDS, frozenset(own)):
            raise InUse(_("“%(name)s” cannot be deleted. It is used by: %(uses)s.", name=str(row), uses=", ".join(uses)))
        session.delete(row)
        session.flush()


# ---- inside ------------------------------------------------------------------------------------------------------


def _row(session: Session, row: Any, fields: dict[str, Any], allowed: frozenset[str]) -> Any:
    """`row` under a lock, with `fields` set."""
    if unknown := set(fields) - allowed:
        raise InvalidInput(_("“%(field)s” cannot be set.", field=sorted(unknown)[0]))
    if row.id is not None:
        session.refresh(row, with_for_update=True)
    with session.no_autoflush:
        for name, value in fields.items():
            setattr(row, name, value.strip() if isinstance(value, str) else value)
    return row


def _stored(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def _text(row: Any, name: str, most: int) -> None:
    value = getattr(row, name) or ""
    if not value:
        raise InvalidInput(_("Fill this in."), name)
    if len(value) > most:
        raise InvalidInput(_("At most %(n)d characters.", n=most), name)


def _unique(session: Session, row: Any, name: str, message: str) -> None:
    model = type(row)
    with session.no_autoflush:
        other = session.scalar(select(model.id).where(getattr(model, name) == getattr(row, name)))
    if other is not None and other != row.id:
        raise InvalidInput(message, name)


def _code(session: Session, row: Any, before: str | None) -> None:
    if not CODE.fullmatch(row.code or ""):
        raise InvalidInput(_("A code has 1 to 12 small letters, digits, hyphens and underscores, and begins with a letter, for example gps."), "code")
    if before is not None and row.code != before:
        with session.no_autoflush:
            uses = uses_of(session, row, WORDS)
        if uses:
            raise InvalidInput(_("The code cannot change any more: PTT servers know it, and it is used by: %(uses)s.", uses=", ".join(uses)), "code")
    _unique(session, row, "code", _("The code “%(value)s” is taken.", value=row.code))


def _not_offered(session: Session, article: Article) -> None:
    with session.no_autoflush:
        count = session.scalar(select(func.count()).select_from(Tariff).where(Tariff.article_id == article.id, Tariff.state == TariffState.ACTIVE))
    if count:
        raise InvalidInput(_("Active tariffs are billed with this article (%(n)s). Give them another one first.", n=count), "active")
