"""Members of staff, their roles and sessions. Only the administrator role has these pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, User, ViewMenu
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import select
from wtforms import PasswordField
from wtforms.validators import Email, Length

from app.admin import sessions, totp
from app.admin.notices import tell_owner
from app.admin.passwords import check_password, hash_password, set_password
from app.admin.shell import CATEGORIES
from app.core import formats
from app.core.db import db, transaction
from app.core.errors import InUse, InvalidInput
from app.core.fields import Required, ServiceForm
from app.core.views import AdminInterface, AdminPage, AdminView, action, allowed, expose
from app.system.models import ProtocolKind
from app.system.protocol import record

ADMINISTRATOR = "Administrator"


def note(user: Any, what: str, **changes: Any) -> None:
    record(ProtocolKind.SECURITY, what, subject_type="staff", subject_id=user.id, subject=user.username, changes=changes)


class NewPasswordForm(ServiceForm):
    password = PasswordField(_l("New password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "new-password"},
                             description=_l("At least 12 characters. All sessions of this member of staff end."))


class UserView(AdminView):
    datamodel = AdminInterface(User)
    route_base = "/users"
    list_title, add_title, edit_title = _l("Users"), _l("New user"), _l("Edit user")
    list_columns = ["username", "first_name", "last_name", "email", "roles", "active"]
    show_columns = ["username", "first_name", "last_name", "email", "roles", "active"]
    add_columns = ["username", "first_name", "last_name", "email", "roles", "password"]
    edit_columns = ["first_name", "last_name", "email", "roles", "active"]
    search_columns = ["active", "roles"]
    order_columns = ["username", "last_name", "email"]
    base_order = ("username", "asc")
    quick_search = ("username", "last_name", "email")
    narrow = {"roles": lambda query: query.where(Role.name != "Public")}
    label_columns = {"username": _l("User name"), "first_name": _l("First name"), "last_name": _l("Last name"), "roles": _l("Roles"), "active": _l("May sign in")}
    validators_columns = {"email": [Email(_l("Enter an e-mail address, for example name@example.org."))], "roles": [Required()]}
    add_form_extra_fields = {"password": PasswordField(_l("First password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "new-password"},
                                                       description=_l("At least 12 characters. Four or five words that do not belong together are good."))}
    formatters_columns = {"active": lambda active: formats.badge(_("Yes"), "ok") if active else formats.badge(_("No"))}

    def head_title(self, item: Any) -> str:
        return item.username

    def head_state(self, item: Any) -> Any:
        return "" if item.active else formats.badge(_("May not sign in"), "warn")

    def head_facts(self, item: Any) -> list[tuple[Any, Any, str]]:
        rows = sessions.running(item.id)
        return [(_("Second factor"), _("On") if totp.is_on(item.id) else _("Off"), ""), (_("Sessions"), formats.number(len(rows)), ""), (_("Last seen"), formats.ago(rows[0].seen_at) if rows else formats.NOTHING, "")]

    def do_add(self, form: Any) -> Any:
        check_password(form.password.data, form.username.data)
        with transaction() as session:
            user = User(username=form.username.data, first_name=form.first_name.data, last_name=form.last_name.data, email=form.email.data,
                        active=True, roles=list(form.roles.data), password=hash_password(form.password.data))
            session.add(user)
            session.flush()
            note(user, "created", roles=[None, ", ".join(role.name for role in user.roles)])
            return user

    def do_edit(self, item: Any, form: Any) -> None:
        old = {"email": item.email, "roles": ", ".join(sorted(role.name for role in item.roles)), "active": bool(item.active)}
        if item.id == current_user.id and not (form.active.data and any(role.name == ADMINISTRATOR for role in form.roles.data)):
            raise InvalidInput(_("You cannot take away your own administrator role or lock yourself out. Ask another administrator."), field="roles")
        form.populate_obj(item)
        if item.email != old["email"]:
            tell_owner(item, "email", _("E-mail address changed"), _("An administrator changed the e-mail address of your account."), address=old["email"])
        new = {"email": item.email, "roles": ", ".join(sorted(role.name for role in item.roles)), "active": bool(item.active)}
        if not item.active:
            sessions.end_all(item.id, "inactive")
        note(item, "changed", **{key: [old[key], new[key]] for key in old if old[key] != new[key]})

    @action("set_password", _l("Set password"), icon="fa-key", multiple=False, form=NewPasswordForm)
    def set_password(self, items: Sequence[Any], form: Any) -> None:
        def change(user: Any) -> None:
            check_password(form.password.data, user)
            set_password(user, form.password.data)
            note(user, "password_set")
            tell_owner(user, "password", _("Password changed"), _("An administrator set a new password for your account. All sessions were ended."))

        self.each(list(items), change, lambda n: _("The password was set and all sessions were ended."))

    @action("reset_second_factor", _l("Reset second factor"), _l("For a lost telephone: the password alone opens the account until a new factor is set up. All sessions end, "
                                                                "and the owner is told by e-mail."), "fa-shield-halved", multiple=False, danger=True, when=lambda user: totp.is_on(user.id))
    def reset_second_factor(self, items: Sequence[Any]) -> None:
        self.each(list(items), lambda user: totp.remove(user, by_owner=False), lambda n: _("The second factor was removed and all sessions were ended."))

    @action("end_sessions", _l("End sessions"), _l("Whoever is signed in with this account must sign in again."), "fa-right-from-bracket", danger=True)
    def end_sessions(self, items: Sequence[Any]) -> None:
        def end(user: Any) -> None:
            sessions.end_all(user.id, "staff")
            note(user, "sessions_ended")

        self.each(list(items), end, lambda n: _("The sessions were ended."))


class RoleView(AdminView):
    datamodel = AdminInterface(Role)
    route_base = "/roles"
    list_title, add_title, edit_title = _l("Roles"), _l("New role"), _l("Edit role")
    list_columns = ["name"]
    show_columns = ["name"]
    add_columns = edit_columns = ["name"]
    search_columns: list[str] = []
    order_columns = ["name"]
    base_order = ("name", "asc")
    deletable = True
    list_help = _l("What a role may do counts at once for everybody who has it.")

    def scope(self) -> Sequence[Any]:
        return (Role.name != "Public",)

    def head_facts(self, item: Any) -> list[tuple[Any, Any, str]]:
        return [(_("Users"), formats.number(len(item.user)), ""), (_("Rights"), formats.number(len(item.permissions)), "")]

    def do_edit(self, item: Any, form: Any) -> None:
        if item.name == ADMINISTRATOR and form.name.data != ADMINISTRATOR:
            raise InvalidInput(_("The administrator role keeps its name."), field="name")
        form.populate_obj(item)

    def do_delete(self, item: Any) -> None:
        if item.name == ADMINISTRATOR:
            raise InUse(_("The administrator role cannot be deleted."))
        if item.user:
            raise InUse(_("Users have this role: %(names)s. Give them another one first.", names=", ".join(user.username for user in item.user[:5])))
        record(ProtocolKind.SECURITY, "deleted", subject_type="role", subject_id=item.id, subject=item.name)
        super().do_delete(item)

    @expose("/rights/<pk>", methods=["GET", "POST"])
    @allowed("edit")
    def rights(self, pk: Any) -> Any:
        """Which pages and buttons the role has, by area."""
        role = self.datamodel.get(pk) or abort(404)
        pairs = list(db.session.scalars(select(PermissionView).join(Permission).join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)))
        if request.method == "POST":
            wanted = {int(text) for text in request.form.getlist("right") if text.isdecimal()}

            def save() -> None:
                before = {pair.id for pair in role.permissions}
                if role.name == ADMINISTRATOR:
                    raise InvalidInput(_("The administrator role has every right."))
                role.permissions = [pair for pair in pairs if pair.id in wanted]
                names = {pair.id: f"{pair.permission.name} {pair.view_menu.name}" for pair in pairs}
                record(ProtocolKind.SECURITY, "rights_changed", subject_type="role", subject_id=role.id, subject=role.name,
                       changes={names[i]: [i in before, i in wanted] for i in sorted(before ^ wanted) if i in names})

            self.attempt(save, _("The rights were saved."))
            return redirect(self.url_of(role) or self.list_url(), 303)
        return self.render_template("admin/rights.html", title=role.name, role=role, groups=self._groups(pairs), chosen={pair.id for pair in role.permissions})

    def _groups(self, pairs: Sequence[Any]) -> list[tuple[str, list[tuple[str, list[Any]]]]]:
        """Area → (page, rights): only rights of pages that exist now."""
        views = {view.class_permission_name: view for view in self.appbuilder.baseviews}
        titles = current_app.extensions["ptt_titles"]
        groups: dict[str, dict[tuple[str, str], list[Any]]] = {}
        for pair in pairs:
            view = views.get(pair.view_menu.name)
            if view is None or pair.permission.name not in view.base_permissions:
                continue
            area = current_app.extensions["ptt_areas"].get(view.endpoint, "")
            title = str(titles.get(view.endpoint) or getattr(view, "list_title", "") or getattr(view, "title", "") or view.endpoint)
            groups.setdefault(area, {}).setdefault((title, view.endpoint), []).append((pair.id, right_word(view, pair.permission.name)))
        order = [*CATEGORIES, *(area for area in groups if area not in CATEGORIES)]
        return [(str(CATEGORIES[area][0]) if area in CATEGORIES else area or _("Other"), [(title, sorted(rights, key=lambda r: r[1])) for (title, _endpoint), rights in sorted(groups[area].items())])
                for area in order if area in groups]


def right_word(view: Any, name: str) -> str:
    standard = {"can_list": _("see the list"), "can_show": _("see entries"), "can_add": _("add"), "can_edit": _("change"), "can_delete": _("delete"),
                "can_index": _("see the page"), "can_download": _("download")}
    entry = getattr(view, "actions", {}).get(name) if getattr(view, "actions", None) else None
    return str(entry.text) if entry else standard.get(name) or name.removeprefix("can_").replace("_", " ")


class SessionsPage(AdminPage):
    """Who is signed in now."""

    route_base = "/sessions"
    title = _l("Sessions")

    @expose("/")
    @allowed
    def index(self) -> Any:
        rows = sessions.running()
        users = {user.id: user for user in db.session.scalars(select(User).where(User.id.in_({row.user_id for row in rows})))} if rows else {}
        return self.page("admin/sessions.html", rows=rows, users=users)

    @expose("/<int:number>/end", methods=["POST"])
    @allowed("end")
    def end(self, number: int) -> Any:
        with transaction():
            if sessions.end([number], "staff"):
                record(ProtocolKind.SECURITY, "session_ended", subject_type="staff_session", subject_id=number)
        flash(_("The session was ended."), "success")
        return redirect(url_for("SessionsPage.index"), 303)
