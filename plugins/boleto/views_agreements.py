"""Staff page of agreements with banks."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, validators

from app.plugin_api import clock, formats
from app.plugin_api.staff import AdminInterface, AdminView, ListedField, NumberField, Required, WholeField
from plugins.boleto.agreements import save_agreement
from plugins.boleto.banks import bank
from plugins.boleto.cnab.writing import LAYOUTS
from plugins.boleto.models import Agreement
from plugins.boleto.numbers import numbers_of

FIELDS = {"title": 60, "agency": 6, "agency_digit": 1, "account": 14, "account_digit": 1, "wallet": 3, "agreement": 24, "transmission": 24, "post": 2, "kind": 7, "byte": 1, "species": 2,
          "beneficiary": 80, "tax_id": 20, "address": 120, "city": 40, "instructions": 300, "pix_key": 77}
NEEDED = ("title", "agency", "account", "beneficiary", "tax_id", "city")
LABELS = {"title": _l("Name in lists"), "agency": _l("Agency"), "agency_digit": _l("Agency's digit"), "account": _l("Account"), "account_digit": _l("Account's digit"), "wallet": _l("Carteira"),
          "agreement": _l("Convênio / beneficiary's code"), "transmission": _l("Code for files"), "post": _l("Posto"), "kind": _l("Modality or operation"), "byte": _l("Byte of the number"),
          "species": _l("Kind of document"), "beneficiary": _l("Beneficiary"), "tax_id": _l("CPF or CNPJ"), "address": _l("Address"), "city": _l("City"), "instructions": _l("Text on the boleto"),
          "pix_key": _l("Pix key"), "bank": _l("Bank"), "layout": _l("Files"), "first_number": _l("First number"), "last_number": _l("Last number"), "next_number": _l("Next number"),
          "next_file": _l("Next file"), "fine_percent": _l("Fine in per cent"), "interest_percent": _l("Interest in per cent a month"), "active": _l("For new boletos")}
HELP = {"wallet": _l("Of the contract, for example 17 (Banco do Brasil), 101 (Santander), 09 (Bradesco), 109 (Itaú), 1 (Sicredi, Sicoob)."),
        "agreement": _l("The bank gave it with the contract; Bradesco and Itaú need none."), "transmission": _l("Santander: code of transmission; Bradesco: code of the company. Else leave it empty."),
        "post": _l("Sicredi only."), "kind": _l("Caixa: 14 registered; Sicoob: 01; Daycoval: operation. Else leave it empty."), "byte": _l("Sicredi only: 2 to 9 for numbers that you make yourself."),
        "species": _l("Empty: duplicata mercantil (02 or 01). For services ask your bank, often 04 or 12."), "last_number": _l("Of the range that your bank gave you. A number is never used twice."),
        "first_number": _l("Higher than every number that another program has used."), "fine_percent": _l("Once, when it is overdue; at most 2."),
        "interest_percent": _l("A month of 30 days, by the day; at most 1."), "pix_key": _l("CNPJ, e-mail, phone with +55 or random key. A payment by this code comes to your account by itself, not through the return; look for it in your statement."),
        "active": _l("Of several, new boletos are made with the newest.")}


def _text(name: str) -> StringField:
    return StringField(LABELS[name], [Required() if name in NEEDED else validators.Optional(), validators.Length(max=FIELDS[name])], description=HELP.get(name, ""))


class AgreementView(AdminView):
    datamodel = AdminInterface(Agreement)
    route_base = "/boleto-agreements"
    list_title, add_title, edit_title = _l("Boleto agreements"), _l("New agreement"), _l("Edit agreement")
    list_help = _l("What your banks agreed with you for boletos: account, carteira, range of numbers, files.")
    empty_text = _l("Enter the data of your contract; then customers can pay by boleto.")
    list_columns = ["title", "bank", "agency", "account", "wallet", "layout", "active"]
    show_fieldsets = [
        (_l("Contract"), {"fields": ["title", "bank", "agency", "agency_digit", "account", "account_digit", "wallet", "agreement", "post", "kind", "byte", "active"]}),
        (_l("Numbers and files"), {"fields": ["first_number", "last_number", "next_number", "layout", "transmission", "species", "next_file"]}),
        (_l("Beneficiary"), {"fields": ["beneficiary", "tax_id", "address", "city", "pix_key"]}),
        (_l("After the due date"), {"fields": ["fine_percent", "interest_percent", "instructions"]}),
    ]
    add_fieldsets = edit_fieldsets = [(title, {"fields": [name for name in group["fields"] if name not in ("next_number", "next_file")]}) for title, group in show_fieldsets]
    add_form_extra_fields = edit_form_extra_fields = {
        **{name: _text(name) for name in FIELDS},
        "bank": ListedField(_l("Bank"), [Required()], listed=lambda: [(code, f"{code} {bank(code).name}") for code in LAYOUTS]),
        "layout": ListedField(_l("Files"), [Required()], listed=lambda: [("240", "CNAB 240"), ("400", "CNAB 400")], default="240",
                              description=_l("Bradesco and Itaú: CNAB 400; the others: CNAB 240.")),
        "first_number": WholeField(LABELS["first_number"], [Required()], default=1, description=HELP["first_number"]),
        "last_number": WholeField(LABELS["last_number"], [Required()], description=HELP["last_number"]),
        "fine_percent": NumberField(LABELS["fine_percent"], [Required()], default=2, description=HELP["fine_percent"]),
        "interest_percent": NumberField(LABELS["interest_percent"], [Required()], default=1, description=HELP["interest_percent"]),
    }
    search_columns = ["active", "bank"]
    order_columns = ["title"]
    base_order = ("title", "asc")
    quick_search = ["title", "agreement"]
    label_columns, description_columns = LABELS, HELP
    formatters_columns = {"bank": lambda value: formats.plain(f"{value} {bank(value).name}"), "layout": lambda value: formats.plain(f"CNAB {value}")}

    def head_state(self, item: Agreement) -> Any:
        return formats.badge(_("For new boletos"), "ok") if item.active else formats.badge(_("No longer in use"))

    def head_facts(self, item: Agreement) -> list[tuple[Any, Any, str]]:
        left = max(0, item.last_number - max(item.next_number, item.first_number) + 1)
        number = min(max(item.next_number, item.first_number), item.last_number)
        return [(_("Next number"), bank(item.bank).shown(numbers_of(item, number, clock.today())), ""), (_("Numbers left"), formats.number(left), "is-bad" if left < 100 else ""), *super().head_facts(item)]

    def do_add(self, form: Any) -> Agreement:
        return save_agreement(None, **self.values(form))

    def do_edit(self, item: Agreement, form: Any) -> None:
        save_agreement(item, **self.values(form))

    def values(self, form: Any) -> dict[str, Any]:
        return {name: int(form[name].data) if name == "layout" else form[name].data for name in self.add_columns}
