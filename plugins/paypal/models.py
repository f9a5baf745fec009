"""All tables of the plugin."""

from plugins.paypal.attempt_models import LOOSE, RUNNING, Attempt, AttemptState, Capture, PayPalRefund, RefundState
from plugins.paypal.message_models import CASES, Case, CaseKind, CaseState, MessageState, PayPalMessage

__all__ = ["CASES", "LOOSE", "RUNNING", "Attempt", "AttemptState", "Capture", "Case", "CaseKind", "CaseState", "MessageState", "PayPalMessage", "PayPalRefund", "RefundState"]
