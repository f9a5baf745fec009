"""Words on an invoice in the language of its customer, made once per wording and kept for the chunk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from babel.dates import format_date, format_skeleton
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _

from app.billing.invoicing import LINE_LENGTH, ChargeRow
from app.catalog.tax import NOTES
from app.core.period import Month


class Words:
    """Texts in one language."""

    def __init__(self, language: str):
        self.language = language
        self._lines: dict[tuple[str, date, int, int], str] = {}
        self._notes: dict[str, str] = {}

    def line(self, row: ChargeRow) -> str:
        """“Business, November 2026, 12 of 30 days”."""
        key = (row.text, row.period_start, row.days, row.of_days)
        text = self._lines.get(key)
        if text is None:
            parts = [row.text, span(row.period_start, row.period_end, self.language)]
            if row.days != row.of_days:
                with force_locale(self.language):
                    parts.append(_("%(days)s of %(of_days)s days", days=row.days, of_days=row.of_days))
            text = self._lines[key] = ", ".join(parts)[:LINE_LENGTH]
        return text

    def notes(self, keys: Iterable[str]) -> list[str]:
        found = []
        for key in keys:
            if key not in self._notes:
                with force_locale(self.language):
                    self._notes[key] = str(NOTES[key])
            found.append(self._notes[key])
        return found


def span(start: date, end: date, language: str) -> str:
    """“November 2026” for a calendar month, “October – December 2026” for several, else both days."""
    first, last = Month.of(start), Month.of(end)
    if start != first.start or end != last.end:
        return f"{format_date(start, 'medium', locale=language)} – {format_date(end, 'medium', locale=language)}"
    if first == last:
        return format_skeleton("yMMMM", start, locale=language)
    return f"{format_skeleton('yMMMM', start, locale=language)} – {format_skeleton('yMMMM', end, locale=language)}"


def note_on(day: date) -> str:
    """A day inside a sentence, in the current locale."""
    return format_date(day, "medium", locale=get_locale() or "en")
