"""Pages of the staff interface. A slice writes `app/<slice>/views.py`, the shell registers its `VIEWS`.

    class TariffView(AdminView):                          # list, show, add, edit under /admin/tariffs/
        datamodel = AdminInterface(Tariff)
        route_base = "/tariffs"
        list_title, add_title, edit_title = _l("Tariffs"), _l("New tariff"), _l("Edit tariff")
        list_columns = ["name", "mode", "billing", "valid_to", "state"]            # the first is the link; "a.b" works
        show_fieldsets = [(_l("Tariff"), {"fields": ["code", "name", "mode"]})]    # or show_columns
        add_columns = edit_columns = ["code", "name", "mode", "valid_from"]        # [] = no such page; or *_fieldsets
        search_columns, order_columns, quick_search = ["mode", "state"], ["name"], "name"   # quick_search: one or a list
        list_tabs = [("all", _l("All"), None), ("active", _l("Active"), Tariff.state == TariffState.ACTIVE)]
        label_columns = {"mode": _l("PTT mode")}; description_columns = {…}; validators_columns = {…}; deletable = False
        related_views = [AssignmentView]                  # tabs of the show page; child.where_parent(parent) if not one relation
        narrow = {"mode": lambda query: query.where(PttMode.active)}               # which related rows a form offers

        def do_add(self, form): return services.create_tariff(code=form.code.data, …)      # inside transaction()
        def do_edit(self, item, form): services.change_tariff(item, name=form.name.data, …)  # DomainError(field=…) → field
        def head_state(self, item): return pill(item.state)         # head_title, head_facts(item) → [(label, text, css)]

        @action("retire", _l("Retire"), _l("No new customers get it."), "fa-box", danger=True, when=lambda t: t.state is ACTIVE)
        def retire(self, items):                          # form=MyServiceForm → retire(self, items, form) after its page
            self.each(items, services.retire, lambda n: ngettext("%(num)d tariff retired.", "%(num)d tariffs retired.", n))

    VIEWS = [AdminEntry(TariffView, _l("Tariffs"), "catalog", "fa-tags"), AdminEntry(RunPage, _l("Billing run"), "billing")]

Cells: enums are pills, Decimals money with `item.currency`, relations links; else `formatters_columns = {col: f(value)}`
(`@with_row` for f(value, item)). `scope()` gives WHERE clauses for all reads. Work screens: `class RunPage(AdminPage)` with
`@expose("/") @allowed def index(self): return self.page("billing/run.html", title=…)`; `self.attempt(call, done)` runs a
service, `self.form_page(form, save, title=…, verb=…)` asks first. Templates extend "appbuilder/base.html" (block content).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar

from flask import g, url_for
from flask_appbuilder import BaseView, ModelView, expose
from flask_babel import lazy_gettext as _l

from app.core.access import action, allowed, local_path, may
from app.core.columns import column_kind
from app.core.editing import Editing, add_marker
from app.core.fields import ServiceForm
from app.core.formats import pill
from app.core.forms import Forms
from app.core.interface import AdminInterface
from app.core.labels import LABELS
from app.core.listing import Listing
from app.core.page_parts import lookup_of, view_of
from app.core.row_page import RowPage

__all__ = ["AdminEntry", "AdminInterface", "AdminPage", "AdminView", "Routes", "ServiceForm", "action", "allowed", "expose", "local_path", "may", "pill", "with_row"]

PREFIX = "/admin"
NAMED = (("list_columns",), ("show_columns", "show_fieldsets"), ("add_columns", "add_fieldsets"), ("edit_columns", "edit_fieldsets"),
         ("search_columns",), ("order_columns",))


@dataclass(frozen=True)
class AdminEntry:
    """A place in the menu. `category`: customers, licenses, billing, receivables, catalog, system, or "" (no menu).

    `area` is the category whose roles may use it, when that is another one. `count()` gives the number beside it (what waits for somebody); it is asked at most every 60 seconds.
    Entries of a category stand in the order of their `rank`, then of the slices.
    """

    view: type
    title: Any
    category: str = ""
    icon: str = "fa-circle"
    count: Callable[[], int] | None = None
    area: str = ""
    rank: int = 50


def with_row(formatter: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Marks a formatter that wants `(value, item)`."""
    formatter._with_row = True  # type: ignore[attr-defined]
    return formatter


def _fields_of(fieldsets: Any, columns: Sequence[str] | None) -> list[str]:
    if fieldsets:
        return [name for _title, spec in fieldsets for name in spec["fields"]]
    return list(columns or [])


class Routes:
    """Where a view lives: /admin/<name>; its templates always know `view`."""

    route_base: str | None

    def create_blueprint(self, appbuilder: Any, endpoint: str | None = None, static_folder: str | None = None) -> Any:
        name = re.sub(r"(View|Page)$", "", type(self).__name__)
        base = self.route_base or "/" + re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
        self.route_base = base if base.startswith(PREFIX) else PREFIX + base
        return super().create_blueprint(appbuilder, endpoint, static_folder)  # type: ignore[misc]

    def render_template(self, template: str, **kwargs: Any) -> Any:
        return super().render_template(template, view=self, **kwargs)  # type: ignore[misc]


class AdminPage(Routes, Forms, BaseView):
    """A work screen: own routes, own templates, the same shell."""

    default_view = "index"
    title: Any = ""
    own_rows = False            # whether it obeys `app.core.own_rows`; else a reader who has only his own customers has no right to it

    def page(self, template: str, **context: Any) -> Any:
        context.setdefault("title", self.title)
        return self.render_template(template, **context)


class AdminView(Routes, Listing, RowPage, Editing, ModelView):
    """Pages of one model; the module's text shows how it is written. A subclass that leaves a column list out is refused."""

    page_size = 25
    quick_search: Any = None
    list_tabs: Sequence[tuple[str, Any, Any]] = ()
    list_help: Any = ""
    empty_text: Any = ""
    add_verb: Any = _l("Save")              # on the button of the form: what happens then, such as "Send"
    edit_verb: Any = _l("Save")
    deletable = False
    bulk_found = False                      # the bulk bar offers "all that the filter found"; the view's `_act` takes `found`, `query` and `n`
    show_page = "pttadmin/show.html"        # a slice's own extends it
    list_template = "pttadmin/list.html"
    form_template = "pttadmin/form.html"
    tab_of: ClassVar[tuple[type, ...]] = ()          # models whose rows' pages show this list as a tab (see page_parts)
    tab_rank = 50
    main_actions: ClassVar[tuple[str, ...]] = ()     # come first, and stay visible when a row's page has many buttons; the others go under "More"
    narrow: ClassVar[dict[str, Callable[[Any], Any]]] = {}
    abstract = True
    exclude_route_methods: ClassVar[set[str]] = {"download"}

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if cls.__dict__.get("abstract"):
            return
        cls.abstract = False
        for names in NAMED:
            if all(getattr(cls, name, None) is None for name in names):
                raise TypeError(f"{cls.__name__} must name its {' or '.join(names)}: left out, all columns would be shown")

    def __init__(self, **kwargs: Any):
        self.datamodel = copy(self.datamodel)
        self.datamodel.scope = self.scope
        self.exclude_route_methods = {"download", *type(self).exclude_route_methods}
        for name in ("show", "add", "edit"):
            if not (getattr(self, f"{name}_columns") or getattr(self, f"{name}_fieldsets")):
                self.exclude_route_methods.add(name)
        if not self.deletable:
            self.exclude_route_methods.add("delete")
        super().__init__(**kwargs)
        for attribute in dir(type(self)):
            function = getattr(type(self), attribute, None)
            if hasattr(function, "_spec"):
                self.actions[function._action[0]].spec = function._spec
        if not any(entry.spec.form for entry in self.actions.values()):
            self.exclude_route_methods.add("act")

    def _init_properties(self) -> None:
        self.label_columns = dict(self.label_columns or {})
        self.description_columns = dict(self.description_columns or {})
        self.validators_columns = dict(self.validators_columns or {})
        self.formatters_columns = dict(self.formatters_columns or {})
        self.add_form_extra_fields = dict(self.add_form_extra_fields or {})
        self.edit_form_extra_fields = dict(self.edit_form_extra_fields or {})
        self.show_columns = _fields_of(self.show_fieldsets, self.show_columns)
        self.add_columns = _fields_of(self.add_fieldsets, self.add_columns)
        self.edit_columns = _fields_of(self.edit_fieldsets, self.edit_columns)
        self.related_views = list(self.related_views or [])
        self._related_views: list[Any] = []
        self._base_filters = self._filters = self.datamodel.get_filters()
        model = self.datamodel.obj
        self.kinds = {name: column_kind(model, name) for name in {*self.list_columns, *self.show_columns}}

    def _init_forms(self) -> None:
        self.add_form = self.make_form(self.add_columns, self.add_form_extra_fields, "AddForm")
        self.edit_form = add_marker(self.make_form(self.edit_columns, self.edit_form_extra_fields, "EditForm"))

    def _init_titles(self) -> None:
        self.title = self.list_title or type(self).__name__

    # names and addresses

    def word(self, column: str) -> Any:
        """The column's label, lazy: forms are made before anybody reads."""
        name = self.label_columns.get(column, LABELS.get(column))
        return re.sub(r"[._]", " ", column).capitalize() if name is None else name

    def label(self, column: str) -> str:
        return str(self.word(column))

    def labels(self, columns: Sequence[str]) -> dict[str, str]:
        return {column: self.label(column) for column in columns}

    def view_of(self, model: Any) -> Any:
        """The view that shows rows of `model`: the first one registered."""
        return view_of(model)

    def lookup_of(self, model: Any) -> str | None:
        return lookup_of(model)

    def lookup_for(self, column: str) -> Callable[[], str | None]:
        """Asked when the field is shown, because views are registered one after the other."""
        prop = self.datamodel.obj.__mapper__.relationships.get(column)
        return lambda: self.lookup_of(prop.mapper.class_) if prop is not None else None

    def url_of_any(self, row: Any) -> str | None:
        view = self.view_of(type(row))
        return view.url_of(row) if view else None

    def url_of(self, row: Any) -> str | None:
        """The row's page, when the reader may see it."""
        pages = g.setdefault("ptt_may_show", {})
        if self.endpoint not in pages:
            pages[self.endpoint] = may(self, "can_show")
        return f"{self.route_base}/show/{self.datamodel.get_pk_value(row)}" if pages[self.endpoint] else None

    def list_url(self, **arguments: Any) -> str:
        return url_for(f"{self.endpoint}.list", **arguments)

    def can(self, name: str) -> bool:
        return name not in self.exclude_route_methods and may(self, f"can_{name}")
