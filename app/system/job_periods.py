"""Which periods of a job are due: listed from the last one to now, so a missed night is found (no clock, no session)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.core.jobs import Job
from app.core.period import Month

HOUR = "%Y-%m-%dT%H"
MOST = 24 * 62          # hours of two months: more at once is a wrong clock, not a backlog


def current(job: Job, now: datetime, zone: ZoneInfo) -> str | None:
    """The newest period that is due at `now`; hours are UTC, days and months are the company's."""
    local = now.astimezone(zone)
    if job.once_per == "hour":
        return now.astimezone(UTC).strftime(HOUR)
    if job.once_per == "day":
        day = local.date() if local.strftime("%H:%M") >= job.at else local.date() - timedelta(days=1)
        return day.isoformat()
    if job.once_per == "month":
        number, _space, clock = job.at.rpartition(" ")
        reached = (local.day, local.strftime("%H:%M")) >= (int(number or 1), clock)
        month = Month.of(local.date())
        return str(month if reached else month.previous)
    return None


def begins(job: Job, period: str, zone: ZoneInfo) -> datetime:
    """The instant from when on a period is due."""
    if job.once_per == "hour":
        return datetime.strptime(period, HOUR).replace(tzinfo=UTC)
    number, _space, at = job.at.rpartition(" ")
    day = date.fromisoformat(period) if job.once_per == "day" else Month.parse(period).start.replace(day=int(number or 1))
    return datetime.combine(day, time.fromisoformat(at), zone)


def following(job: Job, period: str) -> str:
    if job.once_per == "hour":
        return (datetime.strptime(period, HOUR).replace(tzinfo=UTC) + timedelta(hours=1)).strftime(HOUR)
    if job.once_per == "day":
        return (date.fromisoformat(period) + timedelta(days=1)).isoformat()
    return str(Month.parse(period).next)


def before(job: Job, period: str) -> str:
    """The period before; a job that is new begins after it."""
    if job.once_per == "hour":
        return (datetime.strptime(period, HOUR).replace(tzinfo=UTC) - timedelta(hours=1)).strftime(HOUR)
    if job.once_per == "day":
        return (date.fromisoformat(period) - timedelta(days=1)).isoformat()
    return str(Month.parse(period).previous)


def missing(job: Job, last: str, now: datetime, zone: ZoneInfo) -> list[str]:
    """Periods after `last` up to now, oldest first; only the newest for a job that does not catch up."""
    newest = current(job, now, zone)
    if newest is None or newest <= last:
        return []
    if not job.catch_up:
        return [newest]
    found: list[str] = []
    period = last
    while period < newest and len(found) < MOST:
        period = following(job, period)
        found.append(period)
    return found
