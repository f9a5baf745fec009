"""Random providers for the properties of fees, in plain words of `naive_fees.py`."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests.billing.naive_fees import PlainCustomer, PlainLicense, PlainTariff

SERVICES = (1, 2, 3)      # 0 is the tariff itself
FIRST, LAST = date(2026, 7, 20), date(2027, 1, 10)
days = st.dates(FIRST, LAST)
prices = st.integers(0, 400_000).map(lambda n: Fraction(n, 10_000))


@st.composite
def instants(draw: Any) -> datetime:
    """Mostly the company's midnights, where a day is just covered or just not."""
    day = draw(days)
    hour = draw(st.sampled_from([22, 23, 0, 11]))
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


@st.composite
def locks(draw: Any) -> list[tuple[datetime, datetime | None]]:
    moments = sorted(draw(st.lists(instants(), max_size=5, unique=True)))
    pairs: list[tuple[datetime, datetime | None]] = list(zip(moments[::2], moments[1::2], strict=False))
    if len(moments) % 2:
        pairs.append((moments[-1], None))
    if pairs and draw(st.booleans()):       # another reason that begins before the first ends
        begin, end = pairs[0]
        pairs.append((begin + timedelta(hours=1), (end or begin) + timedelta(days=20)))
    return pairs


@st.composite
def tariffs(draw: Any, months: tuple[int, ...] = (1, 1, 1, 2, 3)) -> PlainTariff:
    starts = draw(st.sets(st.integers(2, 6), max_size=3)) | {1}
    services = {service: draw(st.none() | prices) for service in SERVICES}
    return PlainTariff({start: draw(prices) for start in starts}, draw(st.booleans()), draw(st.sampled_from([True, True, False])),
                       draw(st.sampled_from(months)), draw(st.sampled_from([0, 0, 0, 3, 14, 40])), draw(st.booleans()),
                       draw(st.sampled_from([False, False, False, True])), services)


@st.composite
def usual_licenses(draw: Any, number_of_tariffs: int) -> PlainLicense:
    """There all the time, or from or up to a day; so that several of a customer meet in a tariff."""
    begin = draw(st.sampled_from([date(2026, 1, 1), date(2026, 1, 1), date(2026, 10, 1)]) | days)
    end = draw(st.sampled_from([None, None, None, date(2026, 10, 1), date(2026, 10, 31)]))
    if end is not None and end < begin:
        end = None
    services = [(service, (begin, end)) for service in draw(st.sets(st.sampled_from(SERVICES)))]
    return PlainLicense((begin, end), [(draw(st.integers(0, number_of_tariffs - 1)), (begin, end))], services)


@st.composite
def wild_licenses(draw: Any, number_of_tariffs: int) -> PlainLicense:
    begin = draw(days)
    end = draw(st.none() | st.integers(0, 120).map(lambda n: begin + timedelta(days=n)))
    changes = sorted({day for day in draw(st.lists(days, max_size=3)) if day > begin and (end is None or day <= end)})
    starts, ends = [begin, *changes], [*(day - timedelta(days=1) for day in changes), end]
    which = st.integers(0, number_of_tariffs - 1)
    services = []
    for service in SERVICES:
        edges = sorted(draw(st.lists(days, max_size=4, unique=True)))
        services += [(service, (a, b)) for a, b in zip(edges[::2], [*edges[1::2], None], strict=False)]
    return PlainLicense((begin, end), [(draw(which), (a, b)) for a, b in zip(starts, ends, strict=True)], services,
                        draw(st.just([]) | locks()))


@st.composite
def worlds(draw: Any, customers: int = 3, most_licenses: int = 9) -> tuple[list[PlainTariff], list[PlainCustomer]]:
    offered = draw(st.lists(tariffs(), min_size=1, max_size=3))
    people = []
    for _ in range(draw(st.integers(1, customers))):
        owned = [draw(usual_licenses(len(offered)) if draw(st.integers(0, 2)) else wild_licenses(len(offered)))
                 for _ in range(draw(st.integers(0, most_licenses)))]
        people.append(PlainCustomer(owned, draw(st.sampled_from([None, None, None, date(2026, 10, 1)]) | days), draw(st.just([]) | locks())))
    return offered, people
