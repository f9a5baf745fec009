"""Staff pages of general terms and of the proofs that they were accepted."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from wtforms import TextAreaField, validators

from app.core import clock, formats
from app.core.choices import language_name
from app.core.fields import clean_text, no_control
from app.core.views import AdminInterface, AdminView, action
from app.customers import terms
from app.customers.account_models import TermsAcceptance, TermsState, TermsVersion
from app.customers.models import Customer

HOW = {"link": _l("Used the link under the terms"), "tick": _l("Ticked the box and used the link")}


def text_field(label: Any) -> TextAreaField:
    return TextAreaField(label, [validators.Optional(), no_control, validators.Length(max=terms.LONGEST)], filters=[clean_text], render_kw={"rows": 14},
                         description=_l("Plain text; an empty line begins a new paragraph. Readers of a language without a text see another one."))


def paragraphs(text: str | None) -> Any:
    """The text with its lines, for the page."""
    return Markup('<div class="plain-text">{}</div>').format(text) if text else formats.NOTHING


class TermsView(AdminView):
    datamodel = AdminInterface(TermsVersion)
    route_base = "/terms"
    list_title, add_title, edit_title = _l("Terms"), _l("New version"), _l("Edit draft")
    list_help = _l("The general terms that customers accept when they choose a password.")
    empty_text = _l("Without published terms nothing is accepted when a customer chooses his password.")
    list_columns = ["name", "valid_from", "state", "published_at"]
    show_page = "customers/terms.html"
    show_columns = ["name", "valid_from", "published_at", "sha256", "text_en", "text_de", "text_pt_br"]
    add_fieldsets = edit_fieldsets = [(_l("Version"), {"fields": ["name", "valid_from"]}), (_l("Texts"), {"fields": ["text_en", "text_de", "text_pt_br"]})]
    search_columns = ["name", "valid_from", "state"]
    order_columns = ["name", "valid_from"]
    base_order = ("valid_from", "desc")
    deletable = True
    label_columns = {"name": _l("Version"), "sha256": _l("Checksum (SHA-256)"), "published_at": _l("Published"), "text_en": _l("English"), "text_de": _l("German"),
                     "text_pt_br": _l("Portuguese (Brazil)"), "valid_from": _l("Holds from")}
    description_columns = {"name": _l("As it is called, for example 2026-11."), "valid_from": _l("The first day on which customers accept this version.")}
    add_form_extra_fields = edit_form_extra_fields = {"text_en": text_field(_l("English")), "text_de": text_field(_l("German")), "text_pt_br": text_field(_l("Portuguese (Brazil)"))}
    formatters_columns = {"text_en": paragraphs, "text_de": paragraphs, "text_pt_br": paragraphs,
                          "sha256": lambda value: Markup('<span class="hash">{}</span>').format(value) if value else formats.NOTHING}

    def can(self, name: str) -> bool:
        """On the page of a published version there is nothing to edit or delete."""
        if name in ("edit", "delete") and request.endpoint == f"{self.endpoint}.show":
            item = self.datamodel.get((request.view_args or {}).get("pk"))
            if item is not None and item.state is TermsState.PUBLISHED:
                return False
        return super().can(name)

    def head_title(self, item: TermsVersion) -> str:
        return _("Terms %(version)s", version=item.name)

    def head_facts(self, item: TermsVersion) -> list[tuple[Any, Any, str]]:
        now = terms.current()
        return [*super().head_facts(item), (_("In force"), formats.yes_no(now is not None and now.id == item.id), "")]

    def fill_form(self, form: Any, item: TermsVersion | None) -> None:
        if item is None:
            form.valid_from.data = clock.today()

    def do_add(self, form: Any) -> TermsVersion:
        return terms.save_terms(**{name: form[name].data for name in self.add_columns})

    def do_edit(self, item: TermsVersion, form: Any) -> None:
        terms.save_terms(item, **{name: form[name].data for name in self.edit_columns})

    def do_delete(self, item: TermsVersion) -> None:
        terms.delete_draft(item)

    @action("publish", _l("Publish"), _l("From its first day on, whoever chooses a password accepts this version. It can never be changed again."), "fa-stamp", multiple=False,
            when=lambda item: item.state is TermsState.DRAFT)
    def publish(self, items: list[TermsVersion]) -> None:
        self.each(items, terms.publish, lambda n: ngettext("%(num)d version published.", "%(num)d versions published.", n))


class TermsAcceptanceView(AdminView):
    """Proofs: only ever added, by the customer's own act."""

    datamodel = AdminInterface(TermsAcceptance)
    route_base = "/terms-accepted"
    list_title = _l("Terms accepted")
    empty_text = _l("A customer accepts the terms when he chooses his password by a link.")
    list_columns = ["version", "account", "at", "how", "address"]
    show_fieldsets = [(_l("Terms"), {"fields": ["terms", "language", "sha256"]}), (_l("Proof"), {"fields": ["account", "at", "how", "email", "address"]})]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["version", "account", "at"]
    order_columns = ["at"]
    base_order = ("", "desc")
    tab_of = (Customer,)
    tab_rank = 65
    label_columns = {"version": _l("Version"), "account": _l("Account"), "how": _l("How"), "address": _l("Network address"), "terms": _l("Version"),
                     "email": _l("The link was sent to"), "sha256": _l("Checksum of the text (SHA-256)"), "at": _l("Accepted")}
    formatters_columns = {"how": lambda value: str(HOW.get(value, value)), "language": language_name, "at": lambda value: formats.instant(value, seconds=True),
                          "sha256": lambda value: Markup('<span class="hash">{}</span>').format(value)}

    def where_parent(self, parent: Any) -> Any:
        return TermsAcceptance.customer_id == parent.id
