"""Which periods are due: hours by UTC, days and months by the company's calendar, none twice and none lost."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.core.jobs import Job
from app.system.job_periods import before, begins, current, missing

BERLIN = ZoneInfo("Europe/Berlin")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
HOURLY = Job("h", "h", run=print, once_per="hour")
DAILY = Job("d", "d", run=print, once_per="day", at="00:05")
MONTHLY = Job("m", "m", run=print, once_per="month", at="1 00:01")


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def walk(job: Job, start: datetime, hours: int, zone: ZoneInfo) -> list[str]:
    """What a ticker that looks every ten minutes runs."""
    last = before(job, current(job, start, zone))
    ran = []
    for minutes in range(0, hours * 60, 10):
        for period in missing(job, last, start + timedelta(minutes=minutes), zone):
            ran.append(period)
            last = period
    return ran


def test_the_doubled_hour_runs_twice_because_it_is_two_hours():
    ran = walk(HOURLY, at("2026-10-25T00:00").astimezone(UTC), 25, BERLIN)
    assert len(ran) == 25 and len(set(ran)) == 25


def test_the_missing_hour_is_not_missed():
    ran = walk(HOURLY, at("2026-03-29T00:00").astimezone(UTC), 23, BERLIN)
    assert len(ran) == 23 and len(set(ran)) == 23


def test_a_day_without_midnight_has_its_daily_run():
    # on 2018-11-04 São Paulo's clocks went from 00:00 to 01:00
    ran = walk(DAILY, at("2018-11-02T12:00", SAO_PAULO).astimezone(UTC), 72, SAO_PAULO)
    assert ran == ["2018-11-02", "2018-11-03", "2018-11-04", "2018-11-05"]


def test_the_first_at_one_past_midnight():
    assert current(MONTHLY, at("2026-11-01T00:00"), BERLIN) == "2026-10"
    assert current(MONTHLY, at("2026-11-01T00:01"), BERLIN) == "2026-11"
    # in UTC it is still October
    assert at("2026-11-01T00:01").astimezone(UTC).month == 10


def test_months_that_were_missed_are_found_oldest_first():
    assert missing(MONTHLY, "2026-07", at("2026-11-24T10:00"), BERLIN) == ["2026-08", "2026-09", "2026-10", "2026-11"]


def test_a_job_of_the_present_takes_only_the_newest():
    job = Job("h", "h", run=print, once_per="hour", catch_up=False)
    assert missing(job, "2026-11-20T00", at("2026-11-24T10:00"), BERLIN) == ["2026-11-24T09"]


def test_a_clock_that_goes_back_repeats_nothing():
    assert missing(HOURLY, "2026-11-24T09", at("2026-11-24T08:00"), BERLIN) == []


def test_when_a_period_begins_to_be_due():
    assert begins(HOURLY, "2026-11-24T13", BERLIN) == datetime(2026, 11, 24, 13, tzinfo=UTC)
    assert begins(DAILY, "2026-11-24", BERLIN) == at("2026-11-24T00:05") and begins(MONTHLY, "2026-11", BERLIN) == at("2026-11-01T00:01")
