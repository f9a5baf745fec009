"""Forms of refunds. Checks of business rules are the services'."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField, StringField, validators

from app.billing.forms import reason_field
from app.core import clock
from app.core.fields import DayField, RelatedField, Required, ServiceForm, clean_text, no_control
from app.core.page_parts import to_lookup
from app.customers.models import Customer
from app.receivables.forms import amount_field, is_form_key
from app.receivables.refunds import LENGTHS


def _text(label: Any, name: str, description: Any = "") -> StringField:
    most = LENGTHS[name]
    return StringField(label, [validators.Optional(), no_control, validators.Length(max=most, message=_l("At most %(n)d characters.", n=most))], filters=[clean_text], description=description)


class RefundForm(ServiceForm):
    key = HiddenField(validators=[is_form_key])
    customer = RelatedField(_l("Customer"), [Required()], model=Customer, lookup=to_lookup(Customer))
    pot = SelectField(_l("From"), [Required()])
    way = SelectField(_l("How"), [Required()])
    amount = amount_field(_l("Amount"))
    paid_on = DayField(_l("Transferred on"), [validators.Optional()], default=clock.today, description=_l("The day on which the money left your account."))
    account = _text(_l("To the account"), "account", _l("IBAN; elsewhere bank, branch and account."))
    holder = _text(_l("Account holder"), "holder")
    reference = _text(_l("Text of the transfer"), "reference", _l("It stands on the statement of account."))
    reason = reason_field(_l("Reason"), _l("Why the money goes back. It is kept in the protocol."), LENGTHS["reason"])


class TakeBackForm(ServiceForm):
    reason = reason_field(_l("Reason"), _l("For example: recorded twice, or the bank sent it back."), LENGTHS["reason"])
    on = DayField(_l("On"), [Required()], default=clock.today)


class WasPaidForm(ServiceForm):
    on = DayField(_l("Paid on"), [Required()], default=clock.today)
    reference = StringField(_l("Its number there"), [Required(), no_control, validators.Length(max=140, message=_l("At most %(n)d characters.", n=140))], filters=[clean_text])


class NotPaidForm(ServiceForm):
    reason = reason_field(_l("What you found"), _l("Where you looked. It is kept in the protocol."), LENGTHS["reason"])
