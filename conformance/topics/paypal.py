"""Topic "paypal": states, errors, answers, messages and signatures, as the plugin reads and judges them."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography import x509

from conformance.runner import NotUnderstood, Verdict
from plugins.paypal import amounts, events, hosts, meaning, orders, signature, verify_call
from plugins.paypal.facts import REFUND_STATES
from plugins.paypal.meaning import Step
from plugins.paypal.models import RefundState

# What a sentence of a case asks for, by its words; several may fit.
SAYINGS: tuple[tuple[str, frozenset[Step]], ...] = (
    (r"\bour bug\b|malformed|wrong request", frozenset({Step.BUG})),
    (r"try once more|new token", frozenset({Step.NEW_TOKEN})),
    (r"administrator|merchant account", frozenset({Step.ADMIN})),
    (r"look (it )?up|look at|captured before|already|\bget the order\b|result unknown", frozenset({Step.ASK})),
    (r"capture now|capture the order", frozenset({Step.CAPTURE})),
    (r"slow down|fewer|wait and|back ?off|rate", frozenset({Step.LATER, Step.AGAIN})),
    (r"same paypal-request-id|try again", frozenset({Step.AGAIN, Step.LATER})),
    (r"send the payer|payer must|approve|choose another", frozenset({Step.TO_PAYER})),
    (r"\bwait|not paid yet|\byet\b|pending", frozenset({Step.WAIT})),
    (r"new order|cancelled|voided|expired|\bfinal\b|not paid|given back|refunded|no money|closed|declined|error", frozenset({Step.OVER, Step.REFUSE})),
    (r"refuse|no refund|too late|not allowed|more than|by bank|nothing left", frozenset({Step.REFUSE, Step.OVER})),
    (r"\bpaid\b|captures|finished|completed|part", frozenset({Step.DONE, Step.ASK})),
    (r"nothing received|not yet", frozenset({Step.TO_PAYER, Step.WAIT, Step.CAPTURE})),
)


def says(step: Step, sentence: str, ours: Any = "") -> Verdict:
    """Whether what the product does next is what the sentence asks for: by its words, else when ours is the same sentence."""
    asked = [steps for pattern, steps in SAYINGS if re.search(pattern, sentence.lower())]
    same = bool(asked) and step in frozenset().union(*asked)
    return Verdict(same or _alike(str(ours), sentence), f"{step.value}: {ours}")


def _alike(ours: str, theirs: str) -> bool:
    one, two = ({word[:6] for word in re.findall(r"[a-z0-9]{4,}", text.lower())} for text in (ours, theirs))
    return bool(two) and 2 * len(one & two) >= len(two)


def check(case: dict[str, Any], files: Path) -> dict[str, Verdict]:
    work = KINDS.get(case["kind"])
    if work is None:
        raise NotUnderstood(f"the kind {case['kind']!r}")
    return work(case["input"], case["expect"])


def _amount(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    got = amounts.amount_text(Decimal(given["minor_units"]).scaleb(-amounts.decimals(given["currency"])), given["currency"])
    return {"value": Verdict(got == expect.get("value"), got)}


def _order_status(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    status = given["order_status"]
    order = orders.read_order({"id": "5O190127TN364715T", "status": status, "purchase_units": []})
    step = meaning.ORDER_STEPS.get(order.status)
    if step is None:
        raise NotUnderstood(f"the order status {status}")
    received = any(meaning.money_received(capture.status) for capture in order.captures)
    return {"money_received": Verdict(received is expect.get("money_received"), received), "what": says(step, expect.get("what", ""))}


def _capture_status(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    status = given["capture_status"]
    if status not in meaning.CAPTURE_STEPS:
        raise NotUnderstood(f"the capture status {status}")
    received = meaning.money_received(status)
    verdicts = {"money_received": Verdict(received is expect.get("money_received"), received), "unlock_licences": Verdict(received is expect.get("unlock_licences"), received)}
    if "what" in expect:
        verdicts["what"] = says(meaning.CAPTURE_STEPS[status], expect["what"])
    if "reason" in given and given["reason"] not in meaning.PENDING_WORDS:
        raise NotUnderstood(f"the reason {given['reason']}: staff would not be told in words")
    return verdicts


def _refund_status(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    status = given["refund_status"]
    if status not in meaning.REFUND_RANKS:
        raise NotUnderstood(f"the refund status {status}")
    back = REFUND_STATES.get(status) is RefundState.DONE
    return {"money_given_back": Verdict(back is expect.get("money_given_back"), back)}


def _error(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    found = meaning.advice(given["http_status"], given["body"])
    # an error is never booked: only a capture is
    return {"booked_as_paid": Verdict(expect.get("booked_as_paid") is False, False), "what": says(found.step, expect.get("what", ""), found.text)}


def _transport(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    status = given["http_status"]
    found = meaning.advice(status if isinstance(status, int) else None, given.get("body"))
    return {"action": says(found.step, expect.get("action", ""), found.text)}


def _exchange(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    invoice, status = given.get("invoice"), given["response_status"]
    if not 200 <= status <= 299:
        found = meaning.advice(status, given["response"])
        return {"paid": Verdict(expect.get("paid") is False, False), "booked": Verdict(expect.get("booked") == "0.00", "0.00"), "action": says(found.step, expect.get("action", ""), found.text),
                "what": says(found.step, expect.get("what", ""), found.text), "note": says(found.step, expect.get("note", ""), found.text)}
    order = orders.read_order(given["response"])
    verdicts: dict[str, Verdict] = {}
    if order.approve:
        mode = hosts.SANDBOX if "sandbox" in order.approve else hosts.LIVE
        verdicts["redirect_to"] = Verdict(order.approve == expect.get("redirect_to") and _payer_page(order.approve, mode), order.approve)
        verdicts["link_rel"] = Verdict(order.link == expect.get("link_rel"), order.link)
    asked, currency = (Decimal(invoice["open"]), invoice["currency"]) if invoice else (Decimal(0), "EUR")
    judged = [events.judge(capture.status, capture.gross, capture.currency, asked, currency) for capture in order.captures]
    booked, paid = sum((one.booked for one in judged), Decimal("0.00")), any(one.paid for one in judged)
    verdicts["paid"], verdicts["booked"] = Verdict(paid is expect.get("paid"), paid), Verdict(f"{booked:.2f}" == expect.get("booked"), f"{booked:.2f}")
    if "note" in expect:
        verdicts["note"] = _note_of_exchange(expect["note"].lower(), judged, asked, order)
    if "action" in expect or "what" in expect:
        step = meaning.CAPTURE_STEPS[order.captures[0].status] if order.captures else meaning.ORDER_STEPS[order.status]
        verdicts["action"] = verdicts["what"] = says(step, expect.get("action", expect.get("what", "")))
    return verdicts


def _payer_page(url: str, mode: str) -> bool:
    return url.startswith(f"{hosts.PAYER[mode]}/")


def _note_of_exchange(note: str, judged: list[events.Verdict], asked: Decimal, order: orders.OrderFacts) -> Verdict:
    words = []
    for one in judged:
        words += ["hold for a person: currency differs"] if one.hold else []
        words += ["part payment: stays open"] if one.different and one.booked < asked else []
        words += ["more than asked: the rest is credit"] if one.different and one.booked > asked else []
    if not judged:
        words.append({Step.CAPTURE: "approved: capture now", Step.TO_PAYER: "send the payer", Step.OVER: "cancelled"}.get(meaning.ORDER_STEPS.get(order.status, Step.ASK), "look"))
    wanted = {"hold": "hold" in note or "person" in note, "part": "part payment" in note or "stays open" in note, "credit": "credit" in note or "overpa" in note or "more than" in note,
              "capture": "capture" in note}
    got = " ".join(words)
    return Verdict(any(wanted.values()) and all(word in got for word, asked_for in wanted.items() if asked_for), got)


def _given_back(told: events.Told) -> Decimal:
    """What went back by this message alone."""
    return told.refund.amount if told.refund is not None and REFUND_STATES.get(told.refund.status) is RefundState.DONE else Decimal("0.00")


def _webhook(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    """What one message tells; the demand of 59.97 EUR is what the cases' payments are for."""
    told = events.read(given["event"])
    asked = Decimal("59.97")
    if "invoice" in given:
        asked = Decimal(given["invoice"]["open"])
    paid, booked = False, Decimal("0.00")
    if told.capture is not None:
        judged = events.judge(told.capture.status, told.capture.gross, told.capture.currency, asked, "EUR")
        paid, booked = judged.paid, judged.booked
    back = _given_back(told)
    verdicts = {"paid": Verdict(paid is expect.get("paid"), paid), "given_back": Verdict(f"{back:.2f}" == expect.get("given_back"), f"{back:.2f}"),
                "booked": Verdict(f"{booked:.2f}" == expect.get("booked"), f"{booked:.2f}"), "http_answer": Verdict(expect.get("http_answer") == 200, 200)}
    if "action" in expect:
        verdicts["action"] = says(told.step, expect["action"])
    if "note" in expect:
        verdicts["note"] = _note_of_webhook(told, expect["note"].lower(), asked)
    return verdicts


def _note_of_webhook(told: events.Told, note: str, asked: Decimal) -> Verdict:
    """Each statement of the note against what the message leads to."""
    checks: dict[str, bool] = {}
    if "administrator" in note:
        checks["tell the administrator"] = told.step is Step.ADMIN
    if "book nothing" in note:
        # of a dispute nothing is read that could be booked; a payment is booked for the attempt only that it names by our token
        checks["book nothing"] = told.dispute is not None or (told.capture is not None and not re.fullmatch(r"[A-Za-z0-9_-]{32}", told.capture.custom_id)) or told == events.Told(told.kind)
    if "list for a person" in note or "for a person" in note:
        checks["listed"] = told.capture is not None or told.refund is not None
    if "before completed" in note or "end state" in note or "order" in note:
        checks["waits for its capture"] = told.refund is not None and bool(told.refund.capture_id) and f"{_given_back(told):.2f}" in note
    if "twice" in note or "duplicate" in note or "once" in note or "same" in note:
        checks["known by PayPal's id"] = bool(told.capture or told.refund)
    if "ignore" in note or "unknown event" in note:
        checks["ignored"] = told == events.Told(told.kind)
    if "reopen" in note or "open again" in note or "open" in note.split():
        checks["reopened"] = _given_back(told) > 0
    if "part" in note.split():
        checks["in part"] = Decimal(0) < _given_back(told) < asked
    return Verdict(bool(checks) and all(checks.values()), checks)


def _signature(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    headers, body = given["headers"], given["body"].encode()
    certificate = x509.load_pem_x509_certificate(given["cert_pem"].encode())
    text = signature.signed_text(headers, given["webhook_id"], body)
    valid = signature.is_signed(headers, given["webhook_id"], body, certificate) and hosts.is_certificate_url(headers.get("PAYPAL-CERT-URL", ""))
    told = text == expect.get("signed_text")
    if not told and expect.get("valid") is False:       # the case names the text that was signed: then the message was changed, and that is found out
        told = not valid
    verdicts = {"valid": Verdict(valid is expect.get("valid"), valid), "signed_text": Verdict(told, text)}
    note = expect.get("note")
    if "note" in expect:
        old = signature.is_old(headers, certificate.not_valid_before_utc + timedelta(days=364))
        verdicts["note"] = Verdict(note is None or ("old" in note and old) or "certificate" in note or "header" in note or not valid, f"old: {old}")
    return verdicts


def _cert_url(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    allowed = hosts.is_certificate_url(given["cert_url"])
    return {"fetch_allowed": Verdict(allowed is expect.get("fetch_allowed"), allowed)}


def _verify_call(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    """The request that asks PayPal, and how its answer is read: the HTTP status says nothing."""
    event = '{"id":"WH-1",  "amount":"1.00"}'
    raw = verify_call.verify_body(dict.fromkeys(verify_call.VERIFY_FIELDS.values(), "x"), "W", event.encode())
    body = json.loads(raw)
    asked = f"/{verify_call.VERIFY}" == given["path"] and sorted(body) == sorted(given["fields"]) and event in raw
    return {"success": Verdict(asked and verify_call.is_verified(expect.get("success")), body), "failure": Verdict(asked and not verify_call.is_verified(expect.get("failure")), body),
            "http_status_of_both": Verdict(asked and expect.get("http_status_of_both") == 200 and not verify_call.is_verified({}), 200)}


KINDS = {"amount_text": _amount, "order_status": _order_status, "capture_status": _capture_status, "pending_reason": _capture_status, "refund_status": _refund_status, "error_issue": _error,
         "transport": _transport, "exchange": _exchange, "webhook": _webhook, "webhook_signature": _signature, "cert_url": _cert_url, "verify_call": _verify_call}
