"""Protocol and e-mails as a file: filtered like the list, harmless for spreadsheets, within the reader's rows."""

from __future__ import annotations

import csv
import io

import pytest
from werkzeug.test import EnvironBuilder

from app.admin import record_export
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.system.mail import queue_mail
from app.system.models import ProtocolKind
from app.system.protocol import record

pytestmark = pytest.mark.sqlite_only        # the queries beneath run on both in the tests of their services and lists


def note(subject: str, **more) -> None:
    with acting(Actor("staff", "clerk", None, origin="10.0.0.9")), transaction():
        record(ProtocolKind.CUSTOMER, "changed", subject_type="customer", subject=subject, **more)


def rows(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200 and answer.headers["Content-Disposition"].startswith("attachment") and answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";"))


def test_the_protocol_with_old_and_new(admin):
    note("Nordfunk", customer_id=7, changes={"city": ["Kiel", "Bonn"], "iban": [None, "x"]}, note="moved")
    found = rows(admin.get("/admin/protocol/export?kind=customer"))
    assert len(found) == 1 and list(found[0].values())[2:9] == ["changed", "customer", "Nordfunk", "7", "city: Kiel → Bonn; iban:  → x", "moved", "clerk"]
    page = admin.get("/admin/protocol/list/?kind=customer").text
    assert "/admin/protocol/export?kind=customer" in page and "<del>Kiel</del> → <ins>Bonn</ins>" in page


def test_it_goes_on_after_the_requests_session_was_closed(app, admin):
    """A server reads the answer when the request is over."""
    note("Nordfunk")
    cookie = admin.http.get_cookie(app.config["SESSION_COOKIE_NAME"])
    environ = EnvironBuilder(path="/admin/protocol/export", query_string="kind=customer", headers={"Cookie": f"{cookie.key}={cookie.value}"}).get_environ()
    told = []
    chunks = app.wsgi_app(environ, lambda status, headers, *rest: told.append(status))
    db.session.remove()
    assert told == ["200 OK"] and "Nordfunk" in b"".join(chunks).decode()


def test_the_same_filters_as_the_list(admin):
    note("Nordfunk")
    note("Südfunk")
    assert [row["Entry"] for row in rows(admin.get("/admin/protocol/export?kind=customer&q=nord"))] == ["Nordfunk"]
    assert rows(admin.get("/admin/protocol/export?kind=customer&actor_name=somebody")) == []


def test_no_cell_becomes_a_formula(admin):
    for text in ("=1+1", "+49", "-2", "@SUM(A1)", "\t=1", '=HYPERLINK("http://evil")'):
        note(text)
    for row in rows(admin.get("/admin/protocol/export?kind=customer")):
        assert row["Entry"][0] == "'"


def test_many_rows_come_in_steps_each_once(admin, monkeypatch):
    monkeypatch.setattr(record_export, "STEP", 3)
    for number in range(10):
        note(f"n{number}")
    found = [row["Entry"] for row in rows(admin.get("/admin/protocol/export?kind=customer"))]
    assert found == [f"n{number}" for number in range(9, -1, -1)]
    monkeypatch.setattr(record_export, "MOST", 6)
    assert "Filter by time" in next(iter(rows(admin.get("/admin/protocol/export?kind=customer"))[-1].values()))


def test_mails_and_the_export_is_written_down(admin):
    with transaction():
        queue_mail("k", "test", "a@example.org", "=Subject", "text")
    assert next(iter(rows(admin.get("/admin/mails/export"))))["Subject"] == "'=Subject"
    assert any("state=" in row["Note"] or row["What happened"] == "exported" for row in rows(admin.get("/admin/protocol/export?kind=security")))


def test_only_who_may_list(desk):
    assert desk("Sales").get("/admin/protocol/export").status_code == 403
    assert desk("Billing").get("/admin/protocol/export").status_code == 200
