"""Sign-in, sessions that end, slow guessing, redirects that stay here."""

from __future__ import annotations

import threading
from datetime import timedelta
from statistics import median
from time import perf_counter

import pytest
from sqlalchemy import func, select

from app.admin import sessions, throttle
from app.admin.models import LoginFailure, StaffSession
from app.admin.passwords import METHOD, check_password, hash_password
from app.core import clock
from app.core.access import local_path
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.system.models import ProtocolEntry
from tests.admin.staff import PASSWORD, Desk, add_user


def test_a_stranger_is_sent_to_the_login_and_back(app, desk):
    stranger = Desk(app)
    answer = stranger.get("/admin/articles/list/?active=yes")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/admin/login/?next=/admin/articles/list/?active%3Dyes"
    add_user(app, "maren", "Administrator")
    answer = stranger.sign_in("maren", address=answer.headers["Location"])
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/admin/articles/list/?active=yes"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/admin/\r\nX: 1", "evil", "/\tevil", "/" * 3000])
def test_no_other_site_after_the_login(app, target):
    assert local_path(target) is None
    add_user(app, "maren", "Administrator")
    answer = Desk(app).http.get("/admin/login/", query_string={"next": target})
    assert answer.status_code == 200
    desk = Desk(app)
    answer = desk.http.post("/admin/login/", query_string={"next": target},
                            data={"username": "maren", "password": PASSWORD, "csrf_token": desk.token("/admin/login/")})
    assert answer.headers["Location"] == "/admin/"


def test_the_cookie_is_for_this_site_and_scripts_never_see_it(app):
    add_user(app, "maren", "Administrator")
    desk = Desk(app)
    cookie = desk.sign_in("maren").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie


def test_behind_tls_the_cookie_is_bound_to_the_host(make_app):
    app = make_app(SESSION_COOKIE_SECURE=True)
    with app.app_context():
        answer = app.test_client().get("/admin/login/", base_url="https://localhost")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-") and "Secure" in cookie and "Path=/" in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_each_login_has_a_new_id_and_only_its_hash_is_stored(app):
    add_user(app, "maren", "Administrator")
    seen = set()
    for _ in range(2):
        desk = Desk(app, "maren")
        with desk.http.session_transaction() as cookie:
            seen.add(cookie[sessions.COOKIE_KEY])
    stored = set(db.session.scalars(select(StaffSession.token_hash)))
    assert len(seen) == 2 and not seen & stored and {sessions.digest(token) for token in seen} == stored


def test_logout_ends_the_session_even_for_a_copied_cookie(admin):
    with admin.http.session_transaction() as cookie:
        copy = dict(cookie)
    assert admin.get("/admin/logout/").status_code == 405, "an address alone signs nobody out"
    assert admin.post("/admin/logout/").status_code == 303
    thief = Desk(admin.app)
    with thief.http.session_transaction() as cookie:
        cookie.update(copy)
    assert thief.get("/admin/").status_code == 302


def test_a_new_password_ends_the_other_sessions(app, admin):
    other = Desk(app, admin.name)
    answer = admin.post("/admin/profile/password", {"old": PASSWORD, "new": "lantern-moss-orchid-71", "again": "lantern-moss-orchid-71"})
    assert answer.status_code == 303
    assert other.get("/admin/").status_code == 302
    assert admin.get("/admin/").status_code == 200
    assert Desk(app).sign_in(admin.name).status_code == 422
    assert Desk(app).sign_in(admin.name, "lantern-moss-orchid-71").status_code == 303


@pytest.mark.parametrize(("fields", "message"), [
    ({"old": "wrong", "new": "lantern-moss-orchid-71", "again": "lantern-moss-orchid-71"}, "not your present password"),
    ({"old": PASSWORD, "new": "short", "again": "short"}, "at least 12"),
    ({"old": PASSWORD, "new": "passwordpassword", "again": "passwordpassword"}, "easy to guess"),
    ({"old": PASSWORD, "new": "lantern-moss-orchid-71", "again": "lantern-moss-orchid-72"}, "differ"),
])
def test_a_password_that_is_refused_changes_nothing(app, admin, fields, message):
    answer = admin.post("/admin/profile/password", fields)
    assert answer.status_code == 422 and message in answer.text
    assert Desk(app).sign_in(admin.name).status_code == 303


def test_whoever_may_no_longer_sign_in_is_out_at_once(app, admin):
    victim = Desk(app, add_user(app, "rea", "Read only").username)
    assert victim.get("/admin/").status_code == 200
    with transaction() as session:
        session.scalar(select(app.appbuilder.sm.user_model).where(app.appbuilder.sm.user_model.username == "rea")).active = False
    assert victim.get("/admin/").status_code == 302
    assert Desk(app).sign_in("rea").status_code == 422


def test_rights_that_are_taken_away_count_at_once(app, desk):
    billing = desk("Billing")
    assert billing.get("/admin/articles/list/").status_code == 200
    with transaction():
        app.appbuilder.sm.role_named("Billing").permissions = []
    assert billing.get("/admin/articles/list/").status_code == 403


@pytest.mark.parametrize(("after", "alive"), [(timedelta(minutes=29), True), (timedelta(minutes=31), False)])
def test_a_session_ends_when_it_is_not_used(admin, after, alive):
    with clock.frozen(clock.now() + after):
        assert (admin.get("/admin/").status_code == 200) is alive


def test_a_session_ends_after_twelve_hours_of_use(admin):
    start = clock.now()
    for minutes in range(25, 12 * 60, 25):
        with clock.frozen(start + timedelta(minutes=minutes)):
            assert admin.get("/admin/").status_code == 200
    with clock.frozen(start + timedelta(hours=12, minutes=1)):
        assert admin.get("/admin/").status_code == 302
    assert db.session.scalar(select(StaffSession.ended_because)) == "expired"


def test_own_sessions_can_be_ended_and_no_others(app, admin):
    other = Desk(app, admin.name)
    rea = Desk(app, add_user(app, "rea", "Read only").username)
    ids = {row.user_id: row.id for row in sessions.running()}
    own = [row.id for row in sessions.running() if row.user_id != ids and row.user_id == min(ids)]
    assert rea.post(f"/admin/profile/sessions/{own[0]}/end").status_code == 404
    assert other.get("/admin/").status_code == 200
    assert admin.post("/admin/profile/sessions/end").status_code == 303
    assert other.get("/admin/").status_code == 302 and admin.get("/admin/").status_code == 200
    assert admin.post(f"/admin/sessions/{ids[max(ids)]}/end").status_code == 303
    assert rea.get("/admin/").status_code == 302


def test_guessing_slows_down_per_account_and_never_for_good(app):
    add_user(app, "maren", "Administrator")
    desk = Desk(app)
    start = clock.now()
    for _ in range(throttle.FREE):
        assert desk.sign_in("maren", "wrong").status_code == 422
    answer = desk.sign_in("maren")
    assert answer.status_code == 429 and "Try again in 1 minute" in answer.text
    waits, moment = [], start
    for _ in range(6):
        moment = throttle.wait_until("maren", "x")
        with clock.frozen(moment + timedelta(seconds=1)):
            assert desk.sign_in("maren", "wrong").status_code == 422
            waits.append(round((throttle.wait_until("maren", "x") - clock.now()).total_seconds() / 60))
    assert waits == [2, 4, 8, 15, 15, 15]
    with clock.frozen(throttle.wait_until("maren", "x") + timedelta(seconds=1)):
        assert desk.sign_in("maren").status_code == 303
    assert db.session.get(LoginFailure, "user:maren") is None


def test_guessing_slows_down_per_address(app):
    add_user(app, "maren", "Administrator")
    desk = Desk(app)
    for number in range(throttle.ADDRESS_LIMIT):
        assert desk.sign_in(f"guess{number}", "wrong", environ_base={"REMOTE_ADDR": "10.9.8.7"}).status_code == 422
    assert desk.sign_in("maren", environ_base={"REMOTE_ADDR": "10.9.8.7"}).status_code == 429
    assert Desk(app).sign_in("maren", environ_base={"REMOTE_ADDR": "10.9.8.8"}).status_code == 303
    with clock.frozen(clock.now() + timedelta(minutes=11)):
        assert Desk(app).sign_in("maren", environ_base={"REMOTE_ADDR": "10.9.8.7"}).status_code == 303


def test_failures_at_the_same_instant_are_all_counted(app):
    """No row is there yet: both want to insert it."""
    barrier, wrong = threading.Barrier(4), []

    def fail() -> None:
        with app.app_context():
            barrier.wait()
            try:
                throttle.failed("maren", "10.1.1.1")
            except Exception as error:
                wrong.append(error)

    db.session.rollback()
    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    assert not wrong
    assert db.session.get(LoginFailure, "user:maren").failures == 4
    assert db.session.get(LoginFailure, "address:10.1.1.1").failures == 4


def test_changing_the_own_password_is_throttled_like_a_login(app, admin):
    for _ in range(throttle.FREE):
        admin.post("/admin/profile/password", {"old": "wrong", "new": "lantern-moss-orchid-71", "again": "lantern-moss-orchid-71"})
    answer = admin.post("/admin/profile/password", {"old": PASSWORD, "new": "lantern-moss-orchid-71", "again": "lantern-moss-orchid-71"})
    assert answer.status_code == 422 and "Too many failed tries" in answer.text


def test_an_unknown_name_takes_as_long_as_a_known_one(app):
    app.config["FAB_PASSWORD_HASH_METHOD"] = "scrypt:8192:8:2"
    from werkzeug.security import generate_password_hash

    app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"] = generate_password_hash("nobody", "scrypt:8192:8:2")
    add_user(app, "maren", "Administrator")
    took: dict[str, list[float]] = {"maren": [], "nobody": []}
    security = app.appbuilder.sm
    with app.test_request_context():
        for round_ in range(7):
            for name, times in took.items():
                throttle.passed(name)
                begin = perf_counter()
                assert security.sign_in(name, "wrong", f"10.0.0.{round_}") is None
                times.append(perf_counter() - begin)
    ratio = median(took["maren"]) / median(took["nobody"])
    assert 0.5 < ratio < 2, took


def test_the_hash_is_as_strong_as_promised_and_the_fake_one_alike(make_app):
    app = make_app()
    with app.app_context():
        assert app.config["FAB_PASSWORD_HASH_METHOD"] == METHOD == "scrypt:32768:8:3"
        assert app.config["AUTH_DB_FAKE_PASSWORD_HASH_CHECK"].startswith(METHOD + "$")
        assert hash_password("x").startswith(METHOD + "$")


def test_a_weaker_hash_is_renewed_at_the_next_login(app):
    user = add_user(app, "maren", "Administrator")
    assert user.password.startswith("scrypt:1024:8:1$")
    app.config["FAB_PASSWORD_HASH_METHOD"] = "scrypt:2048:8:1"
    assert Desk(app).sign_in("maren").status_code == 303
    db.session.refresh(user)
    assert user.password.startswith("scrypt:2048:8:1$")


@pytest.mark.parametrize("password", ["", "x" * 11, "aaaaaaaaaaaaaaaa", "123456789012345", "qwertyuiopasdfgh", "administrator1", "maren-maren-maren", "x" * 129, "passwort2026!!"])
def test_weak_passwords_are_refused(app, password):
    with pytest.raises(InvalidInput):
        check_password(password, "maren")


def test_sign_ins_and_refusals_are_written_down(app, admin):
    Desk(app).sign_in(admin.name, "wrong")
    rows = db.session.execute(select(ProtocolEntry.action, ProtocolEntry.actor_name).where(ProtocolEntry.subject_type == "staff").order_by(ProtocolEntry.id)).all()
    assert ("signed_in", admin.name) in rows and ("login_failed", "visitor") in rows
    assert not db.session.scalar(select(func.count()).select_from(ProtocolEntry).where(ProtocolEntry.note.contains("wrong")))
