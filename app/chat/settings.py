"""Settings of the support chat, and whether it is open now."""

from __future__ import annotations

import functools
from datetime import date, datetime
from typing import Any

import holidays
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.chat.hours import DAYS, Opening, opening, parse_spans
from app.core import clock
from app.core.errors import InvalidInput
from app.system.settings import Setting, declare, setting

SECTION = _l("Support chat")
OUTSIDE = [("callback", _l("They can ask to be called")), ("hidden", _l("The chat is hidden"))]
NAMES = {"mon": _l("Monday"), "tue": _l("Tuesday"), "wed": _l("Wednesday"), "thu": _l("Thursday"), "fri": _l("Friday"), "sat": _l("Saturday"), "sun": _l("Sunday")}


def _check_spans(key: str) -> Any:
    def check(value: str) -> None:
        try:
            parse_spans(value)
        except ValueError as error:
            raise InvalidInput(_("Enter times like 09:00-12:00, 13:00-18:00, the earlier first. Leave it empty for a day off."), key) from error
    return check


def _check_days(value: list[str]) -> None:
    for line in value:
        try:
            date.fromisoformat(line)
        except ValueError as error:
            raise InvalidInput(_("“%(line)s” is not a day. Enter one per line, for example 2026-12-24.", line=line), "chat.closed_days") from error


def regions(country: str) -> list[str]:
    return list(holidays.list_supported_countries().get(country, []))


def _check_region(value: str) -> None:
    country = str(setting("company.country"))
    if value and value not in regions(country):
        raise InvalidInput(_("There is no region “%(code)s” in %(country)s. Possible: %(regions)s.", code=value, country=country, regions=", ".join(regions(country)) or "–"), "chat.holiday_region")


declare(
    Setting("chat.enabled", bool, True, _l("Offer the chat"), SECTION, _l("Customers find it in the portal.")),
    *(Setting(f"chat.{day}", str, "09:00-18:00" if day not in ("sat", "sun") else "", NAMES[day], SECTION,
              _l("Opening hours in the company's time zone, for example 09:00-12:00, 13:00-18:00. Empty: closed.") if day == "mon" else "", check=_check_spans(f"chat.{day}")) for day in DAYS),
    Setting("chat.holidays", bool, True, _l("Closed on public holidays"), SECTION, _l("Those of the company's country.")),
    Setting("chat.holiday_region", str, "", _l("Region of the holidays"), SECTION, _l("A code, for example NI for Lower Saxony or SP for São Paulo. Empty: only those of the whole country."), check=_check_region),
    Setting("chat.closed_days", list, [], _l("Further days off"), SECTION, _l("One per line, for example 2026-12-24."), check=_check_days),
    Setting("chat.outside", str, "callback", _l("Outside the opening hours"), SECTION, choices=lambda: OUTSIDE),
    Setting("chat.idle_days", int, 7, _l("End a conversation without a word after days"), SECTION, minimum=1, maximum=365),
    Setting("chat.keep_days", int, 365, _l("Keep closed conversations, days"), SECTION, _l("After that the daily job deletes them with their files."), minimum=1, maximum=3650),
)


@functools.lru_cache(maxsize=64)
def _holidays(country: str, region: str, year: int) -> frozenset[date]:
    if country not in holidays.list_supported_countries():
        return frozenset()
    return frozenset(holidays.country_holidays(country, subdiv=region if region in regions(country) else None, years=year).keys())


def is_closed(day: date) -> bool:
    if day.isoformat() in setting("chat.closed_days"):
        return True
    return bool(setting("chat.holidays")) and day in _holidays(str(setting("company.country")), str(setting("chat.holiday_region")), day.year)


def opening_now(now: datetime | None = None) -> Opening:
    """Of the desk at this instant; closed when the chat is not offered."""
    if not setting("chat.enabled"):
        return Opening(False)
    week = {number: parse_spans(setting(f"chat.{day}")) for number, day in enumerate(DAYS)}
    return opening(clock.local(now).replace(tzinfo=None), week, is_closed)


def is_offered() -> bool:
    """Whether customers see the chat (or its call-back form) now."""
    return bool(setting("chat.enabled")) and (setting("chat.outside") == "callback" or opening_now().open)
