"""The SMS outbox: each failure of a gateway, reports in any order, limits, killed workers, staff's decisions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.housekeeping.invariants import broken
from app.plugin_api import Refused, SmsReport, TryLater, Unknown
from app.system import sms as outbox
from app.system.outbox import OutboxState
from app.system.settings import change_settings
from app.system.sms_models import Sms, SmsOutcome, SmsPart
from app.system.sms_reports import adopt, close_reports, take_reports
from tests.faults.steps import Counter, Died, Rewinder
from tests.sms.world import PHONES, gateway

HOUR = timedelta(hours=1)


def _queue(n: int = 1, **fields: object) -> None:
    for number in range(n):
        assert outbox.queue_sms(f"test:{number}:{fields.get('license_id')}", "test", PHONES[number], f"Hello {number}", **fields)     # type: ignore[arg-type]


def _rows() -> list[Sms]:
    db.session.expire_all()
    return list(db.session.query(Sms).order_by(Sms.id))


def test_once_and_in_order(session: object) -> None:
    told = gateway()
    _queue(3, license_id=7)
    assert not outbox.queue_sms("test:0:7", "test", PHONES[0], "Hello again")
    assert outbox.sms_is_due() and outbox.deliver_sms() == 3 and outbox.deliver_sms() == 0
    assert [message.text for message in told.sent] == ["Hello 0", "Hello 1", "Hello 2"] and [message.key for message in told.sent] == ["test:0:7", "test:1:7", "test:2:7"]
    assert {row.state for row in _rows()} == {OutboxState.DONE} and {row.gateway for row in _rows()} == {"told"}


def test_failures(session: object) -> None:
    told = gateway()
    _queue(4)
    told.raises = [Refused("no such number"), Unknown("the answer was lost"), TryLater("full"), None]
    outbox.deliver_sms()
    rows = _rows()
    assert [row.state for row in rows] == [OutboxState.HELD, OutboxState.UNSURE, OutboxState.WAITING, OutboxState.WAITING]
    assert [row.error for row in rows] == ["no such number", "the answer was lost", "full", ""] and [row.attempts for row in rows] == [1, 1, 1, 0]
    told.raises = []
    with clock.frozen(clock.now() + HOUR):
        outbox.deliver_sms()
        assert len(told.sent) == 2                      # neither the refused nor the unclear one goes by itself
        outbox.retry_sms(rows[0].id)
        outbox.give_up_sms(rows[1].id)
        with pytest.raises(InvalidInput):
            outbox.give_up_sms(rows[2].id)              # it was sent
        outbox.deliver_sms()
    assert [row.state for row in _rows()] == [OutboxState.DONE, OutboxState.CANCELLED, OutboxState.DONE, OutboxState.DONE]


def test_a_fault_of_the_plugin_is_unclear(session: object) -> None:
    told = gateway()
    _queue()
    told.raises = [KeyError("oops")]
    outbox.deliver_sms()
    assert _rows()[0].state is OutboxState.UNSURE and "KeyError" in _rows()[0].error


def test_a_killed_worker_leaves_it_unclear(session: object) -> None:
    told = gateway()
    _queue(license_id=3)
    told.raises = [KeyboardInterrupt()]     # type: ignore[list-item]
    with pytest.raises(KeyboardInterrupt):
        outbox.deliver_sms()
    assert _rows()[0].state is OutboxState.CLAIMED and outbox.deliver_sms() == 0
    with clock.frozen(clock.now() + HOUR):
        outbox.deliver_sms()
    assert _rows()[0].state is OutboxState.UNSURE and not told.sent


def test_nothing_goes_out_while_held_or_without_a_gateway(session: object) -> None:
    told = gateway()
    _queue()
    change_settings({"system.hold_outgoing": True})
    assert outbox.deliver_sms() == 0
    change_settings({"system.hold_outgoing": False, "sms.gateway": ""})
    assert outbox.deliver_sms() == 0 and not outbox.sms_is_due()
    change_settings({"sms.gateway": "demo"})
    assert outbox.deliver_sms() == 1 and not told.sent and _rows()[0].gateway == "demo"


@pytest.mark.parametrize(("number", "words"), [("", "no phone number"), ("+49171", "does not exist"), ("0171 4402110", "not a phone number"), ("+4940123456", "mobile"), ("+393471234567", "country")])
def test_numbers(session: object, number: str, words: str) -> None:
    gateway()
    change_settings({"sms.countries": ["DE"]})
    with pytest.raises(InvalidInput, match=words):
        outbox.queue_sms("k", "test", number, "Hello")
    assert not _rows()


def test_limits_of_a_day(session: object) -> None:
    gateway()
    change_settings({"sms.per_license_day": 2, "sms.per_customer_day": 3})
    _queue(2, license_id=1, customer_id=9)
    with pytest.raises(InvalidInput, match="limit of a day"):
        outbox.queue_sms("x", "test", PHONES[0], "Hello", license_id=1, customer_id=9)
    assert outbox.queue_sms("y", "test", PHONES[0], "Hello", license_id=2, customer_id=9)
    with pytest.raises(InvalidInput, match="for this customer"):
        outbox.queue_sms("z", "test", PHONES[0], "Hello", license_id=3, customer_id=9)
    outbox.give_up_sms(_rows()[0].id)
    assert outbox.queue_sms("x", "test", PHONES[0], "Hello", license_id=1, customer_id=9)
    with clock.frozen(clock.now() + timedelta(days=1)):
        assert outbox.queue_sms("z", "test", PHONES[0], "Hello", license_id=1, customer_id=9)


def test_text_that_is_too_long_or_empty(session: object) -> None:
    gateway()
    for text in ("", "a" * 1000):
        with pytest.raises(InvalidInput):
            outbox.queue_sms("k", "test", PHONES[0], text)


def test_secrets_and_expiry(session: object) -> None:
    told = gateway()
    until = clock.now() + HOUR
    for n in range(2):
        outbox.queue_sms(f"s{n}", "test", PHONES[0], "Look: {{link}}", sealed={"link": "https://x/secret"}, expires_at=until, license_id=n)
    told.raises = [None, TryLater("full")]
    outbox.deliver_sms()
    first, second = _rows()
    assert told.sent[0].text == "Look: https://x/secret" and first.sealed is None and "secret" not in first.text and second.sealed
    with clock.frozen(until + HOUR):
        outbox.deliver_sms()
        assert _rows()[1].state is OutboxState.HELD and len(told.sent) == 1 and _rows()[1].sealed is None
        with pytest.raises(InvalidInput):
            outbox.retry_sms(second.id)


def test_reports_in_any_order(session: object) -> None:
    told = gateway()
    _queue(3)
    now = clock.now()
    assert take_reports("told", [SmsReport("id1", "delivered", now)]) == 1             # faster than the answer
    outbox.deliver_sms()
    assert _rows()[0].outcome is SmsOutcome.DELIVERED
    told.waiting = [SmsReport("id2", "failed", now, "absent"), SmsReport("nobody", "delivered", now), SmsReport("id3", "strange", now), SmsReport("", "failed", now)]
    with clock.frozen(now + timedelta(minutes=1)):
        assert outbox.sms_is_due()
        outbox.deliver_sms()
    assert [row.outcome for row in _rows()] == [SmsOutcome.DELIVERED, SmsOutcome.FAILED, SmsOutcome.UNKNOWN] and _rows()[1].outcome_reason == "absent"
    assert take_reports("told", [SmsReport("id1", "failed", now), SmsReport("id2", "failed", now, "absent")]) == 0      # what is final stays
    assert take_reports("told", [SmsReport("id3", "delivered", now)]) == 1 and _rows()[2].outcome is SmsOutcome.DELIVERED
    assert take_reports("other", [SmsReport("id2", "delivered", now)]) == 1 and _rows()[1].outcome is SmsOutcome.FAILED     # another gateway's id


def test_a_message_is_delivered_when_all_its_parts_are(session: object) -> None:
    gateway()
    _queue()
    ident, now = _rows()[0].id, clock.now()
    with transaction():
        adopt(ident, "told", ["a", "b", "a", " "])
    take_reports("told", [SmsReport("a", "delivered", now)])
    assert _rows()[0].outcome is None
    take_reports("told", [SmsReport("b", "delivered", now)])
    assert _rows()[0].outcome is SmsOutcome.DELIVERED
    with transaction():                     # the gateway counts its ids anew
        adopt(ident, "told", ["a"])
        session_part = db.session.query(SmsPart).filter_by(gateway_id="a").one()
        assert session_part.sms_id == ident


def test_silence_is_told(session: object) -> None:
    gateway()
    _queue(2)
    outbox.deliver_sms()
    take_reports("told", [SmsReport("id1", "delivered", clock.now()), SmsReport("stray", "failed", clock.now())])
    assert close_reports() == (0, 0)
    with clock.frozen(clock.now() + timedelta(days=8)):
        assert close_reports() == (1, 1) and close_reports() == (0, 0)
    assert [row.outcome for row in _rows()] == [SmsOutcome.DELIVERED, SmsOutcome.UNKNOWN]


@pytest.mark.sqlite_only
def test_broken_off_at_every_statement_none_goes_twice(app: Flask, tmp_path: Path) -> None:
    """A worker that dies anywhere: what it may have handed over is unclear, everything else is sent once."""
    told = gateway()
    for number in range(3):
        outbox.queue_sms(f"s{number}", "test", PHONES[number], "Look: {{link}}", sealed={"link": f"https://x/{number}"}, license_id=number)
    now, kept = clock.now(), Rewinder(app, tmp_path)
    for point in range(1, 200):
        kept.back()
        told.sent.clear()
        counter = Counter(point)
        with clock.frozen(now + HOUR):
            try:
                with counter.counting():
                    outbox.deliver_sms()
            except Died:
                db.session.remove()
            ended = counter.seen < point
        with clock.frozen(now + 2 * HOUR):
            outbox.deliver_sms()
            keys = [message.key for message in told.sent]
            assert len(keys) == len(set(keys)), f"at {point}: {keys}"
            for row in _rows():
                assert row.state in (OutboxState.DONE, OutboxState.UNSURE) and (row.state is OutboxState.UNSURE or row.key in keys), f"at {point}: {row.key} {row.state}"
                assert row.state is OutboxState.UNSURE or row.sealed is None
            assert not broken(slow=False), point
        if ended:
            assert {row.state for row in _rows()} == {OutboxState.DONE} and point > 10
            return
    raise AssertionError("it never came to an end")
