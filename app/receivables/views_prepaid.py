"""Staff pages of prepayments: who pays in advance, until when it is paid, and the periods that were bought."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import abort, redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import func, or_, select

from app.catalog.models import Billing, Tariff
from app.core import clock, formats
from app.core.db import db
from app.core.listing import Cell
from app.core.page_parts import safe_url_for
from app.core.views import AdminInterface, AdminView, allowed, expose
from app.customers.locks import LockReason
from app.customers.models import Customer, CustomerState
from app.licenses.models import License, LicenseState
from app.receivables.models import Payment, PaymentState, PrepaidPeriod
from app.receivables.queries import NOUGHT

SOON = timedelta(days=14)


class PrepaidPeriodView(AdminView):
    datamodel = AdminInterface(PrepaidPeriod)
    route_base = "/prepaid-periods"
    list_title = _l("Prepaid periods")
    empty_text = _l("A period is bought when a payment for it is applied by the hourly run.")
    list_columns = ["valid_from", "customer", "valid_to", "licenses", "net", "amount", "invoice", "reversed"]
    show_columns = ["customer", "valid_from", "valid_to", "months", "licenses", "net", "amount", "invoice", "applied_at", "reversed"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "valid_from", "valid_to", "reversed"]
    order_columns = ["valid_from", "valid_to", "amount"]
    base_order = ("id", "desc")
    tab_of = (Customer,)
    tab_rank = 35
    label_columns = {"valid_from": _l("From"), "valid_to": _l("To"), "licenses": _l("Licenses"), "amount": _l("With tax"), "months": _l("Months"), "applied_at": _l("Applied"),
                     "reversed": _l("Taken back")}

    def head_title(self, item: Any) -> str:
        return _("%(first)s to %(last)s", first=formats.day(item.valid_from), last=formats.day(item.valid_to))


class PrepaidView(AdminView):
    """Customers who pay in advance. A row leads to the customer's own page."""

    datamodel = AdminInterface(Customer)
    route_base = "/prepaid"
    list_title = _l("Prepayments")
    list_help = _l("Customers who pay in advance, and what they have paid. The hourly run extends their periods.")
    empty_text = _l("Customers with a prepayment tariff appear here.")
    list_columns = ["company", "number", "paid_until", "standing", "credit", "record"]
    show_columns = ["company"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["paid_until", "country", "currency"]
    order_columns = ["company", "number", "paid_until"]
    base_order = ("paid_until", "asc")
    quick_search = ["company", "number"]
    label_columns = {"company": _l("Customer"), "number": _l("Customer number"), "paid_until": _l("Paid until"), "standing": _l("State"), "credit": _l("Waiting for the next period"), "record": _l("Payment")}
    list_tabs = [
        ("all", _l("All"), None), ("ended", _l("Ended"), lambda: or_(Customer.paid_until.is_(None), Customer.paid_until < clock.today())),
        ("soon", _l("Ends within two weeks"), lambda: Customer.paid_until.between(clock.today(), clock.today() + SOON)),
    ]

    def scope(self) -> Sequence[Any]:
        waiting = select(Payment.customer_id).where(Payment.for_prepaid, Payment.free > NOUGHT)
        licensed = (select(License.customer_id).join(Tariff, Tariff.id == License.tariff_id)
                    .where(Tariff.billing == Billing.PREPAID, License.state != LicenseState.DELETED))
        return (Customer.state != CustomerState.DELETED, or_(Customer.id.in_(licensed), Customer.paid_until.is_not(None), Customer.id.in_(waiting)))

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> Any:
        page = super().list_page(where, hidden)
        query = select(Payment.customer_id, func.sum(Payment.free)).where(Payment.customer_id.in_([row.id for row in page.rows]), Payment.for_prepaid, Payment.free > NOUGHT,
                                                                          Payment.state == PaymentState.BOOKED)
        sums: dict[int, Decimal] = dict(db.session.execute(query.group_by(Payment.customer_id)).all()) if page.rows else {}
        for row in page.rows:
            row.prepaid_credit = sums.get(row.id)
        return page

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        if column == "credit":
            return Cell(formats.money(item.prepaid_credit, item.currency), "num")
        if column == "standing":
            return Cell(self.badge(item))
        if column == "record":
            url = safe_url_for("PaymentView.add", customer=item.id, prepaid=1)
            return Cell(Markup('<a href="{}">{}</a>').format(url, _("Record payment")) if url else formats.NOTHING, "nowrap")
        return super().cell(item, column, link)

    @staticmethod
    def badge(item: Any) -> Any:
        if item.paid_until is None or item.paid_until < clock.today():
            locked = item.lock_reasons & LockReason.PREPAID_EXPIRED
            return formats.badge(_("Ended, locked") if locked else _("Nothing is paid") if item.paid_until is None else _("Ended"), "bad")
        return formats.badge(_("Ends soon"), "warn") if item.paid_until <= clock.today() + SOON else formats.badge(_("Paid"), "ok")

    def url_of(self, row: Any) -> str | None:
        view = self.view_of(Customer)
        return view.url_of(row) if view is not None and view is not self else None

    @expose("/show/<pk>")
    @allowed
    def show(self, pk: Any) -> Any:
        row = self.datamodel.get(pk) or abort(404)
        return redirect(self.url_of(row) or self.list_url(), 303)
