"""What the parts of an AdminView (list, row page, editing) know of the whole: `app/core/views.py` puts them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar


class ViewParts:
    appbuilder: Any
    endpoint: str
    route_base: Any
    datamodel: Any
    actions: dict[str, Any]
    list_columns: Sequence[str]
    show_columns: Sequence[str]
    add_columns: Sequence[str]
    edit_columns: Sequence[str]
    search_columns: Sequence[str]
    order_columns: Sequence[str]
    add_fieldsets: Any
    edit_fieldsets: Any
    base_order: Any
    page_size: int
    quick_search: Any
    list_tabs: Sequence[tuple[str, Any, Any]]
    list_title: Any
    add_title: Any
    edit_title: Any
    add_verb: Any
    edit_verb: Any
    list_template: str
    show_page: str
    form_template: str
    main_actions: ClassVar[tuple[str, ...]]
    formatters_columns: dict[str, Callable[..., Any]]
    description_columns: dict[str, Any]
    validators_columns: dict[str, Any]
    narrow: ClassVar[Any]
    kinds: dict[str, str]
    add_form: Any
    edit_form: Any
    _related_views: Any

    if TYPE_CHECKING:
        def render_template(self, template: str, **kwargs: Any) -> Any: ...
        def get_action_permission_name(self, name: str) -> str: ...
        def word(self, column: str) -> Any: ...
        def label(self, column: str) -> str: ...
        def view_of(self, model: Any) -> Any: ...
        def lookup_of(self, model: Any) -> str | None: ...
        def lookup_for(self, column: str) -> Callable[[], str | None]: ...
        def url_of(self, row: Any) -> str | None: ...
        def url_of_any(self, row: Any) -> str | None: ...
        def list_url(self, **arguments: Any) -> str: ...
        def head_title(self, item: Any) -> str: ...
