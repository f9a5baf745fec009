"""Which numbers can have an SMS, and which of them the settings allow."""

from __future__ import annotations

import phonenumbers
from flask_babel import gettext as _
from phonenumbers import PhoneNumberType

from app.core.errors import InvalidInput
from app.system.settings import setting

REACHED = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.PERSONAL_NUMBER, PhoneNumberType.UNKNOWN})
"""UNKNOWN: valid by the country's plan, but of a block whose use is not published, as numbers of machines are."""


def check_number(number: str) -> None:
    """`number` in E.164. Raises InvalidInput for one that does not exist, is no mobile phone's, or lies in a country that is not allowed."""
    if not number:
        raise InvalidInput(_("There is no phone number."), "phone")
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException as error:
        raise InvalidInput(_("“%(number)s” is not a phone number.", number=number), "phone") from error
    if not phonenumbers.is_valid_number(parsed) or phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) != number:
        raise InvalidInput(_("The phone number %(number)s does not exist.", number=number), "phone")
    if phonenumbers.number_type(parsed) not in REACHED:
        raise InvalidInput(_("%(number)s is not the number of a mobile phone: it has no SMS.", number=number), "phone")
    allowed = setting("sms.countries")
    if allowed and (country := phonenumbers.region_code_for_number(parsed)) not in allowed:
        raise InvalidInput(_("No SMS are sent to numbers of this country (%(country)s).", country=country or number[:4]), "phone")
