"""The product's data against the model, after the jobs of a moment have run. Numbers are those of the invariants."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select

from app.billing.models import BillingDocument, Charge, Invoice, InvoiceKind
from app.catalog.models import Tariff
from app.core import clock
from app.core.db import db
from app.customers.locks import LockReason
from app.customers.models import Customer, CustomerState
from app.licenses.models import License, LicenseState, ProvisioningOrder, SyncState
from app.receivables.models import OpenItem, Payment, PaymentState, PrepaidPeriod
from app.receivables.reminder_models import ReminderClaim
from app.system.models import JobRun, RunState
from tests.simulation.events import mark_in
from tests.simulation.provider import Provider, Violation, name_of
from tests.simulation.reference import DAY, with_tax

ZERO = Decimal(0)
AFTER_DAYS = 10             # the setting's default: a demand may lock when more days have passed since it was due


class Checks:
    def __init__(self, provider: Provider):
        self.p = provider
        self.fees: dict[tuple[str, str], dict[tuple[str, str, str], tuple[int, Decimal]]] = {}      # (customer, month) as the model had it at the fee run
        self.seen_invoices: set[int] = set()
        self.seen_periods: set[int] = set()
        self.paid_until: dict[str, date | None] = {}
        self.reversals = 0

    def fail(self, number: int, what: str) -> None:
        raise Violation(f"({number}) {what}")

    def moment(self, today: date, last: bool = True) -> None:
        """After every tick; the books as a whole after the `last` of the day."""
        try:
            self.new_periods(today)
            self.new_invoices()
            if last:
                self.balances()
            self.locked(today)
            self.runs()
            if self.p.server.wrong:
                self.fail(2, self.p.server.wrong[0])
        finally:
            db.session.remove()

    # ---- fees ----------------------------------------------------------------------------------------------------

    def month_billed(self, year: int, month: int) -> None:
        """(4) Exactly what the model calls billable, to the cent. Call after the fee run, before anybody changes anything."""
        start = date(year, month, 1)
        got: dict[tuple[str, str, str], tuple[int, Decimal]] = {}
        for row in db.session.execute(select(Charge.license_id, Tariff.code, Charge.service_id, Charge.days, Charge.net).join(Tariff, Tariff.id == Charge.tariff_id)
                                      .where(Charge.period_start == start)):
            key = (self.p.ids[row.license_id], row.code, "gps" if row.service_id else "")
            if key in got:
                self.fail(3, f"{key} is charged twice in {start:%Y-%m}")
            got[key] = row.days, row.net
        db.session.remove()
        wanted: dict[tuple[str, str, str], tuple[int, Decimal]] = {}
        for name in self.p.model.customers:
            self.fees[name, f"{start:%Y-%m}"] = self.p.model.fees(name, year, month)
            wanted.update(self.fees[name, f"{start:%Y-%m}"])
        for key in sorted({*got, *wanted}):
            if got.get(key) != wanted.get(key):
                self.fail(4, f"{start:%Y-%m} {key}: the product bills {got.get(key)}, the model {wanted.get(key)}")
        self.p.counts["charges checked"] += len(wanted)

    def new_invoices(self) -> None:
        """Each invoice is the sum of the model's fees; a cancellation takes exactly its original back."""
        rows = db.session.execute(select(Invoice.id, Invoice.number, Invoice.kind, Invoice.gross, Invoice.cancels_id, Customer.company, BillingDocument.period)
                                  .join(Customer, Customer.id == Invoice.customer_id).outerjoin(BillingDocument, BillingDocument.id == Invoice.document_id)
                                  .where(Invoice.id > max(self.seen_invoices, default=0)).order_by(Invoice.id)).all()
        periods = {row.invoice_id: row.amount for row in db.session.execute(select(PrepaidPeriod.invoice_id, PrepaidPeriod.amount).where(PrepaidPeriod.invoice_id.is_not(None)))}
        for row in rows:
            self.seen_invoices.add(row.id)
            company = name_of(row.company)
            if row.kind is InvoiceKind.INVOICE:
                customer = self.p.model.customers[company]
                wanted = periods.get(row.id) if customer.prepaid else with_tax(sum((net for _days, net in self.fees[company, row.period].values()), ZERO))
                if row.gross != wanted and not (customer.prepaid and wanted is None):
                    self.fail(9, f"{row.number} is of {row.gross}, the model says {wanted}")
            elif row.gross != -db.session.get_one(Invoice, row.cancels_id).gross:
                self.fail(9, f"{row.number} takes {row.gross} back")
            self.p.model.customers[company].invoiced += row.gross
            self.p.counts["invoices"] += 1

    # ---- prepaid -------------------------------------------------------------------------------------------------

    def new_periods(self, today: date) -> None:
        """(12) A period costs what the model says of its first day; (13) the last paid day falls only by a return."""
        rows = db.session.execute(select(PrepaidPeriod.id, PrepaidPeriod.valid_from, PrepaidPeriod.valid_to, PrepaidPeriod.licenses, PrepaidPeriod.amount, PrepaidPeriod.reversed, Customer.company)
                                  .join(Customer, Customer.id == PrepaidPeriod.customer_id).order_by(PrepaidPeriod.id)).all()
        returned = sum(one.returned for one in self.p.model.payments.values() if one.for_prepaid)
        fell = returned > self.reversals
        for row in rows:
            if row.id in self.seen_periods:
                continue
            self.seen_periods.add(row.id)
            if row.reversed or fell:            # moved up after a return: it keeps the price that was paid
                continue
            wanted = self.p.model.prepaid_price(name_of(row.company), row.valid_from)
            if (row.licenses, row.amount) != wanted:
                self.fail(12, f"{row.company} from {row.valid_from}: {row.licenses} licenses for {row.amount}, the model says {wanted}")
            if row.valid_from < today - DAY:
                self.fail(12, f"{row.company}: a period begins in the past, on {row.valid_from}")
            self.p.counts["prepaid periods"] += 1
        for row in db.session.execute(select(Customer.company, Customer.paid_until).where(Customer.paid_until.is_not(None))):
            company = name_of(row.company)
            before = self.paid_until.get(company)
            if before is not None and row.paid_until < before and not fell:
                self.fail(13, f"{row.company}: paid until {before}, now {row.paid_until}, and nothing was returned")
            self.paid_until[company] = row.paid_until
        self.reversals = returned

    # ---- money ---------------------------------------------------------------------------------------------------

    def balances(self) -> None:
        """(10, 11) By customer: what is open less what is free is invoices, claims and fees less payments; nobody's money went to another."""
        have: dict[str, Decimal] = defaultdict(Decimal)
        want: dict[str, Decimal] = defaultdict(Decimal)
        for row in db.session.execute(select(Customer.company, OpenItem.open).join(Customer, Customer.id == OpenItem.customer_id).where(OpenItem.open > 0)):
            have[name_of(row.company)] += row.open
        arrived = set()
        for row in db.session.execute(select(Payment.method, Payment.amount, Payment.free, Payment.state, Payment.reference, Payment.for_prepaid, Customer.company)
                                      .outerjoin(Customer, Customer.id == Payment.customer_id)):
            if row.method == "prepaid":
                if row.state is PaymentState.BOOKED:
                    want[name_of(row.company)] -= row.amount
                continue
            if row.method in ("credit_note", "write_off"):
                have[name_of(row.company)] -= row.free
                if row.method == "write_off" and row.state is PaymentState.BOOKED:
                    want[name_of(row.company)] -= row.amount
                continue
            one = self.p.model.payments[mark_in(row.reference)]
            arrived.add(one.mark)
            if row.amount != one.amount or row.company is not None and name_of(row.company) != one.customer or (row.state is PaymentState.RETURNED) != one.returned:
                self.fail(17, f"{one}: stored as {row}")
            if row.company is None or row.for_prepaid:
                continue
            have[name_of(row.company)] -= row.free
            if not one.returned:
                want[name_of(row.company)] -= one.amount
        if missing := {mark for mark, one in self.p.model.payments.items()} - arrived:
            self.fail(17, f"payments were lost: {sorted(missing)[:5]}")
        for row in db.session.execute(select(Customer.company, ReminderClaim.amount, ReminderClaim.kind).join(OpenItem, OpenItem.id == ReminderClaim.open_item_id)
                                      .join(Customer, Customer.id == OpenItem.customer_id)):
            want[name_of(row.company)] += row.amount
        for one in self.p.model.customers.values():
            want[one.name] += one.invoiced + one.fees_of_returns
        for name in sorted({*have, *want}):
            if have[name] != want[name]:
                self.fail(11, f"{name}: {have[name]} are owed by the books, {want[name]} by the model")

    # ---- locks ---------------------------------------------------------------------------------------------------

    def locked(self, today: date) -> None:
        """(15, 16) After the hourly run: locked is who has a demand that counts, or is not paid in advance, and nobody else."""
        counting = defaultdict(list)
        for item in db.session.execute(select(Customer.company, OpenItem.reference, OpenItem.due_on, OpenItem.lock_notice_on).join(Customer, Customer.id == OpenItem.customer_id)
                                       .where(OpenItem.open > 0, ~OpenItem.disputed)):
            if item.lock_notice_on is not None and item.lock_notice_on < today and item.due_on + timedelta(days=AFTER_DAYS) < today:
                counting[item.company].append(item.reference)
        wanted: dict[str, int] = {}
        for row in db.session.execute(select(Customer.company, Customer.lock_reasons, Customer.lock_hold_until, Customer.paid_until, Customer.state)):
            if row.state is CustomerState.DELETED or row.company not in self.p.model.customers:
                continue
            model = self.p.model.customers[row.company]
            if model.last_day is not None and model.last_day < today:       # the contract is over; at 00:05 the account is
                continue
            held = row.lock_hold_until is not None and row.lock_hold_until >= today
            reasons = LockReason.UNPAID if counting[row.company] and not held else LockReason(0)
            if self.p.model.must_be_paid_in_advance(row.company, today) and (row.paid_until is None or row.paid_until < today):
                reasons |= LockReason.PREPAID_EXPIRED
            if model.locked_by_staff:
                reasons |= LockReason.MANUAL
            if row.lock_reasons != reasons:
                self.fail(15, f"{row.company} is locked for {LockReason(row.lock_reasons)!r}, the model says {reasons!r} (demands that count: {counting[row.company]}, paid until {row.paid_until})")
            wanted[row.company] = reasons
        for row in db.session.execute(select(License.user_name, License.lock_reasons, License.active_from, Customer.company).join(Customer, Customer.id == License.customer_id)
                                      .where(License.state != LicenseState.DELETED)):
            license = self.p.model.licenses[row.user_name]
            if row.company not in wanted or not license.lives(today):
                continue
            if bool(row.lock_reasons) != bool(wanted[row.company] or license.locked_by_staff):
                self.fail(14, f"{row.user_name}: {LockReason(row.lock_reasons)!r}, its account {wanted[row.company]!r}, by staff {license.locked_by_staff}")

    def runs(self) -> None:
        for run in db.session.execute(select(JobRun.job, JobRun.period, JobRun.state, JobRun.error, JobRun.held_because).where(JobRun.state.in_((RunState.FAILED, RunState.HELD)))):
            self.fail(26, f"{run.job} {run.period} {run.state.value}: {run.error}{run.held_because}")

    # ---- once it is quiet ----------------------------------------------------------------------------------------

    def settled(self) -> None:
        """(1) Every license is on the server as it should be, nothing waits."""
        today = clock.today()
        waiting = db.session.execute(select(ProvisioningOrder.kind, ProvisioningOrder.target_id, ProvisioningOrder.state, ProvisioningOrder.error)
                                     .where(ProvisioningOrder.due_at <= clock.now())).all()
        if waiting:
            self.fail(1, f"orders still wait: {waiting[:3]}")
        for row in db.session.execute(select(License.user_name, License.lock_reasons, License.state, License.sync_state, License.active_from)):
            user = self.p.server.users.get(row.user_name)
            if row.active_from > today:
                continue
            if row.sync_state is not SyncState.SYNCED or (user is not None) != (row.state is not LicenseState.DELETED) or (user is not None and user.enabled != (row.lock_reasons == 0)):
                self.fail(1, f"{row}: on the server {user}")
        known = set(db.session.scalars(select(License.user_name)))
        if strangers := set(self.p.server.users) - known:
            self.fail(1, f"on the server, but in no license: {sorted(strangers)}")
        open_runs = db.session.execute(select(JobRun.job, JobRun.period, JobRun.state).where(JobRun.state.in_((RunState.WAITING, RunState.RUNNING)))).all()
        if open_runs:
            self.fail(29, f"unfinished: {open_runs}")
        db.session.remove()
