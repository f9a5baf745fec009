"""The second factor of staff: set up, asked, used up, slowed down, taken away; who must have one."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy import func, select, text

from app.admin import throttle, totp
from app.admin.models import StaffSession
from app.admin.totp_models import StaffFactor, StaffRecoveryCode
from app.core import clock
from app.core.db import db, transaction
from app.system.models import ProtocolEntry
from app.system.settings import change_settings
from tests.admin.staff import PASSWORD, Desk, add_user

pytestmark = pytest.mark.sqlite_only      # forms and sessions: nothing here depends on the kind of database

CODE = "/admin/login/code"


def code_of(user: Any, steps: int = 0) -> str:
    row = db.session.get(StaffFactor, user.id, populate_existing=True)
    return pyotp.TOTP(str(row.secret)).at(int(clock.now().timestamp()) + 30 * steps)


def set_up(desk: Desk, user: Any) -> list[str]:
    """Through the pages; the recovery codes."""
    assert desk.post("/admin/second-factor/begin").status_code == 303
    page = desk.get("/admin/second-factor/confirm").text
    assert "data:image/svg+xml" in page
    answer = desk.post("/admin/second-factor/confirm", {"code": code_of(user)})
    assert answer.status_code == 200 and answer.headers["Cache-Control"].find("no-store") >= 0
    return re.findall(r"<li>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</li>", answer.text)


def enter(desk: Desk, code: str, **environ: Any) -> Any:
    return desk.http.post(CODE, data={"code": code, "csrf_token": desk.token(CODE)}, **environ)


@pytest.fixture
def maren(app):
    return add_user(app, "maren", "Administrator")


@pytest.fixture
def later():
    """The next code is another one."""
    with clock.frozen(clock.now() + timedelta(seconds=90)):
        yield


def test_set_up_then_password_and_code_open_the_account(app, maren):
    desk = Desk(app, "maren")
    assert len(set(set_up(desk, maren))) == totp.CODES
    with clock.frozen(clock.now() + timedelta(seconds=90)):
        stranger = Desk(app)
        answer = stranger.sign_in("maren")
        assert answer.status_code == 303 and answer.headers["Location"].startswith(CODE)
        assert stranger.get("/admin/customers/list/").status_code == 302, "the password alone opens nothing"
        assert enter(stranger, "000000").status_code == 422
        answer = enter(stranger, code_of(maren))
        assert answer.status_code == 303 and stranger.get("/admin/customers/list/").status_code == 200


def test_the_way_back_stays_on_this_site(app, maren, later):
    set_up(Desk(app, "maren"), maren)
    with clock.frozen(clock.now() + timedelta(seconds=90)):
        for wanted, found in (("/admin/customers/list/", "/admin/customers/list/"), ("//evil.example", "/admin/")):
            desk = Desk(app)
            desk.sign_in("maren")
            answer = desk.http.post(CODE, query_string={"next": wanted}, data={"code": "x", "csrf_token": desk.token(CODE)})
            assert answer.status_code == 422
            with clock.frozen(clock.now() + timedelta(seconds=60 if found == "/admin/" else 0)):
                answer = desk.http.post(CODE, query_string={"next": wanted}, data={"code": code_of(maren), "csrf_token": desk.token(CODE)})
                assert answer.headers["Location"] == found


def test_a_code_counts_once_and_one_step_beside(app, maren):
    set_up(Desk(app, "maren"), maren)
    start = clock.now()
    with clock.frozen(start + timedelta(seconds=300)):
        codes = {steps: code_of(maren, steps) for steps in (-2, -1, 0, 1, 2)}
        assert not totp.check(maren, codes[-2], "10.0.0.1") and not totp.check(maren, codes[2], "10.0.0.1")
        assert totp.check(maren, codes[-1], "10.0.0.1"), "the telephone's clock may be a little late"
        assert totp.check(maren, codes[0], "10.0.0.1")
        assert not totp.check(maren, codes[0], "10.0.0.1"), "used before"
        assert not totp.check(maren, codes[-1], "10.0.0.1"), "older than one that was used"
        assert totp.check(maren, codes[1], "10.0.0.1")


@pytest.mark.parametrize("code", ["", " ", "12345", "1234567", "٠١٢٣٤٥", "abcdef", "-00001", "1" * 61, "\x00", "' OR 1=1"])
def test_what_is_no_code_is_refused(app, maren, code):
    set_up(Desk(app, "maren"), maren)
    assert not totp.check(maren, code, "10.0.0.1")


def test_a_recovery_code_opens_once_and_only_its_hash_is_stored(app, maren):
    codes = set_up(Desk(app, "maren"), maren)
    stored = set(db.session.scalars(select(StaffRecoveryCode.code_hash)))
    assert len(stored) == totp.CODES and not any(code in row or code.replace("-", "") in row for row in stored for code in codes)
    for answer in (303, 422):
        desk = Desk(app)
        desk.sign_in("maren")
        assert enter(desk, codes[0].upper().replace("-", " ")).status_code == answer
    assert totp.codes_left(maren.id) == totp.CODES - 1


def test_new_recovery_codes_end_the_old_ones(app, maren):
    desk = Desk(app, "maren")
    codes = set_up(desk, maren)
    page = "/admin/second-factor/codes"
    assert desk.post(page, {"password": "wrong", "code": codes[0]}).status_code == 422
    assert totp.codes_left(maren.id) == totp.CODES, "a wrong password uses nothing up"
    answer = desk.post(page, {"password": PASSWORD, "code": codes[0]})
    assert answer.status_code == 200 and codes[1] not in answer.text
    assert not totp.check(maren, codes[1], "10.0.0.1") and totp.codes_left(maren.id) == totp.CODES


def test_the_secret_is_encrypted_at_rest_and_never_shown_again(app, maren):
    desk = Desk(app, "maren")
    set_up(desk, maren)
    secret = str(db.session.get(StaffFactor, maren.id).secret)
    raw = db.session.execute(text("SELECT secret FROM staff_factor")).scalar_one()
    assert raw.startswith("v1:") and secret not in raw and base64.b32decode(secret).hex() not in raw
    for page in ("/admin/second-factor/", "/admin/second-factor/confirm", "/admin/profile/", f"/admin/users/show/{maren.id}"):
        assert secret not in desk.get(page, follow_redirects=True).text.replace(" ", "")
    assert not db.session.scalar(select(func.count()).select_from(ProtocolEntry).where(ProtocolEntry.note.contains(secret)))


def test_guessing_codes_is_slowed_down_and_a_right_password_does_not_help(app, maren):
    set_up(Desk(app, "maren"), maren)
    desk = Desk(app)
    desk.sign_in("maren")
    for _ in range(throttle.FREE):
        assert enter(desk, "000000").status_code == 422
    with clock.frozen(clock.now() + timedelta(seconds=45)):
        desk.sign_in("maren")
        assert enter(desk, code_of(maren)).status_code == 429
    with clock.frozen(clock.now() + timedelta(seconds=70)):
        assert enter(desk, code_of(maren)).status_code == 303


def test_the_step_between_ends_after_five_minutes_and_with_a_new_password(app, maren):
    set_up(Desk(app, "maren"), maren)
    desk, other = Desk(app), Desk(app)
    desk.sign_in("maren")
    other.sign_in("maren")
    with clock.frozen(clock.now() + timedelta(minutes=6)):
        assert desk.get(CODE).status_code == 303
    with transaction():
        app.appbuilder.sm.set_password(db.session.merge(maren), "lantern-moss-orchid-71")
    assert other.get(CODE).status_code == 303
    assert db.session.scalar(select(func.count()).select_from(StaffSession).where(StaffSession.ended_at.is_(None))) == 0


def test_setting_up_ends_the_other_sessions(app, maren):
    desk, other = Desk(app, "maren"), Desk(app, "maren")
    set_up(desk, maren)
    assert other.get("/admin/").status_code == 302 and desk.get("/admin/").status_code == 200
    assert desk.post("/admin/second-factor/begin", {"password": PASSWORD}).status_code == 422, "it is on already"


def test_a_wrong_first_code_turns_nothing_on(app, maren):
    desk = Desk(app, "maren")
    desk.post("/admin/second-factor/begin")
    assert desk.post("/admin/second-factor/confirm", {"code": "000000"}).status_code == 422
    assert not totp.is_on(maren.id) and Desk(app).sign_in("maren").headers["Location"] == "/admin/"


def test_the_password_is_asked_when_it_was_given_long_ago(app, maren):
    desk = Desk(app, "maren")
    with clock.frozen(clock.now() + timedelta(minutes=6)):
        assert desk.post("/admin/second-factor/begin").status_code == 422
        assert desk.post("/admin/second-factor/begin", {"password": "wrong"}).status_code == 422
        assert totp.pending(maren.id) is None
        assert desk.post("/admin/second-factor/begin", {"password": PASSWORD}).status_code == 303


@pytest.mark.parametrize(("role", "led"), [("Administrator", True), ("Billing", True), ("Support", False), ("Sales", False), ("Read only", False)])
def test_who_must_have_one_is_led_to_it_and_nowhere_else(app, desk, role, led):
    member = desk(role)
    user = app.appbuilder.sm.find_user(member.name)
    change_settings({"staff.require_second_factor": True})
    answer = member.get("/admin/customers/list/")
    if not led:
        assert answer.status_code == 200
        return
    assert answer.status_code == 303 and answer.headers["Location"] == "/admin/second-factor/"
    page = member.get("/admin/second-factor/").text
    assert "Your role needs a second factor" in page and "/admin/customers/list/" not in page
    assert member.http.post("/admin/profile/sessions/end", data={"csrf_token": member.token("/admin/second-factor/begin")}).headers["Location"] == "/admin/second-factor/"
    member.token_page = "/admin/second-factor/begin"
    token = member.token("/admin/second-factor/begin")
    assert member.http.post("/admin/second-factor/begin", data={"csrf_token": token}).status_code == 303
    token = member.token("/admin/second-factor/confirm")
    assert member.http.post("/admin/second-factor/confirm", data={"csrf_token": token, "code": code_of(user)}).status_code == 200
    assert member.get("/admin/customers/list/").status_code == 200
    with clock.frozen(clock.now() + timedelta(seconds=90)):
        answer = member.post("/admin/second-factor/remove", {"password": PASSWORD, "code": code_of(user)})
    assert answer.status_code == 422 and totp.is_on(user.id), "what the role needs stays"


def test_a_new_installation_requires_it():
    from app.system.settings import declared

    assert next(item for item in declared() if item.key == "staff.require_second_factor").default is True


def test_it_can_be_removed_by_its_owner(app, maren):
    desk = Desk(app, "maren")
    set_up(desk, maren)
    with clock.frozen(clock.now() + timedelta(seconds=90)):
        assert desk.post("/admin/second-factor/remove", {"password": PASSWORD, "code": "000000"}).status_code == 422
        assert desk.post("/admin/second-factor/remove", {"password": PASSWORD, "code": code_of(maren)}).status_code == 303
    assert not totp.is_on(maren.id) and totp.codes_left(maren.id) == 0
    assert Desk(app).sign_in("maren").headers["Location"] == "/admin/"


def test_an_administrator_resets_it_and_that_is_written_down(app, admin, desk, maren):
    owner = Desk(app, "maren")
    set_up(owner, maren)
    assert desk("Support").post(f"/admin/users/action/reset_second_factor/{maren.id}").status_code == 403
    admin.post(f"/admin/users/action/reset_second_factor/{maren.id}")
    assert not totp.is_on(maren.id) and owner.get("/admin/").status_code == 302
    entry = db.session.execute(select(ProtocolEntry.actor_name, ProtocolEntry.subject).where(ProtocolEntry.action == "second_factor_reset")).one()
    assert entry == (admin.name, "maren")
    assert "Reset second factor" not in admin.get(f"/admin/users/show/{maren.id}").text


def test_codes_of_somebody_else_open_nothing(app, maren):
    add_user(app, "rea", "Read only")
    codes = set_up(Desk(app, "maren"), maren)
    rea = app.appbuilder.sm.find_user("rea")
    set_up(Desk(app, "rea"), rea)
    desk = Desk(app)
    desk.sign_in("rea")
    assert enter(desk, codes[0]).status_code == 422
    with clock.frozen(clock.now() + timedelta(seconds=90)):
        assert enter(desk, code_of(maren)).status_code == 422


def test_the_machine_can_reset_the_only_administrator(app, maren):
    set_up(Desk(app, "maren"), maren)
    runner = app.test_cli_runner()
    assert runner.invoke(args=["ptt", "reset-second-factor", "nobody"]).exit_code == 1
    assert runner.invoke(args=["ptt", "reset-second-factor", "maren"]).exit_code == 0
    assert not totp.is_on(maren.id)
