"""/customers and /tariffs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import selectinload

from app.api.guard import Problem, operation
from app.api.paging import AFTER, LIMIT, page
from app.api.shapes import F, write
from app.catalog.models import Billing, Tariff, TariffState
from app.core import own_rows
from app.customers import services
from app.customers.locks import reason_codes
from app.customers.models import Customer, CustomerKind, CustomerState
from app.customers.representatives import own_representative

WRITABLE = (
    F("company", required=True, most=120), F("kind", of=CustomerKind), F("number", most=20), F("contact", most=120), F("street", most=120),
    F("address_extra", most=120), F("postcode", most=12), F("city", most=80), F("region", most=40), F("country", help="Two letters.", most=2),
    F("phone", most=40), F("email", most=254), F("invoice_email", most=254), F("business", bool), F("vat_id", most=20), F("tax_number", most=30),
    F("buyer_reference", most=60), F("language", help="en, de or pt_BR", most=5), F("currency", most=3), F("terms_days", int), F("invoice_by_mail", bool),
)
SHOWN = (
    F("id", int), *WRITABLE, F("state", of=CustomerState), F("lock_reasons", list, get=lambda row: reason_codes(row.lock_reasons)),
    F("paid_until", help="Prepaid customers: the last day that is paid."), F("termination_date"), F("version", int, "Send it back with a change."),
    F("changed_at", datetime),
)
TARIFF = (
    F("id", int), F("code"), F("name"), F("mode", get=lambda row: row.mode.code), F("currency"), F("billing", of=Billing), F("period_months", int),
    F("state", of=TariffState), F("valid_from"), F("valid_to"),
    F("tiers", list, get=lambda row: [{"from_quantity": t.from_quantity, "unit_price": str(t.unit_price)} for t in row.tiers]),
)


def find(customer_id: int) -> Customer:
    row = own_rows.get(Customer, customer_id)
    if row is None:
        raise Problem(404, "not_found", _("There is no such customer."))
    return row


@operation("GET", "/customers", "customers:read", "List customers", SHOWN, many=True, parameters=(
    LIMIT, AFTER, F("number", most=20), F("company", help="Begins with, upper and lower case are the same.", most=120), F("state", of=CustomerState),
    F("changed_since", datetime)))
def list_customers(values: dict[str, Any]) -> Any:
    where = []
    if "number" in values:
        where.append(Customer.number == values["number"])
    if "company" in values:
        where.append(Customer.company.istartswith(values["company"], autoescape=True))
    if "state" in values:
        where.append(Customer.state == values["state"])
    if "changed_since" in values:
        where.append(Customer.changed_at >= values["changed_since"])
    return page(Customer, SHOWN, values, where)


@operation("GET", "/customers/<int:customer_id>", "customers:read", "Read a customer", SHOWN)
def read_customer(values: dict[str, Any], customer_id: int) -> Any:
    return write(find(customer_id), SHOWN)


@operation("POST", "/customers", "customers:write", "Create a customer", SHOWN, body=WRITABLE, status=201)
def create_customer(values: dict[str, Any]) -> Any:
    return write(services.create_customer(**values, representative=own_representative()), SHOWN)


@operation("PATCH", "/customers/<int:customer_id>", "customers:write", "Change fields of a customer", SHOWN, partial=True,
           body=(*WRITABLE, F("version", int, "As last read: 409 when somebody else changed the customer meanwhile.", required=True)))
def change_customer(values: dict[str, Any], customer_id: int) -> Any:
    row = find(customer_id)
    if "version" not in values:
        raise Problem(422, "refused", _("Send the version that you have read."), "version")
    return write(services.change_customer(row, values.pop("version"), **values), SHOWN)


@operation("GET", "/tariffs", "catalog:read", "List tariffs", TARIFF, many=True, parameters=(LIMIT, AFTER, F("state", of=TariffState)))
def list_tariffs(values: dict[str, Any]) -> Any:
    where = [Tariff.state == values["state"]] if "state" in values else []
    return page(Tariff, TARIFF, values, where, (selectinload(Tariff.mode), selectinload(Tariff.tiers)))
