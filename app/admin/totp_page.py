"""The page on which staff sets up, renews and removes the own second factor. Every member of staff may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import flash, g, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import PasswordField, StringField
from wtforms.validators import Length

from app.admin import totp
from app.admin.models import StaffSession
from app.admin.security import TooManyTries
from app.core import clock
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.fields import Required, ServiceForm, clean_text
from app.core.views import AdminPage, expose

FRESH = timedelta(minutes=5)        # the password was asked so lately that it need not be asked again
CODE_KW = {"autocomplete": "one-time-code", "inputmode": "numeric", "autocapitalize": "none", "spellcheck": "false"}


class CodeForm(ServiceForm):
    code = StringField(_l("Code"), [Required(), Length(max=60)], filters=[clean_text], render_kw={**CODE_KW, "autofocus": True},
                       description=_l("The six digits that your telephone shows now."))


class SignInCodeForm(ServiceForm):
    code = StringField(_l("Code"), [Required(), Length(max=60)], filters=[clean_text], render_kw={**CODE_KW, "autofocus": True},
                       description=_l("The six digits that your telephone shows now, or one of your recovery codes."))


class BeginForm(ServiceForm):
    password = PasswordField(_l("Present password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "current-password"})


class ProveForm(ServiceForm):
    password = PasswordField(_l("Present password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "current-password"})
    code = StringField(_l("Code"), [Required(), Length(max=60)], filters=[clean_text], render_kw=CODE_KW,
                       description=_l("The six digits that your telephone shows now, or one of your recovery codes."))


class SecondFactorPage(AdminPage):
    route_base = "/second-factor"
    own_rows = True
    title = _l("Second factor")

    @expose("/")
    def index(self) -> Any:
        return self.page("admin/second_factor.html", on=totp.is_on(current_user.id), required=totp.is_required(current_user.id),
                         left=totp.codes_left(current_user.id), led=totp.must_enrol(current_user.id))

    @expose("/begin", methods=["GET", "POST"])
    def begin(self) -> Any:
        form = BeginForm()
        if self._is_fresh():
            del form.password

        def save(form: Any) -> Any:
            if "password" in form:
                self._ask_password(form.password.data)
            totp.begin(current_user)
            return redirect(url_for("SecondFactorPage.confirm"), 303)

        return self._form(form, save, _("Set up second factor"), _("Continue"),
                          _("You need an app that makes codes on your telephone, for example Aegis, FreeOTP or Google Authenticator."))

    @expose("/confirm", methods=["GET", "POST"])
    def confirm(self) -> Any:
        row = totp.pending(current_user.id)
        if row is None:
            return redirect(url_for("SecondFactorPage.index"), 303)
        secret = str(row.secret)

        def save(form: Any) -> Any:
            codes = self._throttled(lambda: totp.confirm(current_user, form.code.data, request.remote_addr or "", g.staff_session_id))
            flash(_("The second factor is on. All other sessions of yours were ended."), "success")
            return self._show_codes(codes)

        return self._form(CodeForm(), save, _("Set up second factor"), _("Turn on"), "", template="admin/second_factor_confirm.html",
                          picture=totp.picture(current_user, row), secret=" ".join(secret[at:at + 4] for at in range(0, len(secret), 4)))

    @expose("/codes", methods=["GET", "POST"])
    def codes(self) -> Any:
        if not totp.is_on(current_user.id):
            return redirect(url_for("SecondFactorPage.index"), 303)

        def save(form: Any) -> Any:
            self._prove(form)
            return self._show_codes(totp.renew_codes(current_user))

        return self._form(ProveForm(), save, _("New recovery codes"), _("Make new codes"), _("The present codes stop working."))

    @expose("/remove", methods=["GET", "POST"])
    def remove(self) -> Any:
        if not totp.is_on(current_user.id):
            return redirect(url_for("SecondFactorPage.index"), 303)

        def save(form: Any) -> Any:
            self._prove(form)
            totp.remove(current_user, by_owner=True)
            flash(_("The second factor was removed."), "success")
            return redirect(url_for("SecondFactorPage.index"), 303)

        return self._form(ProveForm(), save, _("Remove second factor"), _("Remove"), _("After this the password alone opens your account."), danger=True)

    def _form(self, form: Any, save: Any, title: str, verb: str, intro: str, danger: bool = False, template: str = "pttadmin/form.html", **context: Any) -> Any:
        to = url_for("SecondFactorPage.index")
        return self.form_page(form, save, title=title, verb=verb, intro=intro, danger=danger, to=to, crumb=(self.title, to), in_transaction=False,
                              template=template, **context)

    def _show_codes(self, codes: list[str]) -> Any:
        from flask import make_response

        g.pop("ptt_led", None)
        return make_response(self.page("admin/recovery_codes.html", codes=codes, title=_("Recovery codes")))

    def _prove(self, form: Any) -> None:
        self._ask_password(form.password.data)
        if not self._throttled(lambda: totp.check(current_user, form.code.data, request.remote_addr or "")):
            raise InvalidInput(_("This code is not right, or it was used before. Enter the one that your telephone shows now."), field="code")

    def _ask_password(self, password: str) -> None:
        if self._throttled(lambda: self.appbuilder.sm.sign_in(current_user.username, password, request.remote_addr or ""), "password") is None:
            raise InvalidInput(_("This is not your present password."), field="password")

    @staticmethod
    def _throttled(call: Any, field: str = "code") -> Any:
        try:
            return call()
        except TooManyTries as error:
            raise InvalidInput(str(error), field=field) from error

    @staticmethod
    def _is_fresh() -> bool:
        row = db.session.get(StaffSession, g.staff_session_id)
        return row is not None and clock.now() - row.created_at < FRESH
