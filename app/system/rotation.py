"""Seals every stored secret anew with the first key of `PTT_ENCRYPTION_KEYS`, so that older keys can be taken away.

Goes over all encrypted columns (core and plugins, found by their type) and the secret settings. Each batch is a
transaction of its own and a value that somebody changed meanwhile is left alone: it may be killed and run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import current_app
from flask_appbuilder import Model
from sqlalchemy import Text, column, exists, inspect, literal, select, table, update

from app.core.db import db, retrying, transaction
from app.core.secrets import SecretError, SecretType, decrypt, encrypt, parse_keys
from app.core.types import Json
from app.plugin_api.registry import plugins
from app.system.models import ProtocolKind, SettingValue
from app.system.protocol import record
from app.system.settings import declared

BATCH = 500


def _columns() -> Iterator[tuple[str, str, str]]:
    """(table, primary key, column) of everything that is stored sealed."""
    for found in Model.metadata.sorted_tables:
        for item in found.columns:
            if isinstance(item.type, SecretType):
                keys = list(found.primary_key.columns)
                if len(keys) != 1:
                    raise TypeError(f"{found.name}: a table with secrets needs a primary key of one column")
                yield found.name, keys[0].name, item.name


def _sealed(name: str, key: str, what: str) -> Iterator[list[Any]]:
    """Rows (id, stored text) in batches, past the type that would open them."""
    rows = table(name, column(key), column(what, Text))
    last: Any = None
    while True:
        query = select(rows.c[key], rows.c[what]).where(rows.c[what].is_not(None)).order_by(rows.c[key]).limit(BATCH)
        found = list(db.session.execute(query if last is None else query.where(rows.c[key] > last)).all())
        db.session.rollback()
        if not found:
            return
        yield found
        last = found[-1][0]


def _settings() -> Iterator[tuple[str, str]]:
    secret = [spec.key for spec in declared() if spec.secret]
    for row in db.session.execute(select(SettingValue.key, SettingValue.value).where(SettingValue.key.in_(secret))).all():
        if row.value:
            yield row.key, row.value


def _key_of(stored: str) -> str:
    return stored.split(":", 2)[1] if stored.count(":") >= 2 else ""


def unreadable() -> dict[str, int]:
    """table.column → number of values whose key is not configured. Looks at the key's name only: quick at any size."""
    known = set(parse_keys(current_app.config.get("PTT_ENCRYPTION_KEYS") or ""))
    found: dict[str, int] = {}
    for name, key, what in _columns():
        for batch in _sealed(name, key, what):
            if strange := sum(_key_of(row[1]) not in known for row in batch):
                found[f"{name}.{what}"] = found.get(f"{name}.{what}", 0) + strange
    return found


def rotate(say: Callable[[str], Any]) -> int:
    """Seal anew what another key sealed. Returns how much is left as it was: values that no key opens, plugins that do not run."""
    newest = next(iter(parse_keys(current_app.config.get("PTT_ENCRYPTION_KEYS") or "")), None)
    if newest is None:
        raise SecretError("PTT_ENCRYPTION_KEYS is not set")
    total = lost = 0
    for name, key, what in _columns():
        changed = 0
        rows = table(name, column(key), column(what, Text))
        for batch in _sealed(name, key, what):
            fresh: list[tuple[Any, str, str]] = []
            for ident, stored in batch:
                if _key_of(stored) == newest:
                    continue
                try:
                    fresh.append((ident, stored, encrypt(decrypt(stored))))
                except SecretError:
                    lost += 1
                    say(f"{name}.{what} of row {ident} cannot be opened with the configured keys; it stays as it is.")
            changed += retrying(lambda fresh=fresh, rows=rows, key=key, what=what: _store(rows, key, what, fresh))  # type: ignore[misc]
        if changed:
            say(f"{name}.{what}: {changed} sealed anew")
        total += changed
    for setting_key, stored in list(_settings()):
        if _key_of(stored) == newest:
            continue
        try:
            value = encrypt(decrypt(stored))
        except SecretError:
            lost += 1
            say(f"The setting {setting_key} cannot be opened with the configured keys; it stays as it is.")
            continue
        if retrying(lambda key=setting_key, before=stored, after=value: _store_setting(key, before, after)):  # type: ignore[misc]
            total += 1
            say(f"setting {setting_key}: sealed anew")
    left = _not_running()
    with transaction():
        record(ProtocolKind.SECURITY, "keys_rotated", subject_type="encryption_key", subject=newest,
               note=f"{total} sealed anew, {lost} not readable{''.join(f', {name} not running' for name in left)}")
    say(f"{total} secrets sealed anew with the key {newest}.")
    if left:
        say(f"Not sealed anew: what the plugins {', '.join(left)} store, which do not run. Keep the old key until they were.")
    return lost + len(left)


def _not_running() -> list[str]:
    """Plugins that have tables or settings here and do not run: only a running one says what of it is a secret."""
    registry, end = plugins(), "_alembic_version"
    names = {name.removesuffix(end) for name in inspect(db.engine).get_table_names() if name.endswith(end)}
    for name in (*registry.off, *registry.broken):
        if db.session.scalar(select(exists().where(SettingValue.key.startswith(f"{name}.", autoescape=True)))):
            names.add(name)
    db.session.rollback()
    return sorted(names - set(registry.loaded))


def _store(rows: Any, key: str, what: str, fresh: list[tuple[Any, str, str]]) -> int:
    changed = 0
    with transaction() as session:
        for ident, before, after in fresh:
            done: Any = session.execute(update(rows).where(rows.c[key] == ident, rows.c[what] == before).values({what: after}))
            changed += done.rowcount
    return changed


def _store_setting(key: str, before: str, after: str) -> int:
    with transaction() as session:
        done: Any = session.execute(update(SettingValue).where(SettingValue.key == key, SettingValue.value == literal(before, Json)).values(value=after))
        return int(done.rowcount)
