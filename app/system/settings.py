"""Settings that staff change in the interface: declared with type, default and check; only differences are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import g, has_app_context
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.secrets import decrypt, encrypt
from app.system.models import ProtocolKind, SettingValue


@dataclass(frozen=True)
class Setting:
    """`kind`: bool, int, str, Decimal or list (of str). `check(value)` raises DomainError. `choices`: callable or list of (value, word)."""

    key: str
    kind: type
    default: Any
    title: Any
    section: Any
    help: Any = ""
    check: Callable[[Any], None] | None = None
    choices: Any = None
    minimum: Any = None
    maximum: Any = None
    long: bool = False                  # a text of several lines
    secret: bool = False                # a str that is stored encrypted and shown to nobody


_declared: dict[str, Setting] = {}


def declare(*settings: Setting) -> None:
    for item in settings:
        if item.kind not in (bool, int, str, Decimal, list):
            raise TypeError(f"setting {item.key}: no such kind {item.kind}")
        if item.secret and (item.kind is not str or item.default or item.choices is not None):
            raise TypeError(f"setting {item.key}: a secret is a text without default and choices")
        _declared[item.key] = item


def declared() -> list[Setting]:
    return list(_declared.values())


def _stored() -> dict[str, Any]:
    if not has_app_context():
        raise RuntimeError("settings need an application context")
    cached = g.get("ptt_settings")
    if cached is None:
        cached = g.ptt_settings = {row.key: row.value for row in db.session.execute(select(SettingValue.key, SettingValue.value))}
    return cached


def stored_value(key: str) -> Any:
    """What is stored beside the settings under a key that nobody declared, or None: read with them, once a request."""
    return _stored().get(key)


def forget_cached() -> None:
    """A new request or job reads anew; call this where one process lives longer than that."""
    g.pop("ptt_settings", None)


def setting(key: str) -> Any:
    """The value in force, typed. KeyError for a key that nobody declared; SecretError when the key of a secret is not there."""
    spec = _declared[key]
    stored = _stored()
    if key not in stored:
        return spec.default
    value = stored[key]
    if spec.secret and value:
        return decrypt(value)
    return Decimal(value) if spec.kind is Decimal else value


def is_given(key: str) -> bool:
    """Whether a secret is stored, without opening it."""
    return bool(_stored().get(key))


def parse(spec: Setting, value: Any) -> Any:
    """From a form's text (or a typed value) to the setting's type; InvalidInput says what is wrong."""
    try:
        if spec.kind is bool:
            value = value in (True, "true", "on", "1", "y", "yes")
        elif spec.kind is int:
            value = int(str(value).strip())
        elif spec.kind is Decimal:
            value = Decimal(str(value).strip().replace(",", "."))
            if not value.is_finite():
                raise ValueError
        elif spec.kind is list:
            value = [str(item).strip() for item in value if str(item).strip()] if isinstance(value, list) \
                else [line.strip() for line in str(value).splitlines() if line.strip()]
        else:
            value = str(value).strip()
    except (ValueError, InvalidOperation) as error:
        raise InvalidInput(_("“%(title)s” needs a number.", title=spec.title), field=spec.key) from error
    if spec.kind in (int, Decimal):
        if spec.minimum is not None and value < spec.minimum:
            raise InvalidInput(_("“%(title)s” must be at least %(n)s.", title=spec.title, n=spec.minimum), field=spec.key)
        if spec.maximum is not None and value > spec.maximum:
            raise InvalidInput(_("“%(title)s” must be at most %(n)s.", title=spec.title, n=spec.maximum), field=spec.key)
    if spec.kind is str and len(value) > (4000 if spec.long else 400):
        raise InvalidInput(_("“%(title)s” is too long.", title=spec.title), field=spec.key)
    if spec.choices is not None:
        allowed = {v for v, _word in (spec.choices() if callable(spec.choices) else spec.choices)}
        if value not in allowed:
            raise InvalidInput(_("“%(title)s”: choose one of the list.", title=spec.title), field=spec.key)
    if spec.check is not None:
        spec.check(value)
    return value


def change_settings(values: dict[str, Any]) -> list[str]:
    """Check all, then store all; returns the keys that changed. Unknown keys are refused."""
    from app.system.protocol import record

    parsed = {}
    for key, value in values.items():
        if key not in _declared:
            raise InvalidInput(_("There is no setting “%(key)s”.", key=key), field=key)
        parsed[key] = parse(_declared[key], value)
    changed = []
    with transaction() as session:
        for key, value in parsed.items():
            if _declared[key].secret:
                words = ["…" if is_given(key) else "", "…" if value else ""]
                if not value and not is_given(key):
                    continue
                raw: Any = encrypt(value) if value else ""
            else:
                old = setting(key)
                if value == old:
                    continue
                raw, words = str(value) if isinstance(value, Decimal) else value, [str(old), str(value)]
            session.merge(SettingValue(key=key, value=raw))
            record(ProtocolKind.SETTINGS, "changed", subject_type="setting", subject=key, changes={key: words})
            changed.append(key)
    forget_cached()
    return changed


def _check_hold(value: Any) -> None:
    from app.system.quarantine import check_hold

    check_hold(value)


declare(
    Setting("system.hold_outgoing", bool, False, _l("Hold everything outgoing"), _l("System"),
            _l("While this is on, nothing is sent to PTT servers, by e-mail or by SMS. It is shown on every page."), check=_check_hold),
    Setting("system.time_zone", str, "Europe/Berlin", _l("Time zone of the company"), _l("System"),
            _l("Due dates, days and “the 1st at 00:01” are meant in this zone, for example Europe/Berlin or America/Sao_Paulo.")),
)
