"""Sign-in, sign-out, and what a member of staff does with the own account."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, g, redirect, request, session, url_for
from flask_appbuilder import BaseView, expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import refresh
from flask_login import current_user
from wtforms import PasswordField, StringField
from wtforms.validators import Email, EqualTo, Length

from app.admin import passwords, sessions, totp
from app.admin.login_steps import pending_user, remember_pending
from app.admin.notices import tell_owner
from app.admin.security import TooManyTries
from app.admin.totp_page import SignInCodeForm
from app.core.access import local_path
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.core.fields import Required, ServiceForm, clean_text, no_control
from app.core.views import AdminPage, allowed
from app.system.models import ProtocolKind
from app.system.protocol import record


class LoginForm(ServiceForm):
    username = StringField(_l("User name"), [Required(), Length(max=128)], filters=[clean_text],
                           render_kw={"autofocus": True, "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"})
    password = PasswordField(_l("Password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "current-password"})


class LoginView(BaseView):
    """The only way in. `next` takes paths of this site only."""

    route_base = "/admin"
    default_view = "login"

    @expose("/login/", methods=["GET", "POST"])
    def login(self) -> Any:
        target = local_path(request.args.get("next")) or url_for("Overview.index")
        if current_user.is_authenticated:
            return redirect(target)
        form, status = LoginForm(), 200
        if request.method == "POST":
            status = 422
            if form.validate():
                try:
                    user = self.appbuilder.sm.sign_in(form.username.data, form.password.data, request.remote_addr or "")
                    if user is not None and totp.is_on(user.id):
                        remember_pending(user)
                        return redirect(url_for("LoginView.code", next=target), 303)
                    if user is not None:
                        sessions.start(user)
                        return redirect(target, 303)
                    form.fail(_("User name and password do not fit. Check both."), "password")
                except TooManyTries as error:
                    status = 429
                    form.fail(error, "password")
        return self.render_template("pttadmin/login.html", form=form, title=_("Sign in")), status

    @expose("/login/code", methods=["GET", "POST"])
    def code(self) -> Any:
        """The second factor of somebody whose password was right a moment ago."""
        target = local_path(request.args.get("next")) or url_for("Overview.index")
        user = pending_user()
        if user is None:
            return redirect(url_for("LoginView.login", next=target), 303)
        form, status = SignInCodeForm(), 200
        if request.method == "POST":
            status = 422
            if form.validate():
                try:
                    if totp.check(user, form.code.data, request.remote_addr or ""):
                        sessions.start(user)
                        return redirect(target, 303)
                    form.fail(_("This code is not right, or it was used before. Enter the one that your telephone shows now."), "code")
                except TooManyTries as error:
                    status = 429
                    form.fail(error, "code")
        return self.render_template("pttadmin/login.html", form=form, title=_("Second factor"), again=url_for("LoginView.login", next=target)), status

    @expose("/logout/", methods=["POST"])
    def logout(self) -> Any:
        if current_user.is_authenticated:
            with transaction():
                record(ProtocolKind.SECURITY, "signed_out", subject_type="staff", subject_id=current_user.id, subject=current_user.username)
                sessions.end([g.staff_session_id], "logout")
        locale = session.get("locale")
        session.clear()
        if locale:
            session["locale"] = locale
        return redirect(url_for("LoginView.login"), 303)


class LanguageView(BaseView):
    """Remembers the language of this browser; nothing else changes, so an address may do it."""

    route_base = "/admin/language"
    default_view = "index"

    @expose("/<string:locale>")
    def index(self, locale: str) -> Any:
        if locale not in current_app.config["LANGUAGES"]:
            abort(404)
        session["locale"] = locale
        refresh()
        return redirect(local_path(request.args.get("back")) or url_for("Overview.index"))


class ProfileForm(ServiceForm):
    first_name = StringField(_l("First name"), [Required(), Length(max=64), no_control], filters=[clean_text])
    last_name = StringField(_l("Last name"), [Length(max=64), no_control], filters=[clean_text])
    email = StringField(_l("E-mail"), [Required(), Length(max=254), Email(_l("Enter an e-mail address, for example name@example.org."))], filters=[clean_text])
    password = PasswordField(_l("Present password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "current-password"},
                             description=_l("Asked because the e-mail address can be used to get into the account."))


class PasswordForm(ServiceForm):
    old = PasswordField(_l("Present password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "current-password"})
    new = PasswordField(_l("New password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "new-password"},
                        description=_l("At least 12 characters. Four or five words that do not belong together are good."))
    again = PasswordField(_l("New password again"), [Required(), EqualTo("new", _l("The two new passwords differ."))], render_kw={"autocomplete": "new-password"})


class ProfilePage(AdminPage):
    """Own profile, password and sessions: every member of staff may, whatever the role."""

    route_base = "/profile"
    own_rows = True
    title = _l("Profile")

    @expose("/")
    def index(self) -> Any:
        return self.page("admin/account.html", user=current_user, rows=sessions.running(current_user.id), own=g.staff_session_id)

    @expose("/edit", methods=["GET", "POST"])
    def edit(self) -> Any:
        def save(form: Any) -> None:
            self._ask(form.password.data, "password")
            with transaction():
                old = current_user.email
                if old != form.email.data:
                    tell_owner(current_user, "email", _("E-mail address changed"), _("The e-mail address of your account was changed to another one."), address=old)
                current_user.first_name, current_user.last_name, current_user.email = form.first_name.data, form.last_name.data, form.email.data
                record(ProtocolKind.SECURITY, "profile_changed", subject_type="staff", subject_id=current_user.id, subject=current_user.username)
            flash(_("The changes were saved."), "success")

        return self.form_page(ProfileForm(obj=current_user), save, title=_("Edit profile"), verb=_("Save"), to=url_for("ProfilePage.index"),
                              in_transaction=False, crumb=(_("Profile"), url_for("ProfilePage.index")))

    @expose("/password", methods=["GET", "POST"])
    def password(self) -> Any:
        def save(form: Any) -> None:
            self._ask(form.old.data, "old")
            self.appbuilder.sm.set_password(current_user, form.new.data, keep=g.staff_session_id, field="new")
            flash(_("Your password was changed. All other sessions of yours were ended."), "success")

        return self.form_page(PasswordForm(), save, title=_("Change password"), verb=_("Change password"), to=url_for("ProfilePage.index"),
                              in_transaction=False, crumb=(_("Profile"), url_for("ProfilePage.index")))

    @expose("/sessions/<int:number>/end", methods=["POST"])
    def end_session(self, number: int) -> Any:
        if number not in [row.id for row in sessions.running(current_user.id)]:
            abort(404)
        sessions.end([number], "staff")
        flash(_("The session was ended."), "success")
        return redirect(url_for("ProfilePage.index"), 303)

    @expose("/sessions/end", methods=["POST"])
    def end_others(self) -> Any:
        sessions.end_all(current_user.id, "staff", but=g.staff_session_id)
        flash(_("All other sessions of yours were ended."), "success")
        return redirect(url_for("ProfilePage.index"), 303)

    def _ask(self, password: str, field: str) -> None:
        """The present password, throttled like a login; outside the transaction, so that a failed try is remembered."""
        try:
            user = self.appbuilder.sm.sign_in(current_user.username, password, request.remote_addr or "")
        except TooManyTries as error:
            raise InvalidInput(str(error), field=field) from error
        if user is None:
            raise InvalidInput(_("This is not your present password."), field=field)


__all__ = ["ProfilePage", "LanguageView", "LoginView", "allowed", "passwords"]
