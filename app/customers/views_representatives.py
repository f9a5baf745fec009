"""Staff pages of representatives."""

from __future__ import annotations

from typing import Any

from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.catalog.models import LANGUAGES
from app.core import formats
from app.core.choices import ListedField, country_choices, country_name, language_name
from app.core.fields import Required
from app.core.own_rows import reader
from app.core.views import AdminInterface, AdminView
from app.customers.checks import phone_words
from app.customers.models import Representative
from app.customers.representatives import FIELDS, delete_representative, save_representative

ADDRESS = ["street", "address_extra", "postcode", "city", "region", "country", "phone", "email"]
TAX = ["vat_id", "tax_number", "small_business", "iban"]


class RepresentativeView(AdminView):
    datamodel = AdminInterface(Representative)
    route_base = "/representatives"
    list_title, add_title, edit_title = _l("Representatives"), _l("New representative"), _l("Edit representative")
    list_help = _l("Who brings customers.")
    empty_text = _l("A representative is chosen on the customers that he brought.")
    list_columns = ["name", "number", "city", "phone", "email", "active"]
    show_fieldsets = [(_l("Representative"), {"fields": ["number", "name", "language", "active", "user"]}), (_l("Address"), {"fields": ADDRESS}),
                      (_l("Tax and bank"), {"fields": TAX})]
    add_fieldsets = edit_fieldsets = [(_l("Representative"), {"fields": ["name", "number", "language", "active", "user"]}), (_l("Address"), {"fields": ADDRESS}),
                                      (_l("Tax and bank"), {"fields": TAX})]
    search_columns = ["city", "country", "email", "active"]
    order_columns = ["name", "number", "city"]
    base_order = ("name", "asc")
    quick_search = ["name", "number"]
    deletable = True
    label_columns = {"small_business": _l("Small business"), "iban": _l("IBAN"), "user": _l("Member of staff")}
    narrow = {"user": lambda query: query.where(User.active)}
    description_columns = {"small_business": _l("Charges no VAT."), "iban": _l("Commission is paid to this account."),
                           "phone": _l("With country code, for example +49 40 3018100."), "active": _l("Offered for customers."),
                           "user": _l("Whoever sees only his own customers sees those of this representative.")}
    add_form_extra_fields = edit_form_extra_fields = {
        "country": ListedField(_l("Country"), [Required()], listed=country_choices, default="DE"),
        "language": ListedField(_l("Language"), [Required()], listed=lambda: [(code, language_name(code)) for code in LANGUAGES], default="en"),
    }
    formatters_columns = {"country": country_name, "language": language_name, "phone": lambda value: formats.plain(phone_words(value).replace(" ", "\u00a0"))}

    def head_state(self, item: Representative) -> Any:
        return formats.badge(_("Active"), "ok") if item.active else formats.badge(_("No longer active"))

    def do_add(self, form: Any) -> Representative:
        return save_representative(**{name: form[name].data for name in FIELDS if name != "user" or reader() is None})

    def do_edit(self, item: Representative, form: Any) -> None:
        save_representative(item, **{name: form[name].data for name in FIELDS if name != "user" or reader() is None})

    def do_delete(self, item: Representative) -> None:
        delete_representative(item)
