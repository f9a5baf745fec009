"""Staff pages of mandates, and of the accounts that are collected to."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, cast

from flask import abort
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from sqlalchemy import or_, select
from wtforms import BooleanField, StringField, TextAreaField, validators

from app.customers.models import Customer
from app.plugin_api import InvalidInput, clock, db, formats
from app.plugin_api.staff import (
    AdminInterface,
    AdminView,
    DayField,
    ListedField,
    PageLink,
    Required,
    ServiceForm,
    action,
    allowed,
    any_of,
    expose,
    has_part,
    link_to,
    page_links,
    safe_url_for,
)
from app.system import archive, uploads
from app.system.settings import setting
from plugins.sepa import ids, mandates
from plugins.sepa.accounts import save_account
from plugins.sepa.announcing import notice_days
from plugins.sepa.mandate_models import CreditorAccount, Mandate, MandateState
from plugins.sepa.mandate_text import clauses
from plugins.sepa.orders import B2B, CORE
from plugins.sepa.pain008 import VERSIONS

TEMPLATES = str(Path(__file__).parent / "templates")
S = MandateState
SCHEMES = [(CORE, _l("CORE (everybody)")), (B2B, _l("B2B (companies only)"))]
FIELDS = ("account", "holder", "iban", "bic", "scheme", "one_off", "notice_days")


class SignForm(ServiceForm):
    signed_on = DayField(_l("Signed on"), [Required()])
    file = FileField(_l("Signed form"), description=_l("A scan or photo of the signed mandate: PDF, PNG or JPEG, at most 20 MB. It is the proof when the customer objects."))


class WhyForm(ServiceForm):
    reason = TextAreaField(_l("Reason"), [Required(), validators.Length(max=500)])


class ConfirmForm(ServiceForm):
    bank_confirmed_on = DayField(_l("Confirmed on"), [Required()])


class AmendForm(ServiceForm):
    holder = StringField(_l("Account holder"), [Required(), validators.Length(max=120)])
    iban = StringField(_l("IBAN"), [Required(), validators.Length(max=60)])
    bic = StringField(_l("BIC"), [validators.Optional(), validators.Length(max=20)])
    reference = StringField(_l("Mandate reference"), [Required(), validators.Length(max=35)], description=_l("Leave it as it is unless your numbering changed."))


class LastForm(ServiceForm):
    last = BooleanField(_l("The next collection is the last one"), description=_l("The mandate ends with it (FNAL)."))


class MandateView(AdminView):
    datamodel = AdminInterface(Mandate)
    route_base = "/sepa-mandates"
    template_folder = TEMPLATES
    list_title, add_title, edit_title = _l("SEPA mandates"), _l("New mandate"), _l("Edit mandate")
    list_help = _l("What customers signed so that you may debit their account.")
    empty_text = _l("A customer who pays by direct debit needs a signed mandate.")
    list_columns = ["reference", "customer", "iban", "scheme", "state", "signed_on", "last_collected_on"]
    show_fieldsets = [
        (_l("Mandate"), {"fields": ["reference", "customer", "scheme", "one_off", "last_one", "account", "notice_days"]}),
        (_l("Debited account"), {"fields": ["holder", "iban", "bic"]}),
        (_l("Signature"), {"fields": ["origin", "requested_at", "signed_on", "document", "proof", "bank_confirmed_on"]}),
        (_l("Use"), {"fields": ["collections", "last_collected_on", "ended_on", "reason"]}),
    ]
    add_columns = ["customer", *FIELDS, "reference"]
    edit_columns = list(FIELDS)
    search_columns = ["customer", "state", "scheme", "signed_on", "last_collected_on", "account"]
    order_columns = ["reference", "signed_on", "last_collected_on"]
    base_order = ("id", "desc")
    quick_search = ["reference", "customer", "iban", "holder"]
    list_tabs = [("all", _l("All"), None), ("requested", _l("Waiting for the signature"), Mandate.state == S.REQUESTED), ("valid", _l("Valid"), Mandate.state == S.VALID),
                 ("suspended", _l("Suspended"), Mandate.state == S.SUSPENDED), ("ended", _l("Ended"), Mandate.state.in_((S.EXPIRED, S.REVOKED)))]
    tab_of = (Customer,)
    tab_rank = 30
    main_actions = ("request", "sign", "resume", "confirm_by_bank", "amend")
    label_columns = {
        "reference": _l("Mandate reference"), "account": _l("Collected to"), "holder": _l("Account holder"), "iban": _l("IBAN"), "bic": _l("BIC"), "scheme": _l("Scheme"),
        "one_off": _l("Single use"), "last_one": _l("Next collection is the last"), "notice_days": _l("Days of notice"), "origin": _l("Given"), "proof": _l("Proof"),
        "requested_at": _l("Requested"), "signed_on": _l("Signed on"), "document": _l("Signed form"), "bank_confirmed_on": _l("Confirmed by the debtor's bank"),
        "collections": _l("Collections"), "last_collected_on": _l("Last collection"), "ended_on": _l("Ended on"), "reason": _l("Reason")}
    description_columns = {
        "one_off": _l("For one collection (OOFF)."),
        "notice_days": _l("Only when you agreed on a shorter announcement with this customer; else as the setting says."), "account": _l("Which of your bank accounts gets the money.")}
    validators_columns = {"holder": [Required()]}
    narrow = {"account": lambda query: query.where(CreditorAccount.active), "customer": lambda query: query.where(Customer.currency == "EUR")}
    add_form_extra_fields = {
        "scheme": ListedField(_l("Scheme"), [Required()], listed=lambda: SCHEMES, default=CORE,
                              description=_l("B2B cannot be refunded, and the customer's bank must confirm it before the first collection.")),
        "reference": StringField(_l("Mandate reference"), [validators.Optional(), validators.Length(max=35)], description=_l("Made by itself when empty.")),
        "iban": StringField(_l("IBAN"), [Required(), validators.Length(max=60)], description=_l("With or without blanks.")),
        "bic": StringField(_l("BIC"), [validators.Optional(), validators.Length(max=20)], description=_l("Needed outside of the EEA only."))}
    edit_form_extra_fields = {name: field for name, field in add_form_extra_fields.items() if name != "reference"}
    formatters_columns = {"iban": lambda value: formats.plain(ids.shown(value)), "origin": lambda value: _("online") if value == "online" else _("on paper"),
                          "proof": lambda value: formats.plain(proof_words(value))}

    def find(self, text: str) -> Any:
        compact = ids.compact(text)
        return any_of(Mandate.id, or_(has_part(Mandate.reference, text), has_part(Mandate.holder, text), Mandate.iban == compact),
                      Mandate.customer_id.in_(select(Customer.id).where(or_(has_part(Customer.company, text), Customer.number == text))))

    def head_facts(self, item: Mandate) -> list[tuple[Any, Any, str]]:
        facts = [(_("Customer"), str(item.customer), ""), (_("Account"), ids.masked(item.iban), ""), (_("Notice"), ngettext("%(num)d day", "%(num)d days", notice_days(item)), ""),
                 (_("Last collection"), formats.day(item.last_collected_on) if item.last_collected_on else "–", "")]
        if item.scheme == B2B and item.state is S.VALID and item.bank_confirmed_on is None:
            facts.append((_("Confirmation of the bank"), _("missing: nothing is collected"), "is-bad"))
        if item.reason:
            facts.append((_("Reason"), item.reason, "is-bad" if item.state is S.SUSPENDED else ""))
        return [*facts, *super().head_facts(item)]

    def head_links(self, item: Mandate) -> list[PageLink]:
        form = link_to(f"{self.endpoint}.paper", _("Form to sign"), "fa-print", pk=item.id) if item.state in (S.DRAFT, S.REQUESTED) else None
        return [*([form] if form else []), *super().head_links(item)]

    def fill_form(self, form: Any, item: Mandate | None) -> None:
        """A new one: the only account there is, and the customer as holder."""
        if item is not None:
            form.iban.data = ids.shown(item.iban)
            return
        accounts = db.session.scalars(select(CreditorAccount).where(CreditorAccount.active).limit(2)).all()
        if len(accounts) == 1:
            form.account.data = accounts[0]
        if form.customer.data is not None:
            form.holder.data = form.customer.data.company

    def do_add(self, form: Any) -> Mandate:
        if form.customer.data is None:
            raise InvalidInput(_("Choose the customer."), "customer")
        return mandates.new_mandate(form.customer.data, reference=form.reference.data or "", **self.values(form))

    def do_edit(self, item: Mandate, form: Any) -> None:
        mandates.change_draft(item, **self.values(form))

    @staticmethod
    def values(form: Any) -> dict[str, Any]:
        return {**{name: form[name].data for name in FIELDS}, "bic": form.bic.data or "", "iban": form.iban.data or "", "holder": form.holder.data or ""}

    @expose("/paper/<pk>")
    @allowed("show")
    def paper(self, pk: Any) -> Any:
        """The mandate as a page to print, in the customer's language."""
        item = self.datamodel.get(pk) or abort(404)
        with force_locale(item.customer.language):
            return self.render_template("sepa/paper.html", title=_("SEPA direct debit mandate"), item=item, clauses=clauses(item, setting("company.name")), ids=ids)

    @action("request", _l("Mark as sent to the customer"), icon="fa-paper-plane", when=lambda item: item.state is S.DRAFT)
    def request(self, items: list[Mandate]) -> None:
        self.each(items, mandates.request, lambda n: ngettext("%(num)d mandate waits for its signature.", "%(num)d mandates wait for their signature.", n))

    @action("back_to_draft", _l("Back to draft"), icon="fa-rotate-left", when=lambda item: item.state is S.REQUESTED)
    def back_to_draft(self, items: list[Mandate]) -> None:
        self.each(items, mandates.back_to_draft, lambda n: _("The mandate can be edited again."))

    @action("sign", _l("Record signature"), _l("From then on demands are announced and collected with it."), "fa-signature", multiple=False, form=SignForm, verb=_l("Record signature"),
            when=lambda item: item.state in (S.DRAFT, S.REQUESTED))
    def sign(self, items: list[Mandate], form: SignForm) -> None:
        given: Any = form.file.data
        if given is None or not getattr(given, "filename", ""):
            raise InvalidInput(_("Upload the signed form: without it the bank pays the money back for 13 months."), "file")
        data = given.stream.read(uploads.MOST + 1)
        uploads.accept(given.filename, data, frozenset({"pdf", "png", "jpg", "jpeg"}))
        (item,) = items
        mandates.check_may_sign(item)       # before a file is stored
        document = archive.upload(given.filename, data, _("SEPA mandate %(reference)s", reference=item.reference), "sepa/mandates", item.customer_id)
        self.each(items, lambda row: mandates.sign(row, cast(date, form.signed_on.data), document), lambda n: _("The mandate is valid."))

    @action("confirm_by_bank", _l("Confirmed by the bank"), _l("The customer's bank has registered the B2B mandate."), "fa-building-columns", form=ConfirmForm,
            when=lambda item: item.scheme == B2B and item.state is S.VALID and item.bank_confirmed_on is None)
    def confirm_by_bank(self, items: list[Mandate], form: ConfirmForm) -> None:
        self.each(items, lambda row: mandates.confirm_by_bank(row, cast(date, form.bank_confirmed_on.data)), lambda n: _("The confirmation was recorded."))

    @action("amend", _l("Amend"), _l("The bank is told with the next collection what it was before."), "fa-pen", multiple=False, form=AmendForm, verb=_l("Amend"),
            when=lambda item: item.state in (S.VALID, S.SUSPENDED))
    def amend(self, items: list[Mandate], form: AmendForm) -> None:
        self.each(items, lambda row: mandates.amend(row, holder=form.holder.data or "", iban=form.iban.data or "", bic=form.bic.data or "", reference=form.reference.data or ""),
                  lambda n: _("The mandate was amended."))

    @action("last", _l("Last collection"), icon="fa-flag-checkered", form=LastForm, multiple=False, verb=_l("Save"), when=lambda item: item.state in (S.VALID, S.SUSPENDED) and not item.one_off)
    def last(self, items: list[Mandate], form: LastForm) -> None:
        self.each(items, lambda row: mandates.last_collection(row, bool(form.last.data)), lambda n: _("The changes were saved."))

    @action("suspend", _l("Suspend"), _l("Nothing is collected with it until it is resumed."), "fa-pause", form=WhyForm, verb=_l("Suspend"), when=lambda item: item.state is S.VALID)
    def suspend(self, items: list[Mandate], form: WhyForm) -> None:
        self.each(items, lambda row: mandates.suspend(row, form.reason.data or ""), lambda n: ngettext("%(num)d mandate is suspended.", "%(num)d mandates are suspended.", n))

    @action("resume", _l("Resume"), _l("It is collected with it again."), "fa-play", when=lambda item: item.state is S.SUSPENDED)
    def resume(self, items: list[Mandate]) -> None:
        self.each(items, mandates.resume, lambda n: ngettext("%(num)d mandate is valid again.", "%(num)d mandates are valid again.", n))

    @action("revoke", _l("Revoke"), _l("Final: it is never collected with it again."), "fa-ban", danger=True, form=WhyForm, verb=_l("Revoke the mandate"),
            when=lambda item: item.state not in (S.EXPIRED, S.REVOKED))
    def revoke(self, items: list[Mandate], form: WhyForm) -> None:
        self.each(items, lambda row: mandates.revoke(row, form.reason.data or ""), lambda n: ngettext("%(num)d mandate was revoked.", "%(num)d mandates were revoked.", n))

    def fill_action(self, name: str, form: Any, item: Mandate) -> None:
        if name == "amend":
            form.holder.data, form.iban.data, form.bic.data, form.reference.data = item.holder, ids.shown(item.iban), item.bic, item.reference
        elif name == "last":
            form.last.data = item.last_one
        elif name == "sign":
            form.signed_on.data = clock.today()


def proof_words(proof: dict[str, Any]) -> str:
    """When, from where, by whom, and the hash of the text that was agreed to."""
    if not proof:
        return "–"
    return _("%(who)s on %(when)s from %(address)s; text SHA-256 %(hash)s", who=proof.get("account", "?"), when=proof.get("at", "?"), address=proof.get("address", "?"),
             hash=str(proof.get("text_sha256", "?")))


@page_links(Customer, rank=40)
def mandate_button(customer: Customer) -> list[PageLink | None]:
    url = safe_url_for("MandateView.add", customer=customer.id) if customer.currency == "EUR" else None
    return [PageLink(url, _("New mandate"), "fa-signature", more=True)] if url else []


class CreditorAccountView(AdminView):
    datamodel = AdminInterface(CreditorAccount)
    route_base = "/sepa-accounts"
    list_title, add_title, edit_title = _l("SEPA bank accounts"), _l("New bank account"), _l("Edit bank account")
    list_help = _l("Your accounts that direct debits are collected to, and what your bank wants.")
    empty_text = _l("Enter your bank account and your creditor identifier; then mandates can be written.")
    list_columns = ["title", "holder", "iban", "creditor_id", "version", "active"]
    show_fieldsets = [(_l("Account"), {"fields": ["title", "holder", "iban", "bic", "creditor_id", "active"]}),
                      (_l("What the bank wants"), {"fields": ["version", "lead_days", "cut_off", "batch_booking"]})]
    add_fieldsets = edit_fieldsets = show_fieldsets
    search_columns = ["active", "version"]
    order_columns = ["title"]
    base_order = ("title", "asc")
    quick_search = ["title", "iban"]
    label_columns = {"title": _l("Name in lists"), "holder": _l("Account holder (creditor)"), "iban": _l("IBAN"), "bic": _l("BIC"), "creditor_id": _l("Creditor identifier"),
                     "version": _l("File format"), "lead_days": _l("Bank days before the collection"), "cut_off": _l("Files are taken until"), "batch_booking": _l("Credited in one sum"),
                     "active": _l("In use")}
    description_columns = {"creditor_id": _l("From the central bank, for example DE98ZZZ09999999999."), "lead_days": _l("How many bank days before the collection the bank wants the file; at least 1."),
                           "cut_off": _l("Local time such as 14:00. A file that comes later counts as of the next bank day."), "version": _l("Ask your bank; .08 is taken everywhere since November 2023.")}
    add_form_extra_fields = edit_form_extra_fields = {
        "version": ListedField(_l("File format"), [Required()], listed=lambda: [(name, name) for name in VERSIONS], default=VERSIONS[0]),
        "iban": StringField(_l("IBAN"), [Required(), validators.Length(max=60)]), "bic": StringField(_l("BIC"), [validators.Optional(), validators.Length(max=20)]),
        "creditor_id": StringField(_l("Creditor identifier"), [Required(), validators.Length(max=60)])}
    formatters_columns = {"iban": lambda value: formats.plain(ids.shown(value))}

    def head_state(self, item: CreditorAccount) -> Any:
        return formats.badge(_("In use"), "ok") if item.active else formats.badge(_("No longer in use"))

    def do_add(self, form: Any) -> CreditorAccount:
        return save_account(None, **self.values(form))

    def do_edit(self, item: CreditorAccount, form: Any) -> None:
        save_account(item, **self.values(form))

    def values(self, form: Any) -> dict[str, Any]:
        return {name: form[name].data for name in self.add_columns}
