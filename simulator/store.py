"""State of the simulated server: one SQLite file in WAL mode, one connection, one lock.

A call that changes something is one transaction that also counts the effect, so that a test can prove that
nothing happened twice.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simulator import statements as sql
from simulator.rules import Fault


@dataclass(frozen=True, slots=True)
class User:
    name: str
    alias: str = ""
    phone: str = ""
    mode: str = ""
    device: str = ""
    network: str = ""
    services: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    enabled: bool = True


def _user(row: tuple[Any, ...]) -> User:
    name, alias, phone, mode, device, network, services, permissions, enabled = row
    return User(name, alias, phone, mode, device, network, tuple(services.split()), tuple(permissions.split()), bool(enabled))


def _values(user: User) -> tuple[Any, ...]:
    return (user.name, user.alias, user.phone, user.mode, user.device, user.network,
            " ".join(user.services), " ".join(user.permissions), int(user.enabled))


def _like(text: str) -> str:
    return "%" + text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"


class Store:
    """`path` is a file or ":memory:"; `max_users` is what LimitReached means."""

    def __init__(self, path: str | Path, max_users: int = 1_000_000):
        self.max_users = max_users
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._db.execute("PRAGMA journal_mode=WAL")
        # NORMAL: a killed process loses nothing; only a power cut may lose the last calls of this test server.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(sql.SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def _all(self, sql: str, *args: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(sql, args).fetchall()

    @staticmethod
    def _count(db: sqlite3.Connection, subject: str, operation: str) -> None:
        db.execute("INSERT INTO effect VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1",
                   (subject, operation))

    @staticmethod
    def _need_user(db: sqlite3.Connection, name: str, code: str = "NoSuchUser") -> User:
        row = db.execute(sql.ONE_USER, (name,)).fetchone()
        if row is None:
            raise Fault(code, f"There is no user {name[:64]!r}.")
        return _user(row)

    @staticmethod
    def _need_group(db: sqlite3.Connection, name: str) -> str:
        row = db.execute("SELECT title FROM ptt_group WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise Fault("NoSuchGroup", f"There is no group {name[:64]!r}.")
        return str(row[0])

    # users -----------------------------------------------------------------------------------------------------
    def create_user(self, user: User, password: str = "") -> User:
        hashed = _hash(password) if password else ""
        with self._write() as db:
            if db.execute("SELECT 1 FROM ptt_user WHERE name = ?", (user.name,)).fetchone():
                raise Fault("UserExists", f"User {user.name!r} exists already.")
            if db.execute("SELECT count(*) FROM ptt_user").fetchone()[0] >= self.max_users:
                raise Fault("LimitReached", f"This server takes at most {self.max_users} users.")
            db.execute(sql.NEW_USER, (*_values(user), hashed))
            self._count(db, user.name, "createUser")
        return user

    def change_user(self, name: str, operation: str, **fields: object) -> User:
        """Set the named fields; only a real change counts as an effect."""
        with self._write() as db:
            old = self._need_user(db, name)
            new = replace(old, **fields)  # type: ignore[arg-type]
            if new != old:
                db.execute("UPDATE ptt_user SET alias=?, phone=?, mode=?, device=?, network=?, services=?,"
                           " permissions=?, enabled=? WHERE name = ?", (*_values(new)[1:], name))
                self._count(db, name, operation)
        return new

    def delete_user(self, name: str) -> None:
        with self._write() as db:
            self._need_user(db, name)
            db.execute("DELETE FROM ptt_user WHERE name = ?", (name,))
            self._count(db, name, "deleteUser")

    def set_password(self, name: str, password: str) -> None:
        hashed = _hash(password)
        with self._write() as db:
            self._need_user(db, name)
            db.execute("UPDATE ptt_user SET password = ? WHERE name = ?", (hashed, name))
            self._count(db, name, "setPassword")

    def check_password(self, name: str, password: str) -> bool:
        rows = self._all("SELECT password FROM ptt_user WHERE name = ?", name)
        return bool(rows and rows[0][0]) and _verify(rows[0][0], password)

    def get_user(self, name: str) -> User:
        with self._lock:
            return self._need_user(self._db, name)

    def users(self, offset: int, limit: int, search: str = "") -> tuple[int, list[User]]:
        """(number of all that match, one page in the order of names)"""
        with self._lock:
            if search:
                like = (_like(search),) * 3
                return (self._all(sql.COUNT_FOUND_USERS, *like)[0][0],
                        [_user(r) for r in self._all(sql.FOUND_USERS, *like, limit, offset)])
            return self.totals()["users"], [_user(r) for r in self._all(sql.USERS, limit, offset)]

    # groups ----------------------------------------------------------------------------------------------------
    def create_group(self, name: str, title: str, members: list[str]) -> int:
        with self._write() as db:
            if db.execute("SELECT 1 FROM ptt_group WHERE name = ?", (name,)).fetchone():
                raise Fault("GroupExists", f"Group {name!r} exists already.")
            db.execute("INSERT INTO ptt_group VALUES (?, ?)", (name, title))
            for member in set(members):
                self._add(db, name, member)
            self._count(db, f"group {name}", "createGroup")
        return len(set(members))

    def change_group(self, name: str, title: str) -> None:
        with self._write() as db:
            if self._need_group(db, name) != title:
                db.execute("UPDATE ptt_group SET title = ? WHERE name = ?", (title, name))
                self._count(db, f"group {name}", "modifyGroup")

    def delete_group(self, name: str) -> None:
        with self._write() as db:
            self._need_group(db, name)
            db.execute("DELETE FROM ptt_group WHERE name = ?", (name,))
            self._count(db, f"group {name}", "deleteGroup")

    def _add(self, db: sqlite3.Connection, group: str, user: str) -> None:
        self._need_user(db, user)
        db.execute("INSERT OR IGNORE INTO ptt_member VALUES (?, ?)", (group, user))

    def add_member(self, group: str, user: str) -> None:
        with self._write() as db:
            self._need_group(db, group)
            before = db.total_changes
            self._add(db, group, user)
            if db.total_changes != before:
                self._count(db, f"group {group}", "addMember")

    def remove_member(self, group: str, user: str) -> None:
        with self._write() as db:
            self._need_group(db, group)
            gone = db.execute("DELETE FROM ptt_member WHERE group_name = ? AND user_name = ?", (group, user))
            if not gone.rowcount:
                raise Fault("NoSuchMember", f"{user[:64]!r} is no member of group {group!r}.")
            self._count(db, f"group {group}", "removeMember")

    def set_members(self, group: str, members: list[str]) -> int:
        wanted = set(members)
        with self._write() as db:
            self._need_group(db, group)
            have = {r[0] for r in db.execute("SELECT user_name FROM ptt_member WHERE group_name = ?", (group,))}
            for user in sorted(wanted - have):
                self._add(db, group, user)
            db.executemany("DELETE FROM ptt_member WHERE group_name = ? AND user_name = ?",
                           [(group, user) for user in have - wanted])
            if wanted != have:
                self._count(db, f"group {group}", "setMembers")
        return len(wanted)

    def get_group(self, name: str) -> tuple[str, list[str]]:
        """(title, members in the order of names)"""
        with self._lock:
            title = self._need_group(self._db, name)
            return title, self._members(name)

    def _members(self, name: str) -> list[str]:
        return [r[0] for r in self._all("SELECT user_name FROM ptt_member WHERE group_name = ? ORDER BY 1", name)]

    def groups(self, offset: int, limit: int, search: str = "") -> tuple[int, list[tuple[str, str, list[str]]]]:
        """(number of all that match, one page of (name, title, members))"""
        with self._lock:
            if search:
                like = (_like(search),) * 2
                total = self._all(sql.COUNT_FOUND_GROUPS, *like)[0][0]
                rows = self._all(sql.FOUND_GROUPS, *like, limit, offset)
            else:
                total = self.totals()["groups"]
                rows = self._all("SELECT name, title FROM ptt_group ORDER BY name LIMIT ? OFFSET ?", limit, offset)
            return total, [(name, title, self._members(name)) for name, title in rows]

    # counting and clearing -------------------------------------------------------------------------------------
    def totals(self) -> dict[str, int]:
        row = self._all("SELECT (SELECT count(*) FROM ptt_user), (SELECT count(*) FROM ptt_user WHERE NOT enabled),"
                        " (SELECT count(*) FROM ptt_group), (SELECT count(*) FROM ptt_member)")[0]
        return dict(zip(("users", "locked", "groups", "members"), row, strict=True))

    def effects(self, subject: str = "") -> dict[str, dict[str, int]]:
        """subject (user name, or "group NAME") → operation → how often it changed something"""
        rows = (self._all("SELECT subject, operation, times FROM effect WHERE subject = ?", subject) if subject
                else self._all("SELECT subject, operation, times FROM effect"))
        found: dict[str, dict[str, int]] = {}
        for name, operation, times in rows:
            found.setdefault(name, {})[operation] = times
        return found

    def reset(self) -> None:
        with self._write() as db:
            for statement in sql.CLEAR:
                db.execute(statement)


def _hash(password: str) -> str:
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, n=2**13, r=8, p=1)
    return f"scrypt${salt.hex()}${digest.hex()}"


def _verify(stored: str, password: str) -> bool:
    _kind, salt, digest = stored.split("$")
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=2**13, r=8, p=1)
    return secrets.compare_digest(found.hex(), digest)
