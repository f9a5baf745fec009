"""What can be exported: columns of licenses and customers, read in the order of their keys, a few thousand rows at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalog.models import PttMode, PttServer, Service, Tariff
from app.customers.locks import reason_codes
from app.customers.models import Customer, CustomerState
from app.exchange.models import What
from app.licenses.models import License, LicenseService, LicenseState, PttGroup, group_member
from app.receivables.models import OpenItem

AT_ONCE = 2000
Many = Callable[[Session, Sequence[int]], Mapping[int, Any]]


@dataclass(frozen=True)
class Column:
    """`of`: an SQL column of the row, then `shown(value)`; or `many`: the values for the keys of a page of rows."""

    title: Any
    of: Any = None
    shown: Callable[[Any], Any] = lambda value: value
    many: Many | None = None


def _word(value: Any) -> Any:
    return getattr(value, "value", value)


def _reasons(value: int) -> str:
    return " ".join(reason_codes(value))


def _services(session: Session, ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(select(LicenseService.license_id, Service.code).join(Service, Service.id == LicenseService.service_id)
                           .where(LicenseService.license_id.in_(ids), LicenseService.valid_to.is_(None)).order_by(Service.code))
    return _joined(rows)


def _groups(session: Session, ids: Sequence[int]) -> dict[int, str]:
    return _joined(session.execute(select(group_member.c.license_id, PttGroup.name).join(PttGroup, PttGroup.id == group_member.c.group_id)
                                   .where(group_member.c.license_id.in_(ids), PttGroup.deleted.is_(False)).order_by(PttGroup.name)))


def _joined(rows: Any) -> dict[int, str]:
    found: dict[int, list[str]] = defaultdict(list)
    for key, text in rows:
        found[key].append(text)
    return {key: ", ".join(texts) for key, texts in found.items()}


def _licenses_of(session: Session, ids: Sequence[int]) -> dict[int, Any]:
    return dict(session.execute(select(License.customer_id, func.count()).where(License.customer_id.in_(ids), License.state != LicenseState.DELETED).group_by(License.customer_id)).all())


def _owed(session: Session, ids: Sequence[int]) -> dict[int, Any]:
    return dict(session.execute(select(OpenItem.customer_id, func.sum(OpenItem.open)).join(Customer, Customer.id == OpenItem.customer_id)
                                .where(OpenItem.customer_id.in_(ids), OpenItem.currency == Customer.currency).group_by(OpenItem.customer_id)).all())


COLUMNS: dict[What, dict[str, Column]] = {
    What.LICENSES: {
        "license_id": Column(_l("License id"), License.id), "user_name": Column(_l("User name"), License.user_name), "alias": Column(_l("Alias"), License.alias),
        "phone": Column(_l("Phone number"), License.phone), "device": Column(_l("Device"), License.device), "network": Column(_l("Network provider"), License.network),
        "state": Column(_l("State"), License.state, _word), "enabled": Column(_l("Enabled"), License.lock_reasons, lambda value: value == 0),
        "lock_reasons": Column(_l("Lock reasons"), License.lock_reasons, _reasons), "active_from": Column(_l("Active from"), License.active_from), "active_to": Column(_l("Last day"), License.active_to),
        "permissions": Column(_l("Permissions"), License.permissions), "services": Column(_l("Services"), many=_services), "groups": Column(_l("Groups"), many=_groups),
        "tariff_code": Column(_l("Tariff code"), Tariff.code), "tariff": Column(_l("Tariff"), Tariff.name), "mode": Column(_l("PTT mode"), PttMode.code),
        "server": Column(_l("PTT server"), PttServer.name), "sync_state": Column(_l("On server"), License.sync_state, _word), "customer_number": Column(_l("Customer number"), Customer.number),
        "customer": Column(_l("Customer"), Customer.company), "customer_group": Column(_l("Customer group"), Customer.kind, _word), "changed_at": Column(_l("Changed on"), License.changed_at),
    },
    What.CUSTOMERS: {
        "customer_number": Column(_l("Customer number"), Customer.number), "company": Column(_l("Company"), Customer.company), "contact": Column(_l("Contact"), Customer.contact),
        "street": Column(_l("Street"), Customer.street), "address_extra": Column(_l("Address extra"), Customer.address_extra), "postcode": Column(_l("Postcode"), Customer.postcode),
        "city": Column(_l("City"), Customer.city), "region": Column(_l("Region"), Customer.region), "country": Column(_l("Country"), Customer.country), "email": Column(_l("E-mail"), Customer.email),
        "phone": Column(_l("Phone number"), Customer.phone), "vat_id": Column(_l("VAT id"), Customer.vat_id), "tax_number": Column(_l("Tax number"), Customer.tax_number),
        "customer_group": Column(_l("Customer group"), Customer.kind, _word), "language": Column(_l("Language"), Customer.language), "currency": Column(_l("Currency"), Customer.currency),
        "payment_method": Column(_l("Payment method"), Customer.payment_method), "state": Column(_l("State"), Customer.state, _word),
        "lock_reasons": Column(_l("Lock reasons"), Customer.lock_reasons, _reasons), "paid_until": Column(_l("Paid until"), Customer.paid_until), "licenses": Column(_l("Licenses"), many=_licenses_of),
        "open": Column(_l("Open amount"), many=_owed), "created_at": Column(_l("Created on"), Customer.created_at),
    },
}
USUAL = {What.LICENSES: ["license_id", "user_name", "alias", "phone", "state", "enabled", "lock_reasons", "active_from", "active_to", "tariff_code", "server", "services", "customer_number", "customer"],
         What.CUSTOMERS: ["customer_number", "company", "contact", "email", "phone", "country", "state", "lock_reasons", "licenses", "open", "currency"]}


def rows(session: Session, what: What, names: Sequence[str], deleted_too: bool = False, since: date | None = None) -> Iterator[list[Any]]:
    """Values of the named columns, row by row; `AT_ONCE` rows are in memory. Unknown names raise KeyError."""
    chosen = [COLUMNS[what][name] for name in names]
    key = License.id if what is What.LICENSES else Customer.id
    plain = [column.of for column in chosen if column.many is None]
    query = select(key, *plain)
    if what is What.LICENSES:
        query = (query.join(Customer, Customer.id == License.customer_id).join(Tariff, Tariff.id == License.tariff_id).join(PttMode, PttMode.id == Tariff.mode_id)
                 .join(PttServer, PttServer.id == License.server_id))
        if not deleted_too:
            query = query.where(License.state != LicenseState.DELETED)
    elif not deleted_too:
        query = query.where(Customer.state != CustomerState.DELETED)
    last = 0
    while True:
        page = session.execute(query.where(key > last).order_by(key).limit(AT_ONCE)).all()
        if not page:
            return
        ids = [row[0] for row in page]
        beside = [column.many(session, ids) if column.many else {} for column in chosen]
        session.rollback()
        for row in page:
            values, place = [], 1
            for column, known in zip(chosen, beside, strict=True):
                if column.many:
                    values.append(known.get(row[0], "" if column.many in (_services, _groups) else 0))
                else:
                    values.append(column.shown(row[place]))
                    place += 1
            yield values
        last = ids[-1]
