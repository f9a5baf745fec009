"""Identifiers of SEPA direct debits: IBAN, BIC, creditor id, mandate id, and the limits of amounts. Pure."""

from __future__ import annotations

import re
from decimal import Decimal

from flask_babel import lazy_gettext as _
from schwifty import BIC, IBAN
from schwifty.exceptions import (
    InvalidAccountCode,
    InvalidChecksumDigits,
    InvalidCountryCode,
    InvalidLength,
    SchwiftyException,
)

from app.plugin_api import InvalidInput

MIN_AMOUNT, MAX_AMOUNT = Decimal("0.01"), Decimal("999999999.99")     # of one direct debit (EPC130-08, AT-06)
LENGTHS = {"message_id": 35, "payment_info_id": 35, "end_to_end_id": 35, "mandate_id": 35, "creditor_id": 35, "name": 70, "debtor": 70,
           "creditor": 70, "initiator": 70, "remittance": 140, "bic": 11, "iban": 34}
# Countries whose banks take direct debits of the SEPA schemes. The newest members (AL, MD, ME, MK, RS) came in for transfers only.
DIRECT_DEBIT_COUNTRIES = frozenset(
    "AD AT BE BG CH CY CZ DE DK EE ES FI FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MT NL NO PL PT RO SE SI SK SM VA".split())
_MANDATE_ID = re.compile(r"[A-Za-z0-9+?/\-:().,'](?:[A-Za-z0-9+?/\-:().,' ]{0,33}[A-Za-z0-9+?/\-:().,'])?")
_BIC = re.compile(r"[A-Z]{6}[A-Z2-9][A-NP-Z0-9](?:[A-Z0-9]{3})?")        # as the schemas of .02 have it; narrower than ISO 9362:2014
_CREDITOR_ID = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{3}[A-Z0-9]{1,28}")
# What stands after the business code, where a country fixes it (EPC262-08).
_NATIONAL = {"DE": r"0[0-9]{10}", "AT": r"[0-9]{11}", "NL": r"[0-9]{12}", "ES": r"[A-Z0-9]{9}", "IT": r"[A-Z0-9]{11}|[A-Z0-9]{16}",
             "FR": r"[A-Z0-9]{6}", "PT": r"[0-9]{6}", "FI": r"[0-9]{8}", "IE": r"[0-9]{6}", "LU": r"[0-9]{19}"}


def compact(text: str) -> str:
    """As people type or paste it → as it is stored: no blanks, dashes or dots, upper case."""
    return re.sub(r"[\s\-.\u2010-\u2015]", "", text or "").upper()


def iban_fault(text: str) -> tuple[str, object] | None:
    """(kind of fault, sentence) or None for a valid IBAN. Kinds: empty, country, length, characters, check."""
    iban = compact(text)
    if not iban:
        return "empty", _("Enter the IBAN.")
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]+", iban):
        return "characters", _("This is not an IBAN: it begins with two letters for the country and two digits.")
    try:
        IBAN(iban)
    except InvalidCountryCode:
        return "country", _("There is no IBAN of a country “%(code)s”.", code=iban[:2])
    except InvalidLength:
        return "length", _("This IBAN has %(n)s characters, which is too many or too few for its country.", n=len(iban))
    except InvalidChecksumDigits:
        return "check", _("This IBAN is not valid: check its digits.")
    except (InvalidAccountCode, SchwiftyException):
        return "characters", _("This IBAN has a letter where a digit must stand, or the other way round.")
    return None


def iban(text: str, field: str = "iban") -> str:
    """Compact IBAN. Raises InvalidInput."""
    if (fault := iban_fault(text)) is not None:
        raise InvalidInput(fault[1], field)
    return compact(text)


def debtor_iban(text: str, field: str = "iban") -> str:
    """As `iban`, of an account that can be debited."""
    found = iban(text, field)
    if not takes_direct_debits(found):
        raise InvalidInput(_("Accounts in %(code)s cannot be debited by SEPA direct debit.", code=found[:2]), field)
    return found


def takes_direct_debits(iban: str) -> bool:
    return iban[:2] in DIRECT_DEBIT_COUNTRIES


def shown(iban: str) -> str:
    """In groups of four."""
    return " ".join(iban[at:at + 4] for at in range(0, len(iban), 4))


def masked(iban: str) -> str:
    """For pages and mails that others may see: country and the last four."""
    return f"{iban[:4]} … {iban[-4:]}" if iban else ""


def german_iban(bank_code: str, account: str) -> str:
    """From bank code and account number by the ISO rule; the special rules of single banks are not applied. Raises InvalidInput."""
    bank_code, account = compact(bank_code), compact(account)
    if not re.fullmatch(r"[0-9]{8}", bank_code):
        raise InvalidInput(_("A German bank code has 8 digits."), "bank_code")
    if not re.fullmatch(r"[0-9]{1,10}", account):
        raise InvalidInput(_("A German account number has up to 10 digits."), "account")
    return str(IBAN.generate("DE", bank_code, account))


def bank_and_account(iban: str) -> tuple[str, str]:
    """Bank code and account number inside a valid IBAN; empty where its country has none."""
    found = IBAN(iban)
    return str(found.bank_code or ""), str(found.account_code or "")


def bic(text: str, field: str = "bic") -> str:
    """Compact BIC of 8 or 11 characters, or empty for empty. Raises InvalidInput."""
    found = compact(text)
    if not found:
        return ""
    try:
        if not _BIC.fullmatch(found):
            raise SchwiftyException
        BIC(found)
    except SchwiftyException as error:
        raise InvalidInput(_("“%(text)s” is not a BIC: 8 or 11 characters such as COBADEFFXXX.", text=text), field) from error
    return found


def creditor_id_parts(text: str) -> tuple[bool, bool]:
    """(form is right, check digits are right). The business code (characters 5 to 7) is left out of the check (ISO 7064 mod 97-10)."""
    found = compact(text)
    national = _NATIONAL.get(found[:2], r"[A-Z0-9]{1,28}")
    form = bool(_CREDITOR_ID.fullmatch(found)) and bool(re.fullmatch(national, found[7:]))
    if not re.fullmatch(r"[A-Z0-9]{8,35}", found):
        return form, False
    digits = "".join(str(int(letter, 36)) for letter in found[7:] + found[:4])
    return form, found[2:4].isdecimal() and int(digits) % 97 == 1


def creditor_id(text: str, field: str = "creditor_id") -> str:
    """Compact creditor identifier. Raises InvalidInput."""
    form, check = creditor_id_parts(text)
    if not form:
        raise InvalidInput(_("This is not a creditor identifier. A German one looks like DE98ZZZ09999999999."), field)
    if not check:
        raise InvalidInput(_("The check digits of this creditor identifier are wrong: compare it with the letter of the central bank."), field)
    return compact(text)


def is_mandate_id(text: str) -> bool:
    """1 to 35 characters of the SEPA set, no blank at the ends."""
    return bool(_MANDATE_ID.fullmatch(text))


def mandate_id(text: str, field: str = "reference") -> str:
    found = " ".join((text or "").split())
    if not is_mandate_id(found):
        raise InvalidInput(_("A mandate reference has 1 to 35 characters: letters without accents, digits and + ? / - : ( ) . , '"), field)
    return found


def is_amount(amount: Decimal) -> bool:
    """Can this be one direct debit in euros?"""
    return amount.is_finite() and MIN_AMOUNT <= amount <= MAX_AMOUNT and amount == amount.quantize(Decimal("0.01"))
