"""Staff page of sales partners."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import formats
from app.core.views import AdminInterface, AdminView
from app.customers import partners
from app.customers.models import Customer, CustomerState
from app.customers.partner_models import SalesPartner


class SalesPartnerView(AdminView):
    datamodel = AdminInterface(SalesPartner)
    route_base = "/sales-partners"
    list_title, add_title, edit_title = _l("Sales partners"), _l("New sales partner"), _l("Edit sales partner")
    list_help = _l("Customers who sell in their own name. In the portal they manage the customers whose sales partner they are.")
    empty_text = _l("A sales partner is a customer of ours. He registers his customers in the portal, or you name him on a customer's page.")
    list_columns = ["customer", "brand", "reply_to", "active", "created_at"]
    show_columns = ["customer", "brand", "reply_to", "active", "created_at"]
    add_columns = ["customer", "brand", "reply_to"]
    edit_columns = ["brand", "reply_to", "active"]
    search_columns = ["customer", "active"]
    order_columns = ["created_at"]
    base_order = ("created_at", "desc")
    quick_search = ["brand"]
    narrow = {"customer": lambda query: query.where(Customer.state != CustomerState.DELETED, Customer.partner_id.is_(None))}
    label_columns = {"brand": _l("Own name"), "reply_to": _l("Answers go to"), "created_at": _l("Partner since")}
    description_columns = {"brand": _l("As his customers know him. Empty: his company."), "reply_to": _l("E-mail address for answers of his customers. Empty: ours."),
                           "active": _l("Off: he no longer gets at his customers; they see our prices.")}
    formatters_columns = {"created_at": formats.instant}

    def head_state(self, item: SalesPartner) -> Any:
        return formats.badge(_("Active"), "ok") if item.active else formats.badge(_("No longer active"))

    def do_add(self, form: Any) -> SalesPartner:
        return partners.save_partner(form.customer.data, form.brand.data or "", form.reply_to.data or "")

    def do_edit(self, item: SalesPartner, form: Any) -> None:
        partners.save_partner(item.customer, form.brand.data or "", form.reply_to.data or "", bool(form.active.data))
