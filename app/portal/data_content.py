"""What a copy of a customer's data consists of: tables of plain values, as JSON and as CSV in one ZIP."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.billing.models import Invoice, InvoiceLine
from app.customers.account_models import AccountCustomer, PortalAccount, TermsAcceptance
from app.customers.models import Customer, TariffAssignment
from app.licenses.models import License, LicenseTariff, LockPeriod, PttGroup, group_member
from app.receivables.models import Allocation, OpenItem, Payment, PrepaidPeriod
from app.receivables.refund_models import Refund
from app.system.models import MailMessage, ProtocolEntry
from app.system.protocol import plain

# columns that are ours: notes of staff, how work is organised, secrets
NOT_HIS = frozenset({"version", "note", "observed", "sync_error", "sync_state", "password_hash", "previous_hash", "hash", "server_id", "server_name", "article_id", "representative_id", "partner_id",
                     "lock_reasons", "reminder_block", "lock_hold_until", "created_by", "key", "user_agent", "seller", "sealed", "claim", "lease_until", "series_id", "chain_index"})
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def tables(session: Session, customer_id: int) -> dict[str, list[dict[str, Any]]]:
    """Name → rows of what is stored about the customer."""
    groups = select(PttGroup.id).where(PttGroup.customer_id == customer_id)
    licenses = select(License.id).where(License.customer_id == customer_id)
    invoices = select(Invoice.id).where(Invoice.customer_id == customer_id)
    asked: dict[str, Any] = {
        "customer": _all(Customer).where(Customer.id == customer_id),
        "tariffs": _all(TariffAssignment).where(TariffAssignment.customer_id == customer_id).order_by(TariffAssignment.id),
        "licenses": _all(License).where(License.customer_id == customer_id).order_by(License.id),
        "license_tariffs": _all(LicenseTariff).where(LicenseTariff.license_id.in_(licenses)).order_by(LicenseTariff.id),
        "locks": _all(LockPeriod).where(LockPeriod.customer_id == customer_id).order_by(LockPeriod.id),
        "groups": _all(PttGroup).where(PttGroup.customer_id == customer_id).order_by(PttGroup.id),
        "group_members": select(group_member.c.group_id, group_member.c.license_id).where(group_member.c.group_id.in_(groups)).order_by(group_member.c.group_id, group_member.c.license_id),
        "invoices": _all(Invoice).where(Invoice.customer_id == customer_id).order_by(Invoice.id),
        "invoice_lines": _all(InvoiceLine).where(InvoiceLine.invoice_id.in_(invoices)).order_by(InvoiceLine.id),
        "open_items": _all(OpenItem).where(OpenItem.customer_id == customer_id).order_by(OpenItem.id),
        "payments": _all(Payment).where(Payment.customer_id == customer_id).order_by(Payment.id),
        "allocations": _all(Allocation).join(OpenItem, OpenItem.id == Allocation.open_item_id).where(OpenItem.customer_id == customer_id).order_by(Allocation.id),
        "refunds": _all(Refund).where(Refund.customer_id == customer_id).order_by(Refund.id),
        "prepaid_periods": _all(PrepaidPeriod).where(PrepaidPeriod.customer_id == customer_id).order_by(PrepaidPeriod.id),
        "logins": select(PortalAccount.login, PortalAccount.name, PortalAccount.language, PortalAccount.state, PortalAccount.created_at, PortalAccount.last_login_at, AccountCustomer.role)
        .join(AccountCustomer, AccountCustomer.account_id == PortalAccount.id).where(AccountCustomer.customer_id == customer_id).order_by(PortalAccount.id),
        "terms_accepted": _all(TermsAcceptance).where(TermsAcceptance.customer_id == customer_id).order_by(TermsAcceptance.id),
        "e_mails": select(MailMessage.created_at, MailMessage.recipient, MailMessage.subject, MailMessage.state).where(MailMessage.customer_id == customer_id).order_by(MailMessage.id),
        "protocol": select(ProtocolEntry.at, ProtocolEntry.kind, ProtocolEntry.action, ProtocolEntry.subject, ProtocolEntry.actor_kind).where(ProtocolEntry.customer_id == customer_id).order_by(ProtocolEntry.id),
    }
    return {name: [{key: _value(value) for key, value in row._mapping.items()} for row in session.execute(query)] for name, query in asked.items()}


def _all(model: Any) -> Select[Any]:
    return select(*[column for column in model.__table__.columns if column.key not in NOT_HIS])


def _value(value: Any) -> Any:
    return value if isinstance(value, (dict, list)) else plain(value)


def as_zip(found: dict[str, list[dict[str, Any]]]) -> bytes:
    """`data.json` with everything, and a CSV file for each table that has rows (UTF-8, `;`)."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(found, ensure_ascii=False, indent=1))
        for name, rows in found.items():
            if rows:
                archive.writestr(f"{name}.csv", b"\xef\xbb\xbf" + _csv(list(rows[0]), (row.values() for row in rows)).encode())
    return out.getvalue()


def _csv(head: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Texts never become formulas."""
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
