"""The evaluation table: choose what by what over which months; the same as a chart, as files, kept under a name."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import func, select

from app.core import clock, formats, sheets
from app.core.access import may
from app.core.attachments import as_file
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.page_parts import safe_url_for
from app.core.period import Month
from app.core.views import AdminEntry, AdminPage, allowed, expose
from app.statistics.evaluate import DIMENSIONS, MEASURES, MONTH, NOTHING, Question, Table, evaluate
from app.statistics.models import LicenseStat, RevenueStat, SavedEvaluation
from app.system.settings import setting

MONTHS_SHOWN = 6
KEPT = ("measure", "rows", "columns", "first", "last", "currency")
LICENSE_FILTERS = {"tariff": "tariff", "server": "server"}


def main_currency() -> str:
    return "BRL" if setting("company.country") == "BR" else "EUR"


def read_question(arguments: Mapping[str, str]) -> Question:
    """From an address. Raises InvalidInput."""
    present = Month.of(clock.today())
    try:
        first = Month.parse(arguments.get("first") or str(present.plus(1 - MONTHS_SHOWN)))
        last = Month.parse(arguments.get("last") or str(present))
    except ValueError as error:
        raise InvalidInput(_("Choose a month, for example 2026-05."), "first") from error
    currency = arguments.get("currency") or main_currency()
    filters = {name: value for name in DIMENSIONS if name != MONTH and (value := arguments.get(f"only_{name}", "")) != ""}
    for name, value in filters.items():
        if getattr(LicenseStat, DIMENSIONS[name].column).type.python_type is int and not (value.isdecimal() and len(value) < 10):
            raise InvalidInput(_("Choose what to evaluate from the lists."))
    return Question(arguments.get("measure") or "licenses", arguments.get("rows") or "tariff", arguments.get("columns") or MONTH, first, last, currency[:3].upper(), filters)


class StatisticsPage(AdminPage):
    route_base = "/statistics"
    title = _l("Statistics")

    @expose("/")
    @allowed
    def index(self) -> Any:
        session = db.session()
        question, table = None, None
        try:
            question = read_question(request.args)
            table = evaluate(session, question)
        except InvalidInput as error:
            flash(str(error), "warning")
        return self.page("statistics/index.html", question=question, table=table, measures=MEASURES, dimensions=DIMENSIONS, NOTHING=NOTHING, MONTH=MONTH, shown=self.shown, change=self.change,
                         chart=self.chart(question, table) if question and table else None, arguments=self.arguments(), kept=self.kept(), may_keep=may(self, "can_edit"),
                         months=self.months(), currencies=self.currencies(), currency_options=[(code, code) for code in self.currencies()],
                         measure_options=[(key, measure.label) for key, measure in MEASURES.items()], row_options=[(key, dimension.label) for key, dimension in DIMENSIONS.items()],
                         column_options=[(NOTHING, _("None")), *((key, dimension.label) for key, dimension in DIMENSIONS.items())],
                         next_rows=self.next_rows(question), full_arguments=self.full(question), filters=self.filter_words(question), link=self.link, urlencode=urlencode)

    @expose("/file/<kind>")
    @allowed("index")
    def file(self, kind: str) -> Any:
        """The table as CSV or XLSX."""
        if kind not in ("csv", "xlsx"):
            abort(404)
        try:
            question = read_question(request.args)
            table = evaluate(db.session(), question)
        except InvalidInput as error:
            flash(str(error), "warning")
            return redirect(url_for(f"{self.endpoint}.index"), 303)
        head = [str(DIMENSIONS[question.rows].label), *(word for _key, word in table.columns), str(_("Total"))]
        rows = [[word, *(table.cells.get((key, column)) for column, _word in table.columns), table.row_totals.get(key)] for key, word in table.rows]
        rows.append([str(_("Total")), *(table.column_totals.get(column) if question.columns != NOTHING else table.total for column, _word in table.columns), table.total])
        title = str(MEASURES[question.measure].label)
        data, media_type = (sheets.csv_bytes([head, *rows]), sheets.CSV_TYPE) if kind == "csv" else (sheets.xlsx_bytes(title, head, rows), sheets.XLSX_TYPE)
        return as_file(data, f"statistics-{question.measure}-{question.first}-{question.last}.{kind}", media_type)

    @expose("/keep", methods=["POST"])
    @allowed("edit")
    def keep(self) -> Any:
        """Keep the evaluation under a name; the same name again replaces it."""
        name = " ".join((request.form.get("name") or "").split())[:60]
        back = url_for(f"{self.endpoint}.index", **{key: value for key, value in request.form.items() if key in KEPT or key.startswith("only_")})

        def save() -> None:
            if not name:
                raise InvalidInput(_("Give the evaluation a name."), "name")
            question = read_question(request.form)
            with transaction() as session:
                row = session.scalar(select(SavedEvaluation).where(SavedEvaluation.user_id == current_user.id, SavedEvaluation.name == name))
                if row is None:
                    row = SavedEvaluation(user_id=current_user.id, name=name)
                    session.add(row)
                row.shared = request.form.get("shared") == "1"
                row.question = {key: value for key, value in request.form.items() if (key in KEPT or key.startswith("only_")) and value}
                if question.last == Month.of(clock.today()):        # stays up to date: the span moves on with the months
                    row.question = {**row.question, "first": "", "last": "", "months": question.months}

        self.attempt(save, _("“%(name)s” was kept.", name=name))
        return redirect(back, 303)

    @expose("/forget/<int:key>", methods=["POST"])
    @allowed("edit")
    def forget(self, key: int) -> Any:
        row = db.session.scalar(select(SavedEvaluation).where(SavedEvaluation.id == key, SavedEvaluation.user_id == current_user.id)) or abort(404)

        def remove() -> None:
            with transaction() as session:
                session.delete(row)

        self.attempt(remove, _("“%(name)s” was deleted.", name=row.name))
        return redirect(url_for(f"{self.endpoint}.index"), 303)

    # ---- parts of the page

    @staticmethod
    def arguments() -> list[tuple[str, str]]:
        return [(key, value) for key, value in request.args.items() if (key in KEPT or key.startswith("only_")) and value]

    @staticmethod
    def full(question: Question | None) -> list[tuple[str, str]]:
        if question is None:
            return []
        return [*((name, str(getattr(question, name))) for name in KEPT), *((f"only_{name}", str(key)) for name, key in question.filters.items())]

    @staticmethod
    def next_rows(question: Question | None) -> str:
        """What to divide by next when one row is looked at alone."""
        taken = {question.rows, question.columns, *question.filters} if question else set()
        return next((name for name in ("tariff", "server", "kind", "product", "mode", "representative") if name not in taken), MONTH)

    def kept(self) -> list[tuple[Any, str, bool]]:
        """(row, address, own) of what the reader may open."""
        rows = db.session.scalars(select(SavedEvaluation).where((SavedEvaluation.user_id == current_user.id) | SavedEvaluation.shared).order_by(SavedEvaluation.name).limit(100))
        present = Month.of(clock.today())
        found = []
        for row in rows:
            values = {key: value for key, value in row.question.items() if value and key != "months"}
            if row.question.get("months"):
                values |= {"first": str(present.plus(1 - int(row.question["months"]))), "last": str(present)}
            found.append((row, url_for(f"{self.endpoint}.index", **values), row.user_id == current_user.id))
        return found

    @staticmethod
    def months() -> list[tuple[str, str]]:
        present = Month.of(clock.today())
        oldest = db.session.scalar(select(func.min(LicenseStat.month)))
        first = min(Month.parse(oldest), present.plus(-11)) if oldest else present.plus(-11)
        number = (present.year - first.year) * 12 + present.month - first.month
        return [(str(month), formats.month(month)) for month in (present.plus(-back) for back in range(number + 1))]

    @staticmethod
    def currencies() -> list[str]:
        return sorted({main_currency(), *db.session.scalars(select(RevenueStat.currency).distinct())})

    @staticmethod
    def filter_words(question: Question | None) -> list[tuple[str, str, str]]:
        """(dimension, label, value) of what the table is narrowed to."""
        if question is None:
            return []
        found = []
        for name, key in question.filters.items():
            value: Any = int(key) if getattr(LicenseStat, DIMENSIONS[name].column).type.python_type is int else key
            try:
                found.append((name, str(DIMENSIONS[name].label), str(DIMENSIONS[name].words(db.session(), [value])[value])))
            except ValueError:
                found.append((name, str(DIMENSIONS[name].label), key))
        return found

    @staticmethod
    def shown(question: Question, value: Any) -> str:
        if value is None:
            return ""
        if MEASURES[question.measure].money:
            return formats.money(value, question.currency)
        return f"{formats.number(value, 1)} %" if question.measure == "churn" else formats.number(value)

    @staticmethod
    def change(value: Any, before: Any) -> tuple[str, str]:
        """(text, class) of the change against the span before; nothing where there was nothing."""
        if value is None or not before:
            return "", ""
        percent = (Decimal(value) - Decimal(before)) * 100 / abs(Decimal(before))
        return f"{'+' if percent > 0 else ''}{formats.number(percent.quantize(Decimal('0.1')), 1)} %", "is-up" if percent > 0 else "is-down" if percent < 0 else ""

    @staticmethod
    def link(question: Question, row: Any, column: Any) -> str | None:
        """The list behind a figure: licenses of the present month, or the invoices of a month."""
        measure = MEASURES[question.measure]
        place = {question.rows: row, **({question.columns: column} if question.columns != NOTHING else {}), **question.filters}
        month = place.pop(MONTH, None)
        if measure.model is RevenueStat:
            if place or month is None:
                return None
            span = Month.parse(month)
            return safe_url_for("InvoiceView.list", issued_on__from=span.start.isoformat(), issued_on__to=span.end.isoformat(), currency=question.currency)
        if set(place) - set(LICENSE_FILTERS) or any(not value for value in place.values()):
            return None
        arguments = {LICENSE_FILTERS[name]: value for name, value in place.items()}
        span = Month.parse(month) if month else None
        if question.measure == "licenses" and (span or question.last) == Month.of(clock.today()):
            return safe_url_for("LicenseView.list", **arguments)
        if question.measure in ("new", "deleted"):
            first, last = (span, span) if span else (question.first, question.last)
            name = "active_from" if question.measure == "new" else "active_to"
            return safe_url_for("LicenseView.list", tab="all", **{f"{name}__from": first.start.isoformat(), f"{name}__to": last.end.isoformat()}, **arguments)
        return None

    @staticmethod
    def chart(question: Question, table: Table) -> dict[str, Any]:
        """What the script draws: bars by column, or lines where months run along."""
        months = question.columns == MONTH or question.rows == MONTH
        along, series = (table.rows, table.columns) if question.rows == MONTH or not months else (table.columns, table.rows)
        value = (lambda a, s: table.cells.get((a, s))) if along is table.rows else (lambda a, s: table.cells.get((s, a)))
        lines = [{"name": word or str(MEASURES[question.measure].label), "data": [float(value(key, other)) if value(key, other) is not None else None for key, _word in along]}
                 for other, word in series[:12]]
        return {"kind": "line" if months and len(along) > 2 else "bar", "along": [word for _key, word in along], "series": lines,
                "name": str(MEASURES[question.measure].label), "left_out": max(0, len(series) - 12)}


VIEWS = [AdminEntry(StatisticsPage, _l("Statistics"), "billing", "fa-chart-column", rank=80)]
