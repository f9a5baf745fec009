"""Reads of an AdminView: list pages, lookups, and how a cell looks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import current_app, flash, jsonify, request
from flask_appbuilder import expose
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup, escape
from sqlalchemy import or_

from app.core import filters, formats
from app.core.access import allowed
from app.core.interface import COUNT_LIMIT, FOUND_LIMIT, Count, count_of_page, estimated
from app.core.list_pages import PAGE_SIZES, Cell, ListPage, Row
from app.core.page_parts import columns_beside
from app.core.text_index import has_part
from app.core.view_parts import ViewParts

LARGE_SECONDS = 60
TAB_LIMIT = 1_000        # a tab says "1,000+" beyond

__all__ = ["Cell", "ListPage", "Listing"]


class Listing(ViewParts):
    """List, lookup and cells of an AdminView."""

    # what a slice overrides

    def scope(self) -> Sequence[Any]:
        """WHERE clauses that every read of this view obeys; a row outside is a 404."""
        return ()

    def currency_of(self, item: Any) -> str | None:
        return getattr(item, "currency", None)

    def raw(self, item: Any, column: str) -> Any:
        if "." not in column:
            value = getattr(item, column, None)
            return value() if callable(value) else value
        value = item
        for part in column.split("."):
            value = getattr(value, part, None)
            if value is None:
                return None
        return value() if callable(value) else value

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        """The value of `column` for people. A formatter gets the value, or the value and the row."""
        value = self.raw(item, column)
        if (formatter := self.formatters_columns.get(column)) is not None:
            shown = formatter(value, item) if getattr(formatter, "_with_row", False) else formatter(value)
            number = isinstance(value, int | Decimal) and not isinstance(value, bool)
            return Cell(shown, "num" if number else "")
        kind = self.kinds.get(column, "plain")
        if kind == "money":
            return Cell(formats.money(value, self.currency_of(item)), "num")
        if kind == "price":
            return Cell(formats.price(value, self.currency_of(item)), "num")
        if kind == "relation" and value is not None and not isinstance(value, list):
            url = self.url_of_any(value) if link else None
            return Cell(Markup(f'<a href="{escape(url)}">{escape(value)}</a>') if url else escape(value))
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        return Cell(formats.plain(value), "num" if number else "nowrap" if hasattr(value, "isoformat") else "")

    def table_rows(self, rows: Sequence[Any], columns: Sequence[str]) -> list[Row]:
        """Everything the table shows of `rows`; words are looked up once, not for each row."""
        select, edit, delete, sure = _("Select %(name)s"), _("Edit %(name)s"), _("Delete %(name)s"), _("Delete “%(name)s”? This cannot be undone.")
        labels = [(column, self.label(column)) for column in columns]
        result = []
        for item in rows:
            name = {"name": self.head_title(item)}
            cells: list[tuple[str, str, str | None, Any]] = []
            for column, label in labels:
                if cells:
                    cell = self.cell(item, column)
                    cells.append((cell.css, label, None, cell.text))
                else:
                    cell = self.cell(item, column, link=False)
                    cells.append((f"cell-main {cell.css}".rstrip(), label, self.url_of(item), cell.text))
            result.append(Row(self.datamodel.get_pk_value(item), cells, select % name, edit % name, delete % name, sure % name))
        return result

    def list_order(self, column: str, descending: bool) -> list[Any]:
        """ORDER BY for a column of `order_columns`, with the key as tie breaker."""
        pk = self.datamodel.get_pk()
        plain = column and column != pk.key and column not in self.datamodel.obj.__mapper__.relationships
        terms = [getattr(self.datamodel.obj, column), pk] if plain else [pk]
        return [term.desc() if descending else term.asc() for term in terms]

    def find(self, text: str) -> Any:
        """WHERE of the find box and of lookups: `quick_search` names one column or several."""
        return or_(*(has_part(getattr(self.datamodel.obj, name), text) for name in self.quick_columns()))

    def quick_columns(self) -> list[str]:
        quick = self.quick_search
        return [quick] if isinstance(quick, str) else list(quick or ())

    def quick_words(self) -> str:
        """What the find box looks at, for its label."""
        names = [self.label(name) for name in self.quick_columns()]
        if str(get_locale()).startswith("de"):
            return ", ".join(names)                # German nouns keep their capital
        return ", ".join(name if name[1:2].isupper() else name[:1].lower() + name[1:] for name in names)

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> ListPage:
        """The rows that the address asks for: one statement. How many there are is asked when somebody wants to know, unless the page tells it."""
        args = request.args
        asked, found = self.conditions(args, hidden, tab=False)
        for name in asked.wrong:
            flash(_("The filter “%(name)s” could not be understood and was left out.", name=name), "warning")
        clauses, quick = [*where, *found], self._quick(args)
        limit = FOUND_LIMIT if quick and self.quick_columns() else COUNT_LIMIT
        base_column, base_direction = self.base_order or ("", "desc")
        order, descending = base_column, base_direction == "desc"
        if args.get("order") in self.order_columns:
            order, descending = args["order"], args.get("down") == "1"
        size = int(args["size"]) if args.get("size", "") in [str(n) for n in PAGE_SIZES] else self.page_size
        page = int(args["page"]) if args.get("page", "").isdecimal() and len(args["page"]) < 6 else 0
        page = min(page, (COUNT_LIMIT - 1) // size)
        known, wanted = None, clauses
        if quick and self.quick_columns() and (few := self.datamodel.few(clauses)) is not None:
            known, wanted = Count(len(few)), [self.datamodel.one_of(few)]
        rows = self.datamodel.rows(wanted, self.list_order(order, descending), page, size, [c for c in self.list_columns if c not in hidden],
                                   columns_beside(self.datamodel.obj, self.list_columns))
        pairs = [(key, value) for key, value in args.items(multi=True) if key != "page"]
        return ListPage(rows, page, size, order, descending, asked, pairs, clauses, limit, lambda: self.datamodel.count(clauses, limit), known or count_of_page(rows, page, size))

    @staticmethod
    def _quick(args: Any) -> str:
        return (args.get("q") or "").replace("\x00", "").strip()[:100]

    def conditions(self, args: Any, hidden: Sequence[str] = (), tab: bool = True) -> tuple[filters.Asked, Sequence[Any]]:
        """What the arguments of a list's address ask for: the filters as told back, and all WHERE clauses (with the tab's, when asked)."""
        asked = filters.ask(self.datamodel.obj, [name for name in self.search_columns if name not in hidden], self.label, args)
        clauses = list(asked.where)
        if (quick := self._quick(args)) and self.quick_columns():
            clauses.append(self.find(quick))
        if tab and self.list_tabs and (clause := self.tab_clause(args.get("tab") or self.list_tabs[0][0])) is not None:
            clauses.append(clause)
        return asked, clauses

    def tab_clause(self, key: str) -> Any:
        for name, _label, where in self.list_tabs:
            if name == key:
                return where() if callable(where) and not hasattr(where, "compile") else where
        return None

    def tab_counts(self, page: ListPage, current: str) -> list[tuple[str, Any, str]]:
        """(key, label, count) for each tab; all counts in one bounded statement, with that of `page` when it is not known yet.

        Other tabs than the `current` one are counted up to `TAB_LIMIT`. One with more shows the same figure for a while without being counted again.
        """
        now, kept, place = time.monotonic(), current_app.extensions["ptt_large_tabs"], (self.endpoint, current_user.get_id())
        clauses = {key: self.tab_clause(key) for key, _label, _where in self.list_tabs}
        where = {key: [] if clause is None else [clause] for key, clause in clauses.items()}
        limits = {key: COUNT_LIMIT if key == current else TAB_LIMIT for key in where}
        counts = {key: count for key in where for until, count in [kept.get((*place, key), (now, None))] if until > now and count.number >= limits[key]}
        asked = [key for key in where if key not in counts]
        narrowed = current not in where or len(page.where) > len(where[current])
        extra = [(page.where, page.limit)] if page.known_count is None and narrowed else []
        whole = page.known_count is None and self.datamodel.may_estimate(page.where)
        found, about = self.datamodel.counts([*((where[key], limits[key]) for key in asked), *extra], whole)
        counts.update(zip(asked, found, strict=False))
        kept.update(((*place, key), (now + LARGE_SECONDS, counts[key])) for key in asked if not counts[key].exact)
        if page.known_count is None:
            page.known_count = estimated(found[-1] if narrowed else counts[current], about)
        return [(key, label, formats.number(counts[key].number) + ("" if counts[key].exact else "+")) for key, label, _where in self.list_tabs]

    @expose("/list/")
    @allowed
    def list(self) -> Any:
        tabs = self.list_tabs
        tab = request.args.get("tab") or (tabs[0][0] if tabs else "")
        clause = self.tab_clause(tab)
        found = self.list_page([] if clause is None else [clause])
        controls = filters.controls(self.datamodel.obj, self.search_columns, self.label, found.asked, self.lookup_of)
        return self.render_template(self.list_template, title=self.list_title, listing=found, controls=controls, tab=tab, tabs=self.tab_counts(found, tab) if tabs else [],
                                    columns=self.list_columns, related=False)

    @expose("/lookup")
    @allowed("list")
    def lookup(self) -> Any:
        """Rows for a select field that looks up while typing: `{"results": [{"id", "text"}]}`."""
        text = (request.args.get("q") or request.args.get("term") or "").replace("\x00", "").strip()[:100]
        where = [self.find(text)] if text and self.quick_columns() else []
        rows = self.datamodel.first(where, self.list_order(self.quick_columns()[0] if self.quick_columns() else "", False), 20)
        return jsonify(results=[{"id": self.datamodel.get_pk_value(row), "text": str(row)} for row in rows])
