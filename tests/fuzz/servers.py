"""What other systems answer or send: PTT servers, PayPal, message centres."""

from __future__ import annotations

import json
import struct
import types

from smpplib import smpp

from app.plugin_api.network import Answer
from plugins.paypal import events, hooks, signature
from plugins.paypal.orders import Unreadable
from plugins.ptt_soap import client, states
from plugins.ptt_soap.faults import classify, read_fault
from plugins.ptt_soap.profile import load_profiles
from plugins.ptt_soap.wsdl import BadXml, inspect
from plugins.sms_http import hook as sms_hook
from plugins.sms_smpp import gateway as smpp_gateway
from tests.fuzz.target import Target, storable

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
KINDS = ("text/xml; charset=utf-8", "text/xml; charset=utf-16", "application/soap+xml", 'multipart/related; boundary="b"; type="application/xop+xml"', "text/html", "")


def envelope(body: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def answers(data: bytes) -> None:
    """The first byte chooses the Content-Type."""
    body = client._body(Answer(200, {"Content-Type": KINDS[data[0] % len(KINDS)] if data else ""}, data[1:]))
    if body is None:
        return
    if (fault := read_fault(body, ("s3cret",))) is not None:
        assert "s3cret" not in fault.text
        classify(fault, {})
    for node in body.iter():
        if isinstance(node.tag, str):
            for profile in load_profiles().values():
                storable((states.read_user(profile, node), states.read_group(profile, node)))


def answer_seeds() -> list[bytes]:
    user = "<r><name>user1</name><alias>Wagen 1</alias><enabled>true</enabled><services>a</services></r>"
    fault = "<s:Fault><faultcode>s:Server</faultcode><faultstring>no such user s3cret</faultstring><detail><NoSuchUser/></detail></s:Fault>"
    part = b"--b\r\nContent-Type: application/xop+xml\r\n\r\n" + envelope(user) + b"\r\n--b--\r\n"
    return [b"\0" + envelope(user), b"\0" + envelope(fault), b"\2" + envelope(fault.replace("faultcode", "Code")), b"\3" + part]


def wsdl_seeds() -> list[bytes]:
    return [b"<definitions xmlns='http://schemas.xmlsoap.org/wsdl/' xmlns:s='http://schemas.xmlsoap.org/wsdl/soap/' targetNamespace='urn:x'><import location='http://h/x.wsdl'/>"
            b"<portType name='p'><operation name='lockUser'><input message='x'/><fault name='f'/></operation></portType>"
            b"<binding name='b' type='p'><s:binding style='rpc' transport='http://schemas.xmlsoap.org/soap/http'/><operation name='lockUser'><input><s:body use='encoded'/></input></operation></binding>"
            b"<service name='v'><port name='q' binding='b'><s:address location='http://h/'/></port></service></definitions>"]


def webhooks(data: bytes) -> None:
    """A line with the time that its header says, then the body."""
    when, _line, body = data.partition(b"\n")
    headers = {"PAYPAL-TRANSMISSION-TIME": when.decode("latin-1"), "PAYPAL-TRANSMISSION-ID": when.decode("latin-1")}
    signature.is_old(headers)
    signature.signed_text(headers, "W1", body)
    told = events.read(hooks.event_of(body))
    storable(told)
    assert told.step


def webhook_seeds() -> list[bytes]:
    amount = {"currency_code": "EUR", "value": "5.00"}
    links = [{"rel": "up", "href": "https://api.paypal.com/v2/payments/captures/CAP123"}]
    made = [
        {"id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {"id": "CAP123", "status": "COMPLETED", "amount": amount, "custom_id": "x", "create_time": "2026-11-20T10:00:00Z",
                                                                                "seller_receivable_breakdown": {"paypal_fee": amount}, "supplementary_data": {"related_ids": {"order_id": "ORD1"}}}},
        {"id": "WH-2", "event_type": "PAYMENT.CAPTURE.REFUNDED", "resource": {"id": "REF1", "status": "COMPLETED", "amount": amount, "links": links}},
        {"id": "WH-3", "event_type": "PAYMENT.CAPTURE.REVERSED", "resource": {"id": "CAP123", "amount": amount}},
        {"id": "WH-4", "event_type": "CHECKOUT.ORDER.APPROVED", "resource": {"id": "ORD1"}},
        {"id": "WH-5", "event_type": "CUSTOMER.DISPUTE.RESOLVED", "resource": {"dispute_id": "PP-D-1", "status": "RESOLVED", "reason": "x", "disputed_transactions": [{"seller_transaction_id": "CAP123"}],
                                                                                "dispute_outcome": {"outcome_code": "RESOLVED_BUYER_FAVOUR"}}},
    ]
    return [b"2026-11-20T10:00:00Z\n" + json.dumps(one).encode() for one in made]


def receipts(data: bytes) -> None:
    """What smpplib makes of octets is its own matter, and ends the connection at worst; what it hands over is ours."""
    try:
        pdu = smpp.parse_pdu(data[:65536], client=types.SimpleNamespace(sequence=1, next_sequence=lambda: 1), allow_unknown_opt_params=True)
    except Exception:
        return
    for how in ("same", "hex", "decimal"):
        storable(smpp_gateway.report_of(pdu, how))


def receipt_seeds() -> list[bytes]:
    text = b"id:0A1B2C sub:001 dlvrd:001 submit date:2611201000 done date:2611201001 stat:UNDELIV err:011 text:Hallo"
    body = b"\0\1\1491701\0\1\1pt\0\4\0\0\0\0\0\0\0\0" + bytes([len(text)]) + text
    more = struct.pack(">HH", 0x1E, 7) + b"0A1B2C\0" + struct.pack(">HHB", 0x427, 1, 2)
    return [struct.pack(">IIII", 16 + len(part), 5, 0, 7) + part for part in (body, body + more)]


def reports(data: bytes) -> None:
    storable(sms_hook.reports_of(sms_hook.parse(data)))


TARGETS = {
    "soap_answers": Target(answers, answer_seeds, refused=(BadXml,), words=(b"<s:Fault>", b"<faultstring>", b"<detail>", b"<users>", b"<groups>", b"<members>", b"xsi:nil='true'", b"<!DOCTYPE", b"--b\r\n", b"Content-Transfer-Encoding: base64\r\n")),
    "wsdl": Target(lambda data: storable(inspect(data)), wsdl_seeds, refused=(BadXml,), words=(b"<operation name='", b"<fault name='", b"<import ", b"<schema ", b"schemaLocation='", b"style='document'")),
    "paypal_webhooks": Target(webhooks, webhook_seeds, refused=(Unreadable, ValueError, RecursionError), words=(b"PAYMENT.CAPTURE.DENIED", b"PAYMENT.CAPTURE.PENDING", b"\"value\": \"1e9\"", b"JPY", b"\"amount\": null", b"\\ud800", b"\\u0000", b"-0.00")),
    "smpp_receipts": Target(receipts, receipt_seeds, words=(b"id:", b"stat:DELIVRD", b"err:", b"text:", b"\x04\x27\x00\x01", b"\x00\x1e", b"\x04\x24"), longest=4000),
    "sms_reports": Target(reports, lambda: [b'{"id": "abc", "status": "delivered", "reason": "x"}', b'[{"id": 12, "state": "failed"}, {"id": "\\u0000", "status": "expired"}]'],
                          words=(b"\"id\":", b"\"status\":", b"\"delivered\"", b"\\u0000", b"\\ud800"), longest=4000),
}
