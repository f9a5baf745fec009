"""Two customers and two sales partners with a customer each; every one has something of all that the portal shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.billing.models import Invoice, InvoiceFile
from app.core.db import db, transaction
from app.customers.account_models import AccountCustomer, AccountRole
from app.customers.models import Association, Customer
from app.customers.partners import save_partner
from app.customers.services import accept_membership, request_membership
from app.licenses.groups import create_group, set_members
from app.licenses.models import License, PttGroup
from app.portal.data_copies import make_copies, request_copy
from app.portal.models import DataExport
from app.system import documents
from app.system.models import DocumentKind
from app.system.settings import change_settings
from tests.admin import billing_world
from tests.portal.logins import add_login

SCRIPT = "<script>alert('x')</script>"


@dataclass
class Tenant:
    customer: Customer
    owner: Any              # account
    reader: Any
    license: License
    group: PttGroup
    invoice: Invoice
    copy: DataExport

    @property
    def link(self) -> AccountCustomer:
        """Of the reader's login."""
        return db.session.scalars(select(AccountCustomer).where(AccountCustomer.account_id == self.reader.id)).one()

    def ids(self) -> dict[str, int]:
        return {"license_id": self.license.id, "group_id": self.group.id, "invoice_id": self.invoice.id, "link_id": self.link.id, "copy_id": self.copy.id, "customer_id": self.customer.id}


@dataclass
class World:
    one: Tenant
    other: Tenant
    partner: Tenant
    his: Tenant
    rival: Tenant
    rivals: Tenant
    shared: PttGroup        # of an association of `one` and `other`


def build() -> World:
    base = billing_world.build(6)
    change_settings({"sms.gateway": "demo"})
    invoices = {invoice.customer_id: invoice for invoice in base.issue()}
    tenants = [_tenant(customer, invoices[customer.id]) for customer in base.customers]
    for seller, buyer in ((tenants[2], tenants[3]), (tenants[4], tenants[5])):
        save_partner(seller.customer, f"Funk {seller.customer.number}", "answers@partner.example")
        with transaction():
            buyer.customer.partner_id = seller.customer.id
    with transaction() as session:
        association = Association(name=f"Port {SCRIPT}", server=tenants[0].customer.server)
        session.add(association)
    for tenant in tenants[:2]:
        accept_membership(request_membership(association, tenant.customer))
    shared = create_group(f"Security {SCRIPT}", association=association)
    set_members(shared, [tenants[0].license.id, tenants[1].license.id])
    return World(*tenants, shared=shared)


def _tenant(customer: Customer, invoice: Invoice) -> Tenant:
    license = db.session.scalars(select(License).where(License.customer_id == customer.id)).one()
    with transaction():
        license.alias = f"Radio {customer.number} {SCRIPT}"
        license.phone = "+491714402110"
        customer.contact = f"Jan {SCRIPT}"
    group = create_group(f"Harbour {SCRIPT}", customer)
    set_members(group, [license.id])
    owner, reader = add_login(customer, name=f"Owner {SCRIPT}"), add_login(customer, AccountRole.READER)
    copy = request_copy(owner, customer)
    assert make_copies() == 1
    document = documents.store(DocumentKind.INVOICE, "", invoice.number, "invoice.pdf", "application/pdf", b"%PDF-1.7 of " + invoice.number.encode(), customer.id)
    with transaction() as session:
        session.add(InvoiceFile(invoice_id=invoice.id, kind="pdf", document_id=document.id, sha256=document.sha256))
    return Tenant(customer, owner, reader, license, group, invoice, copy)


def state() -> dict[str, list[Any]]:
    """What the portal may change, row by row: sign-ins, throttles and the protocol aside."""
    from flask_appbuilder import Model

    skip = {"portal_session", "throttle", "protocol_entry", "setting_value"}
    db.session.rollback()
    return {name: sorted((tuple(map(str, row)) for row in db.session.execute(select(table))), key=str) for name, table in Model.metadata.tables.items()
            if name not in skip and not name.startswith(("ab_", "staff_"))}
