"""The examples for production are right: units, container, processes, roles."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

import psycopg
import pytest
import yaml
from psycopg import sql

from app.core.db import db
from tests.support.databases import Databases
from tests.support.settings import ROOT

DEPLOY = ROOT / "deploy"
MODULES = {"app.worker", "app.ticker", "app.wsgi:application", "app.chat_server:application", "app.factory"}


def commands() -> dict[str, str]:
    found = {}
    for unit in (DEPLOY / "systemd").glob("*.service"):
        found[unit.name] = re.search(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)[1]
    for line in (DEPLOY / "Procfile").read_text().splitlines():
        name, _, command = line.partition(": ")
        found[f"Procfile {name}"] = command
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    for name, service in compose["services"].items():
        if service["image"] == "pttadmin" and "command" in service:
            found[f"compose {name}"] = shlex.join(service["command"])
    found["Dockerfile"] = " ".join(re.findall(r'"([^"]+)"', re.search(r"^CMD \[\"gunicorn.*$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)[0]))
    return found


@pytest.mark.parametrize(("place", "command"), sorted(commands().items()))
def test_each_command_starts_something_of_ours(place, command):
    assert any(module in command for module in MODULES), command
    if "gunicorn" in command:
        assert "--worker-class app.http_worker.Worker" in command and "--threads" in command
    if "app.worker" in command and "%i" not in command:
        assert set(re.search(r"--queues (\S+)", command)[1].strip("'").split(",")) <= {"default", "documents"}


def test_every_process_is_there():
    joined = "\n".join(commands().values())
    for word in ("app.wsgi:application", "app.chat_server:application", "app.worker --queues default", "app.worker --queues documents,default", "app.ticker", "ptt setup"):
        assert word in joined


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_accepts_the_units(tmp_path):
    for unit in (DEPLOY / "systemd").iterdir():
        # The programs are not in /opt here; everything else is checked as it stands.
        text = re.sub(r"/opt/pttadmin/\.venv/bin/(gunicorn|python)", "/bin/true", unit.read_text())
        (tmp_path / unit.name).write_text(text)
    (tmp_path / "pttadmin-worker@default.service").symlink_to(tmp_path / "pttadmin-worker@.service")
    names = ["pttadmin.target", "pttadmin-web.service", "pttadmin-chat.service", "pttadmin-ticker.service", "pttadmin-worker@default.service"]
    answer = subprocess.run(["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in names)], capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_compose_file_runs_the_product_without_the_simulator():
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert set(services) == {"setup", "web", "chat", "worker-default", "worker-documents", "ticker", "postgres", "redis"}
    for name in ("web", "chat", "worker-default", "worker-documents", "ticker"):
        assert services[name]["environment"]["PTT_ENV"] == "production"
        assert "ptt_app" in services[name]["environment"]["DATABASE_URL"]
        assert services[name]["depends_on"]["setup"]["condition"] == "service_completed_successfully"
        assert services[name]["read_only"] and services[name]["cap_drop"] == ["ALL"]
    assert "ptt_owner" in services["setup"]["environment"]["DATABASE_URL"]
    assert compose["networks"]["inside"] == {"internal": True}
    assert services["web"]["ports"] == ["127.0.0.1:8000:8000"]
    for volume in services["postgres"]["volumes"]:
        source = volume.split(":")[0]
        assert not source.startswith("./") or (DEPLOY / source).exists()


def test_the_container_copies_everything_it_needs():
    text = (DEPLOY / "Dockerfile").read_text()
    copied = set(re.findall(r"[\w./-]+", " ".join(re.findall(r"^COPY (?!--)(.*)$", text, re.MULTILINE))))
    needed = {"app", "plugins", "migrations", "translations", "config.py", "pyproject.toml", "requirements.lock", "package-lock.json", "tools", "mailsink", "simulator", "embedded"}
    assert needed <= copied
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert not needed & set(ignored)


def test_no_example_contains_a_usable_secret():
    text = (DEPLOY / "pttadmin.env.example").read_text()
    assert re.search(r"^SECRET_KEY=$", text, re.MULTILINE) and re.search(r"^PTT_ENCRYPTION_KEYS=$", text, re.MULTILINE)


@pytest.mark.postgres_only
def test_the_application_role_works_with_rows_and_cannot_touch_the_schema(app, database, databases: Databases, make_app):
    """In a database of its own: roles.sql, then the product's setup as owner, then everything else as ptt_app."""
    name = f"ptt_roles_{databases.worker}"
    base = databases.base
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    head, _, query = base.partition("?")

    def url(user: str) -> str:
        return f"{head.rpartition('/')[0].replace('postgres:@', f'{user}@')}/{name}?{query}"

    try:
        with psycopg.connect(url("postgres"), autocommit=True) as connection:
            for _twice in range(2):
                connection.execute((DEPLOY / "postgresql" / "roles.sql").read_text())
        sqlalchemy_url = {user: url(user).replace("postgresql://", "postgresql+psycopg://") for user in ("ptt_owner", "ptt_app")}
        owner = make_app(SQLALCHEMY_DATABASE_URI=sqlalchemy_url["ptt_owner"])
        with owner.app_context():
            from app.admin.setup import setup_all

            setup_all()
            db.session.remove()
            db.engine.dispose()
        with psycopg.connect(url("ptt_app"), autocommit=True) as connection:
            tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
            assert len(tables) > 40
            connection.execute("INSERT INTO mark (name, value, at) VALUES ('a', 'b', now())")
            connection.execute("UPDATE mark SET value = 'c'")
            connection.execute("DELETE FROM mark")
            for statement in ("CREATE TABLE x (y int)", "DROP TABLE mark", "ALTER TABLE mark ADD COLUMN z int", "TRUNCATE mark", "CREATE SCHEMA other",
                              "ALTER TABLE invoice DISABLE TRIGGER ALL", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                              "SET session_replication_role = replica"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
            [trigger, table] = connection.execute(
                "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1 LIMIT 1").fetchone()
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL("DROP TRIGGER {} ON {}").format(sql.Identifier(trigger), sql.Identifier(table)))
        product = make_app(SQLALCHEMY_DATABASE_URI=sqlalchemy_url["ptt_app"])
        assert product.test_client().get("/readyz").status_code == 200
        with product.app_context():
            from app.admin.setup import is_set_up

            assert is_set_up()
    finally:
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
