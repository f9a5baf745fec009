"""Every query of the portal begins here: rows of the customer for whom the visitor acts, and no others."""

from __future__ import annotations

from typing import Any, TypeVar

from flask import abort
from sqlalchemy import Select, select

from app.billing.models import Invoice
from app.core.db import db
from app.core.fields import LARGEST_ID
from app.customers.models import Association, AssociationMember, Customer, MemberState
from app.licenses.models import License, LicenseState, PttGroup
from app.portal.gate import visit
from app.receivables.models import OpenItem, Payment, PrepaidPeriod

Row = TypeVar("Row")
OF_CUSTOMER = (Invoice, License, OpenItem, Payment, PrepaidPeriod)


def scoped(model: type[Row]) -> Select[tuple[Row]]:
    """`select(model)` narrowed to what the visitor may see. A model that is not named here is refused."""
    customer_id = visit().customer.id
    entity: Any = model
    if model is License:
        return select(entity).where(License.customer_id == customer_id, License.state != LicenseState.DELETED)
    if model in OF_CUSTOMER:
        return select(entity).where(entity.customer_id == customer_id)
    if model is PttGroup:
        return select(entity).where(~PttGroup.deleted, (PttGroup.customer_id == customer_id) | PttGroup.association_id.in_(own_associations(customer_id)))
    if model is Association:
        return select(entity).where(Association.id.in_(own_associations(customer_id)))
    raise TypeError(f"{model.__name__} is not shown in the portal")


def own_associations(customer_id: int) -> Any:
    return select(AssociationMember.association_id).where(AssociationMember.customer_id == customer_id, AssociationMember.state == MemberState.ACCEPTED)


def get(model: type[Row], ident: int, *options: Any) -> Row:
    """The row with this id, or 404 for one that is not there and one that is somebody else's."""
    entity: Any = model
    row = db.session.scalar(scoped(model).where(entity.id == ident).options(*options)) if 0 < ident <= LARGEST_ID else None
    if row is None:
        abort(404)
    return row


def his_customers(partner_id: int) -> Select[tuple[Customer]]:
    """The customers of a sales partner."""
    from app.customers.models import CustomerState

    return select(Customer).where(Customer.partner_id == partner_id, Customer.state != CustomerState.DELETED)
