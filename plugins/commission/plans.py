"""Plans of representatives: entered, changed, taken away while nothing was earned by them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.catalog.models import Article, Tariff
from app.customers.models import Representative
from app.plugin_api import InvalidInput, formats, transaction
from plugins.commission.models import Claim, Plan
from plugins.commission.shares import Rate

MOST_FIXED = Decimal(10_000)
CURRENCIES = ("EUR", "BRL", "CHF", "GBP", "USD")


def save_plan(plan: Plan | None, *, representative: Representative, tariff: Tariff | None = None, article: Article | None = None, percent: Decimal | None = None,
              fixed: Decimal | None = None, currency: str = "", valid_from: date, valid_to: date | None = None) -> Plan:
    """A new plan, or a changed one; invoices that were paid before keep what they were given. Raises InvalidInput."""
    if representative is None:
        raise InvalidInput(_("Choose a representative."), "representative")
    if tariff is not None and article is not None:
        raise InvalidInput(_("Choose a tariff or an article, not both."), "article")
    if (percent is None) == (fixed is None):
        raise InvalidInput(_("Enter either percent or a fixed amount."), "percent")
    if percent is not None and not (0 < percent <= 100 and percent == percent.quantize(Decimal("0.0001"))):
        raise InvalidInput(_("Enter more than 0 and at most 100 percent, with at most 4 decimals."), "percent")
    if fixed is not None and not (0 < fixed <= MOST_FIXED and fixed == fixed.quantize(Decimal("0.0001"))):
        raise InvalidInput(_("Enter an amount of more than 0 and at most %(most)s.", most=formats.number(MOST_FIXED)), "fixed")
    if fixed is not None and currency not in CURRENCIES:
        raise InvalidInput(_("Choose the currency of the fixed amount."), "currency")
    if valid_from is None:
        raise InvalidInput(_("Enter the first day."), "valid_from")
    if valid_to is not None and valid_to < valid_from:
        raise InvalidInput(_("The last day lies before the first."), "valid_to")
    with transaction() as session:
        session.refresh(representative, with_for_update=True)      # two plans at once: the second sees the first
        with session.no_autoflush:
            _check_overlap(session, plan, representative, tariff, article, valid_from, valid_to)
            row = plan if plan is not None else Plan()
            row.representative, row.tariff, row.article = representative, tariff, article
            row.percent, row.fixed, row.currency = percent, fixed, currency if fixed is not None else ""
            row.valid_from, row.valid_to = valid_from, valid_to
        session.add(row)
        session.flush()
        return row


def _check_overlap(session: Session, plan: Plan | None, representative: Representative, tariff: Tariff | None, article: Article | None, valid_from: date, valid_to: date | None) -> None:
    query = select(Plan).where(Plan.representative_id == representative.id, Plan.tariff_id == (tariff.id if tariff else None), Plan.article_id == (article.id if article else None),
                               or_(Plan.valid_to.is_(None), Plan.valid_to >= valid_from))
    if valid_to is not None:
        query = query.where(Plan.valid_from <= valid_to)
    if plan is not None and plan.id is not None:
        query = query.where(Plan.id != plan.id)
    if (other := session.scalars(query.limit(1)).first()) is not None:
        raise InvalidInput(_("There is a plan for the same from %(first)s to %(last)s. End that one first.", first=formats.day(other.valid_from),
                             last=formats.day(other.valid_to) if other.valid_to else "…"), "valid_from")


def delete_plan(plan: Plan) -> None:
    """Only while no invoice was paid by it; later it is ended."""
    with transaction() as session:
        session.get_one(Representative, plan.representative_id, with_for_update=True)
        used = session.scalars(select(Claim.parts).where(Claim.representative_id == plan.representative_id))
        if any(part[0] == plan.id for parts in used for part in parts):
            raise InvalidInput(_("Commission was earned by this plan. Enter a last day instead."))
        session.delete(plan)
        session.flush()


def rates_of(session: Session, representative_id: int, day: date) -> list[Rate]:
    """The plans that are valid on `day`."""
    query = select(Plan.id, Plan.tariff_id, Plan.article_id, Plan.percent, Plan.fixed, Plan.currency, Plan.valid_from, Plan.valid_to).where(
        Plan.representative_id == representative_id, Plan.valid_from <= day, or_(Plan.valid_to.is_(None), Plan.valid_to >= day))
    return [Rate(*row) for row in session.execute(query)]
