"""Too much to do: refused at once, in the visitor's language; signs of life and sockets that are open stay."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.test import Client

from app import http_worker
from app.overload import LONGEST_WAIT, Busy, Seats, Shedding
from app.plugin_api.portal import portal_page

pytestmark = pytest.mark.sqlite_only


@pytest.fixture
def late():
    token = http_worker._waited.set(LONGEST_WAIT + 0.1)
    yield
    http_worker._waited.reset(token)


def test_what_waited_too_long_is_refused(app, late) -> None:
    site = Client(Shedding(app.wsgi_app, Busy(app)))
    refused = site.post("/portal/login", data={"number": "K1"}, headers={"Accept-Language": "pt-BR,pt;q=0.9"})
    assert refused.status_code == 503 and refused.headers["Retry-After"] == "5" and 'lang="pt-BR"' in refused.text and "Set-Cookie" not in refused.headers
    machine = site.get("/api/v1/customers", headers={"Accept": "application/json"})
    assert (machine.status_code, machine.content_type, machine.json["status"]) == (503, "application/problem+json", 503)
    assert site.get("/healthz", headers={"Host": "localhost"}).status_code == 200
    assert site.get("/portal/", headers={"Accept": "x" * 100_000, "Accept-Language": ";q=,,*\x00"}).status_code == 503


def test_in_time_it_goes_through(app) -> None:
    assert Client(Shedding(app.wsgi_app, Busy(app))).get("/portal/login", headers={"Host": "localhost"}).status_code == 200


def test_no_connection_to_the_database_is_busy_and_no_error(app, monkeypatch) -> None:
    def none_left() -> Any:
        raise NoConnection("QueuePool limit of size 8 overflow 2 reached")

    monkeypatch.setitem(app.view_functions, "portal.sign_in", portal_page("see")(none_left))
    app.view_functions["portal.sign_in"].__portal_public__ = True
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = app.test_client().get("/portal/login")
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "5" and "<h1>" in answer.text


def test_sockets_leave_threads_for_signs_of_life(app, monkeypatch) -> None:
    monkeypatch.setattr(http_worker, "_threads", 4)
    let_go, inside = threading.Event(), threading.Semaphore(0)

    def socket(environ: Any, start_response: Any) -> Any:
        inside.release()
        let_go.wait(30)
        start_response("200 OK", [])
        return [b""]

    seats = Client(Seats(socket, Busy(app)))
    held = [threading.Thread(target=seats.get, args=("/chat/socket",)) for _ in range(2)]
    for thread in held:
        thread.start()
    for _thread in held:
        assert inside.acquire(timeout=30)
    assert seats.get("/chat/socket").status_code == 503
    let_go.set()
    for thread in held:
        thread.join(30)
    assert seats.get("/chat/socket").status_code == 200


class Slow:
    """A connection as gunicorn's worker has it."""

    queued_at = 0.0


def test_the_worker_knows_how_long_a_request_waited(monkeypatch) -> None:
    worker, conn, seen = object.__new__(http_worker.Worker), Slow(), []
    monkeypatch.setattr(http_worker.ThreadWorker, "handle", lambda self, conn: seen.append(http_worker.waited()))
    conn.queued_at = time.monotonic() - 7
    worker.handle(conn)
    http_worker._waited.set(0.0)
    assert 7 <= seen[0] < 60
