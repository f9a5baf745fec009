"""Base rates of default interest: what is entered, and the next one."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, SelectField

from app.core import clock, formats
from app.core.access import may
from app.core.db import db
from app.core.errors import DomainError
from app.core.fields import NumberField, Required, ServiceForm
from app.core.views import AdminPage, allowed, expose
from app.receivables import base_rates
from app.receivables.interest_settings import GERMANY, interest_rule

SHOWN = 12


class RateForm(ServiceForm):
    since = SelectField(_l("From"), [Required()])
    percent = NumberField(_l("Percent a year"), [Required()], digits=2, description=_l("As the Bundesbank announced it; it may be negative."))
    seen = HiddenField()


def missing_rates() -> int:
    """The number beside the menu's entry."""
    return 1 if base_rates.warning(clock.today()) else 0


class BaseRatePage(AdminPage):
    route_base = "/base-rates"
    title = _l("Base rates")

    @expose("/")
    @allowed
    def index(self) -> Any:
        return self.screen(self.form(None))

    @expose("/enter", methods=["POST"])
    @allowed
    def enter(self) -> Any:
        form = self.form(request.form)
        if not form.validate() or form.percent.data is None:
            return self.screen(form, 422)
        since = date.fromisoformat(form.since.data)
        try:
            base_rates.enter(since, form.percent.data, clock.today(), form.seen.data or "")
        except DomainError as error:
            db.session.rollback()
            self.put_error(form, error)
            return self.screen(form, 422)
        flash(_("The base rate from %(day)s is entered. Reminders claim interest with it from now on.", day=formats.day(since)), "success")
        return redirect(url_for(f"{self.endpoint}.index"), 303)

    @staticmethod
    def form(given: Any) -> RateForm:
        form, known = RateForm(formdata=given), {rate.since: rate.percent for rate in base_rates.table()}
        form.since.choices = [(day.isoformat(), _("%(day)s (correct it)", day=formats.day(day)) if day in known else formats.day(day)) for day in base_rates.to_enter(clock.today())]
        if given is None:
            form.seen.data = base_rates.marker()
        return form

    def screen(self, form: RateForm, status: int = 200) -> Any:
        rates = list(reversed(base_rates.table()))
        return self.render("receivables/base_rates.html", status, title=self.title, form=form, rates=rates[:SHOWN], more=len(rates) - SHOWN, warning=base_rates.warning(clock.today()),
                           in_use=interest_rule().kind == GERMANY, may_enter=may(self, "can_enter"), following=base_rates.following)
