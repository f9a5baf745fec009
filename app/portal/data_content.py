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
from app.catalog.models import Service, Tariff
from app.core.slices import parts
from app.customers.account_models import AccountCustomer, PortalAccount, TermsAcceptance
from app.customers.callback_models import Callback
from app.customers.locks import reason_codes
from app.customers.models import Customer, TariffAssignment
from app.licenses.models import License, LicenseService, LicenseTariff, LockPeriod, PttGroup, group_member
from app.portal.models import DeletionRequest
from app.receivables.models import Allocation, OpenItem, Payment, PrepaidPeriod
from app.receivables.refund_models import Refund
from app.system.models import MailMessage, ProtocolEntry
from app.system.protocol import plain
from app.system.sms_models import Sms

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def tables(session: Session, customer_id: int, account_id: int) -> dict[str, list[dict[str, Any]]]:
    """Name → rows of what is stored about the customer. `account_id`: who asks; what a login keeps from the customer's others is in the copy of that login alone."""
    asked = _stored(customer_id)
    for part in parts("data_copy"):
        asked.update(part.tables(customer_id, account_id))
    return {name: [{key: _value(name, key, value) for key, value in row._mapping.items()} for row in session.execute(query)] for name, query in asked.items()}


def _stored(customer_id: int) -> dict[str, Select[Any]]:
    """Columns are named one by one: a new one is looked at before it goes out. Notes of staff, how work is organised and secrets never do."""
    groups = select(PttGroup.id).where(PttGroup.customer_id == customer_id)
    licenses = select(License.id).where(License.customer_id == customer_id)
    invoices = select(Invoice.id).where(Invoice.customer_id == customer_id)
    return {
        "customer": _of(Customer, "id number kind company contact street address_extra postcode city region country phone email invoice_email business vat_id tax_number buyer_reference e_invoice language "
                        "currency payment_method terms_days invoice_by_mail state termination_date paid_until created_at changed_at").where(Customer.id == customer_id),
        "tariffs": _of(TariffAssignment, "id valid_from valid_to", Tariff.name.label("tariff")).join(TariffAssignment.tariff).where(TariffAssignment.customer_id == customer_id),
        "licenses": _of(License, "id user_name alias phone device network permissions state active_from active_to created_at changed_at", Tariff.name.label("tariff"))
        .join(License.tariff).where(License.customer_id == customer_id),
        "license_tariffs": _of(LicenseTariff, "id license_id valid_from valid_to", Tariff.name.label("tariff")).join(LicenseTariff.tariff).where(LicenseTariff.license_id.in_(licenses)),
        "license_services": _of(LicenseService, "id license_id valid_from valid_to", Service.name_en.label("service")).join(LicenseService.service).where(LicenseService.license_id.in_(licenses)),
        "locks": _of(LockPeriod, "id license_id reason from_at to_at").where(LockPeriod.customer_id == customer_id),
        "groups": _of(PttGroup, "id name deleted").where(PttGroup.customer_id == customer_id),
        "group_members": select(group_member.c.group_id, group_member.c.license_id).where(group_member.c.group_id.in_(groups)).order_by(group_member.c.group_id, group_member.c.license_id),
        "invoices": _of(Invoice, "id number kind cancels_id issued_on due_on service_from service_to language currency payment_method net tax gross buyer notes issued_at")
        .where(Invoice.customer_id == customer_id),
        "invoice_lines": _of(InvoiceLine, "id invoice_id number article_number text quantity unit unit_price net tax_category tax_rate").where(InvoiceLine.invoice_id.in_(invoices)),
        "open_items": _of(OpenItem, "id invoice_id reference kind principal_id issued_on due_on currency amount open settled_on disputed reminder_level reminded_on lock_notice_on")
        .where(OpenItem.customer_id == customer_id),
        "payments": _of(Payment, "id method received_on currency amount free reference payer for_prepaid state returned_on returned_because created_at").where(Payment.customer_id == customer_id),
        "allocations": _of(Allocation, "id payment_id open_item_id amount at on_date reverses_id").join(Allocation.open_item).where(OpenItem.customer_id == customer_id),
        "refunds": _of(Refund, "id currency amount for_prepaid method state paid_on account holder reference reversed_on created_at").where(Refund.customer_id == customer_id),
        "prepaid_periods": _of(PrepaidPeriod, "id valid_from valid_to months licenses currency net amount invoice_id applied_at reversed").where(PrepaidPeriod.customer_id == customer_id),
        "logins": _of(PortalAccount, "login name language state created_at last_login_at", AccountCustomer.role)
        .join(AccountCustomer, AccountCustomer.account_id == PortalAccount.id).where(AccountCustomer.customer_id == customer_id),
        "terms_accepted": _of(TermsAcceptance, "id account version language sha256 at address email how").where(TermsAcceptance.customer_id == customer_id),
        "callbacks": _of(Callback, "id name phone wished message language origin network_address state created_at done_at").where(Callback.customer_id == customer_id),
        "deletion_requests": _of(DeletionRequest, "id account note state created_at answer answered_at").where(DeletionRequest.customer_id == customer_id),
        "sms": _of(Sms, "created_at recipient text state outcome").where(Sms.customer_id == customer_id),
        "e_mails": _of(MailMessage, "created_at recipient subject state").where(MailMessage.customer_id == customer_id),
        "protocol": _of(ProtocolEntry, "at kind action subject actor_kind").where(ProtocolEntry.customer_id == customer_id),
    }


def _of(model: Any, names: str, *more: Any) -> Select[Any]:
    return select(*(getattr(model, name) for name in names.split()), *more).order_by(model.id)


def _value(table: str, column: str, value: Any) -> Any:
    if (table, column) == ("locks", "reason"):
        return ", ".join(reason_codes(value))
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
