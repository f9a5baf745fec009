"""Opening hours: what is typed, and when the desk is open."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chat.hours import opening, parse_spans

WEEK = {day: [(540, 720), (780, 1080)] for day in range(5)}
NEVER_CLOSED = {day: [(0, 1440)] for day in range(7)}
MONDAY = date(2026, 11, 23)


def no_holiday(day: date) -> bool:
    return False


@pytest.mark.parametrize("text", ["9-18", "09:00-08:00", "09:00", "09:00-24:01", "09:60-10:00", "13:00-18:00, 09:00-12:00", "09:00-12:00, 11:00-13:00", "09:00-12:00;13:00-14:00", "x" * 400])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_spans(text)


def test_spans() -> None:
    assert parse_spans(" 9:00 - 12:00 ,13:00–24:00") == [(540, 720), (780, 1440)]
    assert parse_spans("") == []


def test_a_day_with_a_break_and_a_week_end() -> None:
    at = datetime(2026, 11, 23, 10, 0)
    assert opening(at, WEEK, no_holiday).until == datetime(2026, 11, 23, 12, 0)
    pause = opening(datetime(2026, 11, 23, 12, 0), WEEK, no_holiday)
    assert not pause.open and pause.next == datetime(2026, 11, 23, 13, 0)
    friday = opening(datetime(2026, 11, 27, 18, 0), WEEK, no_holiday)
    assert not friday.open and friday.next == datetime(2026, 11, 30, 9, 0)


def test_a_holiday_is_closed_and_the_next_day_open() -> None:
    found = opening(datetime(2026, 11, 23, 10, 0), WEEK, lambda day: day == MONDAY)
    assert not found.open and found.next == datetime(2026, 11, 24, 9, 0)


def test_round_the_clock_and_never() -> None:
    assert opening(datetime(2026, 11, 23, 3, 0), NEVER_CLOSED, no_holiday) == opening(datetime(2026, 11, 24, 23, 59), NEVER_CLOSED, no_holiday)
    assert opening(datetime(2026, 11, 23, 3, 0), NEVER_CLOSED, no_holiday).open
    closed = opening(datetime(2026, 11, 23, 3, 0), {}, no_holiday)
    assert (closed.open, closed.until, closed.next) == (False, None, None)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)))
def test_it_is_open_until_it_closes_and_closed_until_it_opens(moment: datetime) -> None:
    found = opening(moment, WEEK, no_holiday)
    edge = found.until if found.open else found.next
    assert edge is not None and edge > moment
    assert opening(edge, WEEK, no_holiday).open is not found.open
    assert opening(edge - timedelta(seconds=1), WEEK, no_holiday).open is found.open
