"""The table of base rates (§ 247 BGB): entered by staff each half-year, and a word in time before interest stops for want of one."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.core.db import db, transaction
from app.core.errors import Conflict, InvalidInput
from app.core.formats import day as day_words
from app.receivables.interest import BaseRate, half_year_of, known_until, parse_rates
from app.receivables.interest_settings import GERMANY, interest_rule
from app.receivables.reminder_models import ReminderLevel
from app.system.models import SettingValue
from app.system.settings import change_settings, forget_cached, setting

KEY = "interest.base_rates"
NOTICE = timedelta(days=14)         # the Bundesbank announces a rate some days before it begins
MOST = Decimal(50)


def table() -> tuple[BaseRate, ...]:
    """Oldest first."""
    return parse_rates(setting(KEY))


def following(day: date) -> date:
    """The half-year after the one that begins on `day`."""
    return date(day.year, 7, 1) if day.month == 1 else date(day.year + 1, 1, 1)


def to_enter(today: date) -> list[date]:
    """Half-years without a rate, from the last known one to that which `today` is in, and the next when it is near; then the newest known one, to correct it."""
    rates = table()
    newest = rates[-1].since if rates else None
    begin = following(newest) if newest else half_year_of(today)
    found = []
    while begin <= today + NOTICE:
        found.append(begin)
        begin = following(begin)
    return [*found, *([newest] if newest else [])]


def marker() -> str:
    """Names the end of the table: who enters a rate has seen this."""
    rates = table()
    return f"{rates[-1].since} {rates[-1].percent}" if rates else ""


def enter(since: date, percent: Decimal, today: date, seen: str) -> None:
    """Enter the rate of a half-year, or correct the newest one; the same again changes nothing. `seen`: the `marker` that the page showed.
    What was claimed already stays as it is. Raises InvalidInput, or Conflict when the table has changed since."""
    if since not in to_enter(today):
        raise InvalidInput(_("Enter the rates one after the other, none of a half-year that is far off."), "since")
    if not percent.is_finite() or abs(percent) > MOST or percent != round(percent, 2):
        raise InvalidInput(_("Enter a percentage with at most two decimals, for example 1.27; it may be negative."), "percent")
    with transaction() as session:
        _lock(session)
        rates = {rate.since: rate.percent for rate in table()}
        if rates.get(since) == percent:
            return
        if marker() != seen:
            raise Conflict(_("Somebody else entered a rate meanwhile. Look at the table."))
        if rates and since > following(max(rates)):
            raise InvalidInput(_("Enter first the rate from %(day)s.", day=day_words(following(max(rates)))), "since")
        rates[since] = percent
        change_settings({KEY: [f"{day.isoformat()} {value}" for day, value in sorted(rates.items())]})


def _lock(session: Session) -> None:
    """The row of the setting, as it is now; who is first to store it has no row to wait for, and SQLite has one writer."""
    session.execute(select(SettingValue.key).where(SettingValue.key == KEY).with_for_update())
    forget_cached()


def warning(today: date) -> str:
    """Why interest stops, or will within two weeks; empty while nothing is in the way, or nobody claims German interest."""
    if interest_rule().kind != GERMANY or not setting("company.name") or not db.session.scalar(select(exists().where(ReminderLevel.interest))):
        return ""
    last = known_until(table())
    if last is None:
        return _("No base rate is entered: no interest is claimed.")
    if last < today:
        return _("The base rate from %(day)s is not entered: the days since then bear no interest until it is.", day=day_words(last + timedelta(days=1)))
    if last < today + NOTICE:
        return _("The base rate from %(day)s is not entered yet. Without it no interest is claimed for the days from then on.", day=day_words(last + timedelta(days=1)))
    return ""
