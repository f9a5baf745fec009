"""Reads about customers."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import MetaData, func, select
from sqlalchemy.orm import Session

from app.customers.models import Customer


def uses_of_customer(session: Session, customer_id: int) -> list[str]:
    """What refers to the customer, in words with counts: asked of every table with a key to him, plugins' too."""
    metadata: MetaData = Customer.metadata
    words = {
        "license": _("licenses"), "ptt_group": _("groups"), "billing_document": _("billing documents"), "invoice": _("invoices"),
        "open_item": _("open items"), "payment": _("payments"), "prepaid_period": _("prepaid periods"), "recurring_line": _("recurring lines"),
        "association_member": _("memberships in associations"), "customer": _("customers of this sales partner"),
        "tariff_assignment": _("tariffs"), "lock_period": _("lock history"),
        "portal_account": _("portal accounts"), "portal_account_customer": _("accesses of portal accounts"), "terms_acceptance": _("accepted terms"), "prospect": _("registrations"),
        "sales_partner": _("sales partner"), "data_export": _("copies of data"), "deletion_request": _("deletion requests"),
    }
    uses = []
    for table in metadata.tables.values():
        for key in table.foreign_keys:
            if key.column.table.name != "customer" or table.name == "tariff_assignment":
                continue
            count = session.scalar(select(func.count()).select_from(table).where(key.parent == customer_id))
            if count:
                uses.append(f"{count} {words.get(table.name, table.name.replace('_', ' '))}")
    return uses
