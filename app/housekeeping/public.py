"""B04, B05, B06: public registrations that never bought, public licenses that are not used, tariffs that expire."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import Session

from app.billing.models import Charge, Invoice
from app.catalog.models import Billing, Tariff
from app.core import clock, formats
from app.core.db import db, transaction
from app.core.jobs import Context
from app.customers.models import Customer, CustomerKind, CustomerState, TariffAssignment
from app.housekeeping.limits import clean_up
from app.licenses.models import License, LicenseState
from app.licenses.services import delete
from app.receivables.models import OpenItem, Payment, PrepaidPeriod
from app.receivables.queries import account_for_update
from app.system.models import ProtocolEntry, ProtocolKind
from app.system.protocol import record
from app.system.settings import setting

LIVING = License.state != LicenseState.DELETED


def _never_bought(session: Session, today: date, ident: int | None = None) -> list[Any]:
    """Public customers without any payment, prepaid period, invoice or demand since they registered, or since their free trial ended.

    Who has a license that is billed afterwards has bought: the first charge may come months later.
    """
    last = today - timedelta(days=setting("housekeeping.never_bought_days"))
    limit = clock.start_of(last)
    trials = [and_(Tariff.trial_days == days, License.active_from > last - timedelta(days=days)) for days in session.scalars(select(Tariff.trial_days).where(Tariff.trial_days > 0).distinct())]
    bought = exists().where(License.customer_id == Customer.id, LIVING, Tariff.id == License.tariff_id, or_(Tariff.billing == Billing.POSTPAID, *trials))
    nothing = [~exists().where(model.customer_id == Customer.id) for model in (Payment, PrepaidPeriod, Invoice, OpenItem)]
    charged = exists().where(Charge.license_id == License.id, License.customer_id == Customer.id)
    query = select(Customer.id, Customer.number, Customer.company, Customer.created_at).where(
        Customer.kind == CustomerKind.PUBLIC, Customer.state != CustomerState.DELETED, Customer.created_at < limit, ~charged, ~bought, *nothing)
    return list(session.execute(query.where(Customer.id == ident) if ident is not None else query.order_by(Customer.id)))


def never_bought(ctx: Context) -> None:
    """Public licenses, which were still created, but the customer has never purchased a license, are deleted after a time."""
    if not setting("housekeeping.never_bought_days"):
        return
    session = db.session()
    found = [(row.id, f"{row.number} {row.company}", _("registered on %(day)s, never bought", day=formats.day(clock.local(row.created_at).date()))) for row in _never_bought(session, ctx.today)]
    of = session.scalar(select(func.count()).select_from(Customer).where(Customer.kind == CustomerKind.PUBLIC, Customer.state != CustomerState.DELETED)) or 0

    def act(ident: int) -> str | None:
        session = db.session()
        customer = account_for_update(session, ident)
        if not _never_bought(session, ctx.today, ident):
            return _("bought something meanwhile")
        for license in session.scalars(select(License).where(License.customer_id == ident, LIVING)).all():
            delete(license, ctx.today)
        session.refresh(customer)
        customer.move_to(CustomerState.DELETED)
        record(ProtocolKind.CUSTOMER, "never_bought", subject_type="customer", subject_id=ident, subject=customer.number, customer_id=ident)
        return None

    clean_up(ctx, found, of, "registrations deleted", lambda n, of: _("%(n)s of %(of)s public registrations would be deleted at once. Look at the list, then approve.", n=n, of=of), act)


def _unused(session: Session, today: date, ident: int | None = None) -> list[Any]:
    """Living public licenses in a tariff that is paid in advance, whose account's paid period ended before the limit."""
    limit = today - timedelta(days=setting("housekeeping.unused_days"))
    waiting = exists().where(Payment.customer_id == Customer.id, Payment.free > 0)
    query = (select(License.id, License.user_name, Customer.company, Customer.paid_until).join(Customer, Customer.id == License.customer_id).join(Tariff, Tariff.id == License.tariff_id)
             .where(Customer.kind == CustomerKind.PUBLIC, LIVING, Tariff.billing == Billing.PREPAID, License.active_from < limit, ~waiting, Customer.paid_until < limit))
    return list(session.execute(query.where(License.id == ident) if ident is not None else query.order_by(License.id)))


def unused(ctx: Context) -> None:
    """Public licenses, which were not used for a preset period, are deleted; on the PTT server through the outbox."""
    if not setting("housekeeping.unused_days"):
        return
    session = db.session()
    found = [(row.id, f"{row.user_name} {row.company}", _("paid until %(day)s", day=formats.day(row.paid_until))) for row in _unused(session, ctx.today)]
    of = session.scalar(select(func.count()).select_from(License).where(LIVING)) or 0

    def act(ident: int) -> str | None:
        session = db.session()
        license = session.get_one(License, ident)
        account_for_update(session, license.customer_id)
        if not _unused(session, ctx.today, ident):
            return _("paid meanwhile")
        delete(session.get_one(License, ident), ctx.today)
        return None

    clean_up(ctx, found, of, "licenses deleted", lambda n, of: _("%(n)s of %(of)s licenses would be deleted at once. Look at the list, then approve.", n=n, of=of), act)


def expiring_tariffs(ctx: Context) -> None:
    """The tariffs assigned to the customer are checked for expiry and stored in the error protocol: once before, once when over."""
    session, soon = db.session(), ctx.today + timedelta(days=setting("housekeeping.expiring_days"))
    query = (select(TariffAssignment.id, TariffAssignment.valid_to, Tariff.name, Customer.id.label("customer_id"), Customer.number, Customer.company)
             .join(Customer, Customer.id == TariffAssignment.customer_id).join(Tariff, Tariff.id == TariffAssignment.tariff_id)
             .where(TariffAssignment.valid_to >= ctx.today - timedelta(days=30), TariffAssignment.valid_to <= soon, Customer.state == CustomerState.ACTIVE).order_by(TariffAssignment.valid_to))
    found = session.execute(query).all()
    known = {(row.subject_id, row.action, row.note) for row in session.execute(
        select(ProtocolEntry.subject_id, ProtocolEntry.action, ProtocolEntry.note).where(
            ProtocolEntry.subject_type == "tariff_assignment", ProtocolEntry.kind == ProtocolKind.JOB_ERROR, ProtocolEntry.action.in_(("expiring", "expired"))))}
    session.rollback()
    for row in found:
        over = row.valid_to < ctx.today
        action, note = "expired" if over else "expiring", row.valid_to.isoformat()
        if (row.id, action, note) in known:
            continue
        subject = f"{row.number} {row.company}: {row.name}"
        if ctx.dry_run:
            ctx.note("would", subject, _("ended on %(day)s", day=formats.day(row.valid_to)) if over else _("ends on %(day)s", day=formats.day(row.valid_to)))
            continue
        with transaction():
            record(ProtocolKind.JOB_ERROR, action, subject_type="tariff_assignment", subject_id=row.id, subject=subject, customer_id=row.customer_id, note=note)
        ctx.count(action)
