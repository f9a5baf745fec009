"""Base rates: entered one after the other, and a word in time before interest stops for want of one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.admin.alerts import causes
from app.core.errors import Conflict, InvalidInput
from app.receivables.base_rates import enter, marker, table, to_enter, warning
from app.receivables.reminder_levels import add_level
from app.system.settings import change_settings
from tests.admin.conftest import desk, quick_hashes  # noqa: F401
from tests.receivables.books import at

LAST = date(2026, 6, 30)            # of the half-year that the shipped table ends with


@pytest.fixture
def firm(app):
    change_settings({"company.name": "Nordfunk GmbH", "company.country": "DE"})
    add_level("Interest", 60, interest=True)


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("day", "words"), [(date(2026, 6, 10), ""), (date(2026, 6, 17), "not entered yet"), (LAST, "not entered yet"), (date(2026, 7, 1), "bear no interest"), (date(2027, 2, 1), "bear no interest")])
def test_it_is_said_two_weeks_before(firm, day, words):
    assert words in warning(day) and bool(words) == bool(warning(day))
    with at(day):
        assert ("base_rate" in causes()) == bool(words)


@pytest.mark.sqlite_only
def test_nobody_is_bothered_who_claims_none(firm):
    for changes in ({"interest.rule": "none"}, {"interest.rule": "auto", "company.country": "BR"}):
        change_settings(changes)
        assert warning(date(2026, 7, 1)) == ""


def test_rates_are_entered_one_after_the_other_once(firm):
    today = date(2027, 1, 5)
    assert to_enter(today) == [date(2026, 7, 1), date(2027, 1, 1), date(2026, 1, 1)]
    for wrong in ((date(2027, 1, 1), "1.5"), (date(2025, 7, 1), "1.5"), (date(2027, 7, 1), "1.5"), (date(2026, 7, 1), "50.01"), (date(2026, 7, 1), "1.275")):
        with pytest.raises(InvalidInput):
            enter(wrong[0], Decimal(wrong[1]), today, marker())
    seen = marker()
    enter(date(2026, 7, 1), Decimal("-0.25"), today, seen)
    enter(date(2026, 7, 1), Decimal("-0.25"), today, seen)          # sent twice
    with pytest.raises(Conflict):
        enter(date(2027, 1, 1), Decimal("1.00"), today, seen)
    assert table()[-1].percent == Decimal("-0.25") and "January" not in warning(date(2026, 12, 1))
    enter(date(2026, 7, 1), Decimal("1.40"), today, marker())       # a typing error is corrected
    enter(date(2027, 1, 1), Decimal("1.00"), today, marker())
    assert [str(rate.percent) for rate in table()[-3:]] == ["1.27", "1.40", "1.00"] and warning(today) == ""


@pytest.mark.sqlite_only
def test_the_page_and_the_overview(firm, desk):  # noqa: F811
    with at(date(2026, 7, 2)):
        staff = desk("Billing")
        assert "A base rate" in staff.get("/admin/").text
        page = staff.get("/admin/base-rates/").text
        assert "bear no interest" in page and "1.27" in page
        given = {"since": "2026-07-01", "percent": "1.40", "seen": marker()}
        assert staff.post("/admin/base-rates/enter", {**given, "percent": "x"}).status_code == 422
        assert staff.post("/admin/base-rates/enter", {**given, "since": "2026-01-02"}).status_code == 422
        assert staff.post("/admin/base-rates/enter", {**given, "seen": "old"}).status_code == 422
        assert staff.post("/admin/base-rates/enter", given).status_code == 303 and "1.40" in staff.get("/admin/base-rates/").text
        assert "A base rate" not in staff.get("/admin/").text
        assert desk("Read only").post("/admin/base-rates/enter", given).status_code in (302, 303, 403)
