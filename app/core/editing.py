"""Add, edit, delete and actions of an AdminView: each goes through a service inside one transaction."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from wtforms import HiddenField

from app.core.access import allowed, denied, local_path, may
from app.core.columns import field_for
from app.core.db import transaction
from app.core.errors import Conflict, DomainError
from app.core.fields import ServiceForm
from app.core.forms import Forms, explain
from app.core.secrets import SecretType
from app.core.view_parts import ViewParts

MARKER = "row_version"


def marker(item: Any) -> str:
    """Names the state of a row that a form was filled from: its version, else a hash of its columns."""
    mapper = item.__mapper__
    if mapper.version_id_col is not None:
        return str(getattr(item, mapper.get_property_by_column(mapper.version_id_col).key))
    values = [(prop.key, str(getattr(item, prop.key))) for prop in mapper.column_attrs if not isinstance(prop.columns[0].type, SecretType)]
    return hashlib.sha256(repr(sorted(values)).encode()).hexdigest()[:32]


class Marker(HiddenField):
    """The hidden field that tells a second editor; no column of the row."""

    def populate_obj(self, obj: Any, name: str) -> None:
        pass


def add_marker(form: type[ServiceForm]) -> type[ServiceForm]:
    return type(form.__name__, (form,), {MARKER: Marker()})


class Editing(Forms, ViewParts):
    """Add, edit, delete and actions of an AdminView."""

    def make_form(self, columns: list[str], extra: dict[str, Any], name: str) -> type[ServiceForm]:
        """A form class of the named columns; a column in `extra` brings its own field."""
        fields: dict[str, Any] = {}
        for column in columns:
            if column in extra:
                given = extra[column]      # made anew: fields stand in the order in which they are made
                fields[column] = type(given)(given.field_class, *given.args, **given.kwargs)
                continue
            fields[column] = field_for(self.datamodel.obj, column, self.word(column), self.description_columns.get(column, ""),
                                       self.validators_columns.get(column, ()), self.narrow.get(column), self.lookup_for(column))
        return type(name, (ServiceForm,), fields)

    # what a slice overrides: call a service of its own; all three run inside `transaction()`

    def do_add(self, form: Any) -> Any:
        """Create and return the row. Master data without a service: fill a new row from the form."""
        with transaction() as session:
            item = self.datamodel.obj()
            form.populate_obj(item)
            session.add(item)
            session.flush()
            return item

    def do_edit(self, item: Any, form: Any) -> None:
        form.populate_obj(item)

    def do_delete(self, item: Any) -> None:
        with transaction() as session:
            session.delete(item)
            session.flush()

    def after_add(self, item: Any) -> str | None:
        """Where to go after a new row was stored; None: to its page."""
        return None

    def fill_form(self, form: Any, item: Any | None) -> None:
        """Before a form is shown for the first time: set `form.x.data` of extra fields."""

    def presets(self) -> dict[str, Any]:
        """Values of a new row that the address brings, for example `?customer=12` from a customer's page."""
        found = {}
        for column in self.add_columns:
            prop = self.datamodel.obj.__mapper__.relationships.get(column)
            if prop is not None and not prop.uselist and (text := request.args.get(column, "")).isdecimal():
                view = self.view_of(prop.mapper.class_)
                found[column] = view.datamodel.get(text) if view else None
        return {key: row for key, row in found.items() if row is not None}

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        form = self.add_form(data=self.presets() if request.method == "GET" else None)
        if request.method == "GET":
            self.fill_form(form, None)

        def save(form: Any) -> Any:
            item = self.do_add(form)
            flash(_("%(name)s was created.", name=self.head_title(item)), "success")
            return redirect(local_path(request.values.get("back")) or self.after_add(item) or self.url_of(item) or self.list_url(), 303)

        return self.form_page(form, save, title=self.add_title, verb=self.add_verb, crumb=(self.list_title, self.list_url()),
                              fieldsets=self.add_fieldsets, to=self.list_url(), template=self.form_template)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @allowed
    def edit(self, pk: Any) -> Any:
        item = self.datamodel.get(pk) or abort(404)
        form = self.edit_form(obj=item)
        if request.method == "GET":
            form[MARKER].data = marker(item)
            self.fill_form(form, item)
        target = self.url_of(item) or self.list_url()

        def save(form: Any) -> Any:
            locked = self.datamodel.get(pk, lock=True) or abort(404)
            if form[MARKER].data != marker(locked):
                raise Conflict(_("Somebody else changed this meanwhile. Nothing was saved; open it again to see the change."))
            self.do_edit(locked, form)
            flash(_("The changes were saved."), "success")
            return redirect(target, 303)

        return self.form_page(form, save, title=self.edit_title, verb=self.edit_verb, crumb=(self.head_title(item), target),
                              fieldsets=self.edit_fieldsets, to=target, template=self.form_template)

    @expose("/delete/<pk>", methods=["POST"])
    @allowed
    def delete(self, pk: Any) -> Any:
        item = self.datamodel.get(pk) or abort(404)
        name = self.head_title(item)
        worked = self.attempt(lambda: self.do_delete(self.datamodel.get(pk, lock=True) or abort(404)), _("%(name)s was deleted.", name=name))
        return redirect(self.list_url() if worked else self.back(self.list_url()), 303)

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: Any) -> Any:
        """A button of a row's page."""
        return self._act(name, [pk], missing=True)

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> Any:
        """A button of the bulk bar."""
        return self._act(request.form.get("action", ""), request.form.getlist("rowid")[:500], missing=False)

    @expose("/act/<string:name>", methods=["GET", "POST"])
    def act(self, name: str) -> Any:
        """The form of an action that needs input, for the rows in the address."""
        return self._act(name, request.args.getlist("rowid")[:500], missing=len(request.args.getlist("rowid")) == 1)

    def _act(self, name: str, pks: list[Any], missing: bool) -> Any:
        """Run action `name` on the rows of the scope. `missing`: 404 when one is not there, else it is told."""
        item = self.actions.get(name) or abort(404)
        if not may(self, self.get_action_permission_name(name)):
            return denied()
        rows = self.datamodel.get_many(pks)
        if not rows and (missing or not pks):
            abort(404)
        if len(rows) < len(set(map(str, pks))):
            flash(_("Some entries are no longer there and were left out."), "warning")
        here = self.url_of(rows[0]) if len(rows) == 1 else None
        to = self.back(here or self.list_url())
        if not rows:
            return redirect(to, 303)
        spec = item.spec
        if spec.form is not None:
            if request.endpoint != f"{self.endpoint}.act":
                return redirect(url_for(f"{self.endpoint}.act", name=name, rowid=[self.datamodel.get_pk_value(r) for r in rows], back=to), 303)
            title = f"{item.text}: {rows[0]}" if len(rows) == 1 else f"{item.text} ({len(rows)})"
            form = spec.form()
            if request.method == "GET" and len(rows) == 1:
                self.fill_action(name, form, rows[0])
            return self.form_page(form, lambda form: item.func(rows, form), title=title, verb=spec.verb, danger=spec.danger, to=to,
                                  crumb=(self.list_title, self.list_url()), intro=item.confirmation or "", in_transaction=False)
        result = None
        try:
            result = item.func(rows)
        except DomainError as error:
            flash(str(error), "danger")
        except StaleDataError:
            flash(_("Somebody else changed this meanwhile. Nothing was done; look at it again."), "danger")
        except IntegrityError as error:
            flash(str(explain(error, self.datamodel.obj)), "danger")
        return result if result is not None else redirect(to, 303)

    def fill_action(self, name: str, form: Any, item: Any) -> None:
        """Before the form of an action is shown for one row: set defaults in `form`."""
