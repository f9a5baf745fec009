"""Checks of what is entered for a customer: each says what is wrong and gives an example."""

from __future__ import annotations

import functools

import phonenumbers
import pycountry
from babel import Locale, UnknownLocaleError
from babel.numbers import list_currencies
from flask_babel import gettext as _
from stdnum import exceptions, get_cc_module

from app.catalog.models import LANGUAGES
from app.core.errors import InvalidInput
from app.core.money import minor_digits
from app.customers import tax_ids
from app.plugin_api.payment import PayerFacts
from app.plugin_api.registry import plugins
from app.system.mail import is_address

TRANSFER = "transfer"


def phone(text: str, country: str, field: str = "phone") -> str:
    """E.164, or empty for empty."""
    if not text.strip():
        return ""
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException as error:
        raise InvalidInput(_("“%(text)s” is not a phone number. Enter it with country code, for example +49 171 4402118.", text=text), field) from error
    if not phonenumbers.is_valid_number(number):
        raise InvalidInput(_("The phone number “%(text)s” does not exist in this form. Enter it with country code, for example +49 171 4402118.", text=text), field)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@functools.lru_cache(20_000)
def phone_words(number: str | None) -> str:
    """E.164 as people read it: +49 171 4402118."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(number or ""), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return number or ""


def email(text: str, field: str = "email") -> str:
    text = text.strip()
    if text and not is_address(text):
        raise InvalidInput(_("“%(text)s” is not an e-mail address. Example: billing@example.org.", text=text), field)
    return text


def country(code: str, field: str = "country") -> str:
    code = code.strip().upper()
    if pycountry.countries.get(alpha_2=code) is None:
        raise InvalidInput(_("There is no country “%(code)s”. Enter two letters, for example DE or BR.", code=code), field)
    return code


def language(code: str, field: str = "language") -> str:
    if code not in LANGUAGES:
        raise InvalidInput(_("Choose one of the languages %(list)s.", list=", ".join(LANGUAGES)), field)
    return code


def currency(code: str, field: str = "currency") -> str:
    code = code.strip().upper()
    try:
        Locale("en")
        known = code in list_currencies()
        minor_digits(code) if known else None
    except (UnknownLocaleError, ValueError) as error:
        raise InvalidInput(_("Invoices in %(code)s are not possible.", code=code), field) from error
    if not known:
        raise InvalidInput(_("There is no currency “%(code)s”. Enter three letters, for example EUR or BRL.", code=code), field)
    return code


def payment_methods() -> dict[str, str]:
    """Code → title of the ways to pay: bank transfer, and what plugins offer."""
    return {TRANSFER: _("Bank transfer"), **{code: str(method.title) for code, method in plugins().by_code("payment_methods").items()}}


def payment_method(code: str, field: str = "payment_method", payer: PayerFacts | None = None) -> str:
    """`payer`: for whom it is chosen; what his method still needs from him is said, and it is refused until then."""
    known = payment_methods()
    if code not in known:
        raise InvalidInput(_("There is no such way to pay. Choose one of: %(list)s.", list=", ".join(known.values())), field)
    method = plugins().by_code("payment_methods").get(code)
    if method is not None and payer is not None:
        if method.currencies is not None and payer.currency not in method.currencies:
            raise InvalidInput(_("%(method)s is for %(currencies)s only, and the customer is billed in %(own)s. Choose another payment method.",
                                 method=method.title, currencies=", ".join(sorted(method.currencies)), own=payer.currency), field)
        if missing := method.missing_for(payer):
            raise InvalidInput(" ".join(map(str, missing)), field)
    return code


def vat_id(text: str, field: str = "vat_id") -> str:
    """Compact form with country prefix; the check digit is checked where the country has one."""
    text = "".join(text.split()).upper().replace(".", "").replace("-", "")
    if not text:
        return ""
    prefix = "GR" if text[:2] == "EL" else text[:2]
    module = get_cc_module(prefix, "vat") if prefix.isalpha() else None
    if module is None:
        raise InvalidInput(_("“%(text)s” is not a VAT number. It begins with the country, for example ATU12345675.", text=text), field)
    try:
        module.validate(text)
    except exceptions.ValidationError as error:
        raise InvalidInput(_("The VAT number “%(text)s” has a wrong digit or length.", text=text), field) from error
    return text


def brazilian_tax_number(text: str, field: str = "tax_number") -> str:
    """CPF (person) or CNPJ (company), compact."""
    digits = sum(c.isalnum() for c in text)
    return tax_ids.cpf(text, field) if digits <= 11 else tax_ids.cnpj(text, field)
