"""sms_smpp against a message centre at the level of the protocol: parts, alphabets, refusals in words, receipts, broken lines."""

from __future__ import annotations

import logging
import ssl
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.core.db import db
from app.core.errors import InvalidInput
from app.plugin_api import Refused, SmsMessage, TryLater, Unknown
from app.system import sms_parts
from app.system.outbox import OutboxState
from app.system.settings import change_settings
from app.system.sms import deliver_sms, queue_sms
from app.system.sms_gateways import gateway_problems, gateways
from app.system.sms_models import Sms, SmsOutcome
from conformance.topics.soap.server import self_signed
from plugins.sms_smpp import gateway as smpp
from plugins.sms_smpp import session as sessions
from plugins.sms_smpp.codes import plain_id, read_receipt, same_id
from tests.sms.world import PHONES
from tests.support.smsc import Smsc, decode_gsm7, parameter

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def smsc(app: Flask) -> Iterator[Smsc]:
    centre = Smsc()
    change_settings({"sms.gateway": "smpp", "sms_smpp.host": "127.0.0.1", "sms_smpp.port": centre.port, "sms_smpp.tls": False, "sms_smpp.system_id": "nordfunk", "sms_smpp.password": "pw123",
                     "sms_smpp.per_second": 500})
    yield centre
    gateways()["smpp"].close()
    centre.stop()


def _send(text: str = "Hello", sender: str = "") -> Any:
    return gateways()["smpp"].send(SmsMessage("k", "+491714402110", text, sender))


def _row() -> Sms:
    db.session.rollback()
    db.session.expire_all()
    return db.session.query(Sms).one()


def test_short_and_long_messages(smsc: Smsc, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    assert gateway_problems() == []
    assert _send("Grüße {€}", "Nordfunk").ids == ("smsc1",) and smsc.binds == [("nordfunk", "pw123", 0x34)]
    one = smsc.submitted[0]
    assert (one.source, one.source_ton, one.source_npi, one.to, one.to_ton, one.esm, one.registered, one.coding) == ("Nordfunk", 5, 0, "491714402110", 1, 0, 1, 0)
    assert decode_gsm7(one.content) == "Grüße {€}"
    for text, coding, size in (("€" * 100, 0, 153), ("ã😀" * 60, 8, 134)):
        smsc.submitted.clear()
        receipt = _send(text, "+4940123456")
        parts = smsc.submitted
        assert receipt.parts == len(parts) == len(receipt.ids) == sms_parts.measure(text).parts > 1
        assert {part.coding for part in parts} == {coding} and all(part.esm & 0x40 and len(part.content) <= size + 6 for part in parts)
        headers = [part.header for part in parts]
        assert [h[1:] for h in headers] == [(len(parts), n) for n in range(1, len(parts) + 1)] and len({h[0] for h in headers}) == 1
        joined = [part.content[6:] for part in parts]
        assert "".join(decode_gsm7(p) if coding == 0 else p.decode("utf-16-be") for p in joined) == text
        assert (parts[0].source, parts[0].source_ton, parts[0].source_npi) == ("4940123456", 1, 1)
    assert len(smsc.binds) == 1 and "pw123" not in caplog.text and b"pw123".hex() not in caplog.text


@pytest.mark.parametrize(("status", "means", "words"), [(0x0B, Refused, "number of the recipient"), (0x0A, Refused, "sender is not allowed"), (0x58, TryLater, "Too many"), (0x14, TryLater, "queue"),
                                                        (0x64, TryLater, "cannot take"), (0x4FF, Refused, "0x4FF")])
def test_refusals_in_words(smsc: Smsc, status: int, means: type[Exception], words: str) -> None:
    smsc.statuses = [status]
    with pytest.raises(means, match=words):
        _send()
    assert _send().ids == ("smsc1",)        # the connection goes on


def test_a_lost_answer_is_unclear_and_the_next_one_connects_anew(smsc: Smsc) -> None:
    smsc.statuses = ["cut"]
    with pytest.raises(Unknown):
        _send()
    assert len(smsc.submitted) == 1 and _send() and len(smsc.binds) == 2


def test_silence(smsc: Smsc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions.Access.__init__, "__defaults__", ("", 0.2))
    smsc.statuses = ["silent"]
    with pytest.raises(Unknown):
        _send()


def test_parts_that_are_refused_halfway(smsc: Smsc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smpp, "PAUSE", 0)
    smsc.statuses = [0, 0x58, 0x58, 0]
    assert _send("a" * 200).parts == 2 and len(smsc.submitted) == 2            # throttled in the middle: offered again
    smsc.statuses = [0, 0x0B]
    with pytest.raises(Unknown, match="Only 1 of 2 parts"):
        _send("a" * 200)


def test_sign_in_that_is_refused_and_nobody_there(smsc: Smsc) -> None:
    smsc.password = "other"
    with pytest.raises(TryLater, match="password is wrong"):
        _send()
    smsc.bind_status = 0x0D
    with pytest.raises(TryLater, match="sign-in"):
        _send()
    smsc.stop()
    with pytest.raises(TryLater):
        _send()
    change_settings({"sms_smpp.host": "169.254.169.254"})
    with pytest.raises(TryLater, match="never contacted"):
        _send()


def test_tls_needs_trust(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = self_signed()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    centre = Smsc(tls=context)
    change_settings({"sms_smpp.host": "127.0.0.1", "sms_smpp.port": centre.port, "sms_smpp.system_id": "nordfunk", "sms_smpp.password": "pw123"})
    with pytest.raises(TryLater, match="secure connection"):
        _send()
    assert not centre.binds                         # no password went to a stranger
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    assert _send("ã" * 100).parts == 2 and centre.binds
    gateways()["smpp"].close()
    centre.stop()


def test_receipts(smsc: Smsc) -> None:
    queue_sms("k", "test", PHONES[0], "Hello")
    deliver_sms()
    assert _row().state is OutboxState.DONE and _row().outcome is None
    smsc.receipt("id:smsc1 sub:001 dlvrd:000 submit date:2611251700 done date:2611251700 stat:ENROUTE err:000 text:Hello")
    smsc.receipt("a reply of somebody id:smsc1 stat:UNDELIV", esm=0)
    last = smsc.receipt("id:smsc1 sub:001 dlvrd:001 submit date:2611251700 done date:2611251701 stat:DELIVRD err:000 text:id:other stat:UNDELIV")
    smsc.enquire()
    smsc.wait(lambda: (last, 0) in smsc.answers and (999, 0) in smsc.answers)
    assert _row().outcome is SmsOutcome.DELIVERED


def test_a_receipt_in_parameters_and_ids_of_another_kind(smsc: Smsc) -> None:
    smsc.ids = lambda n: "00FF"
    change_settings({"sms_smpp.receipt_ids": "hex"})
    queue_sms("k", "test", PHONES[0], "Hello")
    deliver_sms()
    last = smsc.receipt("", parameter(0x001E, b"0000000255\0") + parameter(0x0427, b"\x03"))
    smsc.wait(lambda: (last, 0) in smsc.answers)
    assert _row().outcome is SmsOutcome.EXPIRED


def test_a_receipt_that_cannot_be_stored_comes_again(smsc: Smsc, monkeypatch: pytest.MonkeyPatch) -> None:
    queue_sms("k", "test", PHONES[0], "Hello")
    deliver_sms()

    def broken(*_args: Any) -> int:
        raise OSError("the database is away")

    monkeypatch.setattr(smpp, "take_reports", broken)
    last = smsc.receipt("id:smsc1 stat:DELIVRD err:000")
    smsc.wait(lambda: (last, 0x64) in smsc.answers)
    monkeypatch.undo()
    last = smsc.receipt("id:smsc1 stat:DELIVRD err:000")
    smsc.wait(lambda: (last, 0) in smsc.answers)
    assert _row().outcome is SmsOutcome.DELIVERED


@pytest.mark.parametrize("octets", [struct.pack(">LLLL", 2**31, 4, 0, 1), struct.pack(">LLLL", 3, 4, 0, 1), struct.pack(">LLLL", 16, 0x1234, 0, 1), b"GET / HTTP/1.1\r\n\r\n" * 20])
def test_what_is_no_smpp_ends_the_connection_only(smsc: Smsc, octets: bytes) -> None:
    _send()
    smsc.raw(octets)
    gateway: Any = gateways()["smpp"]
    line = gateway._session
    line.reader.join(20)
    assert not line.alive and _send() and len(smsc.binds) == 2


def test_asked_for_reports_it_stays_connected(smsc: Smsc) -> None:
    gateway: Any = gateways()["smpp"]
    assert list(gateway.reports()) == [] and len(smsc.binds) == 1
    gateway._session._heard -= 60           # nothing was heard for a minute: it is asked first
    assert _send() and len(smsc.binds) == 1
    gateway.close()
    assert smsc.unbound == 1


@pytest.mark.parametrize(("key", "value"), [("host", "sms.example:2775/x"), ("port", 0), ("system_id", "x" * 16), ("password", "longer than eight"), ("system_id", "ü"), ("receipt_ids", "octal")])
def test_settings_that_are_refused(session: Any, key: str, value: Any) -> None:
    with pytest.raises(InvalidInput):
        change_settings({f"sms_smpp.{key}": value})


@given(st.text(max_size=200), st.text(max_size=10), st.none() | st.integers(0, 255))
def test_receipts_never_raise(text: str, ident: str, state: int | None) -> None:
    found = read_receipt(text, ident, state)
    assert found is None or found[1] in ("delivered", "failed", "expired", "unknown")
    for how in ("same", "hex", "decimal"):
        plain_id(same_id(ident, how), how)


@given(st.integers(1, 2**60))
def test_ids_meet(number: int) -> None:
    assert plain_id(f"{number:020d}", "hex") == same_id(f"{number:X}", "hex") and plain_id(f"{number:016X}", "decimal") == same_id(str(number), "decimal")
