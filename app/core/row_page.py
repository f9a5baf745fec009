"""The page of one row: its head, its figures, its buttons, and the lists that belong to it as tabs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, request
from flask_appbuilder import expose

from app.core import formats
from app.core.access import allowed, may
from app.core.page_parts import PageLink, facts_of, links_of
from app.core.view_parts import ViewParts


class RowPage(ViewParts):
    """Show page of an AdminView."""

    # the head of a row's page: a slice overrides

    def head_title(self, item: Any) -> str:
        return str(item)

    def head_state(self, item: Any) -> Any:
        state = getattr(item, "state", None)
        return formats.pill(state) if state is not None else ""

    def head_facts(self, item: Any) -> list[tuple[Any, Any, str]]:
        """4 to 6 figures: (label, text, "is-bad" or ""). Other slices add theirs with `page_facts`."""
        return facts_of(item)

    def head_links(self, item: Any) -> list[PageLink]:
        """Buttons that lead to other pages. Other slices add theirs with `page_links`."""
        return links_of(item)

    def show_context(self, item: Any) -> dict[str, Any]:
        """What the template of `show_page` needs beside the row."""
        return {}

    def tab_views(self) -> Sequence[Any]:
        """Views shown as tabs of a row's page: `related_views`, and those of higher slices that say `tab_of`."""
        adopted = [view for view in self.appbuilder.baseviews if self.datamodel.obj in getattr(view, "tab_of", ()) and view not in self._related_views]
        return sorted([*self._related_views, *adopted], key=lambda view: view.tab_rank)

    def where_parent(self, parent: Any) -> Any:
        """WHERE of the rows that belong to `parent`, on a tab of its page."""
        for name, prop in self.datamodel.obj.__mapper__.relationships.items():
            if prop.mapper.class_ is type(parent):
                attribute = getattr(self.datamodel.obj, name)
                return attribute.contains(parent) if prop.uselist else attribute == parent
        raise TypeError(f"{type(self).__name__} has no relation to {type(parent).__name__}: write where_parent")

    def parent_column(self, parent: Any) -> str | None:
        for name, prop in self.datamodel.obj.__mapper__.relationships.items():
            if prop.mapper.class_ is type(parent) and not prop.uselist:
                return name
        return None

    def ordered_actions(self) -> Sequence[Any]:
        """Those of `main_actions` first, in that order."""
        names = list(self.main_actions)
        return sorted(self.actions.values(), key=lambda entry: names.index(entry.name) if entry.name in names else len(names))

    def buttons(self, item: Any) -> list[Any]:
        """Actions of the row's page that the reader may do and that make sense now."""
        return [entry for entry in self.ordered_actions() if entry.single and may(self, self.get_action_permission_name(entry.name))
                and (entry.spec.when is None or entry.spec.when(item))]

    def head_buttons(self, item: Any) -> tuple[list[PageLink], list[Any], list[PageLink], list[Any]]:
        """Links and actions of the row's page: those shown, and those under "More" (when there are more than three)."""
        links, acts = self.head_links(item), self.buttons(item)
        if len(links) + len(acts) <= 3:
            return links, acts, [], []
        main = [entry for name in self.main_actions for entry in acts if entry.name == name][:3] or ([] if self.main_actions or links else acts[:2])
        shown = [link for link in links if not link.more][:3]
        return shown, main, [link for link in links if link not in shown], [entry for entry in acts if entry not in main]

    def bulk_buttons(self) -> list[Any]:
        return [entry for entry in self.ordered_actions() if entry.multiple and may(self, self.get_action_permission_name(entry.name))]

    @expose("/show/<pk>")
    @allowed
    def show(self, pk: Any) -> Any:
        item = self.datamodel.get(pk, eager=self.show_columns) or abort(404)
        tabs = [view for view in self.tab_views() if may(view, "can_list")]
        chosen = next((view for view in tabs if type(view).__name__ == request.args.get("tab")), None)
        context: dict[str, Any] = {}
        if chosen is not None:
            hidden = [name for name in [chosen.parent_column(item)] if name]
            context = {"child": chosen, "listing": chosen.list_page([chosen.where_parent(item)], hidden), "parent_column": hidden[0] if hidden else None,
                       "columns": [name for name in chosen.list_columns if name not in hidden]}
        context.update(self.show_context(item))
        return self.render_template(self.show_page, title=self.head_title(item), item=item, pk=pk, tabs=tabs, chosen=chosen, **context)
