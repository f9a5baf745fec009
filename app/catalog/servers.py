"""PTT servers: entered, changed, paused, deleted. The secret goes in and never comes out."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalog.master import delete_row
from app.catalog.models import PttServer
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.plugin_api.registry import plugins

FIELDS = frozenset({"name", "driver", "profile", "wsdl", "endpoint", "username", "verify_tls", "allowed_hosts", "read_timeout", "user_limit", "modes"})
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", re.IGNORECASE)


def save_server(server: PttServer | None = None, *, secret: str | None = None, **fields: Any) -> PttServer:
    """A new server, or changed columns of one. An empty `secret` keeps the stored one. Raises InvalidInput with the field.

    Each change raises `revision`: clients that processes keep are built anew.
    """
    if unknown := set(fields) - FIELDS:
        raise InvalidInput(_("“%(field)s” cannot be set.", field=sorted(unknown)[0]))
    with transaction() as session:
        row = server if server is not None else PttServer(active=True, verify_tls=True, read_timeout=10, revision=0)
        if server is not None:
            session.refresh(row, with_for_update=True)
        with session.no_autoflush:
            moved = server is not None and _elsewhere(row, fields)
            for name, value in fields.items():
                setattr(row, name, value.strip() if isinstance(value, str) else value)
            _check(session, row)
            if moved and not secret and row.secret:
                raise InvalidInput(_("The server's address or user changed: enter its password again, so that it is not sent to a wrong place."), "secret")
        if secret:
            row.secret = secret
        row.revision = (row.revision or 0) + 1
        row.health_ok, row.health_note, row.health_at = None, "", None
        session.add(row)
        session.flush()
        return row


def set_paused(server: PttServer, paused: bool) -> None:
    """Nothing is sent to a paused server; orders wait. New licenses cannot be created on it."""
    with transaction() as session:
        session.refresh(server, with_for_update=True)
        if server.active is not paused:
            raise InvalidInput(_("“%(name)s” is paused already.", name=server.name) if paused else _("“%(name)s” is not paused.", name=server.name))
        server.active = not paused
        server.revision += 1


def delete_server(server: PttServer) -> None:
    """Only a server that nothing uses; InUse says what does."""
    delete_row(server, own=("ptt_server_mode",))


def driver_profiles() -> dict[str, dict[str, str]]:
    """Driver code → {profile code: title} for drivers that know several kinds of servers; {} for those that do not."""
    found = {}
    for code, driver in plugins().by_code("provisioning_drivers").items():
        known = getattr(driver, "profiles", None) or {}
        found[code] = {key: str(getattr(profile, "title", key)) for key, profile in known.items()}
    return found


# ---- inside ------------------------------------------------------------------------------------------------------


def _elsewhere(row: PttServer, fields: dict[str, Any]) -> bool:
    """Would the stored password be sent to another host, or with another name?"""
    def host(text: str | None) -> str:
        try:
            return (urlsplit(text or "").hostname or "") if "://" in (text or "") else ""
        except ValueError:      # no address at all: `_address` says so
            return text or ""

    now = {name: fields.get(name, getattr(row, name)) for name in ("wsdl", "endpoint", "username")}
    return host(now["wsdl"]) != host(row.wsdl) or host(now["endpoint"]) != host(row.endpoint) or (now["username"] or "").strip() != row.username


def _check(session: Session, row: PttServer) -> None:
    if not row.name or len(row.name) > 60:
        raise InvalidInput(_("Enter a name of at most 60 characters."), "name")
    other = session.scalar(select(PttServer.id).where(PttServer.name == row.name))
    if other is not None and other != row.id:
        raise InvalidInput(_("Another server is called “%(name)s”.", name=row.name), "name")
    drivers = plugins().by_code("provisioning_drivers")
    if row.driver not in drivers:
        known = ", ".join(str(driver.title) for driver in drivers.values()) or _("none is loaded")
        raise InvalidInput(_("Choose how the server is reached. Available: %(list)s.", list=known), "driver")
    profiles = driver_profiles()[row.driver]
    if profiles and row.profile not in profiles:
        raise InvalidInput(_("Choose one of the profiles: %(list)s.", list=", ".join(profiles.values())), "profile")
    row.wsdl = _address(row.wsdl, "wsdl")
    row.endpoint = _address(row.endpoint, "endpoint") if row.endpoint else ""
    hosts = [host.strip() for host in (row.allowed_hosts or "").split(",") if host.strip()]
    if wrong := [host for host in hosts if not HOST.fullmatch(host)]:
        raise InvalidInput(_("“%(host)s” is not a host name. Separate several by commas, for example ptt.example.org, files.example.org.", host=wrong[0]), "allowed_hosts")
    row.allowed_hosts = ", ".join(hosts)
    if not 1 <= (row.read_timeout or 0) <= 60:
        raise InvalidInput(_("Enter 1 to 60 seconds."), "read_timeout")
    if row.user_limit is not None and row.user_limit < 1:
        raise InvalidInput(_("Enter at least 1 user, or leave it empty for no limit."), "user_limit")
    if not row.modes:
        raise InvalidInput(_("Choose at least one PTT mode that the server offers."), "modes")


def _address(text: str | None, field: str) -> str:
    """An address that begins with http:// or https:// and names a host, without user name or password in it."""
    text = (text or "").strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.fragment and not any(ord(c) <= 32 for c in text)
        _port = parts.port
    except ValueError:
        good = False
    if not good or len(text) > 300:
        raise InvalidInput(_("This is not an address. Begin with http:// or https://, for example https://ptt.example.org/service?wsdl."), field)
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(_("Leave user name and password out of the address: it is shown and logged. Enter them in their own fields."), field)
    return text
