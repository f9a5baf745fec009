"""What the fee run reads: plain rows by range of customers, tariffs as plain objects. Nothing is changed here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, any_, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from app.billing.fee_terms import Account, Offer, Span, Terms, Usage, billing_period
from app.billing.locked_days import Lock
from app.billing.models import BillingDocument, BillingState, Charge, ManualLine, RecurringLine
from app.catalog.models import Billing, ProRata, Service, Tariff, TariffService, TariffTier, TierPolicy, WhileLocked
from app.catalog.pricing import Tiers
from app.core import clock
from app.core.period import Month
from app.customers.models import Customer
from app.licenses.models import License, LicenseService, LicenseTariff, LockPeriod

_LICENSE, _TARIFF_SPAN, _SERVICE_SPAN = License.__table__, LicenseTariff.__table__, LicenseService.__table__


class DocumentRow(NamedTuple):
    """A billing document of the month, locked."""

    id: int
    customer_id: int
    sequence: int
    state: BillingState
    currency: str


class RecurringRow(NamedTuple):
    """A recurring line that is due."""

    id: int
    customer_id: int
    article_id: int
    text: str
    quantity: Decimal
    unit_price: Decimal


class Range(NamedTuple):
    """Customers by id, both ends included."""

    first: int
    last: int


def read_terms(session: Session, month: Month) -> dict[int, Terms]:
    """The postpaid tariffs whose period `month` ends, as they stand now. A tariff without tiers is among them."""
    tiers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for tariff_id, start, price in session.execute(
            select(TariffTier.tariff_id, TariffTier.from_quantity, type_coerce(TariffTier.unit_price, BigInteger))):
        tiers[tariff_id].append((start, price))
    names = {row.id: {"en": row.name_en, "de": row.name_de, "pt_BR": row.name_pt_br}
             for row in session.execute(select(Service.id, Service.name_en, Service.name_de, Service.name_pt_br))}
    offers: dict[int, dict[int, Offer]] = defaultdict(lambda: {key: Offer(name, offered=False) for key, name in names.items()})
    for tariff_id, service_id, included, price in session.execute(
            select(TariffService.tariff_id, TariffService.service_id, TariffService.included,
                   type_coerce(TariffService.unit_price, BigInteger))):
        offers[tariff_id][service_id] = Offer(names[service_id], None if included else price)
    found = {}
    for row in session.execute(select(Tariff.id, Tariff.name, Tariff.currency, Tariff.article_id, Tariff.period_months, Tariff.pro_rata,
                                      Tariff.while_locked, Tariff.tier_policy, Tariff.trial_days).where(Tariff.billing == Billing.POSTPAID)):
        if (period := billing_period(month, row.period_months)) is not None:
            found[row.id] = Terms(row.id, row.name, row.currency, row.article_id, *period,
                                  row.pro_rata is ProRata.DAY, row.while_locked is WhileLocked.SKIP, row.tier_policy is TierPolicy.GRADUATED,
                                  row.trial_days, Tiers.of(tiers[row.id]), offers[row.id])
    return found


def read_accounts(session: Session, ids: Range) -> dict[int, Account]:
    query = select(Customer.id, Customer.number, Customer.company, Customer.language, Customer.currency, Customer.article_id,
                   Customer.termination_date, Customer.paid_until).where(Customer.id.between(*ids)).order_by(Customer.id)
    return {row[0]: Account(row[0], f"{row[1]} {row[2]}", *row[3:]) for row in session.execute(query)}


def read_usage(session: Session, ids: Range, since: date, until: date, with_locks: bool,
               accounts: dict[int, Account]) -> dict[int, Usage]:
    """By customer, what was used on the days `since` to `until`. Customers without a license do not appear.

    Three scans of indexes that hold all columns; joined here, because a join in SQL costs a look-up or a sort a row.
    """
    licenses = _plain(session, select(_LICENSE.c.customer_id, _LICENSE.c.id, _LICENSE.c.active_from, _LICENSE.c.active_to)
                      .where(_LICENSE.c.customer_id.between(*ids), _LICENSE.c.active_from <= until,
                             or_(_LICENSE.c.active_to.is_(None), _LICENSE.c.active_to >= since))
                      .order_by(_LICENSE.c.customer_id, _LICENSE.c.id))
    tariffs = _by_license(session, _TARIFF_SPAN.c.tariff_id, (_TARIFF_SPAN.c.valid_from,), ids, since)
    services = _by_license(session, _SERVICE_SPAN.c.service_id, (_SERVICE_SPAN.c.service_id, _SERVICE_SPAN.c.valid_from), ids, since)
    locks = _locks(session, ids, since, until) if with_locks else {}
    prepaid = _last_prepaid(session, [a.customer_id for a in accounts.values() if a.paid_until is not None and a.paid_until >= since])
    empty: dict[Any, Any] = {}
    return {customer_id: Usage([row[1:] for row in rows], tariffs, services, locks.get(customer_id, empty), prepaid.get(customer_id, empty))
            for customer_id, rows in groupby(licenses, key=itemgetter(0))}


def _plain(session: Session, query: Select[Any]) -> list[Any]:
    """Rows without the ORM's help, which costs as much as reading them."""
    rows: Any = session.connection().execute(query).fetchall()
    return rows


def _by_license(session: Session, what: ColumnElement[int], order: tuple[ColumnElement[Any], ...], ids: Range, since: date) -> dict[int, list[Span]]:
    """Spans that end after `since` or not at all, by license, in the order of the table's index. Those that begin later come
    along: they are few, and to leave them out here would make the search dearer."""
    table = what.table
    owned = select(_LICENSE.c.id).where(_LICENSE.c.customer_id.between(*ids))
    license_id = table.c.license_id
    # An array is sought in one walk along the index; PostgreSQL would join the subquery by reading the whole table.
    mine = license_id == any_(func.array(owned.scalar_subquery())) if session.get_bind().dialect.name == "postgresql" else license_id.in_(owned)
    query = (select(license_id, what, table.c.valid_from, table.c.valid_to)
             .where(mine, or_(table.c.valid_to.is_(None), table.c.valid_to >= since)).order_by(license_id, *order))
    found: dict[int, list[Span]] = {}
    last = 0
    spans: list[Any] = []
    for key, *span in _plain(session, query):
        if key == last:
            spans.append(tuple(span))
        else:
            last, spans = key, [tuple(span)]
            found[key] = spans
    return found


def _locks(session: Session, ids: Range, since: date, until: date) -> dict[int, dict[int | None, list[Lock]]]:
    found: dict[int, dict[int | None, list[Lock]]] = defaultdict(dict)
    query = (select(LockPeriod.customer_id, LockPeriod.license_id, LockPeriod.from_at, LockPeriod.to_at)
             .where(LockPeriod.customer_id.between(*ids), LockPeriod.from_at < clock.start_of(until + timedelta(days=1)),
                    or_(LockPeriod.to_at.is_(None), LockPeriod.to_at > clock.start_of(since)))
             .order_by(LockPeriod.customer_id, LockPeriod.from_at, LockPeriod.id))
    for customer_id, license_id, from_at, to_at in session.execute(query):
        found[customer_id].setdefault(license_id, []).append((from_at, to_at))
    return found


def _last_prepaid(session: Session, customer_ids: list[int]) -> dict[int, dict[int, date]]:
    """By customer and license, the first day of its newest span in a prepaid tariff."""
    found: dict[int, dict[int, date]] = defaultdict(dict)
    for start in range(0, len(customer_ids), 500):
        query = (select(License.customer_id, License.id, func.max(LicenseTariff.valid_from))
                 .join(LicenseTariff, LicenseTariff.license_id == License.id).join(Tariff, Tariff.id == LicenseTariff.tariff_id)
                 .where(License.customer_id.in_(customer_ids[start:start + 500]), Tariff.billing == Billing.PREPAID)
                 .group_by(License.customer_id, License.id))
        for customer_id, license_id, began in session.execute(query):
            found[customer_id][license_id] = began
    return found


def lock_documents(session: Session, ids: Range, month: Month) -> dict[int, list[DocumentRow]]:
    """By customer, the documents of the month in their sequence. Those that may still change are locked until the end of the
    transaction, and first, so that one being issued meanwhile is seen as issued. Issued ones are not: whoever holds the
    customer and waits for them must not wait for us, who may need the customer for a new document."""
    query = (select(BillingDocument.id, BillingDocument.customer_id, BillingDocument.sequence, BillingDocument.state, BillingDocument.currency)
             .where(BillingDocument.period == str(month), BillingDocument.customer_id.between(*ids))
             .order_by(BillingDocument.customer_id, BillingDocument.sequence))
    changing = session.execute(query.where(BillingDocument.state != BillingState.ISSUED).with_for_update()).all()
    issued = session.execute(query.where(BillingDocument.state == BillingState.ISSUED)).all()
    found: dict[int, list[DocumentRow]] = defaultdict(list)
    for row in sorted((*changing, *issued), key=itemgetter(1, 2)):
        found[row[1]].append(DocumentRow(*row))
    return found


def read_billed(session: Session, ids: Range, month: Month) -> dict[int, dict[tuple[int, int, int, date], int]]:
    """By customer, the charges of the month that exist: key → unit price. Call after `lock_documents`."""
    found: dict[int, dict[tuple[int, int, int, date], int]] = defaultdict(dict)
    query = (select(BillingDocument.customer_id, Charge.license_id, Charge.tariff_id, Charge.service_id, Charge.period_start,
                    type_coerce(Charge.unit_price, BigInteger))
             .join(Charge, Charge.document_id == BillingDocument.id)
             .where(BillingDocument.period == str(month), BillingDocument.customer_id.between(*ids)))
    for customer_id, license_id, tariff_id, service_id, start, price in session.execute(query):
        found[customer_id][license_id, tariff_id, service_id, start] = price
    return found


def read_recurring(session: Session, ids: Range, month: Month) -> dict[int, list[RecurringRow]]:
    """By customer, the recurring lines that are due in `month` and stand in none of its documents yet. Call after `lock_documents`."""
    text = str(month)
    copied = (select(ManualLine.recurring_id).join(BillingDocument, BillingDocument.id == ManualLine.document_id)
              .where(BillingDocument.period == text, BillingDocument.customer_id.between(*ids), ManualLine.recurring_id.is_not(None)))
    query = (select(RecurringLine.first_period, RecurringLine.every_months, RecurringLine.id, RecurringLine.customer_id, RecurringLine.article_id,
                    RecurringLine.text, RecurringLine.quantity, RecurringLine.unit_price)
             .where(RecurringLine.customer_id.between(*ids), RecurringLine.first_period <= text,
                    or_(RecurringLine.last_period.is_(None), RecurringLine.last_period >= text), RecurringLine.id.not_in(copied))
             .order_by(RecurringLine.id))
    found: dict[int, list[RecurringRow]] = defaultdict(list)
    for row in session.execute(query):
        if is_due(row.first_period, row.every_months, month):
            line = RecurringRow(*row[2:])
            found[line.customer_id].append(line)
    return found


def is_due(first_period: str, every_months: int, month: Month) -> bool:
    first = Month.parse(first_period)
    distance = (month.year - first.year) * 12 + month.month - first.month
    return distance >= 0 and distance % every_months == 0


def chunks(session: Session, size: int, within: Range | None = None) -> list[Range]:
    """Ranges that hold every customer once, each with about `size` customers and licenses."""
    low, high = session.execute(select(func.min(Customer.id), func.max(Customer.id))).one()
    if low is None:
        return []
    if within is not None:
        low, high = max(low, within.first), min(high, within.last)
    customers = session.scalars(select(Customer.id).where(Customer.id.between(low, high)).order_by(Customer.id)).all()
    licenses = dict(session.execute(select(License.customer_id, func.count()).where(License.customer_id.between(low, high))
                                    .group_by(License.customer_id)).all())
    return cut(((customer_id, 1 + licenses.get(customer_id, 0)) for customer_id in customers), size, low, high)


def cut(counts: Iterable[tuple[int, int]], size: int, low: int, high: int) -> list[Range]:
    """Cut `low..high` after each customer with whom a range reaches `size`. `counts`: (customer, weight) by customer."""
    found, begin, held = [], low, 0
    for customer_id, number in counts:
        held += number
        if held >= size:
            found.append(Range(begin, customer_id))
            begin, held = customer_id + 1, 0
    if begin <= high:
        found.append(Range(begin, high))
    return found
