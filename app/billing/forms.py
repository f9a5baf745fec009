"""Form fields and forms of the billing pages. Checks of business rules are the services'."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField, ValidationError, validators, widgets

from app.catalog.models import Article
from app.core.fields import NumberField, RelatedField, Required, ServiceForm, clean_text, no_control
from app.core.page_parts import to_lookup
from app.core.period import Month


def article_field() -> RelatedField:
    return RelatedField(_l("Article"), [Required()], model=Article, lookup=to_lookup(Article), narrow=lambda query: query.where(Article.active),
                        description=_l("It decides the tax and the revenue account."))


def reason_field(label: Any, description: Any = "", longest: int = 200) -> TextAreaField:
    return TextAreaField(label, [Required(), no_control, validators.Length(max=longest, message=_l("At most %(n)d characters.", n=longest))],
                         filters=[clean_text], description=description, render_kw={"rows": 3, "maxlength": longest})


class MonthField(StringField):
    """A calendar month as text, `2026-10`; with the browser's own picker where it has one."""

    widget = widgets.MonthInput()

    def __init__(self, label: Any = None, validators: Any = None, **kwargs: Any):
        super().__init__(label, validators, filters=[clean_text, lambda value: value or None], **kwargs)
        self.render_kw = {"placeholder": "2026-10", **(self.render_kw or {})}

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if self.data is None or validation_stopped:
            return
        try:
            right = str(Month.parse(self.data)) == self.data
        except ValueError:
            right = False
        if not right:
            raise ValidationError(_("Enter a month like 2026-10."))


def line_fields() -> dict[str, Any]:
    """Quantity and price of a line, as the reader's language writes numbers."""
    return {
        "article": article_field(),
        "quantity": NumberField(_l("Quantity"), [Required()], digits=4, description=_l("A negative quantity is a credit.")),
        "unit_price": NumberField(_l("Unit price"), [Required()], digits=4, description=_l("Net, without tax. At most 4 decimals.")),
    }


class HoldForm(ServiceForm):
    reason = reason_field(_l("Why it is held back"), _l("Everybody who reviews the billing run sees it."))


class EndLineForm(ServiceForm):
    last_period = MonthField(_l("Last month"), [Required()], description=_l("The line is billed for the last time with this month, for example 2026-10."))
