"""Staff pages of customers and representatives. What licenses and receivables add to a customer's page is theirs (`page_parts`)."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext, ngettext
from markupsafe import Markup
from wtforms import StringField, validators

from app.catalog.models import LANGUAGES
from app.core import clock, formats, states
from app.core.choices import ListedField, country_choices, country_name, currency_choices, language_name
from app.core.fields import DayField, Required, ServiceForm, clean_text, no_control
from app.core.page_parts import safe_url_for
from app.core.views import AdminEntry, AdminInterface, AdminView, action
from app.customers import services
from app.customers.callbacks import waiting as callbacks_waiting
from app.customers.checks import payment_methods, phone_words
from app.customers.e_invoice import e_invoice_formats
from app.customers.locks import reason_words
from app.customers.models import Customer, CustomerKind, CustomerState
from app.customers.prospects import waiting
from app.customers.representatives import own_representative
from app.customers.views_accounts import AccountActions, PortalAccountView
from app.customers.views_callbacks import CallbackView
from app.customers.views_prospects import ProspectView
from app.customers.views_representatives import RepresentativeView
from app.customers.views_terms import TermsAcceptanceView, TermsView
from app.system.settings import setting

SECTIONS = [
    (_l("Customer"), {"fields": ["company", "contact", "kind", "number", "language"]}),
    (_l("Address"), {"fields": ["street", "address_extra", "postcode", "city", "region", "country", "phone", "email"]}),
    (_l("Tax"), {"fields": ["business", "vat_id", "tax_number", "buyer_reference"]}),
    (_l("Billing"), {"fields": ["currency", "payment_method", "terms_days", "article", "e_invoice", "invoice_by_mail", "invoice_email", "reminder_block"]}),
    (lazy_pgettext("customer", "Service"), {"fields": ["server", "representative", "partner"]}),
    (_l("Note"), {"fields": ["note"]}),
]


def language_choices() -> list[tuple[str, str]]:
    return [(code, language_name(code)) for code in LANGUAGES]


def method_name(code: str) -> str:
    return payment_methods().get(code, code)


class HoldForm(ServiceForm):
    lock_hold_until = DayField(_l("Last day without a lock"), [validators.Optional()], description=_l("Up to and including this day. Leave it empty to end the hold."))


class TerminateForm(ServiceForm):
    termination_date = DayField(_l("Last day of service"), [Required()], description=_l("On the day after, the licenses are deleted on the PTT server."))


class CustomerView(AccountActions, AdminView):
    datamodel = AdminInterface(Customer)
    route_base = "/customers"
    list_title, add_title, edit_title = _l("Customers"), _l("New customer"), _l("Edit customer")
    empty_text = _l("A customer has tariffs, licenses and groups, and gets the invoices.")
    list_columns = ["company", "number", "city", "state", "locked_because", "license_count", "open_balance"]
    show_fieldsets = [
        (_l("Contact"), {"fields": ["number", "kind", "contact", "phone", "email", "language"]}),
        (_l("Address"), {"fields": ["street", "address_extra", "postcode", "city", "region", "country"]}),
        (_l("Billing"), {"fields": ["payment_method", "terms_days", "currency", "article", "e_invoice", "invoice_by_mail", "invoice_email", "reminder_block"]}),
        (_l("Tax"), {"fields": ["business", "vat_id", "tax_number", "buyer_reference"]}),
        (lazy_pgettext("customer", "Service"), {"fields": ["server", "representative", "partner", "termination_date", "lock_hold_until", "created_at"]}),
        (_l("Note"), {"fields": ["note"]}),
    ]
    add_fieldsets = edit_fieldsets = SECTIONS
    search_columns = ["kind", "state", "city", "country", "email", "server", "article", "representative", "partner", "payment_method", "termination_date",
                      "lock_hold_until", "paid_until", "created_at"]
    order_columns = ["company", "number", "city"]
    base_order = ("company", "asc")
    quick_search = ["company", "number"]
    list_tabs = [
        ("all", _l("All"), None), ("active", _l("Active"), Customer.state == CustomerState.ACTIVE),
        ("locked", _l("Locked"), lambda: (Customer.lock_reasons != 0) & (Customer.state != CustomerState.DELETED)),
        ("ending", _l("Ending"), Customer.state == CustomerState.TERMINATED), ("public", _l("Public"), Customer.kind == CustomerKind.PUBLIC),
        ("deleted", _l("Deleted"), Customer.state == CustomerState.DELETED),
    ]
    deletable = True
    label_columns = {
        "company": _l("Company or name"), "kind": _l("Kind of customer"), "business": _l("Business"), "number": _l("Customer number"),
        "buyer_reference": _l("Buyer reference"), "e_invoice": _l("E-invoice"), "terms_days": _l("Terms of payment in days"), "invoice_by_mail": _l("Invoices by e-mail"),
        "invoice_email": _l("E-mail for invoices"), "reminder_block": _l("No reminders"), "article": _l("Default article"),
        "termination_date": _l("Last day of service"), "lock_hold_until": _l("No lock until"), "paid_until": _l("Paid until"),
        "locked_because": _l("Locked because"), "license_count": _l("Licenses"), "open_balance": _l("Open balance"), "created_at": _l("Customer since"),
    }
    description_columns = {
        "kind": _l("Public: the contact of public licenses, such as a single person."),
        "business": _l("Off for consumers: other interest and tax rules."), "vat_id": _l("Needed for reverse charge in the European Union, for example ATU12345675."),
        "tax_number": _l("Brazil: CPF or CNPJ."), "buyer_reference": _l("Public buyers in Germany: their route id (Leitweg-ID)."),
        "invoice_email": _l("Empty: the e-mail of the address."), "article": _l("Used by tariffs that have no article of their own."),
        "server": _l("New licenses and groups are created there."), "partner": _l("The customer who sells to this one."),
        "reminder_block": _l("Overdue demands of this customer are not reminded."), "phone": _l("With country code, for example +49 40 3018100."),
    }
    narrow = {"partner": lambda query: query.where(Customer.state != CustomerState.DELETED)}
    edit_form_extra_fields = {
        "country": ListedField(_l("Country"), [Required()], listed=country_choices, default="DE"),
        "language": ListedField(_l("Language"), [Required()], listed=language_choices, default="en", description=_l("Of invoices and e-mails.")),
        "currency": ListedField(_l("Currency"), [Required()], listed=currency_choices, default="EUR"),
        "payment_method": ListedField(_l("Payment method"), [Required()], listed=lambda: payment_methods().items(), default="transfer"),
        "e_invoice": ListedField(_l("E-invoice"), [validators.Optional()], listed=lambda: e_invoice_formats().items(), default="",
                                 description=_l("An invoice that computers read (EN 16931). XRechnung for public buyers in Germany; ZUGFeRD for businesses.")),
    }
    add_form_extra_fields = {**edit_form_extra_fields, "number": StringField(
        _l("Customer number"), [validators.Optional(), no_control, validators.Length(max=20)], filters=[clean_text], description=_l("Leave it empty for the next number."))}
    formatters_columns = {"e_invoice": lambda code: e_invoice_formats().get(code, code), "country": country_name, "language": language_name, "payment_method": method_name, "phone": lambda value: formats.plain(phone_words(value).replace(" ", "\u00a0")),
                          "kind": states.word, "created_at": lambda value: formats.day(clock.local(value).date())}

    def raw(self, item: Customer, column: str) -> Any:
        return ", ".join(reason_words(item.lock_reasons)) if column == "locked_because" else super().raw(item, column)

    def cell(self, item: Customer, column: str, link: bool = True) -> Any:
        cell = super().cell(item, column, link)
        if column == "open_balance":
            cell.text, cell.css = formats.money(getattr(item, "open_balance", None), item.currency), "num"
        return cell

    # forms

    def fill_form(self, form: Any, item: Customer | None) -> None:
        if item is None:
            form.terms_days.data = setting("customers.terms_days")
            if request.args.get("kind") == CustomerKind.PUBLIC.value:
                form.kind.data, form.business.data = CustomerKind.PUBLIC, False

    def do_add(self, form: Any) -> Customer:
        return services.create_customer(**{**{name: form[name].data for name in self.add_columns}, "representative": own_representative(form.representative.data)})

    def do_edit(self, item: Customer, form: Any) -> None:
        services.change_customer(item, **{**{name: form[name].data for name in self.edit_columns}, "representative": own_representative(form.representative.data)})

    def do_delete(self, item: Customer) -> None:
        services.delete_unused_customer(item)

    def after_add(self, item: Customer) -> str | None:
        """The next page asks for a tariff and the first licenses; it can be skipped."""
        return safe_url_for("LicenseView.start", customer_id=item.id)

    # the page

    def head_title(self, item: Customer) -> str:
        return item.company

    def head_state(self, item: Customer) -> Any:
        locked = formats.badge(_("Locked"), "bad") if item.lock_reasons else ""
        return Markup("{} {}").format(formats.pill(item.state), locked)

    def head_facts(self, item: Customer) -> list[tuple[Any, Any, str]]:
        facts = super().head_facts(item)
        if item.paid_until is not None:
            facts.append((_("Paid until"), formats.day(item.paid_until), "is-bad" if item.paid_until < clock.today() else ""))
        if item.termination_date is not None:
            facts.append((_("Last day of service"), formats.day(item.termination_date), ""))
        if item.lock_hold_until is not None and item.lock_hold_until >= clock.today():
            facts.append((_("No lock until"), formats.day(item.lock_hold_until), ""))
        return [*facts, (_("Locked because"), ", ".join(reason_words(item.lock_reasons)) or _("Not locked"), "is-bad" if item.lock_reasons else "")]

    @action("hold_lock", _l("Hold lock"), _l("Until this day the customer is not locked for unpaid demands. Other locks stay."), "fa-hand", multiple=False,
            form=HoldForm, verb=_l("Save"), when=lambda item: item.state is not CustomerState.DELETED)
    def hold_lock(self, items: list[Customer], form: HoldForm) -> None:
        until = form.lock_hold_until.data
        done = _("The customer is not locked for unpaid demands until %(day)s.", day=formats.day(until)) if until else _("The hold has ended.")
        self.each(items, lambda item: services.set_lock_hold(item, until), lambda n: done)

    @action("terminate", _l("Terminate"), _l("All licenses of the customer end with this day. They work and are billed until then."), "fa-calendar-xmark", danger=True,
            form=TerminateForm, when=lambda item: item.state is not CustomerState.DELETED)
    def terminate(self, items: list[Customer], form: TerminateForm) -> None:
        day = form.termination_date.data
        self.each(items, lambda item: services.set_termination(item, day),
                  lambda n: ngettext("%(num)d customer ends on %(day)s.", "%(num)d customers end on %(day)s.", n, day=formats.day(day)))

    @action("keep", _l("Take back termination"), _l("The customer goes on without an end."), "fa-rotate-left", multiple=False,
            when=lambda item: item.state is CustomerState.TERMINATED)
    def keep(self, items: list[Customer]) -> None:
        self.each(items, lambda item: services.set_termination(item, None), lambda n: _("The termination was taken back."))

    def fill_action(self, name: str, form: Any, item: Customer) -> None:
        if name == "hold_lock":
            form.lock_hold_until.data = item.lock_hold_until
        elif name == "terminate":
            form.termination_date.data = item.termination_date


VIEWS = [
    AdminEntry(CustomerView, _l("Customers"), "customers", "fa-building"), AdminEntry(RepresentativeView, _l("Representatives"), "customers", "fa-user-tie"),
    AdminEntry(ProspectView, _l("Prospects"), "customers", "fa-user-plus", count=waiting, rank=51),
    # who may make accounts gives access: the same people as for licenses; terms are the administrators'
    AdminEntry(PortalAccountView, _l("Portal accounts"), "customers", "fa-id-badge", area="licenses", rank=60),
    AdminEntry(TermsView, _l("Terms"), "customers", "fa-file-contract", area="system", rank=61), AdminEntry(TermsAcceptanceView, _l("Terms accepted"), area="customers"),
    AdminEntry(CallbackView, _l("Call-backs"), "support", "fa-phone", count=callbacks_waiting, rank=71),
]
