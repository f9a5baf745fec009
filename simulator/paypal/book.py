"""What the stand-in holds: orders, captures, refunds, and the messages that it sends of them. JSON as PayPal writes it."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

LETTERS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
OUTCOMES = ("COMPLETED", "PENDING", "DECLINED", "FAILED", "INSTRUMENT_DECLINED", "LESS")


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, name: str, issue: str = "") -> None:
        super().__init__(issue or name)
        self.status = status
        self.body = {"name": name, "message": "The requested action could not be performed.", "debug_id": secrets.token_hex(6), "details": [{"issue": issue}] if issue else []}


def _id() -> str:
    return "".join(secrets.choice(LETTERS) for _n in range(17))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Book:
    """`send(event)` is called with each message. With `path` the state outlives the process."""

    def __init__(self, send: Callable[[dict[str, Any]], None], path: Path | None = None) -> None:
        self.lock = threading.RLock()
        self._send, self._path = send, path
        self.orders: dict[str, dict[str, Any]] = {}
        self.captures: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, Any] = {}
        self.chosen: dict[str, str] = {}            # order → what is to become of its capture
        if path is not None and path.is_file():
            state = json.loads(path.read_text("utf-8"))
            self.orders, self.captures, self.refunds, self.answers, self.chosen = (state[name] for name in ("orders", "captures", "refunds", "answers", "chosen"))

    def save(self) -> None:
        if self._path is not None:
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps({"orders": self.orders, "captures": self.captures, "refunds": self.refunds, "answers": self.answers, "chosen": self.chosen}), "utf-8")
            fresh.replace(self._path)

    def once(self, key: str, work: Callable[[], Any]) -> Any:
        """A request with an id that had success before gets the same answer, as it stands now."""
        with self.lock:
            if key and key in self.answers:
                kind, ident = self.answers[key]
                return {"order": self.orders, "refund": self.refunds}[kind][ident]
            found = work()
            if key:
                self.answers[key] = ("refund" if found["id"] in self.refunds else "order", found["id"])
            self.save()
            return found

    def tell(self, kind: str, resource: Any, resource_type: str) -> None:
        self._send({"id": f"WH-{_id()}", "event_version": "1.0", "create_time": _now(), "resource_type": resource_type, "resource_version": "2.0", "event_type": kind, "summary": kind,
                    "resource": json.loads(json.dumps(resource)), "links": []})

    # orders -----------------------------------------------------------------------------------------------------
    def create(self, body: Any, origin: str) -> dict[str, Any]:
        try:
            if body["intent"] != "CAPTURE":
                raise Refused(422, "UNPROCESSABLE_ENTITY", "UNSUPPORTED_INTENT")
            unit = body["purchase_units"][0]
            value, currency = unit["amount"]["value"], unit["amount"]["currency_code"]
            look = body["payment_source"]["paypal"]["experience_context"]
            look["return_url"], look["cancel_url"]
            if not Decimal(value) > 0:
                raise Refused(422, "UNPROCESSABLE_ENTITY", "CANNOT_BE_ZERO_OR_NEGATIVE")
        except (KeyError, TypeError, IndexError, ArithmeticError):
            raise Refused(400, "INVALID_REQUEST", "MISSING_REQUIRED_PARAMETER") from None
        if "." in value and len(value.partition(".")[2]) != 2 or "." in value and currency in ("HUF", "JPY", "TWD"):
            raise Refused(422, "UNPROCESSABLE_ENTITY", "DECIMAL_PRECISION")
        ident = _id()
        order = {"id": ident, "intent": "CAPTURE", "status": "PAYER_ACTION_REQUIRED", "create_time": _now(), "purchase_units": [dict(unit)],
                 "payment_source": {"paypal": {"experience_context": look}}, "links": [
                     {"href": f"{origin}/v2/checkout/orders/{ident}", "rel": "self", "method": "GET"},
                     {"href": f"{origin}/checkoutnow?token={ident}", "rel": "payer-action", "method": "GET"}]}
        self.orders[ident] = order
        return order

    def order(self, ident: str) -> dict[str, Any]:
        if ident not in self.orders:
            raise Refused(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
        return self.orders[ident]

    def approve(self, ident: str, outcome: str = "COMPLETED") -> None:
        """The payer agrees; `outcome` of OUTCOMES is what becomes of the capture."""
        with self.lock:
            order = self.order(ident)
            if order["status"] in ("PAYER_ACTION_REQUIRED", "CREATED", "APPROVED"):
                order["status"], self.chosen[ident] = "APPROVED", outcome
                order["payer"] = {"email_address": "erika@example.org", "payer_id": "QYR5Z8XDVJNXQ", "name": {"given_name": "Erika", "surname": "Mustermann"}}
                self.save()
                self.tell("CHECKOUT.ORDER.APPROVED", order, "checkout-order")

    def capture(self, ident: str) -> dict[str, Any]:
        order = self.order(ident)
        if order["status"] == "COMPLETED":
            raise Refused(422, "UNPROCESSABLE_ENTITY", "ORDER_ALREADY_CAPTURED")
        if order["status"] != "APPROVED":
            raise Refused(422, "UNPROCESSABLE_ENTITY", "ORDER_NOT_APPROVED")
        outcome, unit = self.chosen.get(ident, "COMPLETED"), order["purchase_units"][0]
        if outcome == "INSTRUMENT_DECLINED":
            raise Refused(422, "UNPROCESSABLE_ENTITY", "INSTRUMENT_DECLINED")
        if any(other.get("invoice_id") == unit.get("invoice_id") and other["status"] == "COMPLETED" for other in self.captures.values() if unit.get("invoice_id")):
            raise Refused(422, "UNPROCESSABLE_ENTITY", "DUPLICATE_INVOICE_ID")
        amount = dict(unit["amount"])
        if outcome == "LESS":
            amount["value"] = f"{Decimal(amount['value']) / 2:.2f}"
        capture = {"id": _id(), "status": "COMPLETED" if outcome == "LESS" else outcome, "amount": amount, "final_capture": True, "invoice_id": unit.get("invoice_id", ""),
                   "custom_id": unit.get("custom_id", ""), "create_time": _now(), "update_time": _now(), "supplementary_data": {"related_ids": {"order_id": ident}}}
        if outcome == "PENDING":
            capture["status_details"] = {"reason": "ECHECK"}
        order["status"] = "COMPLETED"
        self.captures[capture["id"]] = capture
        unit["payments"] = {"captures": [capture]}
        self._completed(capture) if capture["status"] == "COMPLETED" else self.tell(f"PAYMENT.CAPTURE.{capture['status']}", capture, "capture")
        return order

    def _completed(self, capture: dict[str, Any]) -> None:
        gross, currency = Decimal(capture["amount"]["value"]), capture["amount"]["currency_code"]
        fee = (gross * Decimal("0.0249") + Decimal("0.35")).quantize(Decimal("0.01"))
        capture["status"] = "COMPLETED"
        capture.pop("status_details", None)
        capture["seller_receivable_breakdown"] = {name: {"currency_code": currency, "value": f"{value:.2f}"} for name, value in (("gross_amount", gross), ("paypal_fee", fee), ("net_amount", gross - fee))}
        self.tell("PAYMENT.CAPTURE.COMPLETED", capture, "capture")

    # captures ---------------------------------------------------------------------------------------------------
    def found(self, ident: str) -> dict[str, Any]:
        if ident not in self.captures:
            raise Refused(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
        return self.captures[ident]

    def release(self, ident: str, deny: bool = False) -> None:
        """A pending capture is completed, or declined."""
        with self.lock:
            capture = self.found(ident)
            if capture["status"] != "PENDING":
                return
            if deny:
                capture["status"] = "DECLINED"
                self.tell("PAYMENT.CAPTURE.DENIED", capture, "capture")
            else:
                self._completed(capture)
            self.save()

    def back(self, ident: str) -> Decimal:
        return sum((Decimal(refund["amount"]["value"]) for refund in self.refunds.values() if refund["capture"] == ident), Decimal(0))

    def refund(self, ident: str, body: Any, origin: str = "", kind: str = "PAYMENT.CAPTURE.REFUNDED") -> dict[str, Any]:
        """Money goes back; without an amount all that is left."""
        capture = self.found(ident)
        if capture["status"] == "PENDING":
            raise Refused(422, "UNPROCESSABLE_ENTITY", "PENDING_CAPTURE")
        if capture["status"] == "REFUNDED":
            raise Refused(422, "UNPROCESSABLE_ENTITY", "CAPTURE_FULLY_REFUNDED")
        if capture["status"] not in ("COMPLETED", "PARTIALLY_REFUNDED"):
            raise Refused(422, "UNPROCESSABLE_ENTITY", "REFUND_NOT_ALLOWED")
        left = Decimal(capture["amount"]["value"]) - self.back(ident)
        amount = body.get("amount") if isinstance(body, dict) else None
        value = Decimal(amount["value"]) if amount else left
        if value > left:
            raise Refused(422, "UNPROCESSABLE_ENTITY", "REFUND_AMOUNT_EXCEEDED")
        refund = {"id": _id(), "status": "COMPLETED", "amount": {"currency_code": capture["amount"]["currency_code"], "value": f"{value:.2f}"}, "invoice_id": capture["invoice_id"],
                  "custom_id": (body or {}).get("custom_id", ""), "create_time": _now(), "capture": ident,
                  "links": [{"rel": "self", "method": "GET", "href": f"{origin}/v2/payments/refunds/x"}, {"rel": "up", "method": "GET", "href": f"{origin}/v2/payments/captures/{ident}"}]}
        self.refunds[refund["id"]] = refund
        capture["status"] = "REFUNDED" if self.back(ident) >= Decimal(capture["amount"]["value"]) else "PARTIALLY_REFUNDED"
        order = self.orders.get(capture["supplementary_data"]["related_ids"]["order_id"])
        if order is not None:
            order["purchase_units"][0]["payments"].setdefault("refunds", []).append(refund)
        self.tell(kind, refund, "refund")
        return refund

    def dispute(self, ident: str) -> None:
        self.found(ident)
        self.tell("CUSTOMER.DISPUTE.CREATED", {"dispute_id": f"PP-D-{secrets.randbelow(90000) + 10000}", "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED", "status": "OPEN",
                                               "disputed_transactions": [{"seller_transaction_id": ident}]}, "dispute")
