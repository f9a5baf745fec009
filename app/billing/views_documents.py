"""Staff pages of billing data: what a customer is billed for a month, with the charges of the licenses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask import redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import func, select

from app.billing import documents
from app.billing.forms import HoldForm
from app.billing.models import BillingDocument, BillingState, Charge, Invoice, ManualLine
from app.core import formats
from app.core.db import db
from app.core.listing import Cell
from app.core.money import ZERO
from app.core.period import Month
from app.core.views import AdminInterface, AdminView, action, with_row
from app.customers.models import Customer
from app.licenses.models import License


def month_words(period: str | None) -> str:
    """`October 2026` of `2026-10`."""
    return formats.month(Month.parse(period)) if period else formats.NOTHING


def span_words(first: date, last: date) -> str:
    """A calendar month by its name, another span by its days."""
    month = Month.of(first)
    return formats.month(month) if (first, last) == (month.start, month.end) else f"{formats.day(first)} – {formats.day(last)}"


class ChargeView(AdminView):
    """What the fee run computed for single licenses. Read only: a charge is a snapshot."""

    datamodel = AdminInterface(Charge)
    route_base = "/charges"
    list_title = _l("Charges")
    list_help = _l("Fees of single licenses, as the fee run computed them.")
    empty_text = _l("The fee run puts the fees of the licenses here.")
    list_columns = ["text", "license", "period_start", "days", "unit_price", "net"]
    show_columns = ["text", "license", "period_start", "days", "unit_price", "net"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["text", "period_start"]
    order_columns = ["text", "period_start", "unit_price", "net"]
    quick_search = "text"
    label_columns = {"period_start": _l("Period"), "days": _l("Days billed"), "unit_price": _l("Price of a full period"), "license": _l("License")}
    formatters_columns = {"period_start": with_row(lambda value, item: span_words(value, item.period_end)),
                          "days": with_row(lambda value, item: _("%(days)s of %(of_days)s", days=value, of_days=item.of_days))}

    def head_title(self, item: Any) -> str:
        return str(item.text)

    def where_parent(self, parent: Any) -> Any:
        return Charge.document_id == parent.id

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> Any:
        page = super().list_page(where, hidden)
        self.complete(page.rows)
        return page

    def show_context(self, item: Any) -> dict[str, Any]:
        self.complete([item])
        return {}

    def complete(self, rows: list[Any]) -> None:
        """Give each charge its license (which may be gone) and its currency: two statements for all."""
        if not rows:
            return
        licenses = {row.id: row for row in db.session.scalars(select(License).where(License.id.in_({row.license_id for row in rows})))}
        query = select(BillingDocument.id, BillingDocument.currency).where(BillingDocument.id.in_({row.document_id for row in rows}))
        currencies = dict(db.session.execute(query).all())
        for row in rows:
            row.license, row.currency = licenses.get(row.license_id), currencies[row.document_id]

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        if column != "license":
            return super().cell(item, column, link)
        if item.license is None:
            return Cell(_("No longer there"))
        url = self.url_of_any(item.license) if link else None
        return Cell(Markup('<a href="{}">{}</a>').format(url, item.license) if url else item.license)


class BillingDocumentView(AdminView):
    datamodel = AdminInterface(BillingDocument)
    route_base = "/billing-documents"
    show_page = "billing_pages/document.html"
    list_title = _l("Billing data")
    list_help = _l("What customers are billed for a month. It can be changed until the invoice is issued.")
    empty_text = _l("The fee run makes a document for each customer, and so does a line entered by hand.")
    list_columns = ["customer", "period", "state", "fees_count", "total", "held_because"]
    show_columns = ["customer", "period", "currency", "state", "held_because", "created_at"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "period", "currency", "created_at"]
    order_columns = ["period", "fees_count"]
    base_order = ("id", "desc")
    label_columns = {"period": _l("Month"), "fees_count": _l("Charges"), "total": _l("Net"), "held_because": _l("Held back because")}
    formatters_columns = {"period": month_words, "total": with_row(lambda value, item: formats.money(value, item.currency))}
    related_views = [ChargeView]
    tab_of = (Customer,)
    tab_rank = 40
    list_tabs = [
        ("all", _l("All"), None), ("draft", _l("To review"), BillingDocument.state == BillingState.DRAFT),
        ("released", _l("Released"), BillingDocument.state == BillingState.RELEASED), ("held", _l("Held back"), BillingDocument.state == BillingState.HELD),
        ("issued", _l("Issued"), BillingDocument.state == BillingState.ISSUED),
    ]

    def head_title(self, item: Any) -> str:
        return f"{item.customer}, {month_words(item.period)}"

    def head_facts(self, item: Any) -> list[tuple[Any, Any, str]]:
        total = documents.net_of(db.session(), item)
        return [(_("Charges"), formats.number(item.fees_count), ""), (_("Fees of the licenses"), formats.money(item.fees_net, item.currency), ""),
                (_("Lines by hand"), formats.money(total - item.fees_net, item.currency), ""), (_("Net"), formats.money(total, item.currency), "")]

    def raw(self, item: Any, column: str) -> Any:
        return item.fees_net + item.lines_net if column == "total" else super().raw(item, column)

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> Any:
        """The sums of the lines by hand come with one statement for the page."""
        page = super().list_page(where, hidden)
        query = select(ManualLine.document_id, func.sum(ManualLine.net)).where(ManualLine.document_id.in_([row.id for row in page.rows]))
        sums: dict[int, Decimal] = dict(db.session.execute(query.group_by(ManualLine.document_id)).all()) if page.rows else {}
        for row in page.rows:
            row.lines_net = sums.get(row.id, ZERO)
        return page

    def show_context(self, item: Any) -> dict[str, Any]:
        lines = db.session.scalars(select(ManualLine).where(ManualLine.document_id == item.id).order_by(ManualLine.id)).all()
        return {"lines": lines, "lines_view": self.view_of(ManualLine), "open": item.state is not BillingState.ISSUED,
                "invoice": db.session.scalar(select(Invoice).where(Invoice.document_id == item.id))}

    @action("release", _l("Release"), icon="fa-check", when=lambda item: item.state is BillingState.DRAFT)
    def release(self, items: list[Any]) -> None:
        self.each(items, documents.release, lambda n: ngettext("%(num)d document released. It can be issued now.", "%(num)d documents released. They can be issued now.", n))

    @action("hold", _l("Hold back"), _l("A document that is held back is not issued until you take it back to the review."), "fa-pause", form=HoldForm,
            when=lambda item: item.state in (BillingState.DRAFT, BillingState.RELEASED))
    def hold(self, items: list[Any], form: Any) -> None:
        self.each(items, lambda item: documents.hold(item, form.reason.data), lambda n: ngettext("%(num)d document held back.", "%(num)d documents held back.", n))

    @action("reopen", _l("Back to review"), icon="fa-rotate-left", when=lambda item: item.state in (BillingState.RELEASED, BillingState.HELD))
    def reopen(self, items: list[Any]) -> None:
        self.each(items, documents.reopen, lambda n: ngettext("%(num)d document is in review again.", "%(num)d documents are in review again.", n))

    @action("discard", _l("Discard"), _l("The document, its charges and its lines are deleted. The next fee run of the month computes the charges anew, with the prices of "
                                          "then. Lines entered by hand are lost."), "fa-trash", danger=True,
            when=lambda item: item.state in (BillingState.DRAFT, BillingState.HELD))
    def discard(self, items: list[Any]) -> Any:
        self.each(items, documents.discard, lambda n: ngettext("%(num)d document discarded.", "%(num)d documents discarded.", n))
        return redirect(self.list_url(), 303)
