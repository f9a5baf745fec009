"""Second factor of staff: codes of six digits that change every 30 seconds (RFC 6238), and recovery codes.

A code counts once: the step it belongs to is remembered. Tries are slowed down like passwords, by a count of their own,
because a right password clears the password's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any

import pyotp
import segno
from flask import current_app
from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from sqlalchemy import and_, delete, exists, func, select, update

from app.admin import sessions, throttle
from app.admin.notices import tell_owner
from app.admin.rights import role_ids
from app.admin.security import must_wait
from app.admin.totp_models import StaffFactor, StaffRecoveryCode
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting

STEP = 30                   # seconds
DRIFT = 1                   # steps that a telephone's clock may be off
CODES = 10
REQUIRED_ROLES = ("Administrator", "Billing")


def is_on(user_id: int) -> bool:
    return bool(db.session.scalar(select(exists().where(StaffFactor.user_id == user_id, StaffFactor.confirmed_at.is_not(None)))))


def _has_role_that_needs_it(user_id: int) -> Any:
    return exists().where(Role.id.in_(role_ids(user_id)), Role.name.in_(REQUIRED_ROLES))


def is_required(user_id: int) -> bool:
    """The setting is on, and one of the user's roles (own or of a group) is one that needs it."""
    return bool(setting("staff.require_second_factor") and db.session.scalar(select(_has_role_that_needs_it(user_id))))


def must_enrol(user_id: int) -> bool:
    """Required and not there yet: one statement, because every request asks."""
    return bool(setting("staff.require_second_factor") and db.session.scalar(select(and_(
        _has_role_that_needs_it(user_id), ~exists().where(StaffFactor.user_id == user_id, StaffFactor.confirmed_at.is_not(None))))))


# setting it up


def begin(user: Any) -> StaffFactor:
    """A fresh secret that asks nobody until `confirm`. Refused while one is on: that has to be removed first."""
    with transaction() as session:
        row = session.get(StaffFactor, user.id, with_for_update=True, populate_existing=True)
        if row is not None and row.confirmed_at is not None:
            raise InvalidInput(_("The second factor is on already."))
        if row is None:
            row = StaffFactor(user_id=user.id, secret="", last_step=0)
            session.add(row)
        row.secret, row.created_at, row.last_step = pyotp.random_base32(), clock.now(), 0
        session.flush()
        return row


def pending(user_id: int) -> StaffFactor | None:
    row = db.session.get(StaffFactor, user_id)
    return row if row is not None and row.confirmed_at is None else None


def address_of(user: Any, row: StaffFactor) -> str:
    """What the QR code says: `otpauth://totp/…`."""
    return pyotp.TOTP(str(row.secret)).provisioning_uri(name=user.username, issuer_name=setting("company.name") or current_app.config["APP_NAME"])


def picture(user: Any, row: StaffFactor) -> str:
    """The QR code as a `data:` address of an SVG, dark on light in every theme."""
    return segno.make(address_of(user, row), error="m").svg_data_uri(scale=5, border=4, dark="#000", light="#fff", omitsize=False)


def confirm(user: Any, code: str, address: str, keep: int | None) -> list[str]:
    """Turn the factor on when the first code is right; ends the other sessions and returns the recovery codes, seen only now."""
    name = _name(user)
    must_wait(name, address)
    row = pending(user.id)
    if row is None:
        raise InvalidInput(_("Begin again: there is no secret that waits for its first code."), field="code")
    step = _step_of(row, code)
    if step is None:
        throttle.failed(name, address)
        raise InvalidInput(_("This code is not right. Check that the time of your telephone is set by itself, and enter the code that it shows now."), field="code")
    throttle.passed(name)
    with transaction() as session:
        changed: Any = session.execute(update(StaffFactor).where(StaffFactor.user_id == user.id, StaffFactor.confirmed_at.is_(None))
                                       .values(confirmed_at=clock.now(), last_step=step).execution_options(synchronize_session=False))
        if changed.rowcount != 1:
            raise InvalidInput(_("The second factor is on already."), field="code")
        codes = _new_codes(user)
        sessions.end_all(user.id, "password", but=keep)
        _note(user, "second_factor_on")
        tell_owner(user, "second_factor_on", _("Second factor set up"), _("A second factor was set up for your account. All other sessions were ended."))
    db.session.expire_all()
    return codes


def renew_codes(user: Any) -> list[str]:
    """Ten new recovery codes; the old ones stop working."""
    with transaction():
        codes = _new_codes(user)
        _note(user, "recovery_codes_renewed")
        tell_owner(user, "recovery_codes", _("New recovery codes"), _("New recovery codes were made for your account. The old ones no longer work."))
    return codes


def codes_left(user_id: int) -> int:
    return db.session.scalar(select(func.count()).select_from(StaffRecoveryCode).where(
        StaffRecoveryCode.user_id == user_id, StaffRecoveryCode.used_at.is_(None))) or 0


def _new_codes(user: Any) -> list[str]:
    codes = ["-".join(raw[at:at + 4] for at in range(0, 16, 4)) for raw in (base64.b32encode(secrets.token_bytes(10)).decode().lower() for _number in range(CODES))]
    with transaction() as session:
        session.execute(delete(StaffRecoveryCode).where(StaffRecoveryCode.user_id == user.id).execution_options(synchronize_session=False))
        session.add_all([StaffRecoveryCode(user_id=user.id, code_hash=_digest(code)) for code in codes])
    return codes


def remove(user: Any, by_owner: bool) -> None:
    """Take the factor away. By somebody else (an administrator, for a lost telephone) it also ends all sessions."""
    if by_owner and is_required(user.id):
        raise InvalidInput(_("Your role needs the second factor. Set it up anew with the help of an administrator."))
    with transaction() as session:
        if not session.execute(delete(StaffFactor).where(StaffFactor.user_id == user.id).execution_options(synchronize_session=False)).rowcount:  # type: ignore[attr-defined]
            raise InvalidInput(_("%(name)s has no second factor.", name=user.username))
        session.execute(delete(StaffRecoveryCode).where(StaffRecoveryCode.user_id == user.id).execution_options(synchronize_session=False))
        _note(user, "second_factor_off" if by_owner else "second_factor_reset")
        if by_owner:
            tell_owner(user, "second_factor_off", _("Second factor removed"), _("The second factor of your account was removed."))
        else:
            sessions.end_all(user.id, "staff")
            tell_owner(user, "second_factor_reset", _("Second factor reset"),
                       _("An administrator removed the second factor of your account and ended all sessions. You can set it up anew after the next sign-in."))
    db.session.expire_all()


# asking for it


def check(user: Any, code: str, address: str) -> bool:
    """Is this the telephone's code of now, or an unused recovery code? Uses it up. TooManyTries while one has to wait."""
    name = _name(user)
    must_wait(name, address)
    if _use_step(user, code) or _use_recovery(user, code):
        throttle.passed(name)
        return True
    throttle.failed(name, address)
    with transaction():
        _note(user, "second_factor_failed")
    return False


def _step_of(row: StaffFactor, code: str) -> int | None:
    """The newest step near now whose code this is and that was not used."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdecimal() and len(digits) == 6):
        return None
    now = int(clock.now().timestamp()) // STEP
    generator = pyotp.TOTP(str(row.secret))
    fitting = [step for step in range(now + DRIFT, now - DRIFT - 1, -1)
               if hmac.compare_digest(generator.generate_otp(step), digits)]
    return next((step for step in fitting if step > row.last_step), None)


def _use_step(user: Any, code: str) -> bool:
    row = db.session.get(StaffFactor, user.id, populate_existing=True)
    if row is None or row.confirmed_at is None or (step := _step_of(row, code)) is None:
        return False
    with transaction() as session:           # of two that come with the same code one wins
        changed: Any = session.execute(update(StaffFactor).where(StaffFactor.user_id == user.id, StaffFactor.last_step < step)
                                       .values(last_step=step).execution_options(synchronize_session=False))
        return bool(changed.rowcount == 1)


def _use_recovery(user: Any, code: str) -> bool:
    if len(code) > 60:
        return False
    with transaction() as session:
        changed: Any = session.execute(update(StaffRecoveryCode).where(
            StaffRecoveryCode.user_id == user.id, StaffRecoveryCode.code_hash == _digest(code), StaffRecoveryCode.used_at.is_(None))
            .values(used_at=clock.now()).execution_options(synchronize_session=False))
        if changed.rowcount != 1 or not is_on(user.id):
            return False
        left = codes_left(user.id)
        _note(user, "recovery_code_used")
        tell_owner(user, "recovery_used", _("Recovery code used"), _("Somebody signed in to your account with a recovery code. Codes left: %(n)s.", n=left))
        return True


def _digest(code: str) -> str:
    return hashlib.sha256("".join(c for c in code.lower() if c.isalnum()).encode()).hexdigest()


def _name(user: Any) -> str:
    return f"second factor {user.id}"


def _note(user: Any, what: str) -> None:
    record(ProtocolKind.SECURITY, what, subject_type="staff", subject_id=user.id, subject=user.username)
