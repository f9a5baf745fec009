"""`flask ptt check --deploy`: what a productive installation must have, line by line. Reads only; the text is the operator's (English).

An error means: do not open this to customers. A warning: it works, and somebody should have decided it.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import func, select, text

from app.admin.places import existing, local_folder
from app.core import clock
from app.core.db import db, is_postgresql
from app.core.secrets import SecretError, decrypt
from app.system.models import Mark, SettingValue
from app.system.settings import declared, setting

ERROR, WARNING = "error", "warning"
SLACK = timedelta(seconds=5)
LAST_DAYS = 14          # of a certificate
ROOM = 0.10


@dataclass(frozen=True)
class Finding:
    level: str
    topic: str
    text: str

    def __str__(self) -> str:
        return f"{self.level}: {self.topic}: {self.text}"


Check = Callable[[], Iterator[Finding]]


def configuration() -> Iterator[Finding]:
    """What production refuses to start with (`config.faults`) and what it warns of."""
    import config

    given = current_app.config
    for line in (*config.nonsense(given), *config.faults(given)):
        yield Finding(ERROR, "environment", line)
    for line in config.doubts(given):
        yield Finding(WARNING, "environment", line)
    if given.get("PTT_ENV") != "production":
        yield Finding(ERROR, "environment", "PTT_ENV is not production: the processes do not refuse what is unsafe.")


def database() -> Iterator[Finding]:
    from app.migrate import is_current

    if not is_current():
        yield Finding(ERROR, "database", "Migrations are missing. Run: flask ptt setup")
    if not is_postgresql():
        return
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        if db.session.scalar(text("SELECT current_setting(:name)"), {"name": name}) == "off":
            yield Finding(ERROR, "database", f"PostgreSQL runs with {name} = off: a power cut loses what was committed.")
    if db.session.scalar(text("SELECT rolsuper OR pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_roles r, pg_class c"
                              " WHERE r.rolname = current_user AND c.oid = to_regclass('invoice')")):
        yield Finding(WARNING, "database", "The processes connect as the owner of the tables, who can switch the triggers of issued invoices off. Use ptt_app (deploy/postgresql/roles.sql).")


def redis() -> Iterator[Finding]:
    from app.system.queue import connection

    try:
        connection().ping()
    except Exception as error:
        yield Finding(WARNING, "redis", f"Redis does not answer ({type(error).__name__}): jobs and locks start up to a minute later.")
    parts = urlsplit(current_app.config.get("REDIS_URL") or "")
    if parts.scheme == "unix" and os.path.exists(parts.path) and os.stat(parts.path).st_mode & 0o002:
        yield Finding(WARNING, "redis", f"Every user of this machine may write to {parts.path}. Give it to one group (unixsocketperm 770).")


def time() -> Iterator[Finding]:
    if is_postgresql():
        here, there = datetime.now(UTC), db.session.scalar(select(func.clock_timestamp()))
        if there is not None and abs(here - there) > SLACK:
            yield Finding(ERROR, "clock", f"This machine and the database differ by {abs(here - there).total_seconds():.0f} s. Keep both on NTP.")
    if db.session.get(Mark, "clock.doubt") is not None:
        yield Finding(ERROR, "clock", "The clock jumped; what bills, locks or deletes is held until somebody confirms the time on the page “Jobs”.")
    if _synchronised() is False:
        yield Finding(WARNING, "clock", "This machine is not synchronised by NTP (timedatectl).")
    mark = db.session.get(Mark, "clock.high")
    if mark is None or clock.now() - datetime.fromisoformat(mark.value) > timedelta(minutes=10):
        yield Finding(WARNING, "clock", "The ticker has not asked what is due for ten minutes, or never. Is pttadmin-ticker running?")


def _synchronised() -> bool | None:
    """None where nobody knows (containers)."""
    program = shutil.which("timedatectl")
    if program is None:
        return None
    try:
        answer = subprocess.run([program, "show", "--property=NTPSynchronized", "--value"], capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(answer)


def folders() -> Iterator[Finding]:
    """Where the processes write: possible, with room, and nowhere else."""
    import config

    places = {"PTT_VAR": local_folder(config.VAR), "DOCUMENTS_URL": local_folder(current_app.config.get("DOCUMENTS_URL"))}
    if current_app.config.get("PTT_BACKUP_KEYS"):
        places["BACKUP_URL"] = local_folder(current_app.config.get("BACKUP_URL"))
    for name, place in places.items():
        if place is None:
            continue
        found = existing(place)
        if not os.access(found, os.W_OK | os.X_OK):
            yield Finding(ERROR, "folders", f"{name}: {found} cannot be written by this user.")
            continue
        usage = shutil.disk_usage(found)
        if usage.free < ROOM * usage.total:
            yield Finding(WARNING, "folders", f"{name}: less than {ROOM:.0%} of the disk are free ({usage.free // 1_000_000} MB).")
        if place.exists() and place.stat().st_mode & 0o007:
            yield Finding(WARNING, "folders", f"{name}: every user of this machine can read {place}. Take the rights of others away (chmod o-rwx).")
    code = Path(current_app.root_path)
    if os.geteuid() != 0 and _may_change(code):
        yield Finding(WARNING, "folders", f"The processes may change their own program in {code}. Let another user own it.")
    if os.geteuid() == 0:
        yield Finding(WARNING, "folders", "This runs as root. Run it as the user of the services, so that the rights of folders are checked.")


def _may_change(code: Path) -> bool:
    return os.access(code, os.W_OK)


def secrets() -> Iterator[Finding]:
    for key in [spec.key for spec in declared() if spec.secret]:
        stored = db.session.scalar(select(SettingValue.value).where(SettingValue.key == key))
        if stored:
            try:
                decrypt(stored)
            except SecretError:
                yield Finding(ERROR, "secrets", f"The setting {key} cannot be opened with PTT_ENCRYPTION_KEYS.")
    from app.system.rotation import unreadable

    for name, number in unreadable().items():
        yield Finding(ERROR, "secrets", f"{number} values of {name} are sealed with a key that PTT_ENCRYPTION_KEYS does not have.")


def staff() -> Iterator[Finding]:
    from app.admin.setup import ADMINISTRATOR
    from app.admin.totp_models import StaffFactor

    if not setting("staff.require_second_factor"):
        yield Finding(ERROR, "staff", "The second factor is not required: one stolen password of an administrator is enough (Settings, Staff).")
    security = current_app.appbuilder.sm  # type: ignore[attr-defined]
    user, role = security.user_model, security.role_model
    administrators = db.session.scalars(select(user.id).where(user.active, user.roles.any(role.name == ADMINISTRATOR))).all()
    if not administrators:
        yield Finding(ERROR, "staff", "There is no administrator who can sign in. Run: flask ptt admin NAME")
    without = len(administrators) - (db.session.scalar(select(func.count()).select_from(StaffFactor).where(
        StaffFactor.user_id.in_(administrators), StaffFactor.confirmed_at.is_not(None))) or 0)
    if without > 0:
        yield Finding(WARNING, "staff", f"{without} of {len(administrators)} administrators have not set up their second factor yet; they are led to it at the next sign-in.")


def company() -> Iterator[Finding]:
    missing = [name for name in ("name", "street", "postcode", "city", "country") if not setting(f"company.{name}")]
    if missing:
        yield Finding(ERROR, "company", f"{', '.join(missing)} of the company are not filled in: invoices need them (Settings, Company).")
    if not setting("company.vat_id") and not setting("company.tax_number"):
        yield Finding(ERROR, "company", "Neither VAT id nor tax number is filled in: invoices need one of them.")
    if not setting("company.iban") and not setting("company.account"):
        yield Finding(WARNING, "company", "No bank account is filled in: customers do not learn where to pay to.")
    if not setting("mail.sender"):
        yield Finding(WARNING, "e-mail", "The sender of e-mails is not filled in (Settings, E-mail): nothing is sent.")
    if not setting("alerts.addresses"):
        yield Finding(WARNING, "e-mail", "Nobody is told when a job fails (Settings, Alerts).")


def outgoing() -> Iterator[Finding]:
    from app.system.quarantine import restored_at

    if (since := restored_at()) is not None:
        yield Finding(ERROR, "outgoing", f"This is a copy restored on {since}. Nothing goes out until an administrator says on the page “Jobs” that it is the production.")
    elif setting("system.hold_outgoing"):
        yield Finding(WARNING, "outgoing", "Everything outgoing is held by the setting.")
    if db.session.get(Mark, "demo.loaded") is not None:
        yield Finding(ERROR, "outgoing", "This database holds the demo's customers. Set up an empty one.")


def backups() -> Iterator[Finding]:
    from app.system.backup import last_backup

    if not setting("backup.nightly"):
        yield Finding(WARNING, "backups", "Nightly backups are off (Settings, Backups). If something else makes them, nothing here watches it.")
        return
    last = last_backup()
    if last is None or clock.now() - last > timedelta(hours=30):
        yield Finding(ERROR, "backups", f"The last backup is {'missing' if last is None else f'of {last:%Y-%m-%d %H:%M} UTC'}. Run: flask ptt backup")


def tls() -> Iterator[Finding]:
    """The certificate of BASE_URL, as a browser sees it."""
    base = urlsplit(current_app.config.get("BASE_URL") or "")
    if base.scheme != "https" or not base.hostname:
        return                          # told by `configuration`
    try:
        with socket.create_connection((base.hostname, base.port or 443), timeout=5) as plain, \
                ssl.create_default_context().wrap_socket(plain, server_hostname=base.hostname) as sealed:
            certificate: Any = sealed.getpeercert()
            version = sealed.version()
    except ssl.SSLError as error:
        yield Finding(ERROR, "TLS", f"The certificate of {base.hostname} is refused: {error.reason or error}.")
        return
    except OSError as error:
        yield Finding(WARNING, "TLS", f"{base.hostname} cannot be reached from here ({error}): the certificate was not checked.")
        return
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    if ends - datetime.now(UTC) < timedelta(days=LAST_DAYS):
        yield Finding(WARNING, "TLS", f"The certificate of {base.hostname} ends on {ends:%Y-%m-%d}. Renew it.")
    if version not in ("TLSv1.2", "TLSv1.3"):
        yield Finding(ERROR, "TLS", f"{base.hostname} speaks {version}. Allow TLS 1.2 and newer only.")


CHECKS: dict[str, Check] = {"environment": configuration, "database": database, "redis": redis, "clock": time, "folders": folders, "secrets": secrets,
                            "staff": staff, "company": company, "outgoing": outgoing, "backups": backups, "TLS": tls}


def findings(network: bool = True) -> list[Finding]:
    """All of it; a check that cannot be made is an error of its own. `network=False` leaves the certificate out."""
    found: list[Finding] = []
    for topic, check in CHECKS.items():
        if topic == "TLS" and not network:
            continue
        try:
            found += list(check())
        except Exception as error:
            found.append(Finding(ERROR, topic, f"could not be checked: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"))
        finally:
            db.session.rollback()
    return found


__all__ = ["CHECKS", "Finding", "findings"]
