"""The link in a configuration SMS: opening it changes nothing, using it shows the settings once and makes a new password where the mode has one.

A password never stands in an SMS: those are read by whoever holds the phone, later too, and are stored on their way.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, select

from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.core.errors import DomainError, InvalidInput
from app.core.secrets import SecretError
from app.licenses.desired import server_access
from app.licenses.models import License, LicenseState, SyncState
from app.licenses.setup_models import SetupLink
from app.plugin_api.provisioning import ProvisioningError
from app.plugin_api.registry import plugins
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from app.system.throttle import place, take

TRIES = 20              # an hour and address
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"      # none that look alike: it is typed by hand
KEPT = timedelta(days=30)


class DeadLink(InvalidInput):
    """Unknown, used, replaced or expired: which of them is nobody's business."""

    def __init__(self) -> None:
        super().__init__(_("This link is no longer valid. Links work once and for a short time; a newer one replaces an older one. Ask for a new SMS."))


@dataclass(frozen=True)
class Settings:
    """What is entered on the device. `password` is None where it has none, or keeps the one it has."""

    license: License
    password: str | None


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def address_of(token: str) -> str:
    return f"{current_app.config['BASE_URL'].rstrip('/')}/portal/setup/{token}"


def sample_address() -> str:
    """As long as a real one."""
    return address_of("x" * 43)


def life() -> datetime:
    """Until when a link that is made now works."""
    return clock.now() + timedelta(hours=setting("sms.link_hours"))


def make_link(license: License, until: datetime) -> str:
    """A new token; every older one ends. Call inside `transaction()`."""
    with transaction() as session:
        session.execute(delete(SetupLink).where(SetupLink.license_id == license.id))
        token = secrets.token_urlsafe(32)
        session.add(SetupLink(license_id=license.id, token_hash=digest(token), phone=license.phone, expires_at=until))
        session.flush()
    return token


def open_link(token: Any, address: str) -> SetupLink:
    """A link that may be used now. Changes nothing. Raises DeadLink, or TooManyTries after many wrong ones."""
    link = _find(token)
    if link is None or not _is_alive(link):
        db.session.rollback()
        take("setup_link", place(address), TRIES)
        raise DeadLink()
    return link


def use_link(token: Any, address: str) -> Settings:
    """Use it up and give the settings. When the PTT server takes no password now, the link stays good."""
    db.session.rollback()
    take("setup_link", place(address), TRIES)
    with transaction():
        link = _find(token, lock=True)
        if link is None or not _is_alive(link):
            raise DeadLink()
        ident, license = link.id, link.license
        wanted = license.tariff.mode.setup_password and _takes_password(license)
        if wanted and license.sync_state is not SyncState.SYNCED:
            raise InvalidInput(_("Your access is just being set up on the PTT server. Try again in a few minutes; the link stays good."))
        link.used_at = clock.now()
        with acting(Actor("portal", str(license)[:80], origin=address)):
            record(ProtocolKind.LICENSE, "setup_link_used", subject_type="license", subject_id=license.id, subject=str(license), customer_id=license.customer_id,
                   note=_("A new password was made.") if wanted else "")
    try:
        password = _new_password(license) if wanted else None
    except DomainError:
        with transaction() as session:
            if (link := session.get(SetupLink, ident, populate_existing=True)) is not None:     # a newer one has replaced it otherwise
                link.used_at = None
        raise
    return Settings(license, password)


def _takes_password(license: License) -> bool:
    driver = plugins().by_code("provisioning_drivers").get(license.server.driver)
    return driver is not None and "password" in driver.capabilities()


def _new_password(license: License) -> str:
    """Set on the server, and stored nowhere else."""
    driver, name = plugins().by_code("provisioning_drivers")[license.server.driver], license.user_name
    try:
        access = server_access(license.server)
    except SecretError as error:
        raise _later() from error
    password = "".join(secrets.choice(LETTERS) for _place in range(14))
    db.session.rollback()           # nothing is open while the server is slow
    if setting("system.hold_outgoing"):
        raise _later()
    try:
        driver.set_password(access, name, password)
    except ProvisioningError as error:
        raise _later() from error
    return password


def _later() -> InvalidInput:
    return InvalidInput(_("The PTT server does not answer at the moment. Try again in a few minutes; the link stays good."))


def _find(token: Any, lock: bool = False) -> SetupLink | None:
    if not isinstance(token, str) or not 20 <= len(token) <= 100:
        return None
    query = select(SetupLink).where(SetupLink.token_hash == digest(token))
    return db.session.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)


def _is_alive(link: SetupLink) -> bool:
    license = link.license
    return link.used_at is None and link.expires_at > clock.now() and license.state is not LicenseState.DELETED and not license.lock_reasons and license.phone == link.phone


def remove_old() -> int:
    with transaction() as session:
        return session.execute(delete(SetupLink).where(SetupLink.expires_at < clock.now() - KEPT).execution_options(synchronize_session=False)).rowcount  # type: ignore[attr-defined,no-any-return]
