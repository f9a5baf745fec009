"""What PayPal's states, error names and HTTP answers mean for us. Values in, values out."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


class Step(enum.Enum):
    """What has to be done next."""

    DONE = "done"                       # nothing
    TO_PAYER = "to_payer"               # send the payer to PayPal's page
    CAPTURE = "capture"                 # he has agreed: take the money
    WAIT = "wait"                       # PayPal tells later
    OVER = "over"                       # nothing will be paid: a new order is needed
    ASK = "ask"                         # look at the order before anything is sent again
    AGAIN = "again"                     # the same request, with the same PayPal-Request-Id
    LATER = "later"                     # too many requests: the same again, later
    NEW_TOKEN = "new_token"
    ADMIN = "admin"                     # the seller's account or the settings: tell the administrator
    REFUSE = "refuse"                   # what was asked for is not possible
    BUG = "bug"                         # our request was wrong


# ---- states ------------------------------------------------------------------------------------------------------

ORDER_STEPS = {
    "CREATED": Step.TO_PAYER, "SAVED": Step.TO_PAYER, "PAYER_ACTION_REQUIRED": Step.TO_PAYER, "APPROVED": Step.CAPTURE, "VOIDED": Step.OVER,
    "COMPLETED": Step.ASK,          # says nothing of the money: its captures do
}
RECEIVED = frozenset({"COMPLETED", "PARTIALLY_REFUNDED"})
WAS_RECEIVED = RECEIVED | {"REFUNDED"}
CAPTURE_STEPS = {"COMPLETED": Step.DONE, "PARTIALLY_REFUNDED": Step.DONE, "REFUNDED": Step.OVER, "PENDING": Step.WAIT, "DECLINED": Step.OVER, "FAILED": Step.OVER}
RANKS = {"": 0, "PENDING": 1, "FAILED": 2, "DECLINED": 2, "COMPLETED": 3, "PARTIALLY_REFUNDED": 4, "REFUNDED": 5}
REFUND_RANKS = {"": 0, "PENDING": 1, "CANCELLED": 2, "FAILED": 2, "COMPLETED": 3}


def money_received(capture_status: str) -> bool:
    """Whether money of it is with us now."""
    return capture_status in RECEIVED


def was_received(capture_status: str) -> bool:
    """Whether it was paid at all, given back since or not."""
    return capture_status in WAS_RECEIVED


def later(one: str, other: str, ranks: dict[str, int]) -> str:
    """The state that comes after the other: messages arrive in any order."""
    return other if ranks.get(other, 0) > ranks.get(one, 0) else one


PENDING_WORDS = {
    "BUYER_COMPLAINT": _l("the payer has complained at PayPal"), "CHARGEBACK": _l("the payer's bank has taken the money back"), "ECHECK": _l("a bank transfer of the payer that takes some days"),
    "INTERNATIONAL_WITHDRAWAL": _l("it has to be accepted in the PayPal account, because it comes from abroad"), "OTHER": _l("a reason that PayPal does not tell"),
    "PENDING_REVIEW": _l("PayPal is checking the payment"), "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION": _l("it has to be accepted in the PayPal account"),
    "REFUNDED": _l("it is being given back"), "TRANSACTION_APPROVED_AWAITING_FUNDING": _l("the payer's money is on its way to PayPal"),
    "UNILATERAL": _l("the PayPal account has no confirmed e-mail address"), "VERIFICATION_REQUIRED": _l("the PayPal account has to be verified"),
    "DECLINED_BY_RISK_FRAUD_FILTERS": _l("PayPal's fraud filters"), "DECLINED_BY_PROCESSOR": _l("the payer's bank refused it"),
}


DISPUTE_WORDS = {
    "MERCHANDISE_OR_SERVICE_NOT_RECEIVED": _l("nothing received"), "MERCHANDISE_OR_SERVICE_NOT_AS_DESCRIBED": _l("not as described"),
    "UNAUTHORISED": _l("not paid by the payer himself"), "CREDIT_NOT_PROCESSED": _l("refund not received"), "DUPLICATE_TRANSACTION": _l("paid twice"),
    "INCORRECT_AMOUNT": _l("wrong amount"), "PAYMENT_BY_OTHER_MEANS": _l("paid another way"), "CANCELED_RECURRING_BILLING": _l("had been cancelled"),
    "OPEN": _l("not decided"), "WAITING_FOR_BUYER_RESPONSE": _l("waits for the payer"), "WAITING_FOR_SELLER_RESPONSE": _l("waits for your answer"), "UNDER_REVIEW": _l("PayPal is looking at it"),
    "RESOLVED": _l("decided"), "RESOLVED_BUYER_FAVOUR": _l("in favour of the payer"), "RESOLVED_SELLER_FAVOUR": _l("in your favour"), "RESOLVED_WITH_PAYOUT": _l("PayPal pays"), "CANCELED_BY_BUYER": _l("taken back by the payer"),
    "ACCEPTED": _l("accepted by you"), "DENIED": _l("turned down"), "OTHER": _l("for another reason"),
}


# ---- errors ------------------------------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Advice:
    """`text` for staff; `payer`: what the customer is told, when that is something else."""

    step: Step
    text: Any
    payer: Any = None


_OTHER_MEANS = _l("PayPal could not use the chosen means of payment. Choose another one.")
_AGAIN = _l("The payment did not come about. Please begin it again.")
_NOT_NOW = _l("Payments by PayPal are not possible at the moment. Pay another way, or write to us.")
_CLOSED = _l("PayPal does not let this account pay. Ask PayPal, or pay another way.")

ISSUES: dict[str, Advice] = {
    "ORDER_NOT_APPROVED": Advice(Step.TO_PAYER, _l("The payer has not agreed yet."), _l("You have not agreed to the payment at PayPal yet.")),
    "PAYER_ACTION_REQUIRED": Advice(Step.TO_PAYER, _l("The payer has to confirm something at PayPal."), _l("PayPal needs your confirmation.")),
    "INSTRUMENT_DECLINED": Advice(Step.TO_PAYER, _l("The means of payment was declined; the payer may choose another one."), _OTHER_MEANS),
    "CARD_CLOSED": Advice(Step.TO_PAYER, _l("The card is closed; the payer may choose another means."), _OTHER_MEANS),
    "CARD_EXPIRED": Advice(Step.TO_PAYER, _l("The card has expired; the payer may choose another means."), _OTHER_MEANS),
    "REDIRECT_PAYER_FOR_ALTERNATE_FUNDING": Advice(Step.TO_PAYER, _l("The means of payment was declined; the payer may choose another one."), _OTHER_MEANS),
    "PAYER_CANNOT_PAY": Advice(Step.TO_PAYER, _l("The payer cannot pay this with the chosen means; he may choose another one."), _OTHER_MEANS),
    "ORDER_ALREADY_CAPTURED": Advice(Step.ASK, _l("It was captured before: look at the order, never pay twice.")),
    "ORDER_ALREADY_COMPLETED": Advice(Step.ASK, _l("The order is completed already: look at it, never pay twice.")),
    "ORDER_COMPLETED_OR_VOIDED": Advice(Step.ASK, _l("The order is over already: look at it, never pay twice.")),
    "ORDER_ALREADY_AUTHORIZED": Advice(Step.ASK, _l("The order was authorised before: look at it, never pay twice.")),
    "DUPLICATE_INVOICE_ID": Advice(Step.ASK, _l("PayPal knows a payment with this number already: look it up, never pay twice."), _l("This was paid before. We look at it; do not pay again.")),
    "DUPLICATE_REQUEST_ID": Advice(Step.ASK, _l("PayPal knows this request already: look at the order, never pay twice.")),
    "PREVIOUS_REQUEST_IN_PROGRESS": Advice(Step.AGAIN, _l("PayPal is still working on the first request: the same again in a moment.")),
    "ORDER_CANNOT_BE_SAVED": Advice(Step.OVER, _l("The order cannot be saved: a new one is needed."), _AGAIN),
    "ORDER_EXPIRED": Advice(Step.OVER, _l("The order has expired: a new one is needed."), _AGAIN),
    "ORDER_VOIDED": Advice(Step.OVER, _l("The order was cancelled: a new one is needed."), _AGAIN),
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": Advice(Step.OVER, _l("Too many tries with this order: a new one is needed."), _AGAIN),
    "MAX_NUMBER_OF_CAPTURE_ATTEMPTS_EXCEEDED": Advice(Step.OVER, _l("Too many tries with this order: a new one is needed."), _AGAIN),
    "TRANSACTION_REFUSED": Advice(Step.OVER, _l("PayPal has refused this payment for good."), _CLOSED),
    "TRANSACTION_BLOCKED_BY_PAYEE": Advice(Step.ADMIN, _l("Blocked by the fraud rules of your own PayPal account."), _NOT_NOW),
    "TRANSACTION_LIMIT_EXCEEDED": Advice(Step.OVER, _l("Over the payer's limit at PayPal: final for this amount."), _l("The amount is over your limit at PayPal. Pay another way.")),
    "TRANSACTION_RECEIVING_LIMIT_EXCEEDED": Advice(Step.ADMIN, _l("Over the receiving limit of your PayPal account."), _NOT_NOW),
    "PAYER_ACCOUNT_RESTRICTED": Advice(Step.OVER, _l("The payer's PayPal account is restricted: final."), _CLOSED),
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": Advice(Step.OVER, _l("The payer's PayPal account is locked or closed: final."), _CLOSED),
    "COMPLIANCE_VIOLATION": Advice(Step.OVER, _l("PayPal has refused this payment for legal reasons: final."), _CLOSED),
    "PAYEE_ACCOUNT_RESTRICTED": Advice(Step.ADMIN, _l("Your PayPal account is restricted. Sign in to PayPal."), _NOT_NOW),
    "PAYEE_ACCOUNT_LOCKED_OR_CLOSED": Advice(Step.ADMIN, _l("Your PayPal account is locked or closed. Sign in to PayPal."), _NOT_NOW),
    "PAYEE_ACCOUNT_INVALID": Advice(Step.ADMIN, _l("Your PayPal account is not valid. Sign in to PayPal."), _NOT_NOW),
    "PAYEE_ACCOUNT_NOT_VERIFIED": Advice(Step.ADMIN, _l("Your PayPal account is not verified. Sign in to PayPal."), _NOT_NOW),
    "PAYEE_ACCOUNT_NOT_SUPPORTED": Advice(Step.ADMIN, _l("Your kind of PayPal account cannot take this payment."), _NOT_NOW),
    "PAYEE_NOT_ENABLED_FOR_CARD_PROCESSING": Advice(Step.ADMIN, _l("Your PayPal account is not enabled for cards."), _NOT_NOW),
    "PAYEE_PRICING_TIER_ID_NOT_ENABLED": Advice(Step.ADMIN, _l("Your PayPal account is not enabled for this."), _NOT_NOW),
    "PERMISSION_DENIED": Advice(Step.ADMIN, _l("The PayPal app has no permission for this. Look at its features at developer.paypal.com."), _NOT_NOW),
    "PERMISSION_NOT_GRANTED": Advice(Step.ADMIN, _l("The PayPal app has no permission for this. Look at its features at developer.paypal.com."), _NOT_NOW),
    "PAYEE_FX_RATE_ID_EXPIRED": Advice(Step.BUG, _l("A rate of exchange has expired.")),
    "CURRENCY_NOT_SUPPORTED_FOR_RECEIVER": Advice(Step.ADMIN, _l("Your PayPal account does not take this currency."), _NOT_NOW),
    "INVALID_RESOURCE_ID": Advice(Step.OVER, _l("PayPal does not know it, or does not know it any more: not paid."), _AGAIN),
    # refunds
    "REFUND_AMOUNT_EXCEEDED": Advice(Step.REFUSE, _l("More than is left of the payment. Nothing was given back.")),
    "REFUND_CAPTURE_CURRENCY_MISMATCH": Advice(Step.BUG, _l("The refund is in another currency than the payment.")),
    "CAPTURE_FULLY_REFUNDED": Advice(Step.REFUSE, _l("The payment was given back in full before.")),
    "CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED": Advice(Step.REFUSE, _l("A dispute is open at PayPal: a part cannot be given back. Settle it there.")),
    "PENDING_CAPTURE": Advice(Step.WAIT, _l("The money has not arrived yet: it cannot be given back yet.")),
    "REFUND_NOT_ALLOWED": Advice(Step.REFUSE, _l("PayPal does not give this payment back. Transfer the money.")),
    "REFUND_TIME_LIMIT_EXCEEDED": Advice(Step.REFUSE, _l("PayPal gives nothing back after so long (180 days). Transfer the money.")),
    "REFUND_FAILED_INSUFFICIENT_FUNDS": Advice(Step.ADMIN, _l("The balance of your PayPal account is too low. Put money there, then try again.")),
    "REFUND_IS_RESTRICTED": Advice(Step.ADMIN, _l("Your PayPal account may not give money back at the moment. Sign in to PayPal.")),
    "PARTIAL_REFUND_NOT_ALLOWED": Advice(Step.REFUSE, _l("PayPal gives this payment back in full only.")),
    "TRANSACTION_DISPUTED": Advice(Step.REFUSE, _l("A dispute is open at PayPal: no refund here. Settle it there.")),
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED": Advice(Step.REFUSE, _l("PayPal takes no further refund of this payment.")),
    "CAPTURE_NOT_REFUNDABLE": Advice(Step.REFUSE, _l("PayPal does not give this payment back. Transfer the money.")),
    # what we asked wrongly
    **{name: Advice(Step.BUG, _l("PayPal did not understand our request (%(name)s). Please report this error.", name=name), _NOT_NOW) for name in (
        "DECIMAL_PRECISION", "CURRENCY_MISMATCH", "INVALID_CURRENCY_CODE", "AMOUNT_MISMATCH", "ITEM_TOTAL_MISMATCH", "TAX_TOTAL_MISMATCH", "MISSING_REQUIRED_PARAMETER", "INVALID_PARAMETER_SYNTAX",
        "INVALID_PARAMETER_VALUE", "INVALID_STRING_LENGTH", "INVALID_STRING_MAX_LENGTH", "CANNOT_BE_ZERO_OR_NEGATIVE", "CANNOT_BE_NEGATIVE", "MALFORMED_REQUEST_JSON", "UNSUPPORTED_INTENT",
        "ACTION_DOES_NOT_MATCH_INTENT", "REFERENCE_ID_REQUIRED", "DUPLICATE_REFERENCE_ID", "MAX_VALUE_EXCEEDED", "INVALID_ARRAY_MAX_ITEMS", "INVALID_ARRAY_MIN_ITEMS", "INVALID_COUNTRY_CODE",
        "CURRENCY_NOT_SUPPORTED", "NOT_SUPPORTED", "UNSUPPORTED_PATCH_PARAMETER_VALUE", "PATCH_VALUE_REQUIRED", "POSTAL_CODE_REQUIRED", "CITY_REQUIRED", "AUTH_CAPTURE_CURRENCY_MISMATCH",
        "INVALID_INVOICE_ID", "NOT_AUTHORIZED")},
}
UNKNOWN_ISSUE = Advice(Step.REFUSE, _l("PayPal has refused it, for a reason that is not known here."), _AGAIN)
# PayPal adds names; the family of a new one says what to do.
FAMILIES: tuple[tuple[str, Advice], ...] = (
    (r"PREVIOUSLY|ALREADY|^DUPLICATE_", Advice(Step.ASK, _l("It was done before: look at the order, never pay twice."))),
    (r"^PAYEE_|PERMISSION|^MERCHANT_|RECEIVER", Advice(Step.ADMIN, _l("Something about your PayPal account has to be put in order. Sign in to PayPal."), _NOT_NOW)),
    (r"^REFUND_|NOT_REFUNDABLE|REFUNDED|DISPUTED|CHARGEBACK", Advice(Step.REFUSE, _l("PayPal does not give this payment back. Transfer the money."))),
    (r"^PAYER_|COMPLIANCE|LIMIT_EXCEEDED$|REFUSED$", Advice(Step.OVER, _l("PayPal has refused this payment for good."), _CLOSED)),
    (r"^CARD_|INSTRUMENT|FUNDING|DECLINED", Advice(Step.TO_PAYER, _l("The means of payment was declined; the payer may choose another one."), _OTHER_MEANS)),
    (r"EXPIRED|VOIDED|ATTEMPTS_EXCEEDED|INVALID_RESOURCE|NOT_FOUND", Advice(Step.OVER, _l("The order has expired: a new one is needed."), _AGAIN)),
    (r"^INVALID_|^MISSING_|^MALFORMED_|MISMATCH|_REQUIRED$|NOT_SUPPORTED|^UNSUPPORTED_|PRECISION|LENGTH|NEGATIVE|SYNTAX|^CURRENCY_|_ITEMS$", Advice(
        Step.BUG, _l("PayPal did not understand our request. Please report this error."), _NOT_NOW)),
)
NO_ANSWER = Advice(Step.ASK, _l("PayPal's answer was lost: it is not known what came of it, so PayPal is asked before anything is sent again."),
                   _l("PayPal has not answered yet. We ask again by ourselves; do not pay a second time."))
NOT_SENT = Advice(Step.AGAIN, _l("PayPal could not be reached; nothing was sent."), _l("PayPal cannot be reached at the moment. Try again in a few minutes."))
_CREDENTIALS = Advice(Step.ADMIN, _l("PayPal refuses the client id or the secret. Check them in the settings."), _NOT_NOW)


def issue_of(body: Any) -> str:
    """The first name of an error that the body tells, most exact first; empty: none."""
    if not isinstance(body, dict):
        return ""
    details = body.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(detail.get("issue"), str):
            return str(detail["issue"])[:80]
    for key in ("name", "error"):
        if isinstance(body.get(key), str):
            return str(body[key])[:80]
    return ""


def advice(status: int | None, body: Any = None) -> Advice:
    """What an HTTP answer that is no success asks for. `status` None: there was none, or only a part of it."""
    if status is None:
        return NO_ANSWER
    issue = issue_of(body)
    if status == 401:
        return _CREDENTIALS if issue in ("invalid_client", "unauthorized_client") else Advice(Step.NEW_TOKEN, _l("The token has run out."), _NOT_NOW)
    if status == 403:
        return ISSUES.get(issue, ISSUES["PERMISSION_DENIED"]) if issue != "NOT_AUTHORIZED" else ISSUES["PERMISSION_DENIED"]
    if status == 429:
        return Advice(Step.LATER, _l("PayPal asks for fewer requests: the same again later."), NOT_SENT.payer)
    if status >= 500 or status in (408, 425):
        return Advice(Step.AGAIN, _l("PayPal has a fault: the same request again, with the same PayPal-Request-Id."), NO_ANSWER.payer)
    if issue in ISSUES:
        return ISSUES[issue]
    if status in (404, 410):
        return ISSUES["INVALID_RESOURCE_ID"]
    if status == 409:
        return ISSUES["PREVIOUS_REQUEST_IN_PROGRESS"]
    if status in (400, 405, 406, 415) and not any(re.search(pattern, issue) for pattern, _found in FAMILIES):
        return Advice(Step.BUG, _l("PayPal did not understand our request (%(name)s). Please report this error.", name=issue or str(status)), _NOT_NOW)
    return next((found for pattern, found in FAMILIES if re.search(pattern, issue)), UNKNOWN_ISSUE)
