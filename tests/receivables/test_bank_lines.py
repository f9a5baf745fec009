"""Which lines of a file are told for the second time. No database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from app.receivables.bank import camt
from app.receivables.bank.lines import Known, Line, groups_of, news
from tests.receivables.bank_files import entry, message, part


def groups(data):
    found = camt.read(data)
    return groups_of(found, found.reports[0])


class Store:
    """What the database would hold."""

    def __init__(self):
        self.rows: list[Known] = []
        self.lines: list[Line] = []

    def take(self, told):
        found = news(told, self.rows)
        for row, parts in found.told_as_sum:
            self.rows.remove(row)
            found.fresh += [(p, 0) for p in parts]
            self.lines = [line for line in self.lines if not (line.is_sum and line.amount == row.amount)]
        for line, occurrence in found.fresh:
            self.rows.append(Known(len(self.rows), line.checksum, occurrence, line.source, line.bank_reference, line.entry_amount, line.parts, line.booked_on, line.amount, line.currency))
            self.lines.append(line)
        return found


one_line = st.builds(Line, source=st.just("camt.053"), bank_reference=st.sampled_from(["", "A", "B"]), entry_amount=st.just(Decimal(5)), parts=st.just(1), booked_on=st.sampled_from([date(2026, 11, 19), date(2026, 11, 20)]),
                     amount=st.just(Decimal(5)), currency=st.just("EUR"), text=st.sampled_from(["x", "y"]))


@given(st.lists(st.lists(one_line, min_size=1, max_size=3), max_size=6))
def test_the_same_lines_again_are_no_news_and_none_is_lost(told):
    store = Store()
    first = store.take(told)
    assert len(first.fresh) == sum(map(len, told)) and not first.known
    assert len({(row.checksum, row.occurrence) for row in store.rows}) == len(store.rows)
    again = store.take(told)
    assert not again.fresh and not again.told_as_sum and len(again.known) == sum(map(len, told))


@given(st.lists(one_line, max_size=6), st.lists(one_line, max_size=4))
def test_a_longer_span_brings_only_what_is_new(day, more):
    store = Store()
    store.take([[line] for line in day])
    found = store.take([[line] for line in day + more])
    assert len(found.known) == len(day) and len(found.fresh) == len(more)


@given(st.lists(one_line, max_size=6))
def test_a_notification_after_the_statement_tells_nothing_new(told):
    store = Store()
    store.take([[line] for line in told])
    assert not store.take([[replace(line, source="camt.054", bank_reference="")] for line in told]).fresh


def test_two_equal_payments_of_one_day_are_two_also_when_they_come_one_by_one():
    store = Store()
    store.take(groups(message(entry("49.90", "PTT", ref="A1"), kind="054")))
    assert len(store.take(groups(message(entry("49.90", "PTT", ref="A2"), kind="054"))).fresh) == 1
    assert not store.take(groups(message(entry("49.90", "PTT"), entry("49.90", "PTT")))).fresh


def test_a_sum_and_its_parts_are_one_booking_in_either_order():
    as_sum = groups(message(entry("30.00", details=False, ref="S")))
    parts = groups(message(entry("30.00", parts=part("10.00", "one") + part("20.00", "two"), ref="T"), kind="054"))
    assert as_sum[0][0].is_sum and [line.amount for line in parts[0]] == [Decimal(10), Decimal(20)]
    store = Store()
    store.take(as_sum)
    assert len(store.take(parts).told_as_sum) == 1 and sum(line.amount for line in store.lines) == 30
    assert not store.take(parts).fresh and not store.take(as_sum).fresh
    store = Store()
    store.take(parts)
    assert len(store.take(as_sum).known) == 1 and sum(line.amount for line in store.lines) == 30


def test_parts_that_do_not_make_up_the_sum_are_not_believed():
    assert [[line.parts for line in group] for group in groups(message(entry("30.00", parts=part("10.00", "one") + part("10.00", "two"))))] == [[0]]


def test_only_booked_entries_and_the_direction():
    found = groups(message(entry("5.00", status="PDNG"), entry("0.00"), entry("7.00", sign="DBIT"), entry("8.00")))
    assert [group[0].amount for group in found] == [Decimal(-7), Decimal(8)]


def test_a_returned_debit_says_who_was_to_pay_what_and_the_fee():
    line = groups(message(entry("86.57", sign="DBIT", code=("IDDT", "UPDD"), reason="AC04", mandate="M-1", instructed="84.07", fee="2.50", e2e="RE-7")))[0][0]
    assert (line.returned, line.amount, line.original, line.fee, line.party, line.end_to_end_id, line.mandate_id, line.reason_code) == (
        True, Decimal("-86.57"), Decimal("84.07"), Decimal("2.50"), "Taxi Weiss OHG", "RE-7", "M-1", "AC04")
