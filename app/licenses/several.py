"""Several licenses at once, from lines of text: tried first without storing anything, then created one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import select

from app.catalog.models import PttServer, Tariff
from app.core.db import transaction
from app.core.errors import DomainError, InvalidInput
from app.customers.models import Customer
from app.customers.services import assign_tariff
from app.licenses.groups import create_group, set_members
from app.licenses.models import License
from app.licenses.services import create_license

MOST_LINES = 500
COLUMNS = ("user_name", "alias", "phone", "device")


@dataclass(frozen=True)
class Line:
    """A line of the text: its number from 1, and up to four columns."""

    number: int
    user_name: str = ""
    alias: str = ""
    phone: str = ""
    device: str = ""


@dataclass(frozen=True)
class Tried:
    """What a line gave: `problem` empty means that it works (or worked)."""

    line: Line
    problem: str = ""


class _Undo(Exception):
    pass


def parse_lines(text: str) -> list[Line]:
    """`user name; alias; phone; device`, one license a line; a tab separates too. Empty lines count, but make no license."""
    lines = []
    for number, row in enumerate(text.splitlines(), 1):
        if not row.strip():
            continue
        parts = [part.strip() for part in row.replace("\t", ";").split(";")]
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
        if len(parts) > len(COLUMNS):
            raise InvalidInput(_("Line %(n)s has more than four columns. Write: user name; alias; phone; device.", n=number), "lines")
        lines.append(Line(number, **dict(zip(COLUMNS, parts, strict=False))))
        if len(lines) > MOST_LINES:
            raise InvalidInput(_("At most %(n)s licenses at once.", n=MOST_LINES), "lines")
    if not lines:
        raise InvalidInput(_("Enter at least one line."), "lines")
    return lines


def try_lines(customer: Customer, tariff: Tariff, lines: Iterable[Line], active_from: date, server: PttServer | None = None) -> list[Tried]:
    """Create all of them as they would be, tell what fails, and take everything back."""
    tried: list[Tried] = []
    try:
        with transaction():
            tried = [_one(customer, tariff, line, active_from, server) for line in lines]
            raise _Undo
    except _Undo:
        return tried


def create_lines(customer: Customer, tariff: Tariff, lines: Iterable[Line], active_from: date, server: PttServer | None = None) -> list[Tried]:
    """Each line in a transaction of its own; those that fail are told, the others are stored."""
    return [_one(customer, tariff, line, active_from, server) for line in lines]


def start_customer(customer: Customer, tariff: Tariff, valid_from: date, lines: Iterable[Line], groups: Iterable[str] = ()) -> int:
    """First tariff, licenses and groups (of all these licenses) of a new customer, all or nothing. Returns how many licenses there are now."""
    with transaction() as session:
        assign_tariff(customer, tariff, valid_from)
        tried = [_one(customer, tariff, line, valid_from, None) for line in lines]
        if bad := [item for item in tried if item.problem]:
            raise InvalidInput(problems_text(bad), "lines")
        members = list(session.scalars(select(License.id).where(License.customer_id == customer.id, License.user_name.in_([item.line.user_name for item in tried]))))
        for name in dict.fromkeys(groups):
            try:
                set_members(create_group(name, customer), members)
            except InvalidInput as error:
                raise InvalidInput(str(error), "groups") from error
    return len(tried)


def problems_text(bad: list[Tried], most: int = 10) -> str:
    text = " ".join(_("Line %(n)s: %(problem)s", n=item.line.number, problem=item.problem) for item in bad[:most])
    return text + (" " + _("… and %(n)d more.", n=len(bad) - most) if len(bad) > most else "")


def _one(customer: Customer, tariff: Tariff, line: Line, active_from: date, server: PttServer | None) -> Tried:
    try:
        with transaction():
            create_license(customer, tariff, line.user_name, active_from, server=server, alias=line.alias, phone=line.phone, device=line.device)
    except DomainError as error:
        return Tried(line, str(error))
    return Tried(line)
