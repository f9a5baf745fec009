"""Why banks reject, return or refund direct debits: the codes of the SEPA rulebooks, what they mean and what follows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class Reason:
    """`retry_sensible`: the same debit may succeed later. `mandate_unusable`: it will not, before the mandate or its
    account is put right. `retry_once`: collected once more by itself. `suspends`: the mandate rests until a person looked.
    """

    code: str
    text: Any
    retry_sensible: bool = False
    mandate_unusable: bool = False
    retry_once: bool = False
    suspends: bool = False
    known: bool = True


def _unusable(code: str, text: Any) -> Reason:
    return Reason(code, text, mandate_unusable=True, suspends=True)


_ALL = (
    _unusable("AC01", _l("Account identifier incorrect (invalid IBAN)")),
    _unusable("AC02", _l("Debtor account identifier incorrect or missing")),
    _unusable("AC04", _l("Account closed")),
    # Blocked for now, not gone: the mandate itself stays good, yet nothing is collected before somebody asked the customer.
    Reason("AC06", _l("Account blocked"), retry_sensible=True, suspends=True),
    _unusable("AC13", _l("Debtor account is a consumer account: not allowed for B2B direct debits")),
    Reason("AG01", _l("Direct debit not allowed on this account (transaction forbidden)")),
    Reason("AG02", _l("Bank operation code invalid (wrong transaction code or sequence type)")),
    Reason("AM01", _l("Amount is zero")),
    Reason("AM02", _l("Amount exceeds the maximum allowed")),
    Reason("AM03", _l("Currency of the amount not allowed")),
    Reason("AM04", _l("Insufficient funds"), retry_sensible=True, retry_once=True),
    Reason("AM05", _l("Duplicate collection (duplicate entry)")),
    Reason("AM09", _l("Wrong amount")),
    Reason("AM10", _l("Control sum invalid")),
    Reason("BE01", _l("Debtor name does not match the account holder")),
    Reason("BE04", _l("Creditor address missing or incorrect")),
    Reason("BE05", _l("Creditor identifier incorrect")),
    Reason("BE06", _l("Debtor (end customer) unknown")),
    Reason("BE07", _l("Debtor address missing or incorrect")),
    Reason("CNOR", _l("Creditor bank not registered under this BIC")),
    Reason("CURR", _l("Currency incorrect")),
    Reason("CUST", _l("Cancelled or returned as the customer decided")),
    Reason("DNOR", _l("Debtor bank not registered under this BIC")),
    Reason("DT01", _l("Invalid date (collection date not possible)")),
    Reason("DUPL", _l("Duplicate payment")),
    Reason("ED05", _l("Settlement failed between the banks"), retry_sensible=True),
    Reason("FF01", _l("File format invalid (syntax error)")),
    Reason("FF05", _l("Direct debit type incorrect (local instrument code invalid)")),
    Reason("FOCR", _l("Returned following a cancellation request (recall)")),
    Reason("FRAD", _l("Fraudulent origin suspected")),
    _unusable("MD01", _l("No valid mandate (unauthorised transaction)")),
    Reason("MD02", _l("Mandate data missing or wrong")),
    Reason("MD05", _l("Collection not due")),
    Reason("MD06", _l("Refund requested by the debtor (return of an authorised transaction, within 8 weeks)")),
    _unusable("MD07", _l("Debtor (account holder) deceased")),
    Reason("MS02", _l("Refusal by the debtor, no reason given (not specified by the customer)")),
    Reason("MS03", _l("Reason not specified by the bank"), retry_sensible=True, retry_once=True),
    Reason("NARR", _l("Reason given as text")),
    Reason("NOAS", _l("No answer from the customer")),
    Reason("RC01", _l("Bank identifier incorrect (invalid BIC)")),
    Reason("RF01", _l("Reference is not unique")),
    Reason("RR01", _l("Regulatory: debtor account or identification missing")),
    Reason("RR02", _l("Regulatory: debtor name or address missing")),
    Reason("RR03", _l("Regulatory: creditor name/address missing")),
    Reason("RR04", _l("Regulatory reason")),
    Reason("SL01", _l("Debtor bank service (specific service, black/white list)")),
    Reason("SL11", _l("Creditor not on the debtor's whitelist (positive list)")),
    Reason("SL12", _l("Creditor on the debtor's blacklist (negative list)")),
    Reason("SL13", _l("Maximum number of collections exceeded that the debtor allows")),
    Reason("SL14", _l("Maximum amount exceeded that the debtor allows")),
    Reason("TECH", _l("Technical problem"), retry_sensible=True),
    Reason("TM01", _l("Received after the cut-off time"), retry_sensible=True),
)
REASONS = {reason.code: reason for reason in _ALL}


def reason(code: str) -> Reason:
    """A code that no list knows asks for nothing to happen by itself."""
    return REASONS.get(code.strip().upper()) or Reason(code.strip().upper()[:8], _l("Unknown reason"), known=False)
