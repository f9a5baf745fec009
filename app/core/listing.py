"""Reads of an AdminView: list pages, lookups, and how a cell looks."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import flash, jsonify, request
from flask_appbuilder import expose
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape
from sqlalchemy import or_

from app.core import filters, formats
from app.core.access import allowed
from app.core.interface import COUNT_LIMIT
from app.core.list_pages import PAGE_SIZES, Cell, ListPage
from app.core.page_parts import fill_rows
from app.core.view_parts import ViewParts

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
        value: Any = item
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
            return Cell(Markup('<a href="{}">{}</a>').format(url, value) if url else escape(value))
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        return Cell(formats.plain(value), "num" if number else "nowrap" if hasattr(value, "isoformat") else "")

    def list_order(self, column: str, descending: bool) -> list[Any]:
        """ORDER BY for a column of `order_columns`, with the key as tie breaker."""
        pk = self.datamodel.get_pk()
        terms = [getattr(self.datamodel.obj, column), pk] if column and column != pk.key else [pk]
        return [term.desc() if descending else term.asc() for term in terms]

    def find(self, text: str) -> Any:
        """WHERE of the find box and of lookups: `quick_search` names one column or several."""
        names = self.quick_columns()
        return or_(*(getattr(self.datamodel.obj, name).icontains(text, autoescape=True) for name in names))

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
        """The rows that the address asks for. Statements: the rows, the count (when more than one page)."""
        args = request.args
        columns = [name for name in self.search_columns if name not in hidden]
        asked = filters.ask(self.datamodel.obj, columns, self.label, args)
        for name in asked.wrong:
            flash(_("The filter “%(name)s” could not be understood and was left out.", name=name), "warning")
        quick = (args.get("q") or "").replace("\x00", "").strip()[:100]
        clauses = [*where, *asked.where]
        if quick and self.quick_columns():
            clauses.append(self.find(quick))
        base_column, base_direction = self.base_order or ("", "desc")
        order, descending = base_column, base_direction == "desc"
        if args.get("order") in self.order_columns:
            order, descending = args["order"], args.get("down") == "1"
        size = int(args["size"]) if args.get("size", "") in [str(n) for n in PAGE_SIZES] else self.page_size
        page = int(args["page"]) if args.get("page", "").isdecimal() and len(args["page"]) < 6 else 0
        page = min(page, (COUNT_LIMIT - 1) // size)
        count, rows = self.datamodel.page(clauses, self.list_order(order, descending), page, size, [c for c in self.list_columns if c not in hidden])
        fill_rows(self.datamodel.obj, self.list_columns, rows)
        pairs = [(key, value) for key, value in args.items(multi=True) if key != "page"]
        return ListPage(rows, count, page, size, order, descending, asked, pairs)

    def tab_clause(self, key: str) -> Any:
        for name, _label, where in self.list_tabs:
            if name == key:
                return where() if callable(where) and not hasattr(where, "compile") else where
        return None

    def tab_counts(self) -> list[tuple[str, Any, Any]]:
        """(key, label, count) for each tab; all counts in one bounded statement."""
        tabs = self.list_tabs
        counts = self.datamodel.counts([self.tab_clause(key) for key, _label, _where in tabs])
        return [(key, label, formats.number(n.number) + ("" if n.exact else "+")) for (key, label, _where), n in zip(tabs, counts, strict=True)]

    @expose("/list/")
    @allowed
    def list(self) -> Any:
        tabs = self.list_tabs
        tab = request.args.get("tab") or (tabs[0][0] if tabs else "")
        clause = self.tab_clause(tab)
        found = self.list_page([] if clause is None else [clause])
        controls = filters.controls(self.datamodel.obj, self.search_columns, self.label, found.asked, self.lookup_of)
        return self.render_template(self.list_template, title=self.list_title, listing=found, controls=controls, tab=tab,
                                    columns=self.list_columns, related=False)

    @expose("/lookup")
    @allowed("list")
    def lookup(self) -> Any:
        """Rows for a select field that looks up while typing: `{"results": [{"id", "text"}]}`."""
        text = (request.args.get("q") or request.args.get("term") or "").replace("\x00", "").strip()[:100]
        where = [self.find(text)] if text and self.quick_columns() else []
        rows = self.datamodel.page(where, self.list_order(self.quick_columns()[0] if self.quick_columns() else "", False), 0, 20, [])[1]
        return jsonify(results=[{"id": self.datamodel.get_pk_value(row), "text": str(row)} for row in rows])
