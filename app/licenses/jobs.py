"""Daily: what begins or ends with the day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select, update

from app.catalog.models import PttServer
from app.core.db import db, transaction
from app.core.errors import DomainError
from app.core.jobs import Context, Job
from app.core.secrets import SecretError
from app.customers.models import Customer, CustomerState
from app.licenses import bulk
from app.licenses.mass import asked_for, hold, is_too_many
from app.licenses.models import License, LicenseService, LicenseState, LicenseTariff
from app.licenses.orders import want_licenses
from app.licenses.reconcile import forget_old, reconcile_server
from app.licenses.services import delete_rows
from app.licenses.setup_links import remove_old
from app.plugin_api.provisioning import ProvisioningError

BATCH = 500


def day_turns(ctx: Context) -> None:
    """Customers and licenses whose last day is over are deleted; planned tariffs and services begin or end."""
    _end_customers(ctx)
    _switch_tariffs(ctx)
    _services_turn(ctx)
    _delete_ended(ctx)


def _end_customers(ctx: Context) -> None:
    over = select(Customer).where(Customer.state == CustomerState.TERMINATED, Customer.termination_date < ctx.today).order_by(Customer.id)
    for customer in db.session.scalars(over).all():
        if ctx.dry_run:
            ctx.note("would", customer.company, _("marked as deleted"))
            continue
        with transaction() as session:
            for license in session.scalars(select(License).where(License.customer_id == customer.id, License.state == LicenseState.ACTIVE)):
                license.move_to(LicenseState.ENDING)
                license.active_to = customer.termination_date
                spans: list[Any] = [*license.tariffs, *license.services]
                for span in spans:
                    if span.valid_to is None or span.valid_to > customer.termination_date:
                        span.valid_to = customer.termination_date
            session.refresh(customer, with_for_update=True)
            customer.move_to(CustomerState.DELETED)
        ctx.count("customers ended")


def _delete_ended(ctx: Context) -> None:
    over = (License.state == LicenseState.ENDING, License.active_to < ctx.today)
    ids = list(db.session.scalars(select(License.id).where(*over).order_by(License.id)))
    living = db.session.scalar(select(func.count()).select_from(License).where(License.state != LicenseState.DELETED)) or 0
    db.session.rollback()
    if ctx.dry_run:
        for license in db.session.scalars(select(License).where(License.id.in_(ids[:1000]))):
            ctx.note("would", license.user_name, _("deleted on the server"))
        ctx.count("licenses to delete", len(ids))
        return
    if is_too_many(len(ids), living, asked_for(ctx)):
        hold(ctx, len(ids), _("%(n)s of %(of)s licenses would be deleted at once. Check the list of ending licenses, then approve.", n=len(ids), of=living))
    for start in range(0, len(ids), BATCH):
        with transaction() as session:
            batch = list(session.scalars(select(License.id).where(License.id.in_(ids[start:start + BATCH]), *over).with_for_update()))
            delete_rows(session, batch)
        ctx.count("licenses deleted", len(batch))


def _switch_tariffs(ctx: Context) -> None:
    """`license.tariff_id` is the tariff of today: follow spans that began."""
    begun = (select(LicenseTariff.license_id, LicenseTariff.tariff_id).join(License, License.id == LicenseTariff.license_id)
             .where(LicenseTariff.valid_from <= ctx.today, LicenseTariff.valid_from >= ctx.today - timedelta(days=40),
                    or_(LicenseTariff.valid_to.is_(None), LicenseTariff.valid_to >= ctx.today),
                    License.state != LicenseState.DELETED, License.tariff_id != LicenseTariff.tariff_id))
    rows = db.session.execute(begun).all()
    db.session.rollback()
    for row in rows:
        if ctx.dry_run:
            ctx.note("would", str(row.license_id), _("changed to its planned tariff"))
            continue
        with transaction() as session:
            session.execute(update(License).where(License.id == row.license_id).values(tariff_id=row.tariff_id))
            want_licenses(session, License.id == row.license_id)
        ctx.count("tariffs changed")


def _services_turn(ctx: Context) -> None:
    """Services that began or ended lately reach the server (a few days back, should a night have been missed)."""
    if ctx.dry_run:
        return
    turned = select(LicenseService.license_id).where(or_(
        LicenseService.valid_from.between(ctx.today - timedelta(days=3), ctx.today),
        LicenseService.valid_to.between(ctx.today - timedelta(days=4), ctx.today - timedelta(days=1))))
    with transaction() as session:
        want_licenses(session, License.id.in_(turned), License.state != LicenseState.DELETED)


def reconcile(ctx: Context) -> None:
    """Every server, or the one of `params["server"]`: differences are stored; a server that cannot be read is noted, the others go on."""
    query = select(PttServer.id, PttServer.name).where(PttServer.active).order_by(PttServer.id)
    if wanted := ctx.params.get("server"):
        query = query.where(PttServer.id == int(wanted))
    servers = db.session.execute(query).all()
    db.session.rollback()
    for server_id, name in servers:
        try:
            for what, n in reconcile_server(server_id).items():
                ctx.count(what, n)
        except (ProvisioningError, DomainError, SecretError) as error:
            ctx.count("servers not read")
            ctx.note("failed", name, getattr(error, "reason", error))
    forget_old()
    remove_old()


JOBS = [
    Job(bulk.JOB, _l("Bulk actions on licenses"), plan=bulk.plan, part=bulk.work, risky=True,
        help=_l("What staff asked for in the list of licenses, for many at a time.")),
    Job("licenses.reconcile", _l("Compare PTT servers"), run=reconcile, once_per="day", at="03:10", catch_up=False, reads_only=True, lease_seconds=600,
        help=_l("Reads all users and groups of every PTT server and shows what differs from the database. Nothing is changed.")),
    Job("licenses.day_turns", _l("Begin and end of licenses"), run=day_turns, once_per="day", at="00:05", risky=True, catch_up=False,
        help=_l("Customers and licenses whose last day is over are marked as deleted and removed from the PTT server; planned tariffs and services begin.")),
]
