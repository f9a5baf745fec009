"""Forms of the receivables pages. Checks of business rules are the services'."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from babel import Locale
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, StringField, ValidationError, validators

from app.billing.forms import reason_field
from app.core import clock
from app.core.choices import ListedField, currency_choices
from app.core.fields import DayField, NumberField, Required, ServiceForm, clean_text, no_control, parse_number
from app.customers.forms import customer_field

FORM_KEY = re.compile(r"form:[0-9a-f]{32}")
MOST_USES = 200


def new_key() -> str:
    """Names one filled-in form: sent twice, it books once."""
    return f"form:{secrets.token_hex(16)}"


def is_form_key(form: Any, field: Any) -> None:
    """Only keys that this form makes: another could take the key of a bank line or a capture away."""
    if not FORM_KEY.fullmatch(field.data or ""):
        raise ValidationError(_("This form is not complete. Open it again."))


def amount_field(label: Any, description: Any = "", required: bool = True) -> NumberField:
    return NumberField(label, [Required()] if required else [validators.Optional()], digits=2, description=description)


def read_uses(form: Mapping[str, str], item_ids: Iterable[int]) -> tuple[dict[int, Decimal], dict[int, str]]:
    """The amounts of the fields `use-<open item>`, as the reader's language writes them: (those entered, what is wrong with others).

    An amount for an item that is not among `item_ids` (settled meanwhile) is wrong too, under 0.
    """
    uses, wrong = {}, {}
    known = {f"use-{ident}": ident for ident in item_ids}
    if any(name.startswith("use-") and name not in known and form[name].strip() for name in form):
        wrong[0] = _("One of the demands was settled meanwhile. Look at what is open now.")
    for ident in known.values():
        if text := form.get(f"use-{ident}", "").strip():
            try:
                value = parse_number(text, 2)
            except ValueError as error:
                wrong[ident] = str(error)
                continue
            if value < 0:
                wrong[ident] = _("Enter an amount of at least 0.")
            elif value:
                uses[ident] = value
    return uses, wrong


def number_symbols() -> dict[str, str]:
    """The reader's decimal and grouping signs, for the sums that the browser shows."""
    locale = get_locale() or Locale("en")
    symbols = locale.number_symbols.get("latn", locale.number_symbols)
    return {"decimal": symbols["decimal"], "group": symbols["group"]}


class PaymentForm(ServiceForm):
    key = HiddenField(validators=[is_form_key])
    customer = customer_field(_l("Leave it empty when you do not know yet whose payment it is: it waits under “Clearing” then."), required=False)
    amount = amount_field(_l("Amount"))
    currency = ListedField(_l("Currency"), [Required()], listed=currency_choices, default="EUR", description=_l("Of a customer's payment: the customer's currency."))
    received_on = DayField(_l("Received on"), [Required()], default=clock.today, description=_l("The day on which the money was on your account."))
    payer = StringField(_l("Payer"), [validators.Optional(), no_control, validators.Length(max=120, message=_l("At most %(n)d characters.", n=120))], filters=[clean_text],
                        description=_l("The name on the bank statement."))
    reference = StringField(_l("Payment text"), [validators.Optional(), no_control, validators.Length(max=200, message=_l("At most %(n)d characters.", n=200))], filters=[clean_text],
                            description=_l("What the payer wrote. Invoice numbers in it are recognised."))
    for_prepaid = BooleanField(_l("For the next prepaid period"), description=_l("The money does not pay demands. The hourly run extends the prepaid period with it."))


class ReturnForm(ServiceForm):
    reason = reason_field(_l("Reason"), _l("What the bank says, for example: account closed."), 500)
    on = DayField(_l("Returned on"), [Required()], default=clock.today)
    fee = amount_field(_l("Fee of the bank"), _l("It becomes a demand on the customer when the settings pass it on."), required=False)


class ReverseForm(ServiceForm):
    why = reason_field(_l("Reason"), _l("It is kept in the protocol."), 120)


class DisputeForm(ServiceForm):
    note = reason_field(_l("What is disputed"), _l("The demand is not reminded and does not lock while it is disputed."), 1000)


class DueForm(ServiceForm):
    due_on = DayField(_l("Due on"), [Required()], description=_l("The new day. The invoice itself stays as it is."))


class WriteOffForm(ServiceForm):
    reason = reason_field(_l("Reason"), _l("It is kept in the protocol."), 1000)


class CancelInvoiceForm(ServiceForm):
    reason = reason_field(_l("Reason"), _l("It is kept in the protocol."), 500)
    rebill = BooleanField(_l("Bill it again"), description=_l("Its charges and lines go into a new billing document, which you can correct and issue."))


class CreditForm(ServiceForm):
    reason = reason_field(_l("Reason"), _l("It is kept in the protocol."), 500)
