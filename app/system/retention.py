"""How long things are kept at least, by class: invoices, books, letters. Counted from the end of the calendar year.

Germany: invoices 8 years (§ 14b UStG), books 10 and business letters 6 (§ 147 AO). For other countries the least is a
setting. A shorter time is refused with the law's words, and never used even if it is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import InvalidInput
from app.system.settings import Setting, declare, setting

RETENTION = _l("Retention")
INVOICES, BOOKS, LETTERS = "invoices", "books", "letters"
GERMANY = {INVOICES: 8, BOOKS: 10, LETTERS: 6}
LAW = {
    INVOICES: _l("Invoices are kept for eight years from the end of the calendar year in which they were issued (§ 14b UStG, § 147 AO)."),
    BOOKS: _l("Books, records and annual accounts are kept for ten years from the end of the calendar year (§ 147 AO, § 257 HGB)."),
    LETTERS: _l("Business letters received and copies of those sent are kept for six years from the end of the calendar year (§ 147 AO, § 257 HGB)."),
}


def minimum(kind: str) -> int:
    """Years that the law of the company's country wants at least."""
    if setting("company.country") == "DE":
        return GERMANY[kind]
    return int(setting(f"retention.least_{kind}"))


def years(kind: str) -> int:
    """Years in force: what staff chose, never less than the law."""
    return max(int(setting(f"retention.{kind}")), minimum(kind))


def retain_until(kind: str, day: date) -> date:
    """The last day on which something of `day` must be kept."""
    return date(day.year + years(kind), 12, 31)


def kept_from(kind: str, today: date) -> date:
    """The first day whose things must still be kept on `today`; what is older may go."""
    return date(today.year - years(kind), 1, 1)


def _check(kind: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        least = minimum(kind)
        if value < least:
            words = LAW[kind] if setting("company.country") == "DE" else _("The least for your country is set to %(n)s years.", n=least)
            raise InvalidInput(_("%(n)s years are too short. %(law)s", n=value, law=words), field=f"retention.{kind}")
    return check


declare(
    Setting("retention.invoices", int, 8, _l("Keep invoices, years"), RETENTION, _l("From the end of the calendar year. Germany: at least 8. After that the daily job deletes those that nothing needs any more; never before eight years."),
            check=_check(INVOICES), minimum=0, maximum=50),
    Setting("retention.books", int, 10, _l("Keep books, years"), RETENTION, _l("Payments, allocations and the billing protocol. Germany: at least 10."),
            check=_check(BOOKS), minimum=0, maximum=50),
    Setting("retention.letters", int, 6, _l("Keep letters, years"), RETENTION, _l("Reminders and other letters. Germany: at least 6."),
            check=_check(LETTERS), minimum=0, maximum=50),
    Setting("retention.least_invoices", int, 5, _l("Least for invoices outside Germany, years"), RETENTION, _l("What the law of your country wants, when the company is not in Germany."),
            minimum=0, maximum=50),
    Setting("retention.least_books", int, 5, _l("Least for books outside Germany, years"), RETENTION, minimum=0, maximum=50),
    Setting("retention.least_letters", int, 5, _l("Least for letters outside Germany, years"), RETENTION, minimum=0, maximum=50),
)
