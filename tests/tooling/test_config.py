"""What the process refuses to start with, and what it makes of its environment."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time

import pytest
from werkzeug.security import check_password_hash, generate_password_hash

import config
from tests.support.settings import ENCRYPTION_KEYS, ROOT

GOOD = {
    "PTT_ENV": "production", "SECRET_KEY": "q7Zt_4mW9eKc2VxR8sLpB1nHj6DfGyUa0iOo3TvXwEk", "PTT_ENCRYPTION_KEYS": ENCRYPTION_KEYS,
    "BASE_URL": "https://admin.ptt.test", "TRUSTED_HOSTS": ["admin.ptt.test"], "SESSION_COOKIE_SECURE": True,
    "REDIS_URL": "unix:///run/redis/redis.sock", "PTT_CLOCK_FILE": None, "DEMO": False, "DEBUG": False, "TESTING": False,
}


def test_a_complete_production_configuration_starts():
    config.check(GOOD)


@pytest.mark.parametrize(("change", "word"), [
    ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
    ({"SECRET_KEY": "Zt_4mW9eKc2VxR8sLpB1nHj6DfGyU0"}, "shorter than 32"),
    ({"SECRET_KEY": "abababababababababababababababababababab"}, "pattern"),
    ({"SECRET_KEY": "please-change-me-0123456789-QWERTZUIOP"}, "sample"),
    ({"PTT_ENCRYPTION_KEYS": ""}, "PTT_ENCRYPTION_KEYS"),
    ({"BASE_URL": "http://admin.ptt.test"}, "https://"),
    ({"BASE_URL": ""}, "BASE_URL"),
    ({"TRUSTED_HOSTS": []}, "TRUSTED_HOSTS is empty"),
    ({"TRUSTED_HOSTS": ["*"]}, "TRUSTED_HOSTS"),
    ({"TRUSTED_HOSTS": ["other.test"]}, "does not contain admin.ptt.test"),
    ({"SESSION_COOKIE_SECURE": False}, "COOKIE_SECURE"),
    ({"REDIS_URL": "redis://redis:6379/0"}, "no password"),
    ({"REDIS_URL": "http://redis"}, "REDIS_URL"),
    ({"PTT_CLOCK_FILE": "/tmp/clock"}, "PTT_CLOCK_FILE"),
    ({"DEMO": True}, "DEMO"),
    ({"DEBUG": True}, "DEBUG"),
    ({"TESTING": True}, "TESTING"),
    ({"PTT_ENV": "prod"}, "PTT_ENV"),
])
def test_production_refuses(change, word):
    with pytest.raises(config.ConfigError, match=re.escape(word)):
        config.check({**GOOD, **change})


@pytest.mark.parametrize("environment", ["production", "development"])
@pytest.mark.parametrize(("change", "word"), [
    ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is “LOUD”"),
    ({"COMPANY_TIMEZONE": "Europe/Nowhere"}, "COMPANY_TIMEZONE"),
    ({"COMPANY_TIMEZONE": "../../etc/passwd"}, "COMPANY_TIMEZONE"),
    ({"PTT_ALLOWED_NETS": "10.0.0.0/8, 10.1.2.3/8"}, "“10.1.2.3/8”"),
    ({"PTT_TICK_SECONDS": "soon"}, "PTT_TICK_SECONDS"),
    ({"PTT_TICK_SECONDS": "-1"}, "PTT_TICK_SECONDS"),
    ({"PTT_ENCRYPTION_KEYS": "k1:not base64"}, "PTT_ENCRYPTION_KEYS"),
    ({"PTT_ENCRYPTION_KEYS": "k1:c2hvcnQ="}, "PTT_ENCRYPTION_KEYS"),
])
def test_values_that_mean_nothing_are_named_everywhere(environment, change, word):
    with pytest.raises(config.ConfigError, match=re.escape(word)):
        config.check({**GOOD, "PTT_ENV": environment, **change})


def test_outside_of_production_the_same_is_accepted():
    config.check({**GOOD, "PTT_ENV": "development", "SECRET_KEY": "x", "TRUSTED_HOSTS": []})


def test_a_redis_with_password_is_accepted():
    config.check({**GOOD, "REDIS_URL": "rediss://ptt:s3cr3t@redis:6379/0"})


def read(tmp_path, code="import config; print(config.{name})", name="DATABASE_URL", **environment):
    """What config.py says in a process with this environment only."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PTT_VAR": str(tmp_path), **environment}
    return subprocess.run([sys.executable, "-c", code.format(name=name)], env=env, capture_output=True, text=True, cwd=tmp_path, check=False)


def test_a_process_with_faults_names_all_of_them_and_ends(tmp_path):
    answer = read(tmp_path, code="from app.factory import create_app; create_app()", PTT_ENV="production")
    assert answer.returncode != 0
    for name in ("SECRET_KEY", "PTT_ENCRYPTION_KEYS", "BASE_URL", "TRUSTED_HOSTS"):
        assert name in answer.stderr


def test_defaults_lie_in_the_data_folder(tmp_path):
    assert read(tmp_path).stdout.strip() == f"sqlite:///{tmp_path}/ptt.db"
    assert read(tmp_path, name="REDIS_URL").stdout.strip() == f"unix://{tmp_path}/redis/redis.sock"
    assert read(tmp_path, name="DOCUMENTS_URL").stdout.strip() == f"file://{tmp_path}/documents"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_postgresql_is_spoken_to_with_psycopg(tmp_path, scheme):
    answer = read(tmp_path, name="SQLALCHEMY_DATABASE_URI", DATABASE_URL=f"{scheme}://u:p@h/db?sslmode=require")
    assert answer.stdout.strip() == "postgresql+psycopg://u:p@h/db?sslmode=require"


@pytest.mark.parametrize(("name", "value"), [("COOKIE_SECURE", "perhaps"), ("PROXY_HOPS", "-1"), ("DATABASE_POOL", "0"), ("DATABASE_POOL", "many")])
def test_a_value_that_makes_no_sense_is_named(tmp_path, name, value):
    answer = read(tmp_path, **{name: value})
    assert answer.returncode != 0
    assert f"{name} is “{value}”" in answer.stderr


def test_generated_secrets_are_read_for_trying_and_never_in_production(tmp_path):
    (tmp_path / "secrets.env").write_text("# comment\nSECRET_KEY=from-the-file\n")
    assert read(tmp_path, name="SECRET_KEY").stdout.strip() == "from-the-file"
    assert read(tmp_path, name="SECRET_KEY", SECRET_KEY="from-outside").stdout.strip() == "from-outside"
    assert read(tmp_path, name="SECRET_KEY", PTT_ENV="production").stdout.strip() == ""


def test_plugins_unset_means_all_and_empty_means_none(tmp_path):
    assert read(tmp_path, name="PLUGINS").stdout.strip() == "None"
    assert read(tmp_path, name="PLUGINS", PLUGINS="").stdout.strip() == "[]"
    assert read(tmp_path, name="PLUGINS", PLUGINS="ptt_soap, sepa").stdout.strip() == "['ptt_soap', 'sepa']"


def test_an_unknown_user_takes_as_long_as_a_known_one():
    known = generate_password_hash("violet", config.FAB_PASSWORD_HASH_METHOD, 16)

    def median(stored):
        times = []
        for _turn in range(3):
            start = time.perf_counter()
            assert not check_password_hash(stored, "guess")
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    assert 0.5 < median(config.AUTH_DB_FAKE_PASSWORD_HASH_CHECK) / median(known) < 2


def test_every_variable_is_explained_in_the_operations_manual():
    text = (ROOT / "config.py").read_text()
    read_names = set(re.findall(r'_(?:text|flag|number|list)\("(\w+)"', text)) | set(re.findall(r'environ\.get\("(\w+)"', text))
    manual = (ROOT / "docs" / "operations.md").read_text()
    assert len(read_names) > 20
    assert {name for name in read_names if f"`{name}`" not in manual} == set()
