"""B07, B09, B10: what is marked as deleted goes for good; where amounts have to be kept, the person is taken out of them.

The newest license stays as a row: SQLite would give its id again, and what named it would tell of the next one. (A customer's
id is not given twice: `PurgedCustomer` remembers it.)
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from app.billing.fee_run import NAME as FEE_RUN
from app.billing.models import BillingDocument, BillingState, Invoice, RecurringLine
from app.catalog.models import Billing, Tariff
from app.core import clock
from app.core.db import db
from app.core.jobs import Context
from app.core.period import Month
from app.core.sql import among
from app.core.uses import uses_of
from app.customers.account_models import AccountCustomer, PortalAccount, TermsAcceptance
from app.customers.models import AssociationMember, Customer, CustomerState, TariffAssignment
from app.customers.prospect_models import Prospect
from app.housekeeping.limits import clean_up
from app.housekeeping.models import PurgedCustomer
from app.housekeeping.protocols import MAIL_LEAST
from app.housekeeping.references import References
from app.licenses.models import License, LicenseState, LockPeriod, OrderKind, ProvisioningOrder, SyncState
from app.licenses.names_models import RetiredName
from app.receivables.bank_models import PayerAccount
from app.receivables.lawyer_models import CaseState, LawyerCase
from app.receivables.models import OpenItem, Payment, PrepaidPeriod
from app.receivables.queries import account_for_update
from app.receivables.refund_models import Refund, RefundState
from app.system.models import Document, DocumentKind, JobRun, MailMessage, ProtocolEntry, ProtocolKind, RunState
from app.system.outbox import OutboxState
from app.system.protocol import record
from app.system.settings import setting
from app.system.sms_models import Sms

# ---- licenses ----------------------------------------------------------------------------------------------------


def _gone(today: Any, ident: int | None = None) -> Any:
    """Deleted, off the server, no order waiting, the last day long ago, and not the newest."""
    ordered = exists().where(ProvisioningOrder.kind == OrderKind.LICENSE, ProvisioningOrder.target_id == License.id)
    query = (select(License.id, License.user_name, License.active_to).where(
        License.state == LicenseState.DELETED, License.sync_state == SyncState.SYNCED, ~ordered, License.active_to < today - timedelta(days=setting("housekeeping.license_days")),
        License.id < select(func.max(License.id)).scalar_subquery()))
    return query.where(License.id == ident) if ident is not None else query.order_by(License.id)


def _billed_to(session: Session) -> Month | None:
    """The newest month whose fees were computed for everybody."""
    newest = session.scalar(select(func.max(JobRun.period)).where(JobRun.job == FEE_RUN, JobRun.state == RunState.DONE, JobRun.dry_run.is_(False)))
    return Month.parse(newest[:7]).previous if newest else None


def licenses(ctx: Context) -> None:
    """Licenses, which are marked as deleted, and are not needed anymore, are physically deleted: off the server, all billed."""
    session = db.session()
    billed = _billed_to(session)
    found = [(row.id, row.user_name, row.active_to.isoformat()) for row in session.execute(_gone(ctx.today)) if billed is not None and row.active_to <= billed.end]
    of = session.scalar(select(func.count()).select_from(License)) or 0

    def act(ident: int) -> str | None:
        session = db.session()
        license = session.get_one(License, ident, with_for_update=True, populate_existing=True)
        if session.execute(_gone(ctx.today, ident)).first() is None:
            return _("needed again meanwhile")
        session.merge(RetiredName(server_id=license.server_id, user_name=license.user_name))
        session.flush()
        if uses := uses_of(session, license, {}, own=("license_tariff", "license_service", "lock_period", "ptt_group_member")):
            return _("still used: %(uses)s", uses=", ".join(uses))
        record(ProtocolKind.LICENSE, "purged", subject_type="license", subject_id=ident, subject=license.user_name, customer_id=license.customer_id)
        session.execute(delete(License).where(License.id == ident))
        return None

    clean_up(ctx, found, of, "licenses removed", lambda n, of: _("%(n)s of %(of)s licenses would be removed at once. Look at the list, then approve.", n=n, of=of), act)


# ---- customers ---------------------------------------------------------------------------------------------------


def prepaid_customers(ctx: Context) -> None:
    """Physical delete of customers with pre-payment, if the status is deleted."""
    _customers(ctx, _is_prepaid(), 0)


def customers(ctx: Context) -> None:
    """Customers marked as deleted, where the customer data are no longer needed, are deleted automatically."""
    _customers(ctx, ~_is_prepaid(), setting("housekeeping.customer_days"))


def _is_prepaid() -> ColumnElement[bool]:
    return or_(Customer.paid_until.is_not(None), exists().where(TariffAssignment.customer_id == Customer.id, TariffAssignment.tariff_id == Tariff.id, Tariff.billing == Billing.PREPAID))


def _customers(ctx: Context, which: ColumnElement[bool], days: int) -> None:
    session = db.session()
    query = (select(Customer.id, Customer.number, Customer.company).where(
        Customer.state == CustomerState.DELETED, which, Customer.changed_at < clock.start_of(ctx.today - timedelta(days=max(days - 1, -1))),
        ~exists().where(PurgedCustomer.customer_id == Customer.id), *_not_needed()).order_by(Customer.id))
    rows = session.execute(query).all()
    kept = {row.id for row in rows if must_keep(session, row.id, ctx.today)} if ctx.dry_run else set()
    found = [(row.id, f"{row.number} {row.company}", _("anonymised: amounts have to be kept") if row.id in kept else _("deleted")) for row in rows]
    of = session.scalar(select(func.count()).select_from(Customer)) or 0
    clean_up(ctx, found, of, "customers purged", lambda n, of: _("%(n)s of %(of)s customers would be purged at once. Look at the list, then approve.", n=n, of=of),
             lambda ident: purge(db.session(), ident, ctx.today))


def _not_needed() -> tuple[Any, ...]:
    """Nothing is owed by or to the customer, nothing is to be billed, sent or is with a lawyer, no license is on a server or has unbilled days."""
    return (
        ~exists().where(MailMessage.customer_id == Customer.id, MailMessage.state.not_in((OutboxState.DONE, OutboxState.CANCELLED))),
        ~exists().where(Refund.customer_id == Customer.id, Refund.state == RefundState.REQUESTED),
        ~exists().where(OpenItem.customer_id == Customer.id, OpenItem.open > 0), ~exists().where(Payment.customer_id == Customer.id, Payment.free > 0),
        ~exists().where(BillingDocument.customer_id == Customer.id, BillingDocument.state != BillingState.ISSUED, BillingDocument.fees_count > 0),
        ~exists().where(LawyerCase.customer_id == Customer.id, LawyerCase.state.in_((CaseState.PROPOSED, CaseState.HANDED))),
        ~exists().where(License.customer_id == Customer.id))      # `licenses` takes them away when they are off the server and billed


def must_keep(session: Session, ident: int, today: Any) -> bool:
    """Invoices, payments, demands, proofs of terms, or documents that have to be kept name this customer."""
    tables: tuple[Any, ...] = (Invoice, Payment, OpenItem, PrepaidPeriod, Refund, BillingDocument, TermsAcceptance)
    if any(session.scalar(select(exists().where(model.customer_id == ident))) for model in tables):
        return True
    return bool(session.scalar(select(exists().where(Document.customer_id == ident, Document.retain_until >= today))))


def purge(session: Session, ident: int, today: Any) -> str | None:
    """Delete the customer, or take the person out of what has to be kept. Returns why nothing was done, or None."""
    customer = account_for_update(session, ident)
    still = session.scalar(select(Customer.id).where(Customer.id == ident, Customer.state == CustomerState.DELETED, *_not_needed()))
    if still is None or session.get(PurgedCustomer, ident) is not None:
        return _("needed again meanwhile")
    number = customer.number
    _delete_personal(session, ident, today)
    session.expire_all()
    own = {"tariff_assignment", "association_member", "lock_period", "recurring_line"}
    anonymise = must_keep(session, ident, today) or bool(uses_of(session, customer, {}, own=own))
    if anonymise:
        _anonymise(session, ident, number)
    else:
        for model in (TariffAssignment, AssociationMember, LockPeriod, RecurringLine):
            session.execute(delete(model).where(model.customer_id == ident))
        session.execute(delete(Customer).where(Customer.id == ident))
    session.add(PurgedCustomer(customer_id=ident, number=number, anonymised=anonymise))
    record(ProtocolKind.CUSTOMER, "anonymised" if anonymise else "purged", subject_type="customer", subject_id=ident, subject=number, customer_id=ident)
    session.flush()
    session.expire_all()
    return None


def _delete_personal(session: Session, ident: int, today: Any) -> None:
    """Accounts of the portal that have no other customer, prospects, accounts that he paid from, e-mails, the protocol of his data,
    uploads whose time is over. Of e-mails that jobs still look for, only that they were sent is left."""
    accounts = list(session.scalars(select(PortalAccount.id).where(PortalAccount.customer_id == ident)))
    session.execute(delete(AccountCustomer).where(or_(AccountCustomer.customer_id == ident, among(AccountCustomer.account_id, accounts))))
    session.execute(delete(PortalAccount).where(among(PortalAccount.id, accounts)))
    session.execute(delete(Prospect).where(Prospect.customer_id == ident))
    session.execute(delete(PayerAccount).where(PayerAccount.customer_id == ident))
    session.execute(delete(MailMessage).where(MailMessage.customer_id == ident, MailMessage.created_at < clock.start_of(today - timedelta(days=MAIL_LEAST))))
    session.execute(update(MailMessage).where(MailMessage.customer_id == ident).values(recipient="", subject="", body="", sealed=None, error="")
                    .execution_options(synchronize_session=False))
    session.execute(delete(Sms).where(Sms.customer_id == ident))
    session.execute(delete(ProtocolEntry).where(ProtocolEntry.customer_id == ident, ProtocolEntry.kind.in_((ProtocolKind.CUSTOMER, ProtocolKind.CUSTOMER_MAIL, ProtocolKind.LICENSE))))
    over = or_(Document.retain_until.is_(None), Document.retain_until < today)
    if uploads := list(session.scalars(select(Document.id).where(Document.customer_id == ident, Document.kind == DocumentKind.UPLOAD, over))):
        free = References.of(session.connection()).unused(session, Document.__table__, uploads)
        session.execute(delete(Document).where(among(Document.id, free)).execution_options(synchronize_session=False))


def _anonymise(session: Session, ident: int, number: str) -> None:
    """By plain SQL: the protocol must not repeat what is taken out. Country, currency and amounts stay; invoices keep their buyer, as the law wants."""
    session.execute(update(Customer).where(Customer.id == ident).values(
        company=_("Deleted customer %(number)s", number=number)[:120], contact="", street="", address_extra="", postcode="", city="", region="", phone="", email="", invoice_email="",
        vat_id="", tax_number="", buyer_reference="", note="", changed_at=Customer.changed_at).execution_options(synchronize_session=False))
    session.execute(update(Refund).where(Refund.customer_id == ident).values(account="", holder="").execution_options(synchronize_session=False))
