"""One way to run a service from a page, and one way to show a form and act on it.

A `DomainError` of the service stands beside its field (or on top of the page), keeps what was typed and stores nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from flask import flash, redirect, request
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.core.access import local_path
from app.core.db import transaction
from app.core.errors import Conflict, DomainError


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

    def each(self, items: list[Any], call: Callable[[Any], Any], done: Callable[[int], str], *, in_transaction: bool = True) -> None:
        """`call(item)` in a transaction of its own for each; tells how many worked (`done(n)`) and why the others did not. `in_transaction` False:
        a call that asks something outside and makes its own transactions.

        For a single item the error is raised, so that a form can show it beside its field.
        """
        unit = transaction if in_transaction else nullcontext
        if len(items) == 1:
            with unit():
                call(items[0])
            flash(done(1), "success")
            return
        worked, failed = 0, []
        for item in items:
            try:
                with unit():
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
