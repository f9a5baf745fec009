"""Forms of visitors: two registrations and the call-back, each with a trap and the time at which it was opened."""

from __future__ import annotations

import secrets
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from itsdangerous import BadSignature, URLSafeSerializer
from wtforms import BooleanField, HiddenField, StringField, TextAreaField, validators
from wtforms.validators import Length

from app.core import clock
from app.core.choices import ListedField, country_choices
from app.core.fields import Required, ServiceForm, WholeField, clean_text, no_control

OLDEST = 24 * 3600      # seconds that an opened form stays good


def opened() -> str:
    """A signed note of when and under which key a form was opened."""
    return _signer().dumps([secrets.token_urlsafe(16), int(clock.now().timestamp())])


def read_opened(token: Any) -> tuple[str, float] | None:
    """Key and seconds since; None when it is not ours or too old."""
    try:
        key, moment = _signer().loads(token if isinstance(token, str) and len(token) < 300 else "")
        seconds = clock.now().timestamp() - float(moment)
    except (BadSignature, ValueError, TypeError):
        return None
    return (str(key), seconds) if 0 <= seconds <= OLDEST else None


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="website-form")


def line(label: Any, most: int, needed: bool = False, complete: str = "", help: Any = "", kind: str = "text") -> StringField:
    return StringField(label, [Required() if needed else validators.Optional(), no_control, Length(max=most)], filters=[clean_text], description=help,
                       render_kw={"autocomplete": complete or "off", "maxlength": str(most), "type": kind})


class VisitorForm(ServiceForm):
    opened = HiddenField()
    website = StringField(_l("Leave this empty"), render_kw={"autocomplete": "off", "tabindex": "-1"})     # the trap: people do not see it

    def validate(self, extra_validators: Any = None) -> bool:
        many = [field.name for field in self if len(field.raw_data or ()) > 1]
        valid = bool(super().validate(extra_validators))
        for name in many:
            self.fail(_l("Enter one value."), name)
        return valid and not many

    def begin(self) -> None:
        """For the answer: a fresh note."""
        self.opened.data, self.opened.raw_data = opened(), None


class RegisterForm(VisitorForm):
    company = line(_l("Company"), 120, True, "organization")
    contact = line(_l("Your name"), 120, True, "name")
    email = line(_l("E-mail"), 254, True, "email", _l("We send a link there; with it you confirm the registration."), "email")
    phone = line(_l("Phone"), 40, False, "tel", kind="tel")
    street = line(_l("Street and number"), 120, False, "street-address")
    postcode = line(_l("Postcode"), 12, False, "postal-code")
    city = line(_l("City"), 80, False, "address-level2")
    country = ListedField(_l("Country"), [validators.InputRequired()], listed=country_choices, render_kw={"autocomplete": "country"})
    devices = WholeField(_l("How many devices?"), [validators.Optional()], render_kw={"inputmode": "numeric"})
    message = TextAreaField(_l("Message"), [validators.Optional(), no_control, Length(max=2000)], filters=[clean_text], render_kw={"rows": 4})
    terms_id = HiddenField()
    accept = BooleanField(_l("I have read the terms and the privacy notice."))


class RegisterPublicForm(RegisterForm):
    company = None
    devices = None


class ContactForm(VisitorForm):
    name = line(_l("Your name"), 120, True, "name")
    phone = line(_l("Phone"), 40, True, "tel", _l("With country code, for example +49 171 4402118."), "tel")
    wished = line(_l("When shall we call?"), 100, False, "off", _l("For example: tomorrow between 9 and 11."))
    message = TextAreaField(_l("What is it about?"), [validators.Optional(), no_control, Length(max=1000)], filters=[clean_text], render_kw={"rows": 4})
