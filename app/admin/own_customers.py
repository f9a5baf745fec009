"""Sales sees only its own customers, where set: who is limited, and which rows that means."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Role
from flask_login import current_user
from sqlalchemy import or_, select

from app.admin.rights import role_ids
from app.billing.models import BillingDocument, Charge, ManualLine
from app.catalog.models import Article, PttMode, PttServer, Service, Tariff, TaxRate
from app.core.db import db
from app.core.own_rows import Reader, find_reader, is_open, reader, rule
from app.core.views import AdminPage, AdminView
from app.customers.models import Customer, Representative
from app.customers.prospect_models import Prospect
from app.system.settings import setting

for model in (Article, PttMode, PttServer, Service, Tariff, TaxRate):
    rule(model, None)
rule(Customer, lambda limited: Customer.id.in_(limited.customers))
rule(Representative, lambda limited: Representative.user_id == limited.user_id)
rule(Prospect, lambda limited: or_(Prospect.customer_id.is_(None), Prospect.customer_id.in_(limited.customers)))    # nobody's, or what became his
for part in (Charge, ManualLine):
    rule(part, lambda limited, part=part: part.document_id.in_(select(BillingDocument.id).where(BillingDocument.customer_id.in_(limited.customers))))  # type: ignore[misc]


@find_reader
def limited_reader() -> Reader | None:
    """The signed-in member of staff, when every role of his stands in the setting."""
    names = setting("staff.own_customers_roles")
    if not names or not current_user.is_authenticated or not (roles := roles_of(current_user.id)) or not roles <= set(names):
        return None
    user_id = current_user.id
    return Reader(user_id, select(Customer.id).join(Representative, Representative.id == Customer.representative_id).where(Representative.user_id == user_id))


def roles_of(user_id: int) -> set[str]:
    return set(db.session.scalars(select(Role.name).where(Role.id.in_(role_ids(user_id)))))


def closed_views() -> frozenset[str]:
    """Views that a limited reader has no right to: work screens that do not say they obey, and rows that no rule gives him."""
    known: frozenset[str] | None = current_app.extensions.get("ptt_closed_views")
    if known is None:
        views: list[Any] = current_app.appbuilder.baseviews  # type: ignore[attr-defined]
        known = frozenset(view.class_permission_name for view in views
                          if (isinstance(view, AdminPage) and not view.own_rows) or (isinstance(view, AdminView) and not is_open(view.datamodel.obj)))
        current_app.extensions["ptt_closed_views"] = known
    return known


def is_closed(view_name: str) -> bool:
    return reader() is not None and view_name in closed_views()
