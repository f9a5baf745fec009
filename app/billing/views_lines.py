"""Staff pages of lines that are entered by hand: once for a month, or recurring."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import or_

from app.billing import documents, recurring
from app.billing.forms import EndLineForm, MonthField, line_fields
from app.billing.models import BillingDocument, ManualLine, RecurringLine
from app.billing.views_documents import month_words
from app.core import clock, formats
from app.core.db import db
from app.core.fields import Required, WholeField
from app.core.period import Month
from app.core.views import AdminInterface, AdminView, action, allowed, expose
from app.customers.forms import customer_field
from app.customers.models import Customer


class ManualLineView(AdminView):
    datamodel = AdminInterface(ManualLine)
    route_base = "/manual-lines"
    list_title, add_title, edit_title = _l("Lines by hand"), _l("New line"), _l("Edit line")
    list_help = _l("Billed beside the fees of the licenses, with the document of their month.")
    empty_text = _l("Lines that you enter, and copies of recurring ones, appear here.")
    list_columns = ["text", "document.customer", "document.period", "article", "quantity", "unit_price", "net"]
    show_columns = ["text", "document", "article", "quantity", "unit_price", "net"]
    add_fieldsets = [(_l("Where it goes"), {"fields": ["customer", "period"]}), (_l("Line"), {"fields": ["article", "text", "quantity", "unit_price"]})]
    edit_fieldsets = [(_l("Line"), {"fields": ["article", "text", "quantity", "unit_price"]})]
    add_form_extra_fields = {"customer": customer_field(), "period": MonthField(_l("Month"), [Required()], description=_l(
        "The line goes into the customer's open document of this month. When there is none, one is made.")), **line_fields()}
    edit_form_extra_fields = line_fields()
    search_columns = ["text", "article"]
    order_columns = ["text", "net"]
    base_order = ("id", "desc")
    quick_search = "text"
    label_columns = {"document": _l("Billing document"), "document.customer": _l("Customer"), "document.period": _l("Month")}
    formatters_columns = {"document.period": month_words, "quantity": formats.number}
    deletable = True

    def currency_of(self, item: Any) -> str | None:
        return item.document.currency if item.document else None

    def url_of(self, row: Any) -> str | None:
        """A line is seen on its document."""
        return self.url_of_any(row.document)

    def presets(self) -> dict[str, Any]:
        """`?document=` (a document's page) or `?customer=` (a customer's page)."""
        found = {**super().presets(), "period": str(Month.of(clock.today()))}
        if (text := request.args.get("document", "")).isdecimal() and (document := self.view_of(BillingDocument).datamodel.get(text)):
            found.update(customer=document.customer, period=document.period)
        return {**found, **customer_preset(self)}

    def do_add(self, form: Any) -> Any:
        return documents.add_manual_line(form.customer.data, form.period.data, form.article.data, form.text.data, form.quantity.data, form.unit_price.data)

    def do_edit(self, item: Any, form: Any) -> None:
        documents.change_manual_line(item, article_id=form.article.data.id, text=form.text.data, quantity=form.quantity.data,
                                     unit_price=form.unit_price.data)

    @expose("/delete/<pk>", methods=["POST"])
    @allowed
    def delete(self, pk: Any) -> Any:
        """A document that becomes empty goes with its last line, so the way back is looked up afterwards."""
        line = self.datamodel.get(pk) or abort(404)
        document_id = line.document_id
        self.attempt(lambda: documents.remove_manual_line(line), _("“%(name)s” was deleted.", name=line.text))
        left = db.session.get(BillingDocument, document_id)
        return redirect((self.url_of_any(left) if left else None) or self.list_url(), 303)


def customer_preset(view: Any) -> dict[str, Any]:
    """The customer of `?customer=`, when the reader may see him."""
    text, customers = request.args.get("customer", ""), view.view_of(Customer)
    customer = customers.datamodel.get(text) if customers and text.isdecimal() else None
    return {"customer": customer} if customer else {}


def rhythm(months: int) -> str:
    return {1: _("Every month"), 3: _("Every quarter"), 12: _("Every year")}.get(months) or ngettext("Every %(num)d month", "Every %(num)d months", months)


def still_billed() -> Any:
    """WHERE: the line has not ended before this month."""
    return or_(RecurringLine.last_period.is_(None), RecurringLine.last_period >= str(Month.of(clock.today())))


class RecurringLineView(AdminView):
    datamodel = AdminInterface(RecurringLine)
    route_base = "/recurring-lines"
    list_title, add_title, edit_title = _l("Recurring lines"), _l("New recurring line"), _l("Edit recurring line")
    list_help = _l("The fee run copies them into the documents of their months.")
    empty_text = _l("For what a customer is billed again and again beside his licenses, for example a hosting fee.")
    list_columns = ["text", "customer", "quantity", "unit_price", "every_months", "first_period", "last_period"]
    show_columns = ["customer", "article", "text", "quantity", "unit_price", "every_months", "first_period", "last_period"]
    tab_of = (Customer,)
    tab_rank = 45
    add_fieldsets = [(_l("Line"), {"fields": ["customer", "article", "text", "quantity", "unit_price"]}),
                     (_l("When"), {"fields": ["first_period", "every_months", "last_period"]})]
    edit_fieldsets = [(_l("Line"), {"fields": ["article", "text", "quantity", "unit_price"]}), (_l("When"), {"fields": ["every_months", "last_period"]})]
    search_columns = ["customer", "article", "text", "first_period", "every_months"]
    order_columns = ["text", "first_period", "every_months"]
    base_order = ("id", "desc")
    quick_search = "text"
    label_columns = {"first_period": _l("First month"), "last_period": _l("Last month"), "every_months": _l("Billed")}
    formatters_columns = {"quantity": formats.number, "first_period": month_words, "last_period": lambda value: month_words(value) if value else _("Until ended"), "every_months": rhythm}
    edit_form_extra_fields = {
        **line_fields(),
        "every_months": WholeField(_l("Every how many months"), [Required()], default=1, description=_l("1 is every month, 12 once a year.")),
        "last_period": MonthField(_l("Last month"), description=_l("Leave it empty to bill the line until you end it.")),
    }
    add_form_extra_fields = {**edit_form_extra_fields, "customer": customer_field(), "first_period": MonthField(
        _l("First month"), [Required()], description=_l("The line is billed with this month for the first time."))}
    deletable = True
    list_tabs = [("all", _l("All"), None), ("billed", _l("Being billed"), still_billed), ("ended", _l("Ended"), lambda: ~still_billed())]

    def currency_of(self, item: Any) -> str | None:
        return item.customer.currency if item.customer else None

    def presets(self) -> dict[str, Any]:
        return {**super().presets(), "first_period": str(Month.of(clock.today())), "every_months": 1, **customer_preset(self)}

    def head_state(self, item: Any) -> Any:
        ended = item.last_period is not None and item.last_period < str(Month.of(clock.today()))
        return formats.badge(_("Ended")) if ended else formats.badge(_("Being billed"), "ok")

    def do_add(self, form: Any) -> Any:
        return recurring.add_recurring_line(form.customer.data, form.article.data, form.text.data, form.quantity.data, form.unit_price.data,
                                            form.first_period.data, form.every_months.data, form.last_period.data)

    def do_edit(self, item: Any, form: Any) -> None:
        recurring.change_recurring_line(item, article_id=form.article.data.id, text=form.text.data, quantity=form.quantity.data,
                                        unit_price=form.unit_price.data, every_months=form.every_months.data, last_period=form.last_period.data)

    def do_delete(self, item: Any) -> None:
        recurring.remove_recurring_line(item)

    @action("end", _l("End"), _l("What was billed stays."), "fa-stop", multiple=False, form=EndLineForm, verb=_l("End the line"),
            when=lambda item: item.last_period is None)
    def end(self, items: list[Any], form: Any) -> None:
        self.each(items, lambda item: recurring.end_recurring_line(item, form.last_period.data), lambda n: _("The line ends with %(month)s.", month=month_words(form.last_period.data)))
