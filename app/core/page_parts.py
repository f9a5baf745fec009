"""What slices add to the page of a row that belongs to a lower slice, which cannot import them.

    @page_facts(Customer, rank=10)
    def balance(customer): return [(_("Open balance"), formats.money(...), "is-bad")]       # label, text, class

    @page_links(Customer, rank=10)
    def record_payment(customer): return [link_to("PaymentView.add", _("Record payment"), "fa-coins", customer=customer.id)]

    @row_column(Customer, "license_count")                  # a column that the view of Customer names in `list_columns`
    def licenses(): return select(func.count()).where(License.customer_id == Customer.id).scalar_subquery()

A view becomes a tab of such a page with `tab_of = (Customer,)`; `rank` and `tab_rank` (50 when not given) put them in order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for

from app.core.access import may


@dataclass(frozen=True)
class PageLink:
    """A button in the head of a row's page that leads somewhere else (GET). `more`: under "More" when there are many."""

    url: str
    text: Any
    icon: str = ""
    danger: bool = False
    more: bool = False


Facts = Callable[[Any], list[tuple[Any, Any, str]]]
Links = Callable[[Any], Iterable[PageLink | None]]
Column = Callable[[], Any]
_columns: dict[tuple[type, str], Column] = {}
_facts: dict[type, list[tuple[int, Facts]]] = defaultdict(list)
_links: dict[type, list[tuple[int, Links]]] = defaultdict(list)


def page_facts(model: type, rank: int = 50) -> Callable[[Facts], Facts]:
    """Decorator: `function(row)` gives figures for the strip under the title of the row's page."""
    def add(function: Facts) -> Facts:
        _facts[model].append((rank, function))
        return function

    return add


def page_links(model: type, rank: int = 50) -> Callable[[Links], Links]:
    """Decorator: `function(row)` gives buttons for the head of the row's page; None entries are left out."""
    def add(function: Links) -> Links:
        _links[model].append((rank, function))
        return function

    return add


def row_column(model: type, name: str) -> Callable[[Column], Column]:
    """Decorator: `function()` gives list column `name` as a scalar subquery on the row of `model`, read with the page of rows."""
    def add(function: Column) -> Column:
        _columns[model, name] = function
        return function

    return add


def columns_beside(model: type, names: Iterable[str]) -> dict[str, Any]:
    """Those of the list columns that other slices provide."""
    return {name: provide() for name in names if (provide := _columns.get((model, name))) is not None}


def facts_of(item: Any) -> list[tuple[Any, Any, str]]:
    return [fact for _rank, function in sorted(_facts[type(item)], key=lambda pair: pair[0]) for fact in function(item)]


def links_of(item: Any) -> list[PageLink]:
    return [link for _rank, function in sorted(_links[type(item)], key=lambda pair: pair[0]) for link in function(item) if link is not None]


def view_of(model: Any) -> Any:
    """The view that shows rows of `model`: the first one registered, or None."""
    return current_app.extensions["ptt_views"].get(model)


def lookup_of(model: Any) -> str | None:
    """The endpoint where rows of `model` are looked up while typing; None when the reader may not list them."""
    view = view_of(model)
    return f"{view.endpoint}.lookup" if view is not None and may(view, "can_list") else None


def to_lookup(model: Any) -> Callable[[], str | None]:
    """For `RelatedField(lookup=…)`: asked when the field is shown, because views are registered one after the other."""
    return lambda: lookup_of(model)


def safe_url_for(endpoint: str, **arguments: Any) -> str | None:
    """The address of `View.method` when such a page exists and the reader may open it, else None."""
    name, _dot, method = endpoint.partition(".")
    view = next((v for v in current_app.appbuilder.baseviews if v.endpoint == name), None)  # type: ignore[attr-defined]
    if view is None or endpoint not in current_app.view_functions:
        return None
    right = getattr(getattr(view, method, None), "_permission_name", method)
    return url_for(endpoint, **arguments) if may(view, f"can_{right}") else None


def link_to(endpoint: str, text: Any, icon: str = "", danger: bool = False, more: bool = False, **arguments: Any) -> PageLink | None:
    """A PageLink to `View.method`, or None when there is no such page or the reader may not open it."""
    url = safe_url_for(endpoint, **arguments)
    return PageLink(url, text, icon, danger, more) if url else None
