"""Writes of the staff interface: forms, deletes, actions. Each goes through a service inside one transaction.

A `DomainError` of the service stands beside its field (or on top of the page), keeps what was typed and stores nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from wtforms import HiddenField

from app.core.access import allowed, denied, local_path, may
from app.core.db import transaction
from app.core.errors import Conflict, DomainError
from app.core.fields import ServiceForm, field_for
from app.core.secrets import SecretType

MARKER = "row_version"


def marker(item: Any) -> str:
    """Names the state of a row that a form was filled from: its version, else a hash of its columns."""
    mapper = item.__mapper__
    if mapper.version_id_col is not None:
        return str(getattr(item, mapper.get_property_by_column(mapper.version_id_col).key))
    values = [(prop.key, str(getattr(item, prop.key))) for prop in mapper.column_attrs if not isinstance(prop.columns[0].type, SecretType)]
    return hashlib.sha256(repr(sorted(values)).encode()).hexdigest()[:32]


def explain(error: IntegrityError, model: Any) -> DomainError:
    """What a violated constraint means for people."""
    text = str(error.orig)
    state = getattr(error.orig, "sqlstate", "")
    table = model.__table__
    if state == "23505" or "UNIQUE constraint failed" in text:
        name = getattr(getattr(error.orig, "diag", None), "constraint_name", "") or ""
        columns = re.findall(rf"\b{table.name}\.(\w+)", text)
        for constraint in (*table.constraints, *table.indexes):
            if name and constraint.name == name:
                columns = [column.name for column in constraint.columns]
        field = columns[0] if columns and columns[0] in model.__mapper__.attrs else None
        return DomainError(_("This already exists. Choose another value."), field=field)
    if state == "23503" or "FOREIGN KEY constraint failed" in text:
        return DomainError(_("Something else still refers to it, so it cannot be deleted."))
    return DomainError(_("These values do not go together. Nothing was saved."))


class Forms:
    """For views and pages: one way to run a service, and one way to show a form and act on it."""

    appbuilder: Any
    datamodel: Any = None

    def render(self, template: str, status: int = 200, **context: Any) -> Any:
        return self.render_template(template, **context), status  # type: ignore[attr-defined]

    def back(self, default: str | None = None) -> str:
        """Where to go after an act: the page it was started from, when that is one of this site."""
        return local_path(request.values.get("back")) or default or self.appbuilder.get_url_for_index

    def attempt(self, call: Callable[[], Any], done: Any = "") -> bool:
        """Run `call` in a transaction; tell `done`, or the error. True when it worked."""
        try:
            with transaction():
                call()
        except StaleDataError:
            flash(_("Somebody else changed this meanwhile. Nothing was done; look at it again."), "danger")
        except DomainError as error:
            flash(str(error), "danger")
        except IntegrityError as error:
            flash(str(explain(error, self.datamodel.obj) if self.datamodel else _("These values do not go together. Nothing was saved.")), "danger")
        else:
            if done:
                flash(str(done), "success")
            return True
        return False

    def each(self, items: list[Any], call: Callable[[Any], Any], done: Callable[[int], str]) -> None:
        """`call(item)` in a transaction of its own for each; tells how many worked (`done(n)`) and why the others did not.

        For a single item the error is raised, so that a form can show it beside its field.
        """
        if len(items) == 1:
            with transaction():
                call(items[0])
            flash(done(1), "success")
            return
        worked, failed = 0, []
        for item in items:
            try:
                with transaction():
                    call(item)
                worked += 1
            except DomainError as error:
                failed.append(f"{item}: {error}")
            except StaleDataError:
                failed.append(_("%(item)s: somebody else changed it meanwhile.", item=item))
        if worked:
            flash(done(worked), "success")
        if failed:
            more = _(" … and %(n)d more.", n=len(failed) - 5) if len(failed) > 5 else ""
            flash(ngettext("%(num)d could not be done:", "%(num)d could not be done:", len(failed)) + " " + " ".join(failed[:5]) + more, "danger")

    def form_page(self, form: Any, save: Callable[[Any], Any], *, title: Any, verb: Any, crumb: tuple[Any, str] | None = None,
                  intro: Any = "", danger: bool = False, to: str | None = None, fieldsets: Any = None, template: str = "pttadmin/form.html",
                  in_transaction: bool = True, **context: Any) -> Any:
        """GET shows `form`; a valid POST calls `save(form)` and goes to what it returns, else to `to` (a path)."""
        status = 200
        if request.method == "POST":
            status = 422
            if form.validate():
                try:
                    if in_transaction:
                        with transaction():
                            result = save(form)
                    else:
                        result = save(form)
                    return result if hasattr(result, "status_code") else redirect(to or self.back(), 303)
                except Conflict as error:
                    status = 409
                    self.put_error(form, error)
                except DomainError as error:
                    self.put_error(form, error)
                except StaleDataError:
                    status = 409
                    self.put_error(form, Conflict(_("Somebody else changed this meanwhile. Nothing was saved; open it again to see the change.")))
                except IntegrityError as error:
                    self.put_error(form, explain(error, self.datamodel.obj) if self.datamodel else DomainError(_("These values do not go together. Nothing was saved.")))
        return self.render(template, status, form=form, title=title, verb=verb, crumb=crumb, intro=intro, danger=danger,
                           fieldsets=fieldsets, cancel=to or self.back(), back=local_path(request.values.get("back")), **context)

    @staticmethod
    def put_error(form: Any, error: DomainError) -> None:
        if error.field is not None and error.field in form and form[error.field].type != "HiddenField":
            form[error.field].errors = [*form[error.field].errors, str(error)]
        else:
            form.form_errors = [*form.form_errors, str(error)]


class Editing(Forms):
    """Add, edit, delete and actions of an AdminView."""

    def make_form(self, columns: list[str], extra: dict[str, Any], name: str) -> type[ServiceForm]:
        """A form class of the named columns; a column in `extra` brings its own field."""
        fields: dict[str, Any] = {}
        for column in columns:
            if column in extra:
                given = extra[column]      # made anew: fields stand in the order in which they are made
                fields[column] = type(given)(given.field_class, *given.args, **given.kwargs)
                continue
            fields[column] = field_for(self.datamodel.obj, column, self.word(column), self.description_columns.get(column, ""),  # type: ignore[attr-defined]
                                       self.validators_columns.get(column, ()), self.narrow.get(column), self.lookup_for(column))  # type: ignore[attr-defined]
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
        for column in self.add_columns:  # type: ignore[attr-defined]
            prop = self.datamodel.obj.__mapper__.relationships.get(column)
            if prop is not None and not prop.uselist and (text := request.args.get(column, "")).isdecimal():
                view = self.view_of(prop.mapper.class_)  # type: ignore[attr-defined]
                found[column] = view.datamodel.get(text) if view else None
        return {key: row for key, row in found.items() if row is not None}

    @allowed
    def add(self) -> Any:
        form = self.add_form(data=self.presets() if request.method == "GET" else None)  # type: ignore[attr-defined]
        if request.method == "GET":
            self.fill_form(form, None)

        def save(form: Any) -> Any:
            item = self.do_add(form)
            flash(_("%(name)s was created.", name=self.head_title(item)), "success")  # type: ignore[attr-defined]
            return redirect(self.after_add(item) or self.url_of(item) or self.list_url(), 303)  # type: ignore[attr-defined]

        return self.form_page(form, save, title=self.add_title, verb=_("Save"), crumb=(self.list_title, self.list_url()),  # type: ignore[attr-defined]
                              fieldsets=self.add_fieldsets, to=self.list_url(), template=self.form_template)  # type: ignore[attr-defined]

    @allowed
    def edit(self, pk: Any) -> Any:
        item = self.datamodel.get(pk) or abort(404)
        form = self.edit_form(obj=item)  # type: ignore[attr-defined]
        if request.method == "GET":
            form[MARKER].data = marker(item)
            self.fill_form(form, item)
        target = self.url_of(item) or self.list_url()  # type: ignore[attr-defined]

        def save(form: Any) -> Any:
            locked = self.datamodel.get(pk, lock=True) or abort(404)
            if form[MARKER].data != marker(locked):
                raise Conflict(_("Somebody else changed this meanwhile. Nothing was saved; open it again to see the change."))
            self.do_edit(locked, form)
            flash(_("The changes were saved."), "success")
            return redirect(target, 303)

        return self.form_page(form, save, title=self.edit_title, verb=_("Save"), crumb=(self.head_title(item), target),  # type: ignore[attr-defined]
                              fieldsets=self.edit_fieldsets, to=target, template=self.form_template)  # type: ignore[attr-defined]

    @allowed
    def delete(self, pk: Any) -> Any:
        item = self.datamodel.get(pk) or abort(404)
        name = self.head_title(item)  # type: ignore[attr-defined]
        worked = self.attempt(lambda: self.do_delete(self.datamodel.get(pk, lock=True) or abort(404)), _("%(name)s was deleted.", name=name))
        return redirect(self.list_url() if worked else self.back(self.list_url()), 303)  # type: ignore[attr-defined]

    def action(self, name: str, pk: Any) -> Any:
        """A button of a row's page."""
        return self._act(name, [pk], missing=True)

    def action_post(self) -> Any:
        """A button of the bulk bar."""
        return self._act(request.form.get("action", ""), request.form.getlist("rowid")[:500], missing=False)

    def act(self, name: str) -> Any:
        """The form of an action that needs input, for the rows in the address."""
        return self._act(name, request.args.getlist("rowid")[:500], missing=len(request.args.getlist("rowid")) == 1)

    def _act(self, name: str, pks: list[Any], missing: bool) -> Any:
        """Run action `name` on the rows of the scope. `missing`: 404 when one is not there, else it is told."""
        item = self.actions.get(name) or abort(404)  # type: ignore[attr-defined]
        if not may(self, self.get_action_permission_name(name)):  # type: ignore[attr-defined]
            return denied()
        rows = self.datamodel.get_many(pks)
        if not rows and (missing or not pks):
            abort(404)
        if len(rows) < len(set(map(str, pks))):
            flash(_("Some entries are no longer there and were left out."), "warning")
        here = self.url_of(rows[0]) if len(rows) == 1 else None  # type: ignore[attr-defined]
        to = self.back(here or self.list_url())  # type: ignore[attr-defined]
        if not rows:
            return redirect(to, 303)
        spec = item.spec
        if spec.form is not None:
            if request.endpoint != f"{self.endpoint}.act":  # type: ignore[attr-defined]
                return redirect(url_for(f"{self.endpoint}.act", name=name, rowid=[self.datamodel.get_pk_value(r) for r in rows], back=to), 303)  # type: ignore[attr-defined]
            title = f"{item.text}: {rows[0]}" if len(rows) == 1 else f"{item.text} ({len(rows)})"
            form = spec.form()
            if request.method == "GET" and len(rows) == 1:
                self.fill_action(name, form, rows[0])
            return self.form_page(form, lambda form: item.func(rows, form), title=title, verb=spec.verb, danger=spec.danger, to=to,
                                  crumb=(self.list_title, self.list_url()), intro=item.confirmation or "", in_transaction=False)  # type: ignore[attr-defined]
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


class Marker(HiddenField):
    """The hidden field that tells a second editor; no column of the row."""

    def populate_obj(self, obj: Any, name: str) -> None:
        pass


def add_marker(form: type[ServiceForm]) -> type[ServiceForm]:
    return type(form.__name__, (form,), {MARKER: Marker()})
