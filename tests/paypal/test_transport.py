"""The transport against a server that answers late, wrongly, with pages, and never; and what may be called at all."""

from __future__ import annotations

import logging
from decimal import Decimal

import pytest
import requests

from app.core.db import transaction
from plugins.paypal import amounts, api, hosts, orders
from plugins.paypal.api import Client, PayPalError
from plugins.paypal.meaning import NOT_SENT, Step
from simulator.paypal import CLIENT_ID, SECRET

pytestmark = pytest.mark.sqlite_only


def client(stand_in, secret=SECRET):
    return Client(hosts.SIMULATOR, CLIENT_ID, secret)


def failed(work):
    with pytest.raises(PayPalError) as caught:
        work()
    return caught.value


def test_a_token_that_runs_out_is_fetched_once_more_and_one_that_is_never_good_ends_it(app, stand_in):
    talk = client(stand_in)
    assert orders.check(talk, "1JE4291016473214C", "http://localhost/hooks/paypal/webhook") == "" and orders.check(talk, "OTHER1234", "x") == "unknown"
    calls = stand_in.application.calls
    assert calls["POST /v1/oauth2/token"] == 1           # the second call had it already
    with transaction(), pytest.raises(RuntimeError):     # a mistake of ours: locks would be held while PayPal thinks
        orders.check(talk, "", "")
    stand_in.application.expire_tokens()
    orders.check(talk, "", "")
    assert calls["POST /v1/oauth2/token"] == 2
    stand_in.application.refuse_token = True
    error = failed(lambda: orders.check(talk, "", ""))
    assert error.status == 401 and calls["POST /v1/oauth2/token"] == 3 and not error.unclear
    wrong = failed(lambda: orders.check(client(stand_in, "wrong-secret"), "", ""))
    assert wrong.advice.step is Step.ADMIN and calls["POST /v1/oauth2/token"] == 4


def test_nothing_secret_is_logged_and_each_request_has_its_own_id(app, stand_in, caplog):
    caplog.set_level(logging.DEBUG)
    talk = client(stand_in)
    order = orders.NewOrder(Decimal("5.00"), "EUR", "own", "INV/1", "x", "y", "de-DE", "http://localhost/a", "http://localhost/b")
    made = orders.create(talk, order, "id-1")
    assert orders.create(talk, order, "id-1").id == made.id != orders.create(talk, order, "id-2").id
    assert SECRET not in caplog.text and "A21AA" not in caplog.text and "Basic" not in caplog.text
    assert [name for _path, name in stand_in.application.request_ids] == ["id-1", "id-1", "id-2"] and SECRET not in repr(talk)


ANSWERS = (
    (400, b"<html>Bad Request</html>", Step.BUG, False), (500, b"<html>", Step.AGAIN, True), (503, b"", Step.AGAIN, True), (429, b"{}", Step.LATER, False), (302, b"", Step.REFUSE, False),
    (200, b"<html>all well</html>", Step.ASK, True), (200, b'{"id": "../../etc"}', Step.ASK, True), (200, b"[" * 100_000, Step.ASK, True), (200, b"x" * 2_000_000, Step.ASK, True),
    (422, b'{"details": [{"issue": "INSTRUMENT_DECLINED"}]}', Step.TO_PAYER, False), (422, b'{"details": "x"}', Step.REFUSE, False), (404, b"", Step.OVER, False))


def test_what_an_answer_means(app, stand_in, monkeypatch):
    talk = client(stand_in)
    for status, body, step, unclear in ANSWERS:
        monkeypatch.setattr(stand_in.application, "_api", lambda *_args, status=status, body=body: (status, "text/html", body, [("Location", "http://169.254.169.254/")]))
        error = failed(lambda: orders.get_order(talk, "5O190127TN364715T"))
        assert error.advice.step is step and error.unclear is unclear, (status, body[:40])


def test_no_connection_is_no_answer_lost(app, stand_in, monkeypatch):
    talk = client(stand_in)
    monkeypatch.setattr(api, "READ_SECONDS", 0.05)
    talk._token()

    def slow(*_args, **_named):
        raise requests.exceptions.ReadTimeout

    stand_in.application.lose = 1
    order = orders.NewOrder(Decimal("5.00"), "EUR", "own", "INV/1", "x", "y", "de-DE", "http://localhost/a", "http://localhost/b")
    assert failed(lambda: orders.create(talk, order, "id-1")).unclear
    monkeypatch.setattr(talk.session, "request", slow)
    assert failed(lambda: orders.get_order(talk, "X1")).unclear
    monkeypatch.undo()
    stand_in.stop()
    talk.session.close()
    error = failed(lambda: orders.get_order(talk, "X1"))
    assert error.advice is NOT_SENT and not error.unclear


def test_only_paypals_addresses(app, stand_in):
    for url in ("https://www.paypal.com.evil.example/x", "https://www.paypal.com@evil.example/", "http://www.paypal.com/checkoutnow", "https://www.paypal.com:8443/x", "https://www.paypal.com\\@evil", "javascript:alert(1)",
                "//www.paypal.com/x", "https://www.paypal.com/x#y", "https://www.sandbox.paypal.com/checkoutnow", ""):
        assert not hosts.is_payer_page(url, hosts.LIVE), url
    assert hosts.is_payer_page("https://www.paypal.com/checkoutnow?token=1", hosts.LIVE)
    for url in ("https://api.paypal.com/v1/notifications/certs/../../x", "https://api.paypal.com/v1/notifications/certs/C?x=1", "http://api.paypal.com/v1/notifications/certs/C", "https://API.paypal.com.evil/v1/notifications/certs/C",
                f"{stand_in.url}/v1/notifications/certs/C"):
        assert not hosts.is_certificate_url(url, hosts.LIVE) and not hosts.is_certificate_url(url), url
    app.config.update(TESTING=False, DEMO=False)        # the stand-in is never believed in production
    assert hosts.simulator_url() == "" and not hosts.is_payer_page(f"{stand_in.url}/checkoutnow", hosts.SIMULATOR) and hosts.SIMULATOR not in hosts.modes() and not api.configured()


@pytest.mark.parametrize("text", ["1e3", "NaN", "Infinity", "1.005", "", ".", "1,00", "٣", "0x1", "--1", "1" * 40])
def test_amounts_that_are_none(text):
    with pytest.raises(ValueError):
        amounts.read({"value": text, "currency_code": "EUR"})
