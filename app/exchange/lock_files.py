"""Reads a list of licenses to lock or unlock: CSV, XLSX or JSON in, lines out. Pure; nothing of the file is trusted.

A head names the columns, in any order: `user_name`, `license_id` or `phone` says whom, `action` what (lock, unlock, 1, 0,
sperren, bloquear …; without the column: lock), `note` why. CSV may be UTF-8, UTF-16 or Windows-1252, with `;`, `,` or tabs.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from openpyxl import load_workbook

from app.core.errors import InvalidInput
from app.exchange import workbooks

MOST_BYTES = 20 * 1024 * 1024
MOST_LINES = 100_000
NAMES = {
    "user_name": ("user_name", "username", "user name", "user", "benutzer", "benutzername", "usuario", "usuário", "login"),
    "license_id": ("license_id", "licence_id", "license", "licence", "id", "lizenz", "lizenz_id", "licenca", "licença"),
    "phone": ("phone", "phone number", "msisdn", "telefon", "rufnummer", "telefone", "telefonnummer"),
    "server": ("server", "ptt server", "ptt-server", "servidor"),
    "action": ("action", "aktion", "status", "state", "ação", "acao", "lock", "sperre", "locked"),
    "note": ("note", "reason", "bemerkung", "grund", "motivo", "observação"),
}
LOCK = {"lock", "locked", "1", "true", "yes", "l", "sperren", "gesperrt", "ja", "bloquear", "bloqueado", "sim", "off", "disable", "disabled"}
UNLOCK = {"unlock", "unlocked", "0", "false", "no", "u", "entsperren", "frei", "nein", "desbloquear", "desbloqueado", "não", "nao", "on", "enable", "enabled"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line of the file. `problem`: why it cannot be understood."""

    number: int
    user_name: str = ""
    license_id: str = ""
    phone: str = ""
    server: str = ""
    lock: bool = True
    note: str = ""
    problem: str = ""

    @property
    def named(self) -> str:
        return (self.user_name or self.license_id or self.phone)[:120]


def read_lines(name: str, data: bytes) -> list[Wanted]:
    """Raises InvalidInput for a file that is too large, of another kind, or has no column that names licenses."""
    if len(data) > MOST_BYTES:
        raise InvalidInput(_("The file is too large: at most %(n)s megabytes.", n=MOST_BYTES // 1024 // 1024), "file")
    if not data.strip():
        raise InvalidInput(_("The file is empty."), "file")
    if data[:2] == b"PK":
        rows: Iterator[Sequence[Any]] = _xlsx(data)
    elif name.lower().endswith(".json") or data.lstrip()[:1] in (b"[", b"{"):
        return _json(data)
    else:
        rows = _csv(data)
    return _tabular(rows)


def _text(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise InvalidInput(_("The file is no text in UTF-8, UTF-16 or Windows-1252."), "file")


def _csv(data: bytes) -> Iterator[Sequence[Any]]:
    text = _text(data)
    head = text.split("\n", 1)[0]
    delimiter = max(";,\t", key=head.count)
    csv.field_size_limit(100_000)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        raise InvalidInput(_("The file is no CSV: %(why)s.", why=error), "file") from error


def _xlsx(data: bytes) -> Iterator[Sequence[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            workbooks.check(packed)
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        for row in sheet.iter_rows(values_only=True, max_row=MOST_LINES + 2, max_col=40):
            yield ["" if cell is None else int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in row]
    except workbooks.TooMuch:
        raise InvalidInput(_("The file unpacks to too much."), "file") from None
    except Exception as error:         # openpyxl raises what its parsers raise
        raise InvalidInput(_("The file is no readable Excel workbook."), "file") from error


def _json(data: bytes) -> list[Wanted]:
    try:
        found = json.loads(_text(data))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(_("The file is no JSON: %(why)s.", why=str(error)[:100]), "file") from error
    if isinstance(found, dict):
        found = found.get("licenses")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise InvalidInput(_("JSON: a list of objects is needed, each with user_name and action."), "file")
    heads = list(dict.fromkeys(str(key) for row in found[:1000] for key in row))
    return _tabular(iter([heads, *([row.get(head, "") for head in heads] for row in found)]))


def _tabular(rows: Iterator[Sequence[Any]]) -> list[Wanted]:
    head = next(rows, None)
    places = _places(head or [])
    if not places.keys() & {"user_name", "license_id", "phone"}:
        raise InvalidInput(_("The first line has to name the columns: user_name (or license_id, or phone) and action."), "file")
    found: list[Wanted] = []
    for number, row in enumerate(rows, 2):
        values = {name: _cell(row[place]) if place < len(row) else "" for name, place in places.items()}
        if not any(values.values()):
            continue
        found.append(_wanted(number, values, "action" in places))
        if len(found) > MOST_LINES:
            raise InvalidInput(_("At most %(n)s lines at once.", n=MOST_LINES), "file")
    if not found:
        raise InvalidInput(_("The file has no line below its head."), "file")
    return found


def _places(head: Sequence[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, text in enumerate(head):
        word = " ".join(_cell(text).lower().split())
        for name, words in NAMES.items():
            if word in words and name not in found:
                found[name] = place
    return found


def _cell(value: Any) -> str:
    text = " ".join(str(value).replace("\x00", "").split())[:200]
    return text[1:] if text[:2] in ("'+", "'=", "'-", "'@") else text


def _wanted(number: int, values: dict[str, str], says_action: bool) -> Wanted:
    word = values.get("action", "").lower()
    lock, problem = True, ""
    if says_action:
        if word in UNLOCK:
            lock = False
        elif word not in LOCK:
            problem = _("“%(word)s” is neither lock nor unlock.", word=word[:40]) if word else _("It does not say whether to lock or to unlock.")
    if not (values.get("user_name") or values.get("license_id") or values.get("phone")):
        problem = _("It names no license.")
    return Wanted(number, values.get("user_name", ""), values.get("license_id", ""), values.get("phone", ""), values.get("server", ""), lock, values.get("note", ""), problem)
