"""`flask ptt check --deploy`: each line that a productive installation is told, and that a complete one is told nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

import config
from app.admin import deploy_check
from app.admin.deploy_check import CHECKS, findings
from app.admin.setup import set_administrator
from app.admin.totp_models import StaffFactor
from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.system import quarantine, rotation
from app.system.models import Mark, SettingValue
from app.system.settings import change_settings, setting
from tests import factories as make
from tests.billing.invoice_data import put_settings
from tests.operations.conftest import BACKUP_KEYS
from tests.support.settings import ENCRYPTION_KEYS, PASSWORD

GOOD = {
    "PTT_ENV": "production", "SECRET_KEY": "q7Zt_4mW9eKc2VxR8sLpB1nHj6DfGyUa0iOo3TvXwEk", "BASE_URL": "https://admin.ptt.test", "TRUSTED_HOSTS": ["admin.ptt.test"],
    "SESSION_COOKIE_SECURE": True, "PTT_CLOCK_FILE": None, "DEMO": False, "DEBUG": False, "TESTING": False, "PROXY_HOPS": 1,
    "SMTP_URL": "smtp+starttls://mail.ptt.test:587", "PTT_BACKUP_KEYS": BACKUP_KEYS, "DATABASE_URL": "postgresql:///pttadmin?host=/run/postgresql",
}
COMPANY = {"name": "Funkwerk", "street": "Weg 1", "postcode": "20457", "city": "Hamburg", "country": "DE", "vat_id": "DE136695976", "iban": "DE89370400440532013000"}


@pytest.fixture
def ready(app: Flask, redis_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An installation that lacks nothing (the certificate aside)."""
    with acting(Actor("cli", "tests")):
        set_administrator("boss", PASSWORD)
    for name in ("var", "documents", "backups"):
        (tmp_path / name).mkdir(mode=0o750)
    monkeypatch.setattr(config, "VAR", tmp_path / "var")
    monkeypatch.setattr(deploy_check, "_synchronised", lambda: True)
    monkeypatch.setattr(deploy_check.shutil, "disk_usage", lambda _place: type("Usage", (), {"total": 100, "free": 50}))
    monkeypatch.setattr(deploy_check.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(deploy_check, "_may_change", lambda _code: False)
    app.config.update(GOOD, DOCUMENTS_URL=f"file://{tmp_path / 'documents'}", BACKUP_URL=f"file://{tmp_path / 'backups'}")
    put_settings(**{f"company__{name}": value for name, value in COMPANY.items()}, mail__sender="ptt@example.org", staff__require_second_factor=True,
                 backup__nightly=True, alerts__addresses=["ops@example.org"])
    user = app.appbuilder.sm.find_user("boss")
    with transaction() as session:
        session.add(StaffFactor(user_id=user.id, secret="JBSWY3DPEHPK3PXP", confirmed_at=clock.now()))
        session.add_all([Mark(name="clock.high", value=clock.now().isoformat()), Mark(name="backup.last", value=clock.now().isoformat())])
    yield app
    db.session.rollback()


def lines(level: str | None = None) -> list[str]:
    """Without what every test server is told: no fsync, and the owner's role."""
    known = ("= off: a power cut", "owner of the tables", "may write to")
    return [str(item) for item in findings(network=False) if level in (None, item.level) and not any(word in item.text for word in known)]


def test_a_complete_installation_is_told_nothing(ready):
    assert lines() == []


ENVIRONMENT: list[tuple[Any, ...]] = [
    ({"SECRET_KEY": "short"}, "error", "SECRET_KEY"), ({"PTT_ENCRYPTION_KEYS": ""}, "error", "PTT_ENCRYPTION_KEYS is not set"),
    ({"BASE_URL": "http://admin.ptt.test"}, "error", "https://"), ({"TRUSTED_HOSTS": []}, "error", "TRUSTED_HOSTS"),
    ({"SESSION_COOKIE_SECURE": False}, "error", "COOKIE_SECURE"), ({"PROXY_HOPS": 0}, "warning", "PROXY_HOPS"),
    ({"REDIS_URL": "redis://redis/0"}, "error", "no password"), ({"REDIS_URL": "redis://:word@redis/0"}, "warning", "without TLS"),
    ({"DATABASE_URL": "sqlite:////var/ptt.db"}, "warning", "SQLite"), ({"DATABASE_URL": "postgresql://a:b@db.test/ptt"}, "warning", "sslmode"),
    ({"SMTP_URL": ""}, "warning", "no e-mail leaves"), ({"SMTP_URL": "smtp://mail.test"}, "warning", "not encrypted"),
    ({"DEBUG": True}, "error", "DEBUG"), ({"TESTING": True}, "error", "TESTING"), ({"DEMO": True}, "error", "DEMO"), ({"PTT_CLOCK_FILE": "/tmp/x"}, "error", "PTT_CLOCK_FILE"),
    ({"PTT_BACKUP_KEYS": ""}, "warning", "PTT_BACKUP_KEYS is not set"), ({"PTT_BACKUP_KEYS": ENCRYPTION_KEYS}, "error", "a key of PTT_ENCRYPTION_KEYS"),
    ({"METRICS_TOKEN": "short"}, "error", "METRICS_TOKEN"), ({"METRICS_NETS": "10.0.0.1/8"}, "error", "METRICS_NETS"),
    ({"PTT_ENV": "development"}, "error", "PTT_ENV is not production"),
]


def test_the_environment(ready):
    for change, level, word in ENVIRONMENT:
        before = {key: ready.config.get(key) for key in change}
        ready.config.update(change)
        assert any(word in line for line in lines(level)), lines()
        ready.config.update(before)
    assert lines() == []


SETTINGS: list[tuple[Any, ...]] = [
    ({"staff__require_second_factor": False}, "error", "second factor is not required"), ({"company__street": ""}, "error", "street of the company"),
    ({"company__vat_id": ""}, "error", "VAT id"), ({"company__iban": ""}, "warning", "No bank account"), ({"mail__sender": ""}, "warning", "sender of e-mails"),
    ({"alerts__addresses": []}, "warning", "Nobody is told"), ({"backup__nightly": False}, "warning", "Nightly backups are off"),
    ({"system__hold_outgoing": True}, "warning", "Everything outgoing is held"),
]


def test_the_settings(ready):
    for values, level, word in SETTINGS:
        before = {key.replace("__", "."): setting(key.replace("__", ".")) for key in values}
        put_settings(**values)
        assert any(word in line for line in lines(level)), lines()
        put_settings(**{key: before[key.replace("__", ".")] for key in values})
    assert lines() == []


MARKS: list[tuple[Any, ...]] = [
    ("backup.last", timedelta(hours=31), "error", "The last backup is of"), ("clock.high", timedelta(minutes=11), "warning", "ticker"),
    ("clock.doubt", timedelta(0), "error", "clock jumped"), ("demo.loaded", timedelta(0), "error", "demo's customers"),
]


def test_the_marks(ready):
    for mark, value, level, word in MARKS:
        row = db.session.get(Mark, mark)
        before = row.value if row else None
        with transaction() as session:
            session.merge(Mark(name=mark, value=(clock.now() - value).isoformat()))
        assert any(word in line for line in lines(level)), lines()
        db.session.rollback()
        with transaction() as session:
            if before is None:
                session.delete(session.get_one(Mark, mark))
            else:
                session.get_one(Mark, mark).value = before
    assert lines() == []


def test_a_restored_copy(ready):
    quarantine.begin("2026-11-24 02:30 UTC")
    assert any("copy restored" in line for line in lines("error"))


def test_staff(ready):
    with transaction() as session:
        session.query(StaffFactor).delete()
    assert any("1 of 1 administrators have not set up" in line for line in lines("warning"))
    with transaction() as session:
        session.execute(update(ready.appbuilder.sm.user_model).values(active=False))
    assert any("no administrator" in line for line in lines("error"))


def test_database_redis_clock_and_disk(ready, monkeypatch, no_redis):
    monkeypatch.setattr("app.migrate.is_current", lambda: False)
    monkeypatch.setattr(deploy_check, "_synchronised", lambda: False)
    monkeypatch.setattr(deploy_check.shutil, "disk_usage", lambda _place: type("Usage", (), {"total": 100, "free": 5}))
    monkeypatch.setattr(deploy_check.os, "access", lambda place, _mode: not str(place).endswith("documents"))
    monkeypatch.setattr(deploy_check, "_may_change", lambda _code: True)
    told = "\n".join(lines())
    for word in ("Migrations are missing", "Redis does not answer", "not synchronised", "less than 10% of the disk", "documents cannot be written", "change their own program"):
        assert word in told, told


def test_rights_of_folders_and_root(ready, tmp_path, monkeypatch):
    (tmp_path / "documents").chmod(0o755)
    monkeypatch.setattr(deploy_check.os, "geteuid", lambda: 0)
    assert any("every user of this machine can read" in line for line in lines("warning")) and any("runs as root" in line for line in lines("warning"))


@pytest.mark.postgres_only
def test_a_server_that_forgets(ready):
    told = [str(item) for item in findings(network=False)]
    assert any("fsync = off" in line for line in told) and any("owner of the tables" in line for line in told)


def test_a_check_that_cannot_be_made_is_an_error(ready, monkeypatch):
    monkeypatch.setitem(CHECKS, "clock", lambda: iter([1 / 0]))
    assert any("clock: could not be checked: ZeroDivisionError" in line for line in lines("error"))


def test_the_certificate(ready):
    ready.config["BASE_URL"] = "https://localhost:1"
    assert any("cannot be reached" in item.text for item in findings() if item.topic == "TLS")


def test_the_command(ready):
    ready.config["SECRET_KEY"] = "leak-this-if-you-can"
    done = ready.test_cli_runner().invoke(args=["ptt", "check", "--deploy", "--no-network"])
    assert done.exit_code == 1 and "topics checked" in done.output and "leak-this" not in done.output, done.output
    assert ready.test_cli_runner().invoke(args=["ptt", "check"]).exit_code == 2


# Rotation of keys -----------------------------------------------------------------------------------------------------

NEW = "t2:" + base64.b64encode(b"n" * 32).decode()


@pytest.fixture
def sealed(app: Flask) -> Any:
    """A server's password and (in the settings) none yet."""
    server = make.server()
    with transaction() as session:
        session.get_one(type(server), server.id).secret = "the server's password"
    return server


def stored(app: Flask) -> str:
    return str(db.session.connection().exec_driver_sql("SELECT secret FROM ptt_server WHERE secret IS NOT NULL").scalar())


def test_keys_are_rotated_and_the_old_one_can_go(app, sealed):
    assert stored(app).startswith("v1:t1:")
    app.config["PTT_ENCRYPTION_KEYS"] = f"{NEW},{ENCRYPTION_KEYS}"
    done = app.test_cli_runner().invoke(args=["ptt", "rotate-keys"])
    assert done.exit_code == 0 and "1 secrets sealed anew with the key t2" in done.output, done.output
    assert stored(app).startswith("v1:t2:")
    app.config["PTT_ENCRYPTION_KEYS"] = NEW
    db.session.expire_all()
    assert db.session.get_one(type(sealed), sealed.id).secret == "the server's password"
    assert "0 secrets" in app.test_cli_runner().invoke(args=["ptt", "rotate-keys"]).output


def test_what_no_key_opens_stays_and_is_told(app, sealed):
    before = stored(app)
    app.config["PTT_ENCRYPTION_KEYS"] = NEW
    assert rotation.unreadable() == {"ptt_server.secret": 1}
    assert any("sealed with a key" in item.text for item in findings(network=False) if item.topic == "secrets")
    done = app.test_cli_runner().invoke(args=["ptt", "rotate-keys"])
    assert done.exit_code == 1 and "cannot be opened" in done.output and stored(app) == before


@pytest.fixture
def secret_setting(app: Flask) -> Iterator[str]:
    """A declared secret setting that is given."""
    from app.system import settings

    settings.declare(settings.Setting("tests.secret", str, "", "Secret", "Tests", secret=True))
    change_settings({"tests.secret": "word"})
    app.config["PTT_ENCRYPTION_KEYS"] = f"{NEW},{ENCRYPTION_KEYS}"
    yield "tests.secret"
    settings._declared.pop("tests.secret")


def test_secret_settings_are_rotated(app, secret_setting):
    assert rotation.rotate(lambda _line: None) == 0
    assert db.session.get_one(SettingValue, secret_setting).value.startswith("v1:t2:")
    app.config["PTT_ENCRYPTION_KEYS"] = NEW
    assert setting(secret_setting) == "word"


def test_a_setting_that_is_changed_meanwhile_keeps_its_new_value(app, secret_setting, monkeypatch):
    def meanwhile(text: str) -> str:
        change_settings({secret_setting: "newer"})
        return encrypt(text)

    encrypt = rotation.encrypt
    monkeypatch.setattr(rotation, "encrypt", meanwhile)
    assert rotation.rotate(lambda _line: None) == 0 and setting(secret_setting) == "newer"


def test_a_plugin_that_does_not_run_is_named(app):
    app.config["PTT_ENCRYPTION_KEYS"] = f"{NEW},{ENCRYPTION_KEYS}"
    app.extensions["ptt_plugins"].loaded = {name: found for name, found in app.extensions["ptt_plugins"].loaded.items() if name != "sepa"}
    done = app.test_cli_runner().invoke(args=["ptt", "rotate-keys"])
    assert done.exit_code == 1 and "Not sealed anew: what the plugins sepa store" in done.output and "Keep the old key" in done.output
