"""Forms of licenses, of their actions and of groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, SelectMultipleField, StringField, TextAreaField, ValidationError, validators, widgets

from app.catalog.models import PttServer, Service, Tariff, TariffState
from app.core import clock
from app.core.editing import Marker
from app.core.fields import DayField, RelatedField, Required, ServiceForm, clean_text, no_control
from app.licenses.models import License
from app.licenses.words import PERMISSIONS

PHONE_HELP = _l("With country code, for example +49 171 4402118.")


class ChoiceField(SelectField):
    """One id of a list that is set when the form is made."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        text = valuelist[0] if valuelist else ""
        self.data = int(text) if text.isdecimal() and len(text) < 19 else text or None

    def pre_validate(self, form: Any) -> None:
        if self.data is not None and self.data not in [value for value, _label in self.choices]:
            raise ValidationError(_("Choose one of the list."))


class ChecksField(SelectMultipleField):
    """Several of a short list, as check boxes."""

    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        if set(self.data or ()) - {value for value, _label in self.choices}:
            raise ValidationError(_("Choose one of the list."))


class PermissionsField(ChecksField):
    """Codes kept as text with commas; a stored code that is not on the list stays."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, choices=list(PERMISSIONS.items()), **kwargs)

    def process_data(self, value: Any) -> None:
        self.data = value.split(",") if isinstance(value, str) else list(value or [])
        known = [code for code, _label in self.choices]
        self.choices = [*self.choices, *((code, code) for code in self.data if code and code not in known)]

    @property
    def text(self) -> str:
        return ",".join(code for code in self.data or [] if code)


def _text(label: Any, most: int, *checks: Any, **options: Any) -> StringField:
    return StringField(label, [*(checks or (validators.Optional(),)), no_control, validators.Length(max=most)], filters=[clean_text], **options)


class DeviceForm(ServiceForm):
    """What may change on a license at any time. `services` are those that its tariff prices."""

    row_version = Marker()
    alias = _text(_l("Alias"), 60, description=_l("The name that others see."))
    phone = _text(_l("Phone number"), 40, description=PHONE_HELP)
    device = _text(_l("Device"), 60)
    network = _text(_l("Mobile network"), 60, description=_l("The provider of the SIM card."))
    permissions = PermissionsField(_l("Permissions"), default="group_call,private_call")
    services = ChecksField(_l("Additional services"), coerce=int)


class LicenseForm(DeviceForm):
    """A new license of a customer; `choices_for` fills the lists."""

    tariff = ChoiceField(_l("Tariff"), [Required()], coerce=int, description=_l("Only tariffs that are assigned to the customer."))
    active_from = DayField(_l("Active from"), [Required()], description=_l("The first day of service. A later day is sent to the server on that day."))
    user_name = _text(_l("User name"), 32, Required(), description=_l("3 to 32 letters, digits, dots, hyphens and underscores. It stays for ever."))
    server = RelatedField(_l("PTT server"), [Required()], model=PttServer, narrow=lambda query: query.where(PttServer.active))


class SeveralForm(ServiceForm):
    """Licenses from lines of text."""

    tariff = ChoiceField(_l("Tariff"), [Required()], coerce=int)
    active_from = DayField(_l("Active from"), [Required()])
    server = RelatedField(_l("PTT server"), [Required()], model=PttServer, narrow=lambda query: query.where(PttServer.active))
    lines = TextAreaField(_l("Licenses"), [Required(), validators.Length(max=100_000)], render_kw={"rows": 12, "spellcheck": "false"},
                          description=_l("One license a line: user name; alias; phone; device. Only the user name is needed. A table can be pasted from a spreadsheet."))


class StartForm(ServiceForm):
    """First tariff and licenses of a new customer."""

    tariff = RelatedField(_l("Tariff"), [Required()], model=Tariff, narrow=lambda query: query.where(Tariff.state == TariffState.ACTIVE), blank=True)
    valid_from = DayField(_l("From"), [Required()], description=_l("The tariff and the licenses begin on this day."))
    lines = TextAreaField(_l("Licenses"), [Required(), validators.Length(max=100_000)], render_kw={"rows": 8, "spellcheck": "false"},
                          description=_l("One license a line: user name; alias; phone; device. Only the user name is needed."))
    groups = TextAreaField(_l("Groups"), [validators.Optional(), no_control, validators.Length(max=2000)], filters=[clean_text], render_kw={"rows": 2},
                           description=_l("Optional: one name a line. All these licenses become members; it can be changed later."))


class NoteForm(ServiceForm):
    note = TextAreaField(_l("Reason"), [Required(), no_control, validators.Length(max=1000)], filters=[clean_text],
                         description=_l("Colleagues see it on the license and in the protocol."))


class OptionalNoteForm(ServiceForm):
    note = TextAreaField(_l("Note"), [validators.Optional(), no_control, validators.Length(max=1000)], filters=[clean_text])


class TariffChangeForm(ServiceForm):
    tariff = RelatedField(_l("New tariff"), [Required()], model=Tariff, narrow=lambda query: query.where(Tariff.state == TariffState.ACTIVE),
                          description=_l("It must be assigned to the customer. Services that it does not offer end."))
    from_day = DayField(_l("From"), [Required()], default=lambda: clock.today(), description=_l("Today or later."))


class LastDayForm(ServiceForm):
    last_day = DayField(_l("Last day of service"), [Required()], description=_l("On the day after, the license is deleted on the PTT server."))


def tariff_choices(tariffs: Iterable[Tariff]) -> list[tuple[int, str]]:
    return [(tariff.id, f"{tariff.name} · {tariff.mode.name}") for tariff in tariffs]


def priced_services(tariffs: Iterable[Tariff]) -> dict[Service, dict[int, Any]]:
    """Service → {tariff id: unit price} over the tariffs that price it."""
    found: dict[Service, dict[int, Any]] = {}
    for tariff in tariffs:
        for offer in tariff.services:
            if not offer.included and offer.service.active:
                found.setdefault(offer.service, {})[tariff.id] = offer.unit_price
    return found


def services_of_license(license: License) -> tuple[dict[Service, dict[int, Any]], list[int]]:
    """As `priced_services` of its tariff, and the ids of those that it has, or gets on its first day.

    What it has stays to be seen and chosen when it is offered no more: only who takes the tick away ends it.
    """
    today = clock.today()
    has = {span.service_id: span.service for span in license.services if span.valid_to is None or span.valid_to >= today}
    included = {offer.service_id for offer in license.tariff.services if offer.included}
    found = priced_services([license.tariff])
    old = {offer.service_id: {license.tariff_id: offer.unit_price} for offer in license.tariff.services if not offer.service.active}
    return {**found, **{service: old.get(ident, {}) for ident, service in has.items() if service not in found and ident not in included}}, list(has)


def service_choices(services: dict[Service, dict[int, Any]], language: str = "en") -> list[tuple[int, str]]:
    """Id and name; said of those that nobody can add any more."""
    return [(service.id, service.name(language) if service.active and prices else _("%(name)s (no longer offered)", name=service.name(language))) for service, prices in services.items()]
