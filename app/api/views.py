"""Staff: give and revoke tokens, read what the interface can do."""

from __future__ import annotations

from typing import Any

from flask import flash, url_for
from flask_appbuilder.security.sqla.models import User
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import select
from wtforms import IntegerField, SelectField, SelectMultipleField, StringField, widgets

from app.api.guard import OPERATIONS
from app.api.models import ApiToken
from app.api.openapi import BASE
from app.api.tokens import SCOPES, create_token, revoke_token
from app.core import clock, formats
from app.core.access import allowed
from app.core.db import db
from app.core.fields import Required
from app.core.views import AdminEntry, AdminInterface, AdminPage, AdminView, ServiceForm, action, expose


class TokenForm(ServiceForm):
    name = StringField(_l("Name"), [Required()], description=_l("The program that uses it, for example “Billing system”."))
    user = SelectField(_l("Acts for"), coerce=int, description=_l("The program may at most what this member of staff may."))
    scopes = SelectMultipleField(_l("Rights"), choices=[], option_widget=widgets.CheckboxInput(), widget=widgets.ListWidget(prefix_label=False))
    days = IntegerField(_l("Holds for days"), default=365)


def scope_words(value: list[str]) -> str:
    return ", ".join(str(SCOPES[scope][0]) for scope in value or [] if scope in SCOPES) or formats.NOTHING


def state_of(token: ApiToken) -> Any:
    if token.revoked_at is not None:
        return formats.badge(_("Revoked"))
    return formats.badge(_("Expired"), "warn") if token.expires_at <= clock.now() else formats.badge(_("Active"), "ok")


class TokenView(AdminView):
    datamodel = AdminInterface(ApiToken)
    route_base = "/tokens"
    list_title, add_title = _l("API tokens"), _l("New token")
    list_help = _l("With a token a program uses the REST interface.")
    empty_text = _l("No program uses the REST interface yet.")
    list_columns = ["name", "hint", "user", "scopes", "last_used_at", "expires_at"]
    show_columns = ["name", "hint", "user", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"]
    add_columns = ["name"]
    edit_columns: list[str] = []
    search_columns = ["name", "expires_at"]
    order_columns = ["name", "expires_at", "last_used_at"]
    quick_search = "name"
    label_columns = {"hint": _l("Begins with"), "user": _l("Acts for"), "scopes": _l("Rights"), "last_used_at": _l("Last used"), "expires_at": _l("Expires"),
                     "revoked_at": _l("Revoked"), "created_at": _l("Created")}
    formatters_columns = {"scopes": scope_words}

    def head_state(self, item: ApiToken) -> Any:
        return state_of(item)

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        form = TokenForm()
        form.scopes.choices = [(scope, str(words)) for scope, (words, _right) in SCOPES.items()]
        form.user.choices = [(row.id, f"{row.username} · {row.first_name} {row.last_name}".strip()) for row in db.session.scalars(select(User).where(User.active).order_by(User.username))]

        def save(filled: TokenForm) -> Any:
            _row, token = create_token(filled.name.data or "", db.session.get_one(User, filled.user.data), filled.scopes.data or [], filled.days.data or 0)
            flash(Markup("{} <code>{}</code>").format(_("The token, shown this once only. Copy it now:"), token), "success")

        return self.form_page(form, save, title=self.add_title, verb=_("Create token"), crumb=(self.list_title, self.list_url()), to=self.list_url())

    @action("revoke", _l("Revoke"), _l("Programs that use it are refused from now on."), "fa-ban", danger=True, when=lambda token: token.revoked_at is None)
    def revoke(self, items: list[ApiToken]) -> None:
        self.each(items, revoke_token, lambda n: ngettext("%(num)d token revoked.", "%(num)d tokens revoked.", n))


class ApiPage(AdminPage):
    route_base = "/api-description"
    title = _l("REST interface")

    @expose("/")
    @allowed
    def index(self) -> Any:
        groups: dict[str, list[Any]] = {}
        for spec, _function in OPERATIONS:
            groups.setdefault(spec.path.split("/")[1], []).append(spec)
        return self.page("pttadmin/api.html", groups=groups, base=BASE, description=url_for("api.openapi"))


VIEWS = [
    AdminEntry(TokenView, _l("API tokens"), "system", "fa-key"),
    AdminEntry(ApiPage, _l("REST interface"), "system", "fa-code"),
]
