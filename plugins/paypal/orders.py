"""Orders v2, Payments v2 and webhooks: what is asked, and what the answers say. No database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from app.plugin_api import InvalidInput, clock
from plugins.paypal import amounts, hosts
from plugins.paypal.api import Client, PayPalError
from plugins.paypal.meaning import advice

IDENT = re.compile(r"[A-Za-z0-9-]{1,40}")
CAPTURE_LINK = re.compile(r"/captures/([A-Za-z0-9-]{1,40})$")


class Unreadable(InvalidInput):
    """An answer or a message that does not say what it should."""


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """A capture as PayPal tells it. `gross`, `fee` in `currency`; `reason` of a state that is not final. Empty: not told."""

    id: str
    status: str
    gross: Decimal
    currency: str
    custom_id: str = ""
    invoice_id: str = ""
    order_id: str = ""
    reason: str = ""
    fee: Decimal | None = None
    created_at: datetime | None = None
    payer: str = ""


@dataclass(frozen=True, slots=True)
class RefundFacts:
    id: str
    capture_id: str
    status: str
    amount: Decimal
    currency: str
    created_at: datetime | None = None
    request: str = ""               # our own key, given as custom_id


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """`approve`: where the payer agrees, by a link of the kind `link`; `captures`: what was taken; `refunds`: what went back."""

    id: str
    status: str
    approve: str = ""
    link: str = ""
    captures: tuple[CaptureFacts, ...] = ()
    refunds: tuple[RefundFacts, ...] = ()


# ---- reading -----------------------------------------------------------------------------------------------------

def ident(value: Any) -> str:
    """An id of PayPal's: it goes into addresses. Raises Unreadable."""
    if not isinstance(value, str) or not IDENT.fullmatch(value):
        raise Unreadable("PayPal's answer has no usable id.")
    return value


def text(value: Any, most: int = 127) -> str:
    return "".join(letter for letter in value[:most] if letter.isprintable()) if isinstance(value, str) else ""


def _at(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC)


def _part(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _money(value: Any) -> tuple[Decimal, str]:
    try:
        return amounts.read(value)
    except ValueError as problem:
        raise Unreadable(f"PayPal's answer has no usable amount: {problem}") from None


def read_capture(data: Any, order_id: str = "", payer: str = "") -> CaptureFacts:
    """A resource `capture`. Raises Unreadable."""
    if not isinstance(data, dict):
        raise Unreadable("PayPal's answer is no capture.")
    gross, currency = _money(data.get("amount"))
    fee = _part(data, "seller_receivable_breakdown", "paypal_fee")
    try:
        told = amounts.read(fee)[0] if fee else None
    except ValueError:
        told = None
    related = _part(data, "supplementary_data", "related_ids", "order_id")
    return CaptureFacts(ident(data.get("id")), text(data.get("status"), 30), gross, currency, text(data.get("custom_id")), text(data.get("invoice_id")),
                        order_id or (related if isinstance(related, str) and IDENT.fullmatch(related) else ""), text(_part(data, "status_details", "reason"), 60), told,
                        _at(data.get("create_time")), payer)


def read_refund(data: Any, capture_id: str = "") -> RefundFacts:
    """A resource `refund`; its capture is named by the link `up`. Raises Unreadable."""
    if not isinstance(data, dict):
        raise Unreadable("PayPal's answer is no refund.")
    amount, currency = _money(data.get("amount"))
    if amount == 0:
        raise Unreadable("A refund of nothing.")
    for link in _list(data.get("links")):
        if not capture_id and _part(link, "rel") == "up" and isinstance(_part(link, "href"), str) and (found := CAPTURE_LINK.search(link["href"])):
            capture_id = found[1]
    return RefundFacts(ident(data.get("id")), capture_id, text(data.get("status"), 30), abs(amount), currency, _at(data.get("create_time")), text(data.get("custom_id")))


def read_order(data: Any) -> OrderFacts:
    """A resource `order`; its captures with it. Raises Unreadable."""
    if not isinstance(data, dict):
        raise Unreadable("PayPal's answer is no order.")
    order_id = ident(data.get("id"))
    links = {_part(link, "rel"): _part(link, "href") for link in reversed(_list(data.get("links")))}
    rel = next((name for name in ("payer-action", "approve") if isinstance(links.get(name), str)), "")
    payer = text(_part(data, "payer", "email_address") or _part(data, "payment_source", "paypal", "email_address"), 120)
    captures: list[CaptureFacts] = []
    refunds: list[RefundFacts] = []
    for unit in _list(data.get("purchase_units")):
        captures += [read_capture(item, order_id, payer) for item in _list(_part(unit, "payments", "captures"))]
        refunds += [read_refund(item) for item in _list(_part(unit, "payments", "refunds"))]
    return OrderFacts(order_id, text(data.get("status"), 30), links.get(rel, "") if rel else "", rel, tuple(captures), tuple(refunds))


def approve_url(order: OrderFacts, mode: str) -> str:
    """Where to send the payer. Raises Unreadable when that is not PayPal's page."""
    if not hosts.is_payer_page(order.approve, mode):
        raise Unreadable("PayPal's answer does not lead to PayPal's page.")
    return order.approve


# ---- asking: each raises PayPalError, Unreadable for an answer that is none ---------------------------------------

@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a customer is asked to pay. `custom_id`: our attempt; `invoice_id`: unique for each attempt, the payer sees it."""

    amount: Decimal
    currency: str
    custom_id: str
    invoice_id: str
    description: str
    brand: str
    locale: str
    return_url: str
    cancel_url: str


def order_body(order: NewOrder) -> dict[str, Any]:
    """Intent CAPTURE; no shipping; the payer pays with one press at PayPal."""
    unit = {"reference_id": "default", "amount": {"currency_code": order.currency, "value": amounts.amount_text(order.amount, order.currency)},
            "custom_id": order.custom_id, "invoice_id": order.invoice_id[:127], "description": order.description[:127]}
    look = {"return_url": order.return_url, "cancel_url": order.cancel_url, "user_action": "PAY_NOW", "shipping_preference": "NO_SHIPPING", "landing_page": "NO_PREFERENCE",
            "locale": order.locale, **({"brand_name": order.brand[:127]} if order.brand else {})}
    return {"intent": "CAPTURE", "purchase_units": [unit], "payment_source": {"paypal": {"experience_context": look}}}


def _read(work: Any, data: Any) -> Any:
    """A success that cannot be read is no answer: what was asked may have been done."""
    try:
        return work(data)
    except Unreadable:
        raise PayPalError(advice(None)) from None


def create(api: Client, order: NewOrder, request_id: str) -> OrderFacts:
    return _read(read_order, api.call("POST", "v2/checkout/orders", order_body(order), request_id))


def get_order(api: Client, order_id: str) -> OrderFacts:
    return _read(read_order, api.call("GET", f"v2/checkout/orders/{quote(order_id)}"))


def capture(api: Client, order_id: str, request_id: str) -> OrderFacts:
    return _read(read_order, api.call("POST", f"v2/checkout/orders/{quote(order_id)}/capture", {}, request_id))


def get_capture(api: Client, capture_id: str) -> CaptureFacts:
    return _read(read_capture, api.call("GET", f"v2/payments/captures/{quote(capture_id)}"))


def refund(api: Client, capture_id: str, amount: Decimal, currency: str, custom_id: str, note: str, request_id: str) -> RefundFacts:
    body = {"amount": {"value": amounts.amount_text(amount, currency), "currency_code": currency}, "custom_id": custom_id, **({"note_to_payer": note[:255]} if note else {})}
    answer = api.call("POST", f"v2/payments/captures/{quote(capture_id)}/refund", body, request_id)
    return _read(lambda data: read_refund(data, capture_id), answer)


def get_refund(api: Client, refund_id: str, capture_id: str) -> RefundFacts:
    answer = api.call("GET", f"v2/payments/refunds/{quote(refund_id)}")
    return _read(lambda data: read_refund(data, capture_id), answer)


def check(api: Client, webhook_id: str, webhook_url: str) -> str:
    """Whether the credentials work and PayPal sends its messages here; empty, or what is wrong with the webhook."""
    answer = api.call("GET", "v1/notifications/webhooks")
    found = {_part(hook, "id"): _part(hook, "url") for hook in _list(_part(answer, "webhooks"))}
    if webhook_id and webhook_id not in found:
        return "unknown"
    return "" if not webhook_id or found[webhook_id] == webhook_url else "elsewhere"


def day_of(at: datetime | None) -> Any:
    """The company's day of a moment, today at the latest."""
    return min(clock.today(), (at or clock.now()).astimezone(clock.zone()).date())
