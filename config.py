"""Every setting of the process, read from the environment. docs/operations.md explains each variable.

What is not set has a default that is safe and good for trying. With PTT_ENV=production, `check` refuses to start on
anything that would be unsafe. Business settings (company, lock rules, texts …) are not here: they are in the interface.
"""

from __future__ import annotations

import logging
import os
import secrets as _random
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

log = logging.getLogger("pttadmin.config")
ROOT = Path(__file__).resolve().parent
VAR = Path(os.environ.get("PTT_VAR") or ROOT / "var").resolve()
PTT_ENV = os.environ.get("PTT_ENV", "development")
PRODUCTION = PTT_ENV == "production"
SECRETS_FILE = VAR / "secrets.env"


class ConfigError(Exception):
    """The process must not start with these settings; the text names each fault and its cure."""


def _read_secrets_file() -> dict[str, str]:
    """What `run.py` generated at its first start. Never read in production: there the environment is the only source."""
    if PRODUCTION or not SECRETS_FILE.is_file():
        return {}
    lines = SECRETS_FILE.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


_generated = _read_secrets_file()


def _text(name: str, default: str = "") -> str:
    return os.environ.get(name) or _generated.get(name) or default


def _flag(name: str, default: bool) -> bool:
    word = _text(name).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    if word:
        raise ConfigError(f"{name} is “{word}”. Set it to 1 or 0.")
    return default


def _number(name: str, default: int, least: int = 0) -> int:
    word = _text(name, str(default))
    if not word.isdecimal() or int(word) < least:
        raise ConfigError(f"{name} is “{word}”. Set it to a whole number of at least {least}.")
    return int(word)


def _list(name: str) -> list[str]:
    return [part.strip() for part in _text(name).split(",") if part.strip()]


def database_uri(url: str) -> str:
    """The address in SQLAlchemy's words: PostgreSQL is always spoken to with psycopg 3."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and scheme in ("postgres", "postgresql") else url


# A paused process keeps its transaction and its locks. After this PostgreSQL takes them back, and whoever has taken over the claim goes on.
IDLE_SECONDS = 300


def engine_options(uri: str, pool: int = 5) -> dict[str, Any]:
    """`pool`: connections that one process keeps; a third of it more under load."""
    if uri.startswith("sqlite"):
        return {"connect_args": {"timeout": 15}}
    return {"pool_pre_ping": True, "pool_size": pool, "max_overflow": max(2, pool // 3), "pool_timeout": 10, "pool_recycle": 1800,
            "connect_args": {"connect_timeout": 10, "application_name": "pttadmin", "options": f"-c timezone=UTC -c idle_in_transaction_session_timeout={IDLE_SECONDS}s",
                             "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}}


# Data -------------------------------------------------------------------------------------------------------------
DATABASE_URL = _text("DATABASE_URL", f"sqlite:///{VAR / 'ptt.db'}")
DATABASE_POOL = _number("DATABASE_POOL", 8, 1)
QUEUE_SECONDS = _number("QUEUE_SECONDS", 3, 1)
SQLALCHEMY_DATABASE_URI = database_uri(DATABASE_URL)
SQLALCHEMY_ENGINE_OPTIONS = engine_options(SQLALCHEMY_DATABASE_URI, DATABASE_POOL)
REDIS_URL = _text("REDIS_URL", f"unix://{VAR / 'redis' / 'redis.sock'}")
DOCUMENTS_URL = _text("DOCUMENTS_URL", f"file://{VAR / 'documents'}")
SMTP_URL = _text("SMTP_URL")
BACKUP_URL = _text("BACKUP_URL", f"file://{VAR / 'backups'}")
EXPORT_FOLDER = _text("EXPORT_FOLDER")              # exports may go into folders of this machine below it
EXPORT_HOSTS = _list("EXPORT_HOSTS")                # SFTP servers that exports may go to; empty: any whose key is known
EXPORT_KNOWN_HOSTS = _text("EXPORT_KNOWN_HOSTS", str(VAR / "known_hosts"))
EXPORT_S3_ENDPOINT = _text("EXPORT_S3_ENDPOINT")

# Secrets ----------------------------------------------------------------------------------------------------------
SECRET_KEY = _text("SECRET_KEY") or ("" if PRODUCTION else _random.token_urlsafe(48))
PTT_ENCRYPTION_KEYS = _text("PTT_ENCRYPTION_KEYS")
PTT_BACKUP_KEYS = _text("PTT_BACKUP_KEYS")

# Web --------------------------------------------------------------------------------------------------------------
BASE_URL = _text("BASE_URL", "http://localhost:8080").rstrip("/")
TRUSTED_HOSTS = _list("TRUSTED_HOSTS") or ([] if PRODUCTION else ["localhost", "127.0.0.1"])
FAB_SAFE_REDIRECT_HOSTS = TRUSTED_HOSTS
PROXY_HOPS = _number("PROXY_HOPS", 0)
COOKIE_SECURE = _flag("COOKIE_SECURE", PRODUCTION)
SESSION_COOKIE_SECURE = COOKIE_SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
WTF_CSRF_ENABLED = True
WTF_CSRF_TIME_LIMIT = None          # a form lives as long as its session
MAX_CONTENT_LENGTH = 32 * 1024 * 1024
MAX_FORM_MEMORY_SIZE = 2 * 1024 * 1024
MAX_FORM_PARTS = 2000
DEBUG = False
METRICS_TOKEN = _text("METRICS_TOKEN")
METRICS_NETS = _text("METRICS_NETS")

# Product ----------------------------------------------------------------------------------------------------------
APP_NAME = "PTT Admin"
PLUGINS = _list("PLUGINS") if "PLUGINS" in os.environ else None      # None: all that are installed
COMPANY_TIMEZONE = _text("COMPANY_TIMEZONE", "Europe/Berlin")
LOG_LEVEL = _text("LOG_LEVEL", "INFO").upper()
DEMO = _flag("DEMO", False)
PTT_ALLOWED_NETS = _text("PTT_ALLOWED_NETS")
PTT_CLOCK_FILE = _text("PTT_CLOCK_FILE") or None
PTT_TICK_SECONDS = _text("PTT_TICK_SECONDS") or None
PTT_SIMULATOR_URL = _text("PTT_SIMULATOR_URL")
PTT_SIMULATOR_USER = _text("PTT_SIMULATOR_USER")
PTT_SIMULATOR_PASSWORD = _text("PTT_SIMULATOR_PASSWORD")
PTT_PAYPAL_URL = _text("PTT_PAYPAL_URL")    # of the stand-in for PayPal, in the demo only
CHAT_PORT = _number("CHAT_PORT", 0)     # of the chat's sockets, where no proxy puts them under the address of the site
PTT_PORTAL_PASSWORD = _text("PTT_PORTAL_PASSWORD")      # of the demo's customers

# Flask-AppBuilder -------------------------------------------------------------------------------------------------
AUTH_TYPE = 1                       # database
AUTH_USER_REGISTRATION = False
FAB_BASE_TEMPLATE = "pttadmin/base.html"
FAB_CREATE_DB = False               # Alembic owns every table
FAB_UPDATE_PERMS = False            # `flask ptt setup` does it
FAB_ADD_SECURITY_API = False
FAB_API_SWAGGER_UI = False
FAB_API_SHOW_STACKTRACE = False
FAB_PASSWORD_HASH_METHOD = "scrypt:32768:8:3"
# Compared with when the user is unknown: made with the same parameters, so that both take the same time.
AUTH_DB_FAKE_PASSWORD_HASH_CHECK = (
    "scrypt:32768:8:3$PttAdminNobody00$7a48a4af4101abcb620bcba018c30da67a49f826f70eacbdc6cdbdbee999ba4491f7a813f227a755763acec97e2475e092585fad1b8496e1cad5ff07aa6f48d1")
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = "20 per 10 minutes"
RATELIMIT_ENABLED = True
RATELIMIT_STORAGE_URI = REDIS_URL.replace("unix://", "redis+unix://", 1)
RATELIMIT_IN_MEMORY_FALLBACK_ENABLED = True
RATELIMIT_SWALLOW_ERRORS = True

# Languages --------------------------------------------------------------------------------------------------------
BABEL_DEFAULT_LOCALE = "en"
LANGUAGES = {
    "en": {"flag": "gb", "name": "English"},
    "de": {"flag": "de", "name": "Deutsch"},
    "pt_BR": {"flag": "br", "name": "Português (Brasil)"},
}

SAMPLES = ("change", "secret", "sample", "example", "password", "default", "insecure", "replace", "your", "xxxx")


def is_weak(key: str) -> str:
    """Why this SECRET_KEY is refused, or an empty text."""
    if not key:
        return "is not set"
    if len(key.encode()) < 32:
        return "is shorter than 32 bytes"
    if len(set(key)) < 12 or any(word in key.lower() for word in SAMPLES):
        return "is a sample or follows a pattern"
    return ""


def faults(config: Mapping[str, Any]) -> list[str]:
    """What forbids a productive start, one sentence each with its cure."""
    found = []
    if weak := is_weak(config.get("SECRET_KEY") or ""):
        found.append(f"SECRET_KEY {weak}. Make one: python -c 'import secrets; print(secrets.token_urlsafe(48))'")
    if not config.get("PTT_ENCRYPTION_KEYS"):
        found.append("PTT_ENCRYPTION_KEYS is not set. Make one: python -c "
                     "'import base64, os; print(\"k1:\" + base64.b64encode(os.urandom(32)).decode())'")
    base = urlsplit(config.get("BASE_URL") or "")
    if base.scheme != "https" or not base.hostname or base.hostname == "localhost":
        found.append("BASE_URL has to be the public address, with https://.")
    hosts = config.get("TRUSTED_HOSTS") or []
    if not hosts or "*" in hosts:
        found.append("TRUSTED_HOSTS is empty. Name every host under which the site is called, separated by commas.")
    elif base.hostname and base.hostname not in hosts:
        found.append(f"TRUSTED_HOSTS does not contain {base.hostname}, the host of BASE_URL.")
    if not config.get("SESSION_COOKIE_SECURE"):
        found.append("COOKIE_SECURE is off. Leave it out: cookies go over HTTPS only.")
    redis = urlsplit(config.get("REDIS_URL") or "")
    if redis.scheme not in ("unix", "redis", "rediss"):
        found.append("REDIS_URL has to begin with unix://, redis:// or rediss://.")
    elif redis.scheme != "unix" and not redis.password:
        found.append("REDIS_URL has no password. Give Redis a user with a password, or use a socket (unix://).")
    if config.get("PTT_CLOCK_FILE"):
        found.append("PTT_CLOCK_FILE is for tests and training only.")
    if config.get("DEMO"):
        found.append("DEMO is on. Leave it out.")
    if config.get("PTT_PAYPAL_URL"):
        found.append("PTT_PAYPAL_URL is for tests and training only. Leave it out.")
    if config.get("DEBUG") or config.get("TESTING"):
        found.append("DEBUG and TESTING have to be off.")
    backup, stored = config.get("PTT_BACKUP_KEYS") or "", config.get("PTT_ENCRYPTION_KEYS") or ""
    if {part.partition(":")[2] for part in backup.split(",")} & {part.partition(":")[2] for part in stored.split(",")} - {""}:
        found.append("PTT_BACKUP_KEYS holds a key of PTT_ENCRYPTION_KEYS. Make one of its own: whoever opens a backup must not open the secrets in it.")
    if 0 < len((config.get("METRICS_TOKEN") or "").encode()) < 24:
        found.append("METRICS_TOKEN is shorter than 24 bytes. Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'")
    return found


def doubts(config: Mapping[str, Any]) -> list[str]:
    """What a productive start is warned of: it works, and somebody should have decided it."""
    found = []
    database = urlsplit(config.get("DATABASE_URL") or "")
    if database.scheme.startswith("sqlite"):
        found.append("DATABASE_URL is SQLite: good for one small provider on one machine. More need PostgreSQL.")
    elif database.hostname not in (None, "", "localhost", "127.0.0.1", "::1") and not _has_tls(database.query):
        found.append("DATABASE_URL goes to another machine without sslmode=verify-full: passwords and data can be read on the way.")
    redis = urlsplit(config.get("REDIS_URL") or "")
    if redis.scheme == "redis" and redis.hostname not in ("localhost", "127.0.0.1", "::1"):
        found.append("REDIS_URL goes to another machine without TLS. Use rediss://, or a network of its own.")
    smtp = urlsplit(config.get("SMTP_URL") or "")
    if not smtp.scheme:
        found.append("SMTP_URL is not set: no e-mail leaves, no invoice and no alert.")
    elif smtp.scheme == "smtp" and smtp.hostname not in ("localhost", "127.0.0.1", "::1"):
        found.append("SMTP_URL is not encrypted. Use smtp+starttls:// or smtps://.")
    if not config.get("PROXY_HOPS"):
        found.append("PROXY_HOPS is 0: behind a reverse proxy all visitors seem to have its address, and throttles hit them together.")
    if not config.get("PTT_BACKUP_KEYS"):
        found.append("PTT_BACKUP_KEYS is not set: the product makes no backups. Make one: python -c "
                     "'import base64, os; print(\"b1:\" + base64.b64encode(os.urandom(32)).decode())'")
    return found


def _has_tls(query: str) -> bool:
    return any(word in query for word in ("sslmode=require", "sslmode=verify-ca", "sslmode=verify-full"))


def nonsense(config: Mapping[str, Any]) -> list[str]:
    """Values that can mean nothing, in any environment."""
    from app.core.secrets import SecretError, parse_keys

    found = []
    if config.get("PTT_ENV", "development") not in ("production", "development"):
        found.append(f"PTT_ENV is “{config.get('PTT_ENV')}”. Set it to production, or leave it out.")
    if config.get("LOG_LEVEL", "INFO") not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        found.append(f"LOG_LEVEL is “{config.get('LOG_LEVEL')}”. Set it to DEBUG, INFO, WARNING or ERROR.")
    try:
        ZoneInfo(config.get("COMPANY_TIMEZONE") or "UTC")
    except (ValueError, OSError, ZoneInfoNotFoundError):
        found.append(f"COMPANY_TIMEZONE is “{config.get('COMPANY_TIMEZONE')}”. Name a time zone, for example Europe/Berlin.")
    for name in ("PTT_ALLOWED_NETS", "METRICS_NETS"):
        nets = config.get(name) or ""
        for word in nets.replace(",", " ").split() if isinstance(nets, str) else nets:
            try:
                ip_network(word)
            except ValueError:
                found.append(f"{name} contains “{word}”. Name networks, for example 10.20.0.0/16.")
    try:
        if float(config.get("PTT_TICK_SECONDS") or 60) <= 0:
            raise ValueError
    except ValueError:
        found.append(f"PTT_TICK_SECONDS is “{config.get('PTT_TICK_SECONDS')}”. Set it to a number of seconds.")
    for name in ("PTT_ENCRYPTION_KEYS", "PTT_BACKUP_KEYS"):
        try:
            parse_keys(config.get(name) or "")
        except SecretError as error:
            found.append(f"{name}: {error}.")
    return found


def check(config: Mapping[str, Any]) -> None:
    """Called by the factory for every process. Raises ConfigError for values that mean nothing and, when PTT_ENV is
    production, for everything that is unsafe."""
    found = nonsense(config)
    if config.get("PTT_ENV") == "production":
        found += faults(config)
        for line in [] if found else doubts(config):
            log.warning("%s", line)
    if found:
        raise ConfigError("PTT Admin does not start like this:\n" + "\n".join(f"  - {line}" for line in found))
