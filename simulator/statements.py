"""The SQL of the simulated server's state."""

from __future__ import annotations

SCHEMA = """
CREATE TABLE IF NOT EXISTS ptt_user (
  name TEXT PRIMARY KEY, alias TEXT NOT NULL, phone TEXT NOT NULL, mode TEXT NOT NULL, device TEXT NOT NULL,
  network TEXT NOT NULL, services TEXT NOT NULL, permissions TEXT NOT NULL, enabled INTEGER NOT NULL,
  password TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ptt_group (name TEXT PRIMARY KEY, title TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ptt_member (
  group_name TEXT NOT NULL REFERENCES ptt_group ON DELETE CASCADE,
  user_name TEXT NOT NULL REFERENCES ptt_user ON DELETE CASCADE,
  PRIMARY KEY (group_name, user_name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ptt_member_user ON ptt_member (user_name);
CREATE TABLE IF NOT EXISTS effect (
  subject TEXT NOT NULL, operation TEXT NOT NULL, times INTEGER NOT NULL,
  PRIMARY KEY (subject, operation)) WITHOUT ROWID;
"""
ONE_USER = ("SELECT name, alias, phone, mode, device, network, services, permissions, enabled FROM ptt_user"
            " WHERE name = ?")
NEW_USER = ("INSERT INTO ptt_user (name, alias, phone, mode, device, network, services, permissions, enabled, password)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
USERS = ("SELECT name, alias, phone, mode, device, network, services, permissions, enabled FROM ptt_user"
         " ORDER BY name LIMIT ? OFFSET ?")
FOUND_USERS = ("SELECT name, alias, phone, mode, device, network, services, permissions, enabled FROM ptt_user"
               " WHERE name LIKE ? ESCAPE '\\' OR alias LIKE ? ESCAPE '\\' OR phone LIKE ? ESCAPE '\\'"
               " ORDER BY name LIMIT ? OFFSET ?")
COUNT_FOUND_USERS = ("SELECT count(*) FROM ptt_user"
                     " WHERE name LIKE ? ESCAPE '\\' OR alias LIKE ? ESCAPE '\\' OR phone LIKE ? ESCAPE '\\'")
FOUND_GROUPS = ("SELECT name, title FROM ptt_group WHERE name LIKE ? ESCAPE '\\' OR title LIKE ? ESCAPE '\\'"
                " ORDER BY name LIMIT ? OFFSET ?")
COUNT_FOUND_GROUPS = "SELECT count(*) FROM ptt_group WHERE name LIKE ? ESCAPE '\\' OR title LIKE ? ESCAPE '\\'"
CLEAR = ("DELETE FROM ptt_member", "DELETE FROM ptt_user", "DELETE FROM ptt_group", "DELETE FROM effect")
