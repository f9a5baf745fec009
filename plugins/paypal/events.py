"""What a message to the webhook tells. Values in, values out; who sent it was checked before."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from plugins.paypal.meaning import CAPTURE_STEPS, Step, money_received
from plugins.paypal.orders import IDENT, CaptureFacts, RefundFacts, Unreadable, read_capture, read_refund, text

CAPTURE_STATES = {"PAYMENT.CAPTURE.COMPLETED": "COMPLETED", "PAYMENT.CAPTURE.PENDING": "PENDING", "PAYMENT.CAPTURE.DECLINED": "DECLINED",
                  "PAYMENT.CAPTURE.DENIED": "DECLINED"}      # the last one is the name of version 1, which is still sent
REFUND_STATES = {"PAYMENT.CAPTURE.REFUNDED": "COMPLETED", "PAYMENT.CAPTURE.REVERSED": "COMPLETED", "PAYMENT.REFUND.COMPLETED": "COMPLETED", "PAYMENT.REFUND.PENDING": "PENDING",
                 "PAYMENT.REFUND.FAILED": "FAILED", "PAYMENT.REFUND.CANCELLED": "CANCELLED"}
APPROVED, ORDER_DONE, TAKEN_BACK = "CHECKOUT.ORDER.APPROVED", "CHECKOUT.ORDER.COMPLETED", "CHECKOUT.PAYMENT-APPROVAL.REVERSED"
DISPUTE = "CUSTOMER.DISPUTE."


@dataclass(frozen=True, slots=True)
class Dispute:
    id: str
    status: str
    reason: str
    outcome: str
    captures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """One message. At most one of the facts is set; none of them: it does not concern us. `reversal`: PayPal or a bank took it."""

    kind: str
    capture: CaptureFacts | None = None
    refund: RefundFacts | None = None
    reversal: bool = False
    order_id: str = ""
    dispute: Dispute | None = None

    @property
    def step(self) -> Step:
        """What it asks for."""
        if self.kind == APPROVED:
            return Step.CAPTURE
        if self.dispute is not None:
            return Step.ADMIN
        if self.order_id:
            return Step.ASK
        return CAPTURE_STEPS.get(self.capture.status, Step.DONE) if self.capture is not None else Step.DONE


def read(event: Any) -> Told:
    """A message as JSON. Raises Unreadable for one that does not hold what its name promises."""
    if not isinstance(event, dict) or not isinstance(event.get("event_type"), str):
        raise Unreadable("The message has no type.")
    kind, resource = event["event_type"][:80], event.get("resource")
    if not isinstance(resource, dict):
        resource = {}
    if kind in CAPTURE_STATES:
        return Told(kind, capture=read_capture({**resource, "status": resource.get("status") or CAPTURE_STATES[kind]}))
    if kind in REFUND_STATES:
        return _went_back(kind, resource)
    if kind in (APPROVED, ORDER_DONE, TAKEN_BACK):
        order = resource.get("id") or resource.get("order_id")
        return Told(kind, order_id=order if isinstance(order, str) and IDENT.fullmatch(order) else "")
    if kind.startswith(DISPUTE):
        return Told(kind, dispute=_dispute(resource))
    return Told(kind)


def _went_back(kind: str, resource: dict[str, Any]) -> Told:
    reversal = kind == "PAYMENT.CAPTURE.REVERSED"
    status = resource.get("status") if resource.get("status") in ("PENDING", "COMPLETED", "FAILED", "CANCELLED") else REFUND_STATES[kind]
    found = read_refund({**resource, "status": status})
    if not found.capture_id:        # the resource is the capture itself, all of it
        capture = read_capture(resource)
        found = RefundFacts(f"{'REV' if reversal else 'ALL'}-{capture.id}"[:40], capture.id, REFUND_STATES[kind], capture.gross, capture.currency)
    return Told(kind, refund=found, reversal=reversal)


def _dispute(resource: dict[str, Any]) -> Dispute:
    captures = []
    disputed = resource.get("disputed_transactions")
    for item in disputed if isinstance(disputed, list) else ():
        found = item.get("seller_transaction_id") if isinstance(item, dict) else None
        if isinstance(found, str) and IDENT.fullmatch(found):
            captures.append(found)
    outcome = resource.get("dispute_outcome")
    ident = resource.get("dispute_id")
    if not isinstance(ident, str) or not IDENT.fullmatch(ident):
        raise Unreadable("The message names no dispute.")
    return Dispute(ident, text(resource.get("status"), 40), text(resource.get("reason"), 80), text(outcome.get("outcome_code"), 60) if isinstance(outcome, dict) else "", tuple(captures[:10]))


# ---- what follows for the demand -----------------------------------------------------------------------------------

@dataclass(frozen=True, slots=True)
class Verdict:
    """`booked`: what is booked as paid; `hold`: a person has to decide first; `different`: it is not what was asked for."""

    booked: Decimal
    paid: bool
    hold: bool = False
    different: bool = False


def judge(status: str, gross: Decimal, currency: str, asked: Decimal, asked_currency: str) -> Verdict:
    """A capture against what was asked for. Less is a part payment, more leaves credit, another currency is held."""
    nothing = Decimal("0.00")
    if not money_received(status) and status != "REFUNDED":
        return Verdict(nothing, False)
    if currency != asked_currency or gross <= 0:
        return Verdict(nothing, False, hold=True)
    return Verdict(gross, gross >= asked and money_received(status), different=gross != asked)
