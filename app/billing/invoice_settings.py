"""Settings of invoices: who the seller is, where numbers come from, where files go; and the seller's snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from stdnum import bic, iban

from app.catalog.tax import Seller, vat_state
from app.core.errors import InvalidInput
from app.system.settings import Setting, declare, setting

COMPANY = _l("Company")
INVOICES = _l("Invoices")


def _checked(test: Callable[[str], Any], words: Any, key: str) -> Callable[[Any], None]:
    """An empty value is fine; another must pass `test`."""
    def check(value: Any) -> None:
        if value and not test(value):
            raise InvalidInput(words, field=key)
    return check


def _is_country(value: str) -> bool:
    from babel import Locale

    return len(value) == 2 and value.isalpha() and value.isupper() and value in Locale("en").territories


def _check_folder(value: Any) -> None:
    if any(part in ("", ".", "..") for part in str(value).split("/")) or any(ord(char) < 32 for char in str(value)):
        raise InvalidInput(_("A folder is a path such as Invoices/{year}; {year} and {month} are filled in."), field="invoice.folder")


declare(
    Setting("company.name", str, "", _l("Name of the company"), COMPANY),
    Setting("company.street", str, "", _l("Street and number"), COMPANY),
    Setting("company.address_extra", str, "", _l("Address line 2"), COMPANY),
    Setting("company.postcode", str, "", _l("Postcode"), COMPANY),
    Setting("company.city", str, "", _l("City"), COMPANY),
    Setting("company.country", str, "DE", _l("Country"), COMPANY, _l("Two letters, for example DE. It decides how sales are taxed."),
            check=_checked(_is_country, _l("A country is two capital letters, for example DE."), "company.country")),
    Setting("company.vat_id", str, "", _l("VAT id"), COMPANY, _l("Needed for reverse charge inside the European Union."),
            check=_checked(lambda value: vat_state(value) is not None, _l("This is not a VAT id of a member state of the European Union."), "company.vat_id")),
    Setting("company.tax_number", str, "", _l("Tax number"), COMPANY, _l("Tax number or CNPJ. It or the VAT id must stand on every invoice.")),
    Setting("company.small_business", bool, False, _l("Small business without VAT"), COMPANY),
    Setting("company.register", str, "", _l("Register entry"), COMPANY, _l("Court and number, and who directs the company, as the law wants it on letters.")),
    Setting("company.contact", str, "", _l("Contact for invoices"), COMPANY),
    Setting("company.phone", str, "", _l("Phone"), COMPANY),
    Setting("company.email", str, "", _l("E-mail"), COMPANY),
    Setting("company.website", str, "", _l("Website"), COMPANY),
    Setting("company.iban", str, "", _l("IBAN"), COMPANY,
            check=_checked(iban.is_valid, _l("This IBAN is not valid: check its digits."), "company.iban")),
    Setting("company.bic", str, "", _l("BIC"), COMPANY, check=_checked(bic.is_valid, _l("A BIC has 8 or 11 letters and digits."), "company.bic")),
    Setting("company.bank", str, "", _l("Name of the bank"), COMPANY),
    Setting("company.account", str, "", _l("Bank account without IBAN"), COMPANY, _l("Where there is no IBAN: bank, branch and account in one line.")),
    Setting("company.logo", int, 0, _l("Logo"), COMPANY, _l("Number of an uploaded picture (PNG or JPEG) in the document manager; 0 for none."), minimum=0),
    Setting("invoice.series", str, "INV", _l("Number series"), INVOICES, _l("Code of the series that invoices take their numbers from.")),
    Setting("invoice.folder", str, "Invoices/{year}", _l("Folder"), INVOICES, _l("Folder of the document manager; {year} and {month} are filled in."),
            check=_check_folder),
    Setting("invoice.footer", str, "", _l("Closing text"), INVOICES, _l("Printed under the payment terms of every invoice."), long=True),
)

NEEDED = (("company.name", _l("Name of the company")), ("company.street", _l("Street and number")), ("company.postcode", _l("Postcode")),
          ("company.city", _l("City")), ("company.country", _l("Country")))


def missing() -> list[str]:
    """What of the company's data still has to be entered before an invoice can be issued, in words."""
    found = [str(title) for key, title in NEEDED if not setting(key)]
    if not setting("company.vat_id") and not setting("company.tax_number"):
        found.append(_("VAT id or tax number"))
    if not setting("company.iban") and not setting("company.account"):
        found.append(_("Bank account"))
    return found


def seller_snapshot() -> dict[str, Any]:
    """The seller as the invoice shows him for ever. Raises InvalidInput that names what is missing."""
    if lacking := missing():
        raise InvalidInput(_("Nothing can be issued yet: complete the settings, section “Company” (%(what)s).", what=", ".join(lacking)))
    names = ("name", "street", "address_extra", "postcode", "city", "country", "vat_id", "tax_number", "register", "contact", "phone", "email",
             "website", "bank", "account")
    snapshot: dict[str, Any] = {name: setting(f"company.{name}") for name in names}
    snapshot["small_business"] = setting("company.small_business")
    snapshot["iban"] = iban.compact(setting("company.iban"))
    snapshot["bic"] = bic.compact(setting("company.bic"))
    return snapshot


def tax_seller() -> Seller:
    return Seller(setting("company.country"), setting("company.vat_id"), setting("company.small_business"))


