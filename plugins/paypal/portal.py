"""The customers' portal: to PayPal and back. Nothing of the money comes with a request: amount and demand stand in the attempt."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _

from app.plugin_api import DomainError, clock, portal_page, portal_visitor
from plugins.paypal import attempts, capturing, hosts
from plugins.paypal.api import PayPalError
from plugins.paypal.meaning import PENDING_WORDS
from plugins.paypal.models import RUNNING, Attempt, AttemptState

blueprint = Blueprint("paypal", __name__, template_folder=str(Path(__file__).parent / "templates"))
ASK_EVERY = timedelta(seconds=15)


def _own(token: str) -> Attempt:
    """An attempt of the visitor's customer, else 404: the token alone opens nothing."""
    return attempts.by_token(token, portal_visitor().customer_id) or abort(404)


def _home(row: Attempt | None, ahead: bool = False) -> str:
    return url_for("portal.prepaid" if ahead or (row is not None and row.for_prepaid) else "portal.invoices")


@blueprint.route("/pay/<int:item_id>", methods=["POST"])
@portal_page("pay")
def pay(item_id: int) -> Any:
    return _begin(item_id)


@blueprint.route("/ahead", methods=["POST"])
@portal_page("pay")
def ahead() -> Any:
    return _begin(None)


def _begin(item_id: int | None) -> Any:
    try:
        row = attempts.begin(portal_visitor().customer_id, item_id)
        if row.state not in (AttemptState.BEGUN, AttemptState.SENT):
            return redirect(url_for("paypal.show", token=row.token), 303)       # one is being settled: never a second one beside it
        return _leave(attempts.open_order(row), row)
    except DomainError as error:
        if error.field == "gone":
            abort(404)
        flash(str(error), "danger")
        return redirect(_home(None, item_id is None), 303)


def _leave(url: str, row: Attempt) -> Any:
    """To PayPal, nowhere else: checked once more at the door."""
    if not hosts.is_payer_page(url, row.mode):
        abort(502)
    return redirect(url, 303)


@blueprint.route("/again/<token>", methods=["POST"])
@portal_page("pay")
def again(token: str) -> Any:
    """Once more to PayPal's page with the same order."""
    row = _own(token)
    try:
        return _leave(attempts.open_order(row), row)
    except DomainError as error:
        flash(str(error), "danger")
        return redirect(url_for("paypal.show", token=token), 303)


@blueprint.route("/back/<token>")
@portal_page("pay")
def back(token: str) -> Any:
    """PayPal leads the payer here by a link, so this must be a GET; it takes what he has agreed to there, once. That he comes is
    no proof of anything: PayPal is asked. What else stands in the address is not looked at."""
    row = _own(token)
    try:
        capturing.capture(row.id)
    except PayPalError:
        pass            # it says so on the page; the hourly run goes on asking
    except DomainError as error:
        flash(str(error), "danger")
    return redirect(url_for("paypal.show", token=token), 303)


@blueprint.route("/broken-off/<token>")
@portal_page("pay")
def broken_off(token: str) -> Any:
    """From “cancel” on PayPal's page. Should he have agreed all the same, it is found."""
    row = _own(token)
    if attempts.break_off(row):
        flash(_("You have broken the payment off. Nothing was charged."), "warning")
        return redirect(_home(row), 303)
    return redirect(url_for("paypal.show", token=token), 303)


@blueprint.route("/attempt/<token>")
@portal_page("pay")
def show(token: str) -> Any:
    """How it stands. While that is not known, PayPal is asked each time the page is looked at, at most every few seconds."""
    row = _own(token)
    if row.state in RUNNING and (row.asked_at is None or row.asked_at < clock.now() - ASK_EVERY):
        try:
            row = capturing.ask(row.id)
        except (PayPalError, DomainError):
            row = _own(token)
    capture = row.captures[-1] if row.captures else None
    reason = PENDING_WORDS.get(capture.reason, "") if capture is not None else ""
    return render_template("paypal/portal.html", title=_("Payment by PayPal"), row=row, capture=capture, reason=reason, state=row.state.value, home=_home(row), crumb=(_("Invoices"), url_for("portal.invoices")))
