"""Keeping, deleting and beginning with a saved list: small forms in the head of the list itself. Every member of staff may."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, request
from flask_babel import gettext as _

from app.admin import saved_lists
from app.core.views import AdminPage, expose


class SavedListPage(AdminPage):
    route_base = "/saved-lists"
    own_rows = True

    @expose("/save/<string:view_name>", methods=["POST"])
    def save(self, view_name: str) -> Any:
        view = saved_lists.view_named(view_name) or abort(404)
        name, query = request.form.get("name", ""), request.form.get("query", "")
        self.attempt(lambda: saved_lists.save(view_name, name, query, request.form.get("shared") == "y"), _("The list is kept as “%(name)s”.", name=" ".join(name.split())))
        return self._to(view, saved_lists.cleaned(query))

    @expose("/delete/<int:ident>", methods=["POST"])
    def delete(self, ident: int) -> Any:
        from flask_login import current_user

        row = saved_lists.find(ident)
        if row is None or row.user_id != current_user.id:
            abort(404)
        view, name = saved_lists.view_named(row.view), row.name
        self.attempt(lambda: saved_lists.delete(row), _("“%(name)s” was deleted. Nothing of the list itself was changed.", name=name))
        return self._to(view, "")

    @expose("/begin/<int:ident>", methods=["POST"])
    def begin(self, ident: int) -> Any:
        row = saved_lists.find(ident) or abort(404)
        on = request.args.get("off") != "1"
        self.attempt(lambda: saved_lists.set_beginning(row, on), _("The list begins with “%(name)s” now.", name=row.name) if on else _("The list begins with all entries again."))
        return self._to(saved_lists.view_named(row.view), row.query if on else "")

    @staticmethod
    def _to(view: Any, query: str) -> Any:
        return redirect(f"{view.list_url()}?{query or 'all=1'}", 303)
