"""Takes the money of an order that the payer has agreed to, server to server, and finds out what became of it.

An answer that was lost leaves the attempt as “PayPal is asked”: never refused, never asked for under another name. The
same request with the same PayPal-Request-Id gives the same capture, whoever repeats it.
"""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.plugin_api import clock, db, transaction
from app.receivables.queries import account_for_update
from plugins.paypal import facts, orders
from plugins.paypal.api import HELD, NOT_SENT, PayPalError, client
from plugins.paypal.attempts import still_wanted
from plugins.paypal.cases import close_case, open_case, staff_language
from plugins.paypal.meaning import ORDER_STEPS, Step
from plugins.paypal.models import LOOSE, Attempt, AttemptState, CaseKind

CAPTURING, SENT = AttemptState.CAPTURING, AttemptState.SENT
FORGOTTEN = timedelta(hours=6)          # PayPal keeps an order that nobody agreed to for three hours


def capture(attempt_id: int) -> Attempt:
    """Take the money, once. Call outside of a transaction; in any state, as often as you like. Raises InvalidInput while PayPal is not set up."""
    api = client(_row(attempt_id).mode)
    wanted = _prepare(attempt_id)
    if wanted is None:
        return _row(attempt_id)
    order_id, tries, token = wanted
    try:
        order = orders.capture(api, order_id, f"{token}-c{tries}")
    except PayPalError as error:
        if error.advice.step is Step.ASK and error.status is not None:      # it says that it was taken before
            return ask(attempt_id)
        _refused(attempt_id, tries, error)
        return _row(attempt_id)
    facts.take_order(order)
    if not order.captures:
        _note(attempt_id, _("PayPal has answered, without saying what became of the money."))
    return _row(attempt_id)


def _row(attempt_id: int) -> Attempt:
    return db.session.get_one(Attempt, attempt_id, populate_existing=True)


def _prepare(attempt_id: int) -> tuple[str, int, str] | None:
    """Say that the money is asked for before it is; None: there is nothing to take."""
    with transaction() as session:
        account_for_update(session, session.get_one(Attempt, attempt_id).customer_id)
        row = session.get_one(Attempt, attempt_id, with_for_update=True, populate_existing=True)
        if row.order_id is None or row.state not in (*LOOSE, CAPTURING):
            return None
        if row.state is not CAPTURING:
            if why := still_wanted(session, row):
                if row.state is not AttemptState.CANCELLED:
                    row.move_to(AttemptState.CANCELLED)
                row.problem = why
                return None
            row.move_to(CAPTURING)
            row.request_at, row.problem = clock.now(), ""
        return row.order_id, row.tries, row.token


def _refused(attempt_id: int, tries: int, error: PayPalError) -> None:
    """Back to the payer, over for good, or unknown: then it stays as it is, and PayPal is asked later."""
    with transaction() as session:
        row = session.get_one(Attempt, attempt_id, with_for_update=True, populate_existing=True)
        if row.state is not CAPTURING or row.tries != tries:        # somebody else has learnt more meanwhile
            return
        row.asked_at = clock.now()
        with staff_language():
            row.problem = error.words
        if error.unclear or error.advice in (NOT_SENT, HELD) or error.advice.step in (Step.LATER, Step.NEW_TOKEN):
            return
        if error.status in (401, 403):      # nothing is known of the order: it can be taken once the account is in order
            open_case(session, f"account:{error.issue or error.status}"[:80], CaseKind.ACCOUNT, _l("PayPal gives no money: %(why)s", why=error.advice.text), attempt=row)
            return
        row.problem = error.for_payer
        if error.advice.step is Step.TO_PAYER:
            row.move_to(SENT)
            row.tries += 1                  # refused for certain: the next try is another request
            return
        row.move_to(AttemptState.FAILED)
        if error.advice.step in (Step.ADMIN, Step.BUG):
            open_case(session, f"account:{error.issue or error.status}"[:80], CaseKind.ACCOUNT, _l("PayPal gives no money: %(why)s", why=error.advice.text), attempt=row)


def _note(attempt_id: int, text: str) -> None:
    with transaction() as session:
        row = session.get_one(Attempt, attempt_id, with_for_update=True, populate_existing=True)
        row.asked_at = clock.now()
        if row.state is CAPTURING:
            row.problem = text


def ask(attempt_id: int) -> Attempt:
    """What PayPal knows of an attempt, and what follows. Raises PayPalError when it cannot be asked, InvalidInput while it is not set up."""
    row = _row(attempt_id)
    if row.order_id is None:
        if row.state is AttemptState.BEGUN and row.created_at < clock.now() - FORGOTTEN:
            facts.not_paid(attempt_id, AttemptState.EXPIRED, _("No order was made at PayPal."))
        return _row(attempt_id)
    api = client(row.mode)
    try:
        order = orders.get_order(api, row.order_id)
    except PayPalError as error:
        if error.status not in (404, 410):
            _note(attempt_id, error.words)
            raise
        facts.not_paid(attempt_id, AttemptState.EXPIRED, error.words)
        return _row(attempt_id)
    if order.captures:
        facts.take_order(order)
    elif row.state in (*LOOSE, CAPTURING):
        step = ORDER_STEPS.get(order.status, Step.ASK)
        if step is Step.CAPTURE:
            return capture(attempt_id)
        if step is Step.OVER:
            facts.not_paid(attempt_id, AttemptState.EXPIRED, _("The order was cancelled at PayPal."))
        elif step is Step.TO_PAYER:
            _not_taken(attempt_id)
    _settled(attempt_id)
    return _row(attempt_id)


def _not_taken(attempt_id: int) -> None:
    """The order waits for the payer: nothing was taken. After hours he will not come any more."""
    with transaction() as session:
        row = session.get_one(Attempt, attempt_id, with_for_update=True, populate_existing=True)
        if row.created_at < clock.now() - FORGOTTEN:
            if row.may_become(AttemptState.EXPIRED):
                row.move_to(AttemptState.EXPIRED)
        elif row.state is CAPTURING:
            row.move_to(SENT)
            row.tries += 1


def _settled(attempt_id: int) -> None:
    with transaction() as session:
        row = session.get_one(Attempt, attempt_id, with_for_update=True, populate_existing=True)
        row.asked_at = clock.now()
        if row.state not in (CAPTURING, AttemptState.PENDING):
            close_case(session, f"stuck:{row.id}", _l("PayPal has answered."))
