"""Forms of the public pages. Every field has exactly one value: a list where one is meant is refused."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, PasswordField, SelectMultipleField, StringField
from wtforms.validators import EqualTo, Length, Optional

from app.core.fields import Required, ServiceForm, clean_text, no_control
from app.portal.gate import visit


def text_field(label: Any, most: int, *checks: Any, help: Any = "", **kw: Any) -> StringField:
    """One line, at most `most` characters; without `checks` it may be empty. `kw`: attributes of the input."""
    return StringField(label, [*(checks or (Optional(),)), no_control, Length(max=most)], filters=[clean_text], description=help, render_kw=kw)


def version_sent() -> int | None:
    """Of the row that the form was made from."""
    text = request.form.get("row_version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


class PublicForm(ServiceForm):
    def validate(self, extra_validators: Any = None) -> bool:
        many = [field for field in self if len(field.raw_data or ()) > 1 and not isinstance(field, SelectMultipleField)]
        valid = bool(super().validate(extra_validators))
        for field in many:
            self.fail(_("Enter one value."), field.name)
        return valid and not many


class RequestForm(PublicForm):
    number = StringField(_l("Customer number"), [Required(), no_control, Length(max=254)], filters=[clean_text], description=_l("It stands on every invoice, for example K10042. If you sign in with an e-mail address, enter that."),
                         render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"})


class SignInForm(PublicForm):
    number = StringField(_l("Customer number or e-mail"), [Required(), Length(max=254)], filters=[clean_text],
                         render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"})
    password = PasswordField(_l("Password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "current-password"})


class PortalForm(PublicForm):
    """Of the signed-in: it names the customer that it was made for, see `gate.guard`."""

    acts_for = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.acts_for.data = str(visit().customer.id)
        self.acts_for.raw_data = None


class PasswordForm(PublicForm):
    password = PasswordField(_l("New password"), [Required(), Length(max=1000)], render_kw={"autocomplete": "new-password"},
                             description=_l("At least 12 characters. Four or five words that do not belong together are good."))
    again = PasswordField(_l("New password again"), [Required(), EqualTo("password", _l("The two passwords differ."))], render_kw={"autocomplete": "new-password"})
    terms = HiddenField()
    accept = BooleanField(_l("I accept the terms"))


class ConfirmForm(PublicForm):
    """Only the token against forged requests."""
