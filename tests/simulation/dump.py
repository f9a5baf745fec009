"""What the business sees, without ids and instants: the same seed must give the same on both databases."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import select

from app.billing.models import BillingDocument, Charge, Invoice, InvoiceLine
from app.catalog.models import Tariff
from app.core.db import db
from app.customers.models import Customer
from app.licenses.models import License, LockPeriod, ProvisioningOrder
from app.receivables.bank_models import BankFile, BankLine
from app.receivables.models import Allocation, OpenItem, Payment, PrepaidPeriod
from app.receivables.reminder_models import Reminder, ReminderClaim, ReminderItem
from app.system.models import MailMessage
from tests.simulation.provider import Provider

Dump = dict[str, list[tuple[str, ...]]]


def dump(provider: Provider) -> Dump:
    """Table → rows as text, sorted."""
    queries: dict[str, Any] = {
        "customers": select(Customer.number, Customer.company, Customer.state, Customer.lock_reasons, Customer.paid_until, Customer.termination_date),
        "licenses": select(License.user_name, License.state, License.active_from, License.active_to, License.lock_reasons, License.sync_state),
        "charges": select(Charge.license_id, Tariff.code, Charge.service_id != 0, Charge.period_start, Charge.days, Charge.unit_price, Charge.net).join(Tariff, Tariff.id == Charge.tariff_id),
        "documents": select(Customer.number, BillingDocument.period, BillingDocument.sequence, BillingDocument.state, BillingDocument.fees_net)
        .join(Customer, Customer.id == BillingDocument.customer_id),
        "invoices": select(Invoice.number, Invoice.kind, Invoice.issued_on, Invoice.due_on, Invoice.net, Invoice.tax, Invoice.gross, Customer.number)
        .join(Customer, Customer.id == Invoice.customer_id),
        "lines": select(Invoice.number, InvoiceLine.number, InvoiceLine.text, InvoiceLine.quantity, InvoiceLine.unit_price, InvoiceLine.net).join(Invoice, Invoice.id == InvoiceLine.invoice_id),
        "demands": select(Customer.number, OpenItem.reference, OpenItem.kind, OpenItem.issued_on, OpenItem.due_on, OpenItem.amount, OpenItem.open, OpenItem.settled_on, OpenItem.disputed,
                          OpenItem.reminder_level, OpenItem.lock_notice_on).join(Customer, Customer.id == OpenItem.customer_id),
        "payments": select(Customer.number, Payment.method, Payment.received_on, Payment.amount, Payment.free, Payment.reference, Payment.state, Payment.returned_on)
        .outerjoin(Customer, Customer.id == Payment.customer_id),
        "allocations": select(OpenItem.reference, OpenItem.kind, Payment.reference, Allocation.amount, Allocation.on_date, Allocation.why)
        .join(OpenItem, OpenItem.id == Allocation.open_item_id).join(Payment, Payment.id == Allocation.payment_id),
        "prepaid": select(Customer.number, PrepaidPeriod.valid_from, PrepaidPeriod.valid_to, PrepaidPeriod.licenses, PrepaidPeriod.amount, PrepaidPeriod.reversed, Invoice.number)
        .join(Customer, Customer.id == PrepaidPeriod.customer_id).outerjoin(Invoice, Invoice.id == PrepaidPeriod.invoice_id),
        "reminders": select(Customer.number, Reminder.level, Reminder.sent_on, Reminder.pay_until, Reminder.lock_on, Reminder.total, Reminder.document_id.is_not(None))
        .join(Customer, Customer.id == Reminder.customer_id),
        "reminded": select(OpenItem.reference, ReminderItem.level, ReminderItem.round, ReminderItem.open).join(OpenItem, OpenItem.id == ReminderItem.open_item_id),
        "claims": select(ReminderClaim.kind, ReminderClaim.from_on, ReminderClaim.to_on, ReminderClaim.amount),
        "locks": select(Customer.number, LockPeriod.license_id, LockPeriod.reason, LockPeriod.to_at.is_(None)).join(Customer, Customer.id == LockPeriod.customer_id),
        "orders": select(ProvisioningOrder.kind, ProvisioningOrder.state),
        "bank": select(BankLine.amount, BankLine.booked_on, BankLine.text, BankLine.state), "files": select(BankFile.file_name, BankFile.seen, BankFile.known),
        "mails": select(MailMessage.kind, MailMessage.recipient, MailMessage.subject, MailMessage.state),
    }
    found: Dump = {}
    for name, query in queries.items():
        rows = [list(row) for row in db.session.execute(query)]
        place = {"charges": 0, "locks": 1}.get(name)
        if place is not None:
            for row in rows:
                row[place] = provider.ids.get(row[place], "")
        found[name] = sorted(tuple(map(str, row)) for row in rows)
    found["server"] = sorted((user.name, str(user.enabled), str(sorted(user.services))) for user in provider.server.users.values())
    db.session.remove()
    return found


def fingerprint(found: Dump) -> str:
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()[:16]


def differences(one: Dump, other: Dump) -> list[str]:
    """At most three rows of each table that only one of them has."""
    said = []
    for name in one:
        left, right = set(one[name]), set(other[name])
        said += [f"- {name} {row}" for row in sorted(left - right)[:3]] + [f"+ {name} {row}" for row in sorted(right - left)[:3]]
        if left == right and len(one[name]) != len(other[name]):
            said.append(f"{name}: {len(one[name])} rows, {len(other[name])} rows")
    return said
