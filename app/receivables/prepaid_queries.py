"""Reads of prepaid accounts: what the next period costs, and whose period has ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, and_, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from app.billing.invoice_queries import rates
from app.billing.invoice_settings import tax_seller
from app.catalog.models import Article, Billing, Service, Tariff, TariffService, TariffTier, TaxClass, TierPolicy
from app.catalog.pricing import Tiers
from app.catalog.tax import Buyer, Rates, Treatment, treat
from app.core.errors import DomainError
from app.core.sql import among
from app.customers.locks import LockReason
from app.customers.models import Customer, CustomerState
from app.licenses.inherit import is_prepaid
from app.licenses.models import License, LicenseService, LicenseState, LicenseTariff
from app.receivables.models import Payment, PaymentState
from app.receivables.prepaid_price import Price, Terms, Use, price_period
from app.receivables.queries import NOUGHT

EXPIRED = int(LockReason.PREPAID_EXPIRED)
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Quote:
    """The customer's next period begins on `start` and costs `price`."""

    customer_id: int
    start: date
    price: Price
    currency: str


def next_start(paid_until: date | None, today: date) -> date:
    """The first day that is not paid yet, today at the earliest."""
    return today if paid_until is None else max(today, paid_until + ONE_DAY)


def quote(session: Session, customer_id: int, today: date) -> Quote | None:
    """The price of the customer's next period; None when he has no license that would be paid in advance then.
    Raises DomainError when it cannot be told."""
    found = quotes(session, [customer_id], today).get(customer_id)
    if isinstance(found, DomainError):
        raise found
    return found


def quotes(session: Session, customer_ids: Sequence[int], today: date) -> dict[int, Quote | DomainError]:
    """As `quote`, for many: a handful of statements, whatever their number."""
    terms, trials = _terms(session)
    if not terms:
        return {}
    accounts = {row.id: row for row in session.execute(
        select(Customer.id, Customer.currency, Customer.country, Customer.vat_id, Customer.business, Customer.article_id, Customer.paid_until)
        .where(among(Customer.id, customer_ids), Customer.state != CustomerState.DELETED))}
    starts = {ident: next_start(row.paid_until, today) for ident, row in accounts.items()}
    uses = _uses(session, starts, terms, trials)
    classes: dict[int, TaxClass] = dict(session.execute(select(Article.id, Article.tax_class)).all())
    dated, seller = rates(session), tax_seller()
    found: dict[int, Quote | DomainError] = {}
    for ident, used in uses.items():
        row, start = accounts[ident], starts[ident]
        buyer = Buyer(row.country, row.vat_id, row.business)
        try:
            price = price_period(used, terms, row.currency, row.article_id, classes, _treatment(seller, buyer, start, dated))
            found[ident] = Quote(ident, start, price, row.currency)
        except DomainError as error:
            found[ident] = error
    return found


def _treatment(seller: Any, buyer: Buyer, day: date, dated: Rates) -> Any:
    def case_of(tax_class: TaxClass) -> Treatment:
        return treat(seller, buyer, tax_class, day, dated)

    return case_of


def _terms(session: Session) -> tuple[dict[int, Terms], dict[int, int]]:
    """The prepaid tariffs as they stand now, and their free days."""
    tiers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    services: dict[int, dict[int, int]] = defaultdict(dict)
    prepaid = select(Tariff.id).where(Tariff.billing == Billing.PREPAID)
    for tariff_id, start, price in session.execute(
            select(TariffTier.tariff_id, TariffTier.from_quantity, type_coerce(TariffTier.unit_price, BigInteger)).where(TariffTier.tariff_id.in_(prepaid))):
        tiers[tariff_id].append((start, price))
    for tariff_id, service_id, price in session.execute(
            select(TariffService.tariff_id, TariffService.service_id, type_coerce(TariffService.unit_price, BigInteger))
            .where(TariffService.tariff_id.in_(prepaid), ~TariffService.included)):
        services[tariff_id][service_id] = price
    names: dict[int, str] = dict(session.execute(select(Service.id, Service.name_en)).all()) if services else {}
    terms, trials = {}, {}
    for row in session.execute(select(Tariff.id, Tariff.name, Tariff.period_months, Tariff.currency, Tariff.article_id, Tariff.tier_policy, Tariff.trial_days)
                               .where(Tariff.billing == Billing.PREPAID)):
        terms[row.id] = Terms(row.name, row.period_months, row.currency, row.article_id, row.tier_policy is TierPolicy.GRADUATED, Tiers.of(tiers[row.id]),
                              services[row.id], names)
        trials[row.id] = row.trial_days
    return terms, trials


def _uses(session: Session, starts: dict[int, date], terms: dict[int, Terms], trials: dict[int, int]) -> dict[int, list[Use]]:
    """Licenses that run on the first day of the period and are past their trial then, with the tariff and the services of that
    day: a move that is planned counts from its day on. Nothing runs after the customer's last day."""
    licenses: dict[tuple[int, int], int] = defaultdict(int)
    counted: dict[int, tuple[int, int]] = {}
    columns = (License.id, License.customer_id, License.active_from, License.active_to, Customer.termination_date, LicenseTariff.tariff_id, LicenseTariff.valid_from, LicenseTariff.valid_to)
    for ident, owner, first, last, contract_ends, tariff_id, since, until in session.execute(
            select(*columns).join(Customer, Customer.id == License.customer_id).join(LicenseTariff, LicenseTariff.license_id == License.id)
            .where(among(License.customer_id, starts), LicenseTariff.tariff_id.in_(terms), License.state != LicenseState.DELETED)):
        day = starts[owner]
        if first + timedelta(days=trials[tariff_id]) <= day and since <= day and all(end is None or end >= day for end in (last, until, contract_ends)):
            licenses[owner, tariff_id] += 1
            counted[ident] = (owner, tariff_id)
    services: dict[tuple[int, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for ident, service_id, first, last in session.execute(
            select(LicenseService.license_id, LicenseService.service_id, LicenseService.valid_from, LicenseService.valid_to)
            .join(License, License.id == LicenseService.license_id).where(among(License.customer_id, starts))):
        if ident in counted and first <= starts[counted[ident][0]] and (last is None or last >= starts[counted[ident][0]]):
            services[counted[ident]][service_id] += 1
    found: dict[int, list[Use]] = defaultdict(list)
    for (owner, tariff_id), count in sorted(licenses.items()):
        found[owner].append(Use(tariff_id, count, services.get((owner, tariff_id), {})))
    return found


# ---- who ---------------------------------------------------------------------------------------------------------


def with_prepaid_credit(session: Session) -> dict[int, Any]:
    """Customer → what is free of his payments for prepaid periods, in his currency."""
    query = (select(Payment.customer_id, func.sum(Payment.free)).join(Customer, Customer.id == Payment.customer_id)
             .where(Payment.free > NOUGHT, Payment.for_prepaid, Payment.state == PaymentState.BOOKED, Payment.currency == Customer.currency)
             .group_by(Payment.customer_id))
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}


def _has_prepaid_license(session: Session, today: date) -> Any:
    running = and_(is_prepaid(session, today), License.state != LicenseState.DELETED, or_(License.active_to.is_(None), License.active_to >= today))
    return Customer.id.in_(select(License.customer_id).where(running))


def expired(session: Session, today: date, ids: Iterable[int] | None = None) -> list[int]:
    """Accounts to lock: a license that is paid in advance, and no day paid or the last paid day over. Of `ids`, or of all."""
    query = select(Customer.id).where(Customer.lock_reasons.bitwise_and(EXPIRED) == 0, Customer.state != CustomerState.DELETED,
                                      or_(Customer.paid_until.is_(None), Customer.paid_until < today), _has_prepaid_license(session, today)).order_by(Customer.id)
    return list(session.scalars(query if ids is None else query.where(among(Customer.id, ids))))


def not_expired(session: Session, today: date, ids: Iterable[int] | None = None) -> list[int]:
    """Accounts to unlock: paid again, or without a license that is paid in advance."""
    query = select(Customer.id).where(Customer.lock_reasons != NOUGHT, Customer.lock_reasons.bitwise_and(EXPIRED) != 0,
                                      or_(Customer.paid_until >= today, ~_has_prepaid_license(session, today))).order_by(Customer.id)
    return list(session.scalars(query if ids is None else query.where(among(Customer.id, ids))))
