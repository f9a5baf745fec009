"""Statements: collected from entries, released once in the order of the months, then never changed."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.billing.invoice_queries import rates
from app.billing.invoice_settings import seller_snapshot
from app.catalog.models import TaxClass
from app.catalog.tax import Buyer, Seller, treat
from app.customers.models import Representative
from app.plugin_api import Conflict, DomainError, InvalidInput, clock, current_actor, db, round_money, transaction
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from plugins.commission.models import ZERO, CommissionEntry, Series, Statement, StatementState
from plugins.commission.shares import settle

PAYEE = ("number", "name", "street", "address_extra", "postcode", "city", "region", "country", "email", "language", "tax_number", "vat_id", "small_business", "iban")


def month_end(period: str) -> date:
    year, month = (int(part) for part in period.split("-"))
    return date(year, month, monthrange(year, month)[1])


def month_before(day: date) -> str:
    return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"


def prepare(period: str, failed: Callable[[str, str], Any]) -> int:
    """A draft for everybody who has entries up to the end of `period` that are on no statement; returns how many drafts changed.

    Can be repeated: what came since is added to the draft.
    """
    if month_end(period) >= clock.today():
        raise InvalidInput(_("The month is not over yet."), "period")
    query = (select(CommissionEntry.representative_id, CommissionEntry.currency).where(CommissionEntry.statement_id.is_(None), CommissionEntry.on_date <= month_end(period))
             .distinct().order_by(CommissionEntry.representative_id, CommissionEntry.currency))
    count = 0
    for representative_id, currency in db.session.execute(query).all():
        try:
            count += prepare_one(representative_id, currency, period)
        except DomainError as error:
            db.session.rollback()
            failed(str(db.session.get_one(Representative, representative_id)), str(error))
    return count


def prepare_one(representative_id: int, currency: str, period: str) -> bool:
    """The draft of a month. When that month's statement is released already, late entries wait for the next one."""
    with transaction() as session:
        session.get_one(Representative, representative_id, with_for_update=True)
        newest = session.scalar(select(func.max(Statement.period)).where(Statement.representative_id == representative_id, Statement.currency == currency))
        if newest is not None and newest > period:
            return False        # late entries go to the statement of a later month
        row = session.scalar(select(Statement).where(Statement.representative_id == representative_id, Statement.currency == currency, Statement.period == period)
                             .execution_options(populate_existing=True))
        if row is None:
            row = Statement(representative_id=representative_id, currency=currency, period=period)
            session.add(row)
            session.flush()
        if row.state is StatementState.RELEASED:
            return False
        return _collect(session, row) > 0


def _collect(session: Session, row: Statement) -> int:
    """Put entries that are on no statement on this draft; how many came."""
    found = session.execute(update(CommissionEntry).where(
        CommissionEntry.representative_id == row.representative_id, CommissionEntry.currency == row.currency, CommissionEntry.statement_id.is_(None),
        CommissionEntry.on_date <= month_end(row.period)).values(statement_id=row.id).execution_options(synchronize_session=False))
    row.entries_sum = Decimal(session.scalar(select(func.coalesce(func.sum(CommissionEntry.amount), ZERO)).where(CommissionEntry.statement_id == row.id)) or ZERO)
    row.opening = opening_of(session, row)
    row.net, row.carried = settle(row.opening, row.entries_sum)
    session.flush()
    return int(found.rowcount)  # type: ignore[attr-defined]


def opening_of(session: Session, row: Statement) -> Decimal:
    """What the statement before carries forward (≤ 0)."""
    carried = session.scalar(select(Statement.carried).where(Statement.representative_id == row.representative_id, Statement.currency == row.currency, Statement.period < row.period)
                             .order_by(Statement.period.desc()).limit(1))
    return carried if carried is not None else ZERO


def release(statement: Statement) -> Statement:
    """Number, tax and sums for good; the letter follows by a worker. A second release changes nothing (Conflict)."""
    with transaction() as session:
        representative = session.get_one(Representative, statement.representative_id, with_for_update=True)
        session.refresh(statement, with_for_update=True)
        if statement.state is StatementState.RELEASED:
            raise Conflict(_("%(number)s was released already.", number=statement.number))
        older = session.scalar(select(func.min(Statement.period)).where(Statement.representative_id == statement.representative_id, Statement.currency == statement.currency,
                                                                        Statement.period < statement.period, Statement.state == StatementState.DRAFT))
        if older is not None:
            raise InvalidInput(_("Release the statement of %(month)s first: it may carry something forward.", month=older))
        payer = seller_snapshot()
        _collect(session, statement)
        today = clock.today()
        seller = Seller(representative.country, representative.vat_id, representative.small_business)
        if not seller.small_business and not (representative.tax_number or representative.vat_id):
            raise InvalidInput(_("%(name)s has neither a tax number nor a VAT id: enter one, or mark the representative as a small business.", name=representative.name))
        case = treat(seller, Buyer(payer["country"], payer["vat_id"], True), TaxClass.STANDARD, today, rates(session))
        statement.tax_rate, statement.tax_note = case.rate, case.note
        statement.tax = round_money(statement.net * case.rate / 100, statement.currency)
        statement.payout = statement.net + statement.tax
        statement.payee = {name: getattr(representative, name) for name in PAYEE}
        statement.payer = payer
        statement.issued_on, statement.released_by = today, current_actor().name[:80]
        statement.number = _draw(session, today)
        statement.move_to(StatementState.RELEASED)
        session.flush()
        record(ProtocolKind.BILLING, "released", subject_type="commission_statement", subject_id=statement.id, subject=statement.number,
               note=f"{representative.name} {statement.period}: {statement.payout} {statement.currency}")
        return statement


def _draw(session: Session, day: date) -> str:
    """The next number of the year, without gaps: it is drawn in the transaction that uses it."""
    series = session.get(Series, day.year, with_for_update=True, populate_existing=True)
    if series is None:
        series = Series(year=day.year, next_number=1)
        session.add(series)
        session.flush()
    number = f"{setting('commission.prefix')}-{day.year}-{series.next_number:05d}"
    series.next_number += 1
    return number
