"""What the license slice adds to a customer's page: tariffs, lock and unlock, figures and buttons."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import abort, flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import func, select

from app.catalog.models import Tariff, TariffState
from app.core import clock, formats
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.interface import AdminInterface
from app.core.page_parts import PageLink, link_to, page_facts, page_links, row_column, safe_url_for
from app.core.views import AdminPage, AdminView, action, allowed, expose
from app.customers.locks import LockReason, reason_words
from app.customers.models import Customer, CustomerState, TariffAssignment
from app.customers.services import assign_tariff, change_assignment
from app.licenses import locks
from app.licenses.assignments import end_assignment, licenses_left, remove_assignment
from app.licenses.forms import LastDayForm, NoteForm, OptionalNoteForm
from app.licenses.models import License, LicenseState


def span_state(item: TariffAssignment) -> Any:
    today = clock.today()
    if item.valid_from > today:
        return formats.badge(_("Begins later"), "info")
    return formats.badge(_("Ended")) if item.valid_to is not None and item.valid_to < today else formats.badge(_("Holds"), "ok")


class AssignmentView(AdminView):
    """Which tariffs a customer may use, and when."""

    datamodel = AdminInterface(TariffAssignment)
    route_base = "/assignments"
    list_title, add_title, edit_title = _l("Assigned tariffs"), _l("Assign tariff"), _l("Change assignment")
    add_verb = _l("Assign")
    empty_text = _l("Without a tariff the customer cannot have licenses.")
    list_columns = ["tariff", "customer", "valid_from", "valid_to", "now"]
    show_columns = ["customer", "tariff", "valid_from", "valid_to", "now"]
    add_columns = ["customer", "tariff", "valid_from", "valid_to"]
    edit_columns = ["valid_from", "valid_to"]
    search_columns = ["customer", "tariff", "valid_from", "valid_to"]
    order_columns = ["valid_from", "valid_to"]
    base_order = ("valid_from", "desc")
    deletable = True
    tab_of = (Customer,)
    tab_rank = 30
    label_columns = {"now": _l("State")}
    description_columns = {"valid_to": _l("Last day; empty for no end.")}
    narrow = {"tariff": lambda query: query.where(Tariff.state == TariffState.ACTIVE), "customer": lambda query: query.where(Customer.state != CustomerState.DELETED)}

    def raw(self, item: TariffAssignment, column: str) -> Any:
        return span_state(item) if column == "now" else super().raw(item, column)

    def head_title(self, item: TariffAssignment) -> str:
        return f"{item.customer}: {item.tariff}"

    def head_state(self, item: TariffAssignment) -> Any:
        return span_state(item)

    def fill_form(self, form: Any, item: TariffAssignment | None) -> None:
        if item is None:
            form.valid_from.data = clock.today()

    def after_add(self, item: TariffAssignment) -> str | None:
        page = self.url_of_any(item.customer)
        return f"{page}?tab={type(self).__name__}" if page else None

    def do_add(self, form: Any) -> TariffAssignment:
        return assign_tariff(form.customer.data, form.tariff.data, form.valid_from.data, form.valid_to.data)

    def do_edit(self, item: TariffAssignment, form: Any) -> None:
        change_assignment(item, form.valid_from.data, form.valid_to.data)
        self._tell_left(item, form.valid_to.data)

    def do_delete(self, item: TariffAssignment) -> None:
        remove_assignment(item)

    @action("end", _l("End"), _l("Licenses in this tariff keep it until they are changed or end."), "fa-calendar-xmark", multiple=False, form=LastDayForm,
            when=lambda item: item.valid_to is None or item.valid_to >= clock.today())
    def end(self, items: list[TariffAssignment], form: LastDayForm) -> None:
        day = form.last_day.data
        self.each(items, lambda item: end_assignment(item, day), lambda n: _("The tariff can be used until %(day)s.", day=formats.day(day)))
        for item in items:
            self._tell_left(item, day)

    def _tell_left(self, item: TariffAssignment, last_day: date | None) -> None:
        if number := licenses_left(item, last_day):
            flash(ngettext("%(num)d license is still in this tariff after its last day. Change its tariff or terminate it.",
                           "%(num)d licenses are still in this tariff after its last day. Change their tariff or terminate them.", number), "warning")


class AccountPage(AdminPage):
    """Lock and unlock a customer by hand."""

    route_base = "/accounts"
    default_view = "lock"
    own_rows = True

    def _customer(self, ident: int) -> tuple[Customer, str]:
        customer = AdminInterface(Customer).get(ident) or abort(404)
        return customer, safe_url_for("CustomerView.show", pk=customer.id) or self.back()

    @expose("/lock/<int:customer_id>", methods=["GET", "POST"])
    @allowed
    def lock(self, customer_id: int) -> Any:
        customer, page = self._customer(customer_id)
        count = licenses_of(customer)

        def save(form: NoteForm) -> None:
            if not locks.lock_account(customer, LockReason.MANUAL, form.note.data):
                raise InvalidInput(_("%(name)s is locked by staff already.", name=customer.company))
            flash(_("%(name)s was locked.", name=customer.company), "success")

        intro = ngettext("The %(num)d license of %(name)s is locked: its user can no longer talk.", "All %(num)d licenses of %(name)s are locked: their users can no longer talk.",
                         count, name=customer.company)
        return self.form_page(NoteForm(), save, title=_("Lock %(name)s", name=customer.company), verb=_("Lock"), crumb=(customer.company, page), intro=intro, danger=True, to=page)

    @expose("/unlock/<int:customer_id>", methods=["GET", "POST"])
    @allowed
    def unlock(self, customer_id: int) -> Any:
        customer, page = self._customer(customer_id)
        others = reason_words(customer.lock_reasons & ~LockReason.MANUAL)

        def save(form: OptionalNoteForm) -> None:
            if not locks.unlock_account(customer, LockReason.MANUAL, form.note.data or ""):
                raise InvalidInput(_("%(name)s is not locked by staff.", name=customer.company))
            flash(_("The lock by staff was lifted."), "success")

        intro = _("Still locked because of: %(reasons)s.", reasons=", ".join(others)) if others else _("Licenses that nothing else locks work again.")
        return self.form_page(OptionalNoteForm(), save, title=_("Unlock %(name)s", name=customer.company), verb=_("Unlock"), crumb=(customer.company, page), intro=intro, to=page)


# ---- on the customer's page and list -----------------------------------------------------------------------------


def licenses_of(customer: Customer) -> int:
    return db.session.scalar(select(func.count()).where(License.customer_id == customer.id, License.state != LicenseState.DELETED)) or 0


@row_column(Customer, "license_count")
def license_count() -> Any:
    return select(func.count()).where(License.customer_id == Customer.id, License.state != LicenseState.DELETED).scalar_subquery()


@page_facts(Customer, rank=30)
def license_facts(customer: Customer) -> list[tuple[Any, Any, str]]:
    url = safe_url_for("LicenseView.list", customer=customer.id)
    number = formats.number(licenses_of(customer))
    return [(_("Licenses"), Markup('<a href="{}">{}</a>').format(url, number) if url else number, "")]


@page_links(Customer, rank=10)
def license_links(customer: Customer) -> list[PageLink | None]:
    if customer.state is CustomerState.DELETED:
        return []
    manual = customer.lock_reasons & LockReason.MANUAL
    return [link_to("LicenseView.add", _("New license"), "fa-plus", customer=customer.id), link_to("LicenseView.several", _("Several licenses"), "fa-list", more=True, customer=customer.id),
            link_to("AssignmentView.add", _("Assign tariff"), "fa-tags", customer=customer.id),
            link_to("AccountPage.unlock", _("Unlock"), "fa-lock-open", more=True, customer_id=customer.id) if manual
            else link_to("AccountPage.lock", _("Lock"), "fa-lock", danger=True, more=True, customer_id=customer.id)]
