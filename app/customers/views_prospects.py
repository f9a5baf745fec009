"""Staff pages of prospects: look at a registration, see who is alike, import or reject."""

from __future__ import annotations

from typing import Any

from babel.numbers import get_territory_currencies
from flask import abort, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import BooleanField, StringField, TextAreaField, validators

from app.catalog.models import LANGUAGES, PttServer, Tariff, TariffState
from app.core import clock, formats, states
from app.core.choices import ListedField, country_choices, country_name, currency_choices, language_name
from app.core.fields import DayField, RelatedField, Required, ServiceForm, clean_text, no_control
from app.core.own_rows import visible
from app.core.page_parts import PageLink, link_to, safe_url_for, to_lookup
from app.core.views import AdminInterface, AdminView, action, allowed, expose
from app.customers import prospect_import, prospects
from app.customers.checks import phone_words
from app.customers.models import Customer
from app.customers.prospect_models import Prospect, ProspectState
from app.customers.representatives import own_representative

ADDRESS = ["street", "address_extra", "postcode", "city", "region", "country", "phone", "email"]
ORIGINS = {"website": _l("Website"), "staff": _l("Entered by staff")}


class RejectForm(ServiceForm):
    reason = TextAreaField(_l("Reason"), [Required(), no_control, validators.Length(max=500)], filters=[clean_text], description=_l("Colleagues see it. With the e-mail, the person reads it too."))
    mail = BooleanField(_l("Tell the person by e-mail"))


class ImportForm(ServiceForm):
    """How a prospect becomes a customer."""

    currency = ListedField(_l("Currency"), [Required()], listed=currency_choices)
    server = RelatedField(_l("PTT server"), model=PttServer, lookup=to_lookup(PttServer), narrow=lambda query: query.where(PttServer.active), description=_l("New licenses and groups are created there."))
    tariff = RelatedField(_l("Tariff"), model=Tariff, lookup=to_lookup(Tariff), narrow=lambda query: query.where(Tariff.state == TariffState.ACTIVE),
                          description=_l("Left empty: the next page asks for tariff and licenses."))
    valid_from = DayField(_l("From"), [validators.Optional()], description=_l("The tariff begins on this day."))
    number = StringField(_l("Customer number"), [validators.Optional(), no_control, validators.Length(max=20)], filters=[clean_text], description=_l("Leave it empty for the next number."))
    welcome = BooleanField(_l("Send the welcome e-mail with the link to choose a password"), default=True)
    new_nevertheless = BooleanField(_l("This is a new customer, not one of those above"))


def shown(duplicates: list[Any]) -> list[Any]:
    """Those of the reader's own customers; that there are others is told by the box to tick."""
    seen = {row.id for row in visible(Customer, [item.customer for item in duplicates])}
    return [item for item in duplicates if item.customer.id in seen]


class ProspectView(AdminView):
    datamodel = AdminInterface(Prospect)
    route_base = "/prospects"
    show_page = "customers/prospect.html"
    list_title, add_title = _l("Prospects"), _l("New prospect")
    list_help = _l("Who registered and is not a customer yet.")
    empty_text = _l("Registrations from the website come here. Staff can enter one too.")
    list_columns = ["name", "kind", "city", "email", "devices", "state", "created_at"]
    show_fieldsets = [(_l("Registration"), {"fields": ["company", "contact", "kind", "devices", "language", "message"]}), (_l("Address"), {"fields": ADDRESS}),
                      (_l("Tax"), {"fields": ["vat_id", "tax_number"]}),
                      (_l("Origin"), {"fields": ["origin", "network_address", "terms", "created_at", "confirmed_at", "customer", "reason"]})]
    add_fieldsets = [(_l("Registration"), {"fields": ["kind", "company", "contact", "devices", "language", "message"]}), (_l("Address"), {"fields": ADDRESS}),
                     (_l("Tax"), {"fields": ["vat_id", "tax_number"]}), (_l("Confirmation"), {"fields": ["confirm"]})]
    edit_columns: list[str] = []
    search_columns = ["kind", "state", "city", "country", "origin", "customer", "created_at"]
    order_columns = ["created_at", "city"]
    base_order = ("", "desc")
    quick_search = ("company", "contact", "email")
    list_tabs = [("confirmed", _l("To decide"), Prospect.state == ProspectState.CONFIRMED), ("new", _l("Not confirmed"), Prospect.state == ProspectState.NEW),
                 ("imported", _l("Imported"), Prospect.state == ProspectState.IMPORTED), ("rejected", _l("Rejected"), Prospect.state == ProspectState.REJECTED), ("all", _l("All"), None)]
    main_actions = ("reject", "confirm")
    label_columns = {"name": _l("Name"), "kind": _l("Wants"), "contact": _l("Person"), "devices": _l("Number of devices"), "message": _l("Message"), "origin": _l("Came from"),
                     "network_address": _l("Network address"), "terms": _l("Terms that were shown"), "confirmed_at": _l("Confirmed"), "created_at": _l("Registered"),
                     "customer": _l("Became the customer"), "confirm": _l("Ask for confirmation")}
    description_columns = {"company": _l("Needed for closed user groups."), "phone": _l("With country code, for example +49 40 3018100."), "tax_number": _l("Brazil: CPF or CNPJ.")}
    add_form_extra_fields = {
        "country": ListedField(_l("Country"), [Required()], listed=country_choices, default="DE"),
        "language": ListedField(_l("Language"), [Required()], listed=lambda: [(code, language_name(code)) for code in LANGUAGES], default="en", description=_l("Of e-mails and invoices.")),
        "contact": StringField(_l("Person"), [Required(), no_control, validators.Length(max=120)], filters=[clean_text]),
        "email": StringField(_l("E-mail"), [Required(), no_control, validators.Length(max=254)], filters=[clean_text]),
        "confirm": BooleanField(_l("Send the e-mail that asks for confirmation"), description=_l("Off: the registration counts as confirmed, because you know the person.")),
    }
    formatters_columns = {"country": country_name, "language": language_name, "kind": states.word, "origin": lambda value: str(ORIGINS.get(value, value)),
                          "phone": lambda value: formats.plain(phone_words(value).replace(" ", "\u00a0"))}

    def raw(self, item: Prospect, column: str) -> Any:
        return str(item) if column == "name" else super().raw(item, column)

    def head_links(self, item: Prospect) -> list[PageLink]:
        own = link_to("ProspectView.take_over", _("Import"), "fa-user-plus", pk=item.id) if item.state is ProspectState.CONFIRMED else None
        return [*([own] if own else []), *super().head_links(item)]

    def show_context(self, item: Prospect) -> dict[str, Any]:
        undecided = item.state in (ProspectState.NEW, ProspectState.CONFIRMED)
        return {"duplicates": shown(prospect_import.duplicates_of(item)) if undecided else [], "others": prospect_import.other_registrations(item) if undecided else [], "linking": False}

    def do_add(self, form: Any) -> Prospect:
        names = prospects.FIELDS
        made = prospects.register_prospect(form.kind.data, origin="staff", language=form.language.data, confirm=form.confirm.data,
                                           **{name: form[name].data for name in self.add_columns if name in names})
        assert made is not None     # only robots get nothing
        return made

    @expose("/import/<pk>", methods=["GET", "POST"])
    @allowed
    def take_over(self, pk: Any) -> Any:
        """Duplicates first, then how the customer shall be."""
        item = self.datamodel.get(pk) or abort(404)
        page = self.url_of(item) or self.list_url()
        if item.state is not ProspectState.CONFIRMED:
            flash(_("This registration cannot be imported now."), "warning")
            return redirect(page, 303)
        form: Any = ImportForm()
        if request.method == "GET":
            form.currency.data = next(iter(get_territory_currencies(item.country)), "EUR")
            form.valid_from.data = clock.today()
        found = prospect_import.duplicates_of(item)
        if not found:
            del form.new_nevertheless

        def save(form: Any) -> Any:
            customer = prospect_import.import_prospect(
                item, currency=form.currency.data, server=form.server.data, tariff=form.tariff.data, valid_from=form.valid_from.data, number=form.number.data or "",
                welcome=form.welcome.data, representative=own_representative(), new_nevertheless=bool(found) and form.new_nevertheless.data)
            flash(_("%(name)s is a customer now.", name=customer.company), "success")
            start = safe_url_for("LicenseView.start", customer_id=customer.id) if form.tariff.data is None else None
            return redirect(start or self.url_of_any(customer) or self.list_url(), 303)

        return self.form_page(form, save, title=_("Import %(name)s", name=str(item)), verb=_("Create customer"), crumb=(str(item), page), to=page,
                              template="customers/import.html", item=item, duplicates=shown(found), others=prospect_import.other_registrations(item), linking=True)

    @expose("/same/<pk>/<int:customer_id>", methods=["POST"])
    @allowed("take_over")
    def same(self, pk: Any, customer_id: int) -> Any:
        """The registration belongs to this customer."""
        item = self.datamodel.get(pk) or abort(404)
        customers = self.view_of(Customer)
        customer = (customers.datamodel.get(customer_id) if customers else None) or abort(404)
        worked = self.attempt(lambda: prospect_import.link_to_customer(item, customer), _("The registration belongs to %(name)s now. Nothing of the customer was changed.", name=customer.company))
        return redirect((self.url_of_any(customer) if worked else None) or self.url_of(item) or self.list_url(), 303)

    @action("confirm", _l("Confirm by hand"), _l("You are sure that the person registered, for example by telephone."), "fa-check", when=lambda item: item.state is ProspectState.NEW)
    def confirm(self, items: list[Prospect]) -> None:
        self.each(items, prospects.confirm_by_hand, lambda n: ngettext("%(num)d registration confirmed.", "%(num)d registrations confirmed.", n))

    @action("ask_again", _l("Ask again"), _l("The e-mail that asks for confirmation is sent once more; the older link ends."), "fa-envelope", when=lambda item: item.state is ProspectState.NEW)
    def ask_again(self, items: list[Prospect]) -> None:
        self.each(items, prospects.ask_again, lambda n: ngettext("%(num)d e-mail is on its way.", "%(num)d e-mails are on their way.", n))

    @action("reject", _l("Reject"), icon="fa-ban", danger=True, form=RejectForm, when=lambda item: item.state in (ProspectState.NEW, ProspectState.CONFIRMED))
    def reject(self, items: list[Prospect], form: RejectForm) -> None:
        self.each(items, lambda item: prospects.reject_prospect(item, form.reason.data, form.mail.data),
                  lambda n: ngettext("%(num)d registration rejected.", "%(num)d registrations rejected.", n))

    @action("take_back", _l("Take back rejection"), icon="fa-rotate-left", when=lambda item: item.state is ProspectState.REJECTED)
    def take_back(self, items: list[Prospect]) -> None:
        self.each(items, prospects.take_back_rejection, lambda n: ngettext("%(num)d registration is open again.", "%(num)d registrations are open again.", n))
