"""Lists of an external billing system: seen first, taken in once, a result for each line."""

import io
import json
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from sqlalchemy import func, select

from app.core.db import db, transaction
from app.core.errors import DomainError, InvalidInput
from app.customers.locks import LockReason
from app.exchange import lock_imports
from app.exchange.lock_files import MOST_BYTES, read_lines
from app.exchange.models import ImportState, LineState, LockImport, LockLine
from app.licenses.models import License, LicenseState
from app.system.job_runs import approve, execute
from app.system.models import JobRun
from app.system.models import RunState as JobState
from tests import factories as make
from tests.admin.staff import Desk, add_user

DAY = date(2026, 11, 2)


@pytest.fixture
def licenses(app):
    tariff = make.tariff()
    customer = make.customer(tariff, server=make.server())
    return [make.license(customer, tariff, DAY) for _n in range(3)]


def lines(row):
    db.session.expire_all()
    return [(line.number, line.state.value, line.reason) for line in db.session.scalars(select(LockLine).where(LockLine.import_id == row.id).order_by(LockLine.number))]


def work(row):
    lock_imports.take(row)
    execute(db.session.scalar(select(JobRun.id).order_by(JobRun.id.desc())))
    db.session.expire_all()


def reasons(license):
    return db.session.scalar(select(License.lock_reasons).where(License.id == license.id))


def test_a_list_is_seen_then_taken_in_once(licenses):
    one, two, three = licenses
    data = f"user_name;action;note\n{one.user_name};lock;unpaid there\n{two.user_name};unlock;\n{three.id};lock;\nnobody;lock;\n{one.user_name};unlock;\n{two.user_name};perhaps;\n".encode()
    row = lock_imports.look("locks.csv", data)
    assert [reason[:7] for _n, state, reason in lines(row) if state == "wrong"] == ["There i", "There i", "Line 2 ", "“perhap"]
    assert reasons(one) == 0 and lock_imports.figures(db.session(), row.id) == {"waiting": 2, "changed": 0, "unchanged": 0, "wrong": 4, "lock": 1, "unlock": 1}
    work(row)
    assert reasons(one) == LockReason.EXTERNAL and reasons(two) == 0
    assert [state for _n, state, _r in lines(row)] == ["changed", "unchanged", "wrong", "wrong", "wrong", "wrong"] and row.state is ImportState.DONE
    with pytest.raises(InvalidInput, match="already"):
        lock_imports.take(row)
    with pytest.raises(InvalidInput, match="taken in on"):
        lock_imports.look("other name.csv", data)
    again = lock_imports.look("locks.csv", data, "They asked for it.")
    assert again.repeats_id == row.id
    lock_imports.put_aside(again)
    with pytest.raises(InvalidInput):
        lock_imports.put_aside(row)


def test_an_external_lock_stays_beside_others(licenses):
    one = licenses[0]
    from app.licenses.locks import lock_license

    lock_license(one, LockReason.MANUAL, "by staff")
    work(lock_imports.look("a.json", json.dumps([{"license_id": one.id, "action": "lock"}]).encode()))
    assert reasons(one) == LockReason.EXTERNAL | LockReason.MANUAL
    work(lock_imports.look("b.json", json.dumps({"licenses": [{"license_id": one.id, "action": "unlock"}]}).encode()))
    assert reasons(one) == LockReason.MANUAL


def test_a_worker_that_was_killed_goes_on(licenses, monkeypatch):
    row = lock_imports.look("a.csv", "\n".join(["user_name", *(license.user_name for license in licenses)]).encode())
    real, calls = lock_imports._one, []

    def killed(key, name):
        if len(calls) == 1:
            raise KeyboardInterrupt
        calls.append(key)
        return real(key, name)

    monkeypatch.setattr(lock_imports, "_one", killed)
    lock_imports.take(row)
    run_id = db.session.scalar(select(JobRun.id).order_by(JobRun.id.desc()))
    with pytest.raises(KeyboardInterrupt):
        execute(run_id)
    monkeypatch.undo()
    db.session.rollback()
    from datetime import timedelta

    from app.core import clock

    with clock.frozen(clock.now() + timedelta(hours=1)):
        execute(run_id)
    assert [state for _n, state, _r in lines(row)] == ["changed"] * 3
    periods = db.session.scalar(select(func.count()).select_from(License).where(License.lock_reasons == LockReason.EXTERNAL))
    assert periods == 3


def test_a_list_that_locks_too_much_waits_for_a_person(app):
    tariff = make.tariff()
    customer = make.customer(tariff, server=make.server())
    names = [make.license(customer, tariff, DAY).user_name for _n in range(22)]
    row = lock_imports.look("a.csv", "\n".join(["user", *names]).encode())
    work(row)
    run = db.session.scalars(select(JobRun).order_by(JobRun.id.desc()).limit(1)).one()
    assert run.state is JobState.HELD and "22" in run.held_because
    approve(run.id, "admin")
    execute(run.id)
    assert {state for _n, state, _r in lines(row)} == {"changed"}


def test_a_license_deleted_meanwhile_is_told(licenses):
    row = lock_imports.look("a.csv", f"user_name\n{licenses[0].user_name}\n".encode())
    with transaction() as session:
        session.get(License, licenses[0].id).state = LicenseState.DELETED
    work(row)
    assert [state for _n, state, _r in lines(row)] == ["wrong"]


def book(rows):
    workbook, out = Workbook(), io.BytesIO()
    for row in rows:
        workbook.active.append(row)
    workbook.save(out)
    return out.getvalue()


@pytest.mark.parametrize("data", [
    "Benutzername\tAktion\nanna\tsperren\nbert\tentsperren\n".encode("utf-16"), b"benutzer,status\nanna,gesperrt\nbert,frei\n", "\ufeffuser_name;action\r\nanna;1\r\nbert;0\r\n\r\n".encode(),
    "Usuário;Ação\nanna;bloquear\nbert;desbloquear\n".encode("cp1252"), book([["user_name", "action"], ["anna", "lock"], ["bert", "unlock"]]),
    json.dumps([{"user_name": "anna", "action": "lock"}, {"user_name": "bert", "action": "unlock"}]).encode()])
def test_files_of_all_kinds(data):
    assert [(line.user_name, line.lock, line.problem) for line in read_lines("x", data)] == [("anna", True, ""), ("bert", False, "")]


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b" " * 210_000_000)
    return out.getvalue()


@pytest.mark.parametrize("data", [b"", b"   \n", b"a;b\n1;2\n", b"user_name\n", b"[1, 2]", b"{", b"PK\x03\x04broken", b"\x00\x01\x02\x03" * 10, b"x" * (MOST_BYTES + 1), bomb(), b"[" * 100_000,
                                  b'user_name\n"' + b"x" * 200_000])
def test_a_bad_file_is_refused(data):
    with pytest.raises(InvalidInput):
        read_lines("x.csv", data)


def test_a_refused_file_changes_nothing(app):
    with pytest.raises(InvalidInput):
        lock_imports.look("x.csv", b"user_name\n")
    assert db.session.scalar(select(func.count()).select_from(LockImport)) == 0


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode) | st.lists(st.lists(st.text(max_size=8), max_size=4), max_size=5).map(lambda rows: "\n".join(";".join(row) for row in rows).encode()))
def test_any_bytes_give_lines_or_a_message(data):
    try:
        assert all(line.number > 0 for line in read_lines("x", data))
    except DomainError:
        pass


def test_pages(app, licenses):
    add_user(app, "sue", "Support")
    add_user(app, "leo", "Read only")
    desk, reader = Desk(app, "sue"), Desk(app, "leo")
    data = f"user_name;action\n{licenses[0].user_name};lock\nnobody;lock\n".encode()
    answer = desk.post("/admin/lock-lists/add", {"file": (io.BytesIO(data), "../l<ist>.csv")})
    assert answer.status_code == 303, answer.text[-2000:]
    row = db.session.scalars(select(LockImport)).one()
    page = desk.get(f"/admin/lock-lists/show/{row.id}")
    assert page.status_code == 200 and "Nothing was done yet" in page.text and "There is no such license" in page.text and "<ist>" not in page.text
    assert reader.post(f"/admin/lock-lists/action/take/{row.id}").status_code == 403
    assert desk.post(f"/admin/lock-lists/action/take/{row.id}").status_code == 303
    execute(db.session.scalar(select(JobRun.id).order_by(JobRun.id.desc())))
    assert reasons(licenses[0]) == LockReason.EXTERNAL
    report = desk.get(f"/admin/lock-lists/report/{row.id}").data.decode("utf-8-sig").splitlines()
    assert report[0] == "line;named;action;result;reason" and report[1].endswith(";lock;changed;") and "wrong" in report[2]
    refused = desk.post("/admin/lock-lists/add", {"file": (io.BytesIO(data), "list.csv")})
    assert refused.status_code == 422 and "taken in on" in refused.text
    assert LineState.WRONG.value in desk.get(f"/admin/lock-lists/show/{row.id}?only=wrong").text
