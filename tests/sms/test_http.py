"""sms_http against a provider on this machine: what is sent, what each answer means, settings that are refused, reports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from app.core.db import db
from app.core.errors import InvalidInput
from app.plugin_api import Refused, SmsMessage, TryLater, Unknown
from app.system.outbox import OutboxState
from app.system.settings import change_settings
from app.system.sms import deliver_sms, queue_sms
from app.system.sms_gateways import gateway_problems, gateways
from app.system.sms_models import Sms, SmsOutcome
from plugins.sms_http.shapes import VALUES, at, fill_json, id_in, parse
from tests.sms.provider import Provider, running
from tests.sms.world import PHONES

pytestmark = pytest.mark.sqlite_only
SECRET = "callback-secret-0123456789"


@pytest.fixture
def provider(app: Flask) -> Iterator[Provider]:
    with running() as found:
        change_settings({"sms.gateway": "http", "sms_http.url": found.url, "sms_http.parameters": ["To={{to}}", "n={{number}}", "Body={{text}}", "From={{sender}}", "ref={{key}}", "cb={{callback}}"],
                         "sms_http.id_path": "messages.0.id", "sms_http.report_secret": SECRET})
        yield found


def _send(text: str = "Grüße & mehr") -> Any:
    return gateways()["http"].send(SmsMessage("key:1", "+491714402110", text, "Nordfunk"))


def test_forms_json_and_addresses(provider: Provider) -> None:
    assert gateway_problems() == []
    change_settings({"sms_http.auth": "basic", "sms_http.user": "me", "sms_http.secret": "s3cret"})
    assert _send().ids == ("m1",)
    method, path, headers, body = provider.asked[-1]
    assert (method, path) == ("POST", "/send") and headers["Authorization"] == "Basic bWU6czNjcmV0"
    assert parse_qs(body.decode()) == {"To": ["+491714402110"], "n": ["491714402110"], "Body": ["Grüße & mehr"], "From": ["Nordfunk"], "ref": ["key:1"],
                                       "cb": [f"http://localhost/hooks/sms_http/report/{SECRET}"]}
    change_settings({"sms_http.format": "query", "sms_http.auth": "bearer", "sms_http.url": provider.url + "?v=2"})
    _send("{{secret}}")
    method, path, headers, body = provider.asked[-1]
    assert method == "GET" and not body and parse_qs(urlsplit(path).query)["Body"] == ["{{secret}}"] and "v=2" in path and headers["Authorization"] == "Bearer s3cret"
    change_settings({"sms_http.format": "json", "sms_http.auth": "header", "sms_http.header": "X-Api-Key", "sms_http.json": '{"messages": [{"to": "{{to}}", "text": "{{text}}", "n": 1}]}'})
    _send('", "price": "0')
    _method, _path, headers, body = provider.asked[-1]
    assert json.loads(body) == {"messages": [{"to": "+491714402110", "text": '", "price": "0', "n": 1}]} and headers["X-Api-Key"] == "s3cret"


@pytest.mark.parametrize(("answer", "means"), [
    ((400, '{"error": "bad"}'), Refused), ((404, "x"), Refused), ((401, "who"), TryLater), ((403, "no"), TryLater), ((429, "slow"), TryLater), ((503, ""), TryLater), ((302, ""), TryLater),
    ((500, "oops"), Unknown), ((502, ""), Unknown), ("cut", Unknown), ((200, "x" * 300_000), Unknown)])
def test_what_an_answer_means(provider: Provider, answer: Any, means: type[Exception]) -> None:
    provider.answers = [answer]
    with pytest.raises(means):
        _send()
    assert len(provider.asked) == 1         # never repeated by itself, and a redirect is not followed


def test_refusals_with_status_200(provider: Provider) -> None:
    change_settings({"sms_http.ok_path": "messages.0.status", "sms_http.ok_values": ["0"], "sms_http.later_values": ["1"], "sms_http.error_path": "messages.0.why", "sms_http.auth": "bearer", "sms_http.secret": "tok123"})
    assert _send().ids == ("m1",)
    provider.answers = [(200, '{"messages": [{"status": 1}]}'), (200, '{"messages": [{"status": "6", "why": "No route, tok123\\n"}]}'), (200, "<html>"), (200, "[" * 5000)]
    with pytest.raises(TryLater):
        _send()
    with pytest.raises(Refused, match="No route, …") as error:
        _send()
    assert "tok123" not in str(error.value)
    for _answer in range(2):
        with pytest.raises(Unknown):
            _send()


def test_text_answers(provider: Provider) -> None:
    change_settings({"sms_http.id_path": "", "sms_http.id_text": "OK: {{id}}"})
    provider.answers = [(200, "OK: 77-x\n"), (200, "ERROR: no credit")]
    assert _send().ids == ("77-x",)
    with pytest.raises(Refused, match="no credit"):
        _send()


def test_nobody_there_and_forbidden_places(provider: Provider) -> None:
    change_settings({"sms_http.url": "http://127.0.0.1:9/x"})
    with pytest.raises(TryLater):
        _send()
    for url in ("http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::ffff:169.254.169.254]/"):
        change_settings({"sms_http.url": url})
        with pytest.raises(TryLater):
            _send()


@pytest.mark.parametrize(("key", "value"), [
    ("url", "ftp://x/y"), ("url", "https://user:pw@x/"), ("url", "https://x/{{to}}"), ("parameters", ["to"]), ("parameters", ["to={{password}}"]), ("json", "{"), ("json", '"{{to}}"'),
    ("json", '{"a": "{{nothing}}"}'), ("header", "Host"), ("header", "X: y"), ("id_path", "a..b"), ("id_path", "a.*"), ("id_text", "OK"), ("report_secret", "short"), ("auth", "magic")])
def test_settings_that_are_refused(session: Any, key: str, value: Any) -> None:
    with pytest.raises(InvalidInput):
        change_settings({f"sms_http.{key}": value})


def test_a_report_needs_the_secret(app: Flask, provider: Provider) -> None:
    queue_sms("k", "test", PHONES[0], "Hello")
    deliver_sms()
    http = app.test_client()
    form = {"id": "m1", "status": "DELIVERED"}
    for path in ("/hooks/sms_http/report", "/hooks/sms_http/report/wrong", f"/hooks/sms_http/report/{SECRET}x", "/hooks/sms_http/report/ü"):
        assert http.post(path, data=form).status_code == 404
    db.session.expire_all()
    assert db.session.query(Sms).one().outcome is None
    assert http.post(f"/hooks/sms_http/report/{SECRET}", data={"id": "m1", "status": "sent"}).json == {"taken": 0}      # on the way
    assert http.get("/hooks/sms_http/report", query_string=form, headers={"Authorization": f"Bearer {SECRET}"}).json == {"taken": 1}
    db.session.expire_all()
    assert db.session.query(Sms).one().outcome is SmsOutcome.DELIVERED
    change_settings({"sms_http.report_id": "results.id", "sms_http.report_state": "results.status"})
    answer = http.post(f"/hooks/sms_http/report/{SECRET}", json=[{"results": [{"id": "m9", "status": "Failed"}]}, {"results": 3}, None, "x"])
    assert answer.json == {"taken": 1}
    assert http.post(f"/hooks/sms_http/report/{SECRET}", data="{", content_type="application/json").json == {"taken": 0}
    change_settings({"sms_http.report_secret": ""})
    assert http.post("/hooks/sms_http/report/", data=form).status_code == 404 and http.post("/hooks/sms_http/report", data=form).status_code == 404


def test_what_is_missing_is_said_and_nothing_goes_out(app: Flask) -> None:
    change_settings({"sms.gateway": "http"})
    queue_sms("k", "test", PHONES[0], "Hello")
    assert len(gateway_problems()) == 2 and deliver_sms() == 0 and db.session.query(Sms).one().state is OutboxState.WAITING and clock.now()


@given(st.dictionaries(st.sampled_from(VALUES), st.text(max_size=30)))
def test_values_never_change_the_structure(values: dict[str, str]) -> None:
    made = json.loads(fill_json('{"a": ["{{to}} {{text}}"], "b": "{{sender}}"}', values))
    assert made == {"a": [f"{values.get('to', '')} {values.get('text', '')}"], "b": values.get("sender", "")}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
       st.lists(st.sampled_from(["a", "b", "0", "1", "9"]), min_size=1, max_size=4))
def test_paths_never_raise(data: Any, parts: list[str]) -> None:
    assert isinstance(at(data, ".".join(parts)), str)


@given(st.binary(max_size=60), st.text(max_size=60))
def test_answers_never_raise(content: bytes, text: str) -> None:
    parse(content)
    assert id_in(text, "OK {{id}};") == "" or text.strip().startswith("OK")
