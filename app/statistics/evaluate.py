"""The evaluation: which figure, by what in rows and columns, over which months. A question in, a table out.

Stocks (licenses, locked) are those of the last month of the span unless months stand in rows or columns; flows (new,
deleted, revenue) are sums. Churn is what was deleted in the span, of what was there before it, in percent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalog.models import Article, PttMode, PttServer, Tariff
from app.core import formats, states
from app.core.errors import InvalidInput
from app.core.money import round_money
from app.core.period import Month
from app.customers.models import CustomerKind, Representative
from app.statistics.models import LicenseStat, RevenueStat

MONTH, NOTHING = "month", "-"
MOST_MONTHS = 120
MOST_CELLS = 20_000


@dataclass(frozen=True, slots=True)
class Dimension:
    """A way to divide: its word, the column, and what the keys are called."""

    label: Any
    column: str
    words: Callable[[Session, list[Any]], Mapping[Any, str]]
    of_revenue: bool = True


@dataclass(frozen=True, slots=True)
class Measure:
    """`stock`: a state at a moment; else a sum over the span."""

    label: Any
    model: Any
    column: str
    stock: bool = False
    money: bool = False
    help: Any = ""


def _named(model: Any, name: str) -> Callable[[Session, list[Any]], Mapping[Any, str]]:
    def words(session: Session, keys: list[Any]) -> dict[Any, str]:
        found = {key: str(text) for key, text in session.execute(select(model.id, getattr(model, name)).where(model.id.in_([k for k in keys if k])))}
        return {key: found.get(key) or (_("None") if not key else _("No longer there (%(id)s)", id=key)) for key in keys}

    return words


STATES = {"active": _l("Active"), "ending": _l("Ending"), "locked": _l("Locked"), "deleted": _l("Deleted")}

DIMENSIONS: dict[str, Dimension] = {
    MONTH: Dimension(_l("Month"), "month", lambda _session, keys: {key: formats.month(Month.parse(key)) for key in keys}),
    "product": Dimension(_l("Product"), "product_id", _named(Article, "name_en")),
    "tariff": Dimension(_l("Tariff"), "tariff_id", _named(Tariff, "name")),
    "server": Dimension(_l("PTT server"), "server_id", _named(PttServer, "name")),
    "mode": Dimension(_l("PTT mode"), "mode_id", _named(PttMode, "name")),
    "kind": Dimension(_l("Customer group"), "kind", lambda _session, keys: {key: str(states.word(CustomerKind(key))) if key else _("None") for key in keys}),
    "representative": Dimension(_l("Representative"), "representative_id", _named(Representative, "name")),
    "state": Dimension(_l("State"), "state", lambda _session, keys: {key: str(STATES.get(key, key)) for key in keys}, of_revenue=False),
}

MEASURES: dict[str, Measure] = {
    "licenses": Measure(_l("Licenses"), LicenseStat, "licenses", stock=True, help=_l("At the end of the month.")),
    "locked": Measure(_l("Locked licenses"), LicenseStat, "locked", stock=True, help=_l("At the end of the month. For months made later, those locked at that time are not known.")),
    "new": Measure(_l("New licenses"), LicenseStat, "new", help=_l("Service began in the month.")),
    "deleted": Measure(_l("Ended licenses"), LicenseStat, "deleted", help=_l("Last day of service in the month.")),
    "churn": Measure(_l("Churn in percent"), LicenseStat, "deleted", help=_l("Ended licenses of the span, of those there before it.")),
    "revenue": Measure(_l("Revenue, net"), RevenueStat, "revenue", money=True, help=_l("By the date of the invoice; cancellations and credit notes are taken off.")),
    "mrr": Measure(_l("Recurring revenue a month"), RevenueStat, "recurring", money=True, help=_l("License fees only; a fee for several months counts with its part of a month.")),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. Raises InvalidInput when its parts do not go together. `filters`: dimension → key."""

    measure: str
    rows: str
    columns: str
    first: Month
    last: Month
    currency: str = "EUR"
    filters: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        measure = MEASURES.get(self.measure)
        if measure is None or self.rows not in DIMENSIONS or self.columns not in {NOTHING, *DIMENSIONS}:
            raise InvalidInput(_("Choose what to evaluate from the lists."))
        if self.rows == self.columns:
            raise InvalidInput(_("Rows and columns show the same. Choose another one."), "columns")
        if self.last < self.first:
            raise InvalidInput(_("The span ends before it begins."), "last")
        if (self.last.year - self.first.year) * 12 + self.last.month - self.first.month >= MOST_MONTHS:
            raise InvalidInput(_("At most %(n)s months at once.", n=MOST_MONTHS), "first")
        asked = {self.rows, self.columns, *self.filters} - {NOTHING}
        if any(name not in DIMENSIONS for name in asked):
            raise InvalidInput(_("Choose what to evaluate from the lists."))
        if measure.model is RevenueStat and any(not DIMENSIONS[name].of_revenue for name in asked):
            raise InvalidInput(_("Revenue cannot be divided by the state of licenses."), "rows")

    @property
    def months(self) -> int:
        return (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1

    def before(self) -> Question:
        """The same of the span of equal length before it."""
        return Question(self.measure, self.rows, self.columns, self.first.plus(-self.months), self.first.previous, self.currency, self.filters)


@dataclass(slots=True)
class Table:
    """`cells[row, column]`; keys in order with their words. `totals` by row, by column and of all; None where a sum says nothing."""

    rows: list[tuple[Any, str]]
    columns: list[tuple[Any, str]]
    cells: dict[tuple[Any, Any], Any]
    row_totals: dict[Any, Any]
    column_totals: dict[Any, Any]
    total: Any
    before: dict[Any, Any]
    total_before: Any


def evaluate(session: Session, question: Question) -> Table:
    """The table with the comparison of each row's total to the span before. At most five statements."""
    measure = MEASURES[question.measure]
    cells = _cells(session, question)
    if len(cells) > MOST_CELLS:
        raise InvalidInput(_("This gives more than %(n)s figures. Choose fewer months, or something coarser.", n=MOST_CELLS))
    rows = _ordered(session, question.rows, {row for row, _column in cells}, cells)
    columns = [(None, str(measure.label))] if question.columns == NOTHING else _ordered(session, question.columns, {column for _row, column in cells}, cells, by_column=True)
    row_totals, column_totals, total = _totals(session, question)
    by_month = MONTH in (question.rows, question.columns)
    before: dict[Any, Any] = {}
    total_before = None
    if question.rows != MONTH:
        before, _unused, total_before = _totals(session, question.before())
    elif by_month:
        _unused2, _unused3, total_before = _totals(session, question.before())
    return Table(rows, columns, cells, row_totals, column_totals, total, before, total_before)


def _cells(session: Session, question: Question) -> dict[tuple[Any, Any], Any]:
    names = [question.rows] + ([question.columns] if question.columns != NOTHING else [])
    found = _figures(session, question, names)
    return {(key[0], key[1] if len(names) > 1 else None): value for key, value in found.items()}


def _totals(session: Session, question: Question) -> tuple[dict[Any, Any], dict[Any, Any], Any]:
    rows = {key[0]: value for key, value in _figures(session, question, [question.rows]).items()}
    columns = {} if question.columns == NOTHING else {key[0]: value for key, value in _figures(session, question, [question.columns]).items()}
    return rows, columns, _figures(session, question, []).get((), None)


def _figures(session: Session, question: Question, names: list[str]) -> dict[tuple[Any, ...], Any]:
    """Key of the named dimensions → figure."""
    measure = MEASURES[question.measure]
    if question.measure == "churn":
        gone = _summed(session, question, names, "deleted", question.first, question.last)
        if MONTH in names:
            there = {}
            for key, value in _summed(session, question, names, "licenses", question.first.previous, question.last.previous).items():
                place = names.index(MONTH)
                there[(*key[:place], str(Month.parse(key[place]).next), *key[place + 1:])] = value
        else:
            there = _summed(session, question, names, "licenses", question.first.previous, question.first.previous)
        return {key: percent(value, there.get(key, 0)) for key, value in gone.items() if there.get(key)}
    first = question.last if measure.stock and MONTH not in names else question.first
    if measure.stock and MONTH not in names:
        newest = session.scalar(select(func.max(measure.model.month)).where(measure.model.month.between(str(question.first), str(question.last))))
        if newest is None:
            return {}
        first = last = Month.parse(newest)
    else:
        last = question.last
    found = _summed(session, question, names, measure.column, first, last)
    if question.measure == "mrr" and MONTH not in names:
        return {key: round_money(value / question.months) for key, value in found.items()}
    return found


def percent(part: int, whole: int) -> Decimal | None:
    """Of whole, with one digit; None of nothing."""
    return (Decimal(part) * 100 / whole).quantize(Decimal("0.1"), ROUND_HALF_UP) if whole else None


def _summed(session: Session, question: Question, names: list[str], column: str, first: Month, last: Month) -> dict[tuple[Any, ...], Any]:
    model = MEASURES[question.measure].model
    keys = [getattr(model, DIMENSIONS[name].column) for name in names]
    where = [model.month.between(str(first), str(last))]
    if model is RevenueStat:
        where.append(RevenueStat.currency == question.currency)
    for name, key in question.filters.items():
        attribute = getattr(model, DIMENSIONS[name].column)
        where.append(attribute == (int(key) if attribute.type.python_type is int else key))
    query = select(*keys, func.sum(getattr(model, column))).where(*where).group_by(*keys)
    return {tuple(row[:-1]): row[-1] for row in session.execute(query) if row[-1] is not None}


def _ordered(session: Session, name: str, keys: set[Any], cells: Mapping[tuple[Any, Any], Any], by_column: bool = False) -> list[tuple[Any, str]]:
    """Months in their order, everything else by its word."""
    words = DIMENSIONS[name].words(session, list(keys))
    if name == MONTH:
        return [(key, words[key]) for key in sorted(keys)]
    return sorted(((key, words[key]) for key in keys), key=lambda pair: (pair[0] in (0, ""), pair[1].casefold()))
