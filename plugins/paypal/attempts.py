"""A customer wants to pay: what he owes is looked up, written down as an attempt, and PayPal makes an order of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import Customer
from app.plugin_api import InvalidInput, clock, current_actor, db, transaction
from app.receivables.models import OpenItem
from app.receivables.prepaid_queries import quote
from app.receivables.queries import account_for_update, is_collected
from app.system.settings import setting
from app.system.throttle import take
from plugins.paypal import amounts, orders
from plugins.paypal.api import NOT_SET_UP, PayPalError, client, configured
from plugins.paypal.cases import open_case, staff_language
from plugins.paypal.meaning import NOT_SENT, Step
from plugins.paypal.models import RUNNING, Attempt, AttemptState, CaseKind

METHOD = "paypal"
AN_HOUR = 30                        # attempts of a customer
AGAIN_WITHIN = timedelta(hours=2)   # PayPal forgets an order that nobody agreed to after three
LOCALES = {"de": "de-DE", "en": "en-US", "pt": "pt-BR"}


def begin(customer_id: int, item_id: int | None = None) -> Attempt:
    """An attempt to pay a demand in full, or (None) the next prepaid period; the one that is there already when he presses twice,
    or while one is being settled. Raises InvalidInput when there is nothing to pay. Call outside of a transaction."""
    if not configured():
        raise InvalidInput(NOT_SET_UP)
    take("paypal:begin", str(customer_id), AN_HOUR)
    with transaction() as session:
        owner = account_for_update(session, customer_id)
        amount, currency, reference = _price(session, owner, item_id)
        same = select(Attempt).where(Attempt.customer_id == owner.id, Attempt.open_item_id == item_id if item_id is not None else Attempt.for_prepaid).order_by(Attempt.id.desc())
        if (running := session.scalar(same.where(Attempt.state.in_((*RUNNING, AttemptState.HELD))).limit(1))) is not None:
            return running
        fresh = same.where(Attempt.state.in_((AttemptState.BEGUN, AttemptState.SENT)), Attempt.created_at > clock.now() - AGAIN_WITHIN, Attempt.amount == amount,
                           Attempt.currency == currency, Attempt.mode == setting("paypal.mode"))
        if (found := session.scalar(fresh.limit(1))) is not None:
            return found
        row = Attempt(token=secrets.token_urlsafe(24), customer=owner, open_item_id=item_id, for_prepaid=item_id is None, reference=reference, currency=currency, amount=amount,
                      invoice_id=f"{reference}/{secrets.token_hex(4).upper()}", mode=setting("paypal.mode"), created_by=current_actor().name[:80])
        session.add(row)
        session.flush()
        return row


def under_way(invoice_ids: Sequence[int]) -> set[int]:
    """Which of these invoices money is on its way for, or was taken and is not booked."""
    query = select(OpenItem.invoice_id).join(Attempt, Attempt.open_item_id == OpenItem.id).where(OpenItem.invoice_id.in_(invoice_ids), Attempt.state.in_((*RUNNING, AttemptState.HELD)))
    return {ident for ident in db.session.scalars(query) if ident is not None}


def _price(session: Session, owner: Customer, item_id: int | None) -> tuple[Decimal, str, str]:
    """(amount, currency, reference) of what is to be paid, with the account locked."""
    if item_id is None:
        offer = quote(session, owner.id, clock.today())
        if offer is None or offer.price.gross <= 0:
            raise InvalidInput(_("There is no license that is paid in advance."))
        found = offer.price.gross, offer.currency, owner.number
    else:
        item = session.scalar(select(OpenItem).where(OpenItem.id == item_id, OpenItem.customer_id == owner.id).execution_options(populate_existing=True))
        if item is None:
            raise InvalidInput(_("There is no such demand."), "gone")
        if item.open == 0:
            raise InvalidInput(_("%(reference)s is paid already.", reference=item.reference))
        if is_collected(owner.payment_method, METHOD, item.id, item.due_on, clock.today()):
            raise InvalidInput(_("%(reference)s is collected from your account by itself: there is nothing to do.", reference=item.reference))
        if item.currency != owner.currency:     # `still_wanted` would refuse to take it, each time anew
            raise InvalidInput(_("%(reference)s is in %(currency)s, and the account is billed in another currency by now. Please write to us.", reference=item.reference, currency=item.currency))
        found = item.open, item.currency, item.reference
    if found[1] not in amounts.CURRENCIES:
        raise InvalidInput(_("PayPal does not take %(currency)s. Pay another way.", currency=found[1]))
    try:
        amounts.amount_text(found[0], found[1])
    except ValueError:
        raise InvalidInput(_("PayPal takes whole amounts only in %(currency)s. Pay another way.", currency=found[1])) from None
    return found


def still_wanted(session: Session, row: Attempt) -> str:
    """Why the money is not to be taken any more; empty: it is. With the account locked."""
    same = Attempt.for_prepaid if row.open_item_id is None else Attempt.open_item_id == row.open_item_id
    if session.scalar(select(Attempt.id).where(Attempt.id != row.id, Attempt.customer_id == row.customer_id, same, Attempt.state.in_((*RUNNING, AttemptState.HELD))).limit(1)) is not None:
        return _("Another payment of it is on its way. PayPal has taken nothing.")
    if row.currency != row.customer.currency:
        return _("The account is billed in %(currency)s by now. PayPal has taken nothing; begin the payment again.", currency=row.customer.currency)
    if row.open_item_id is not None:
        item = session.get_one(OpenItem, row.open_item_id, populate_existing=True)
        if item.open == 0:
            return _("%(reference)s was paid another way meanwhile. PayPal has taken nothing.", reference=item.reference)
        if is_collected(row.customer.payment_method, METHOD, item.id, item.due_on, clock.today()):
            return _("%(reference)s is collected from your account by itself. PayPal has taken nothing.", reference=item.reference)
        if item.open < row.amount:
            return _("Less is open of %(reference)s by now. PayPal has taken nothing; begin the payment again.", reference=item.reference)
    return ""


def by_token(token: str, customer_id: int) -> Attempt | None:
    """A customer's own."""
    return db.session.scalar(select(Attempt).where(Attempt.token == token, Attempt.customer_id == customer_id))


def open_order(row: Attempt) -> str:
    """Where to send the payer. The order is made once, whoever asks and how often: PayPal knows the request by its id.

    Raises InvalidInput with what the payer is told.
    """
    if row.state not in (AttemptState.BEGUN, AttemptState.SENT, AttemptState.CANCELLED):
        raise InvalidInput(_("This payment was begun before. Look at its state first."))
    if row.approve_url and row.mode == setting("paypal.mode"):
        return _sent(row, row.order_id or "", row.approve_url)
    try:
        api = client(row.mode)
        order = orders.create(api, _new_order(row), f"{row.token}-o")
        url = orders.approve_url(order, api.kind)
    except PayPalError as error:
        _failed(row, error)
        # without an answer there may be an order, but nobody was led to it: it may be begun again
        raise InvalidInput(str(NOT_SENT.payer) if error.unclear else error.for_payer) from None
    return _sent(row, order.id, url)


def _new_order(row: Attempt) -> orders.NewOrder:
    base = f"{current_app.config['BASE_URL']}/portal/paypal"
    language = str(get_locale() or "en")[:2]
    what = _("Prepaid period of customer %(number)s", number=row.reference) if row.for_prepaid else _("Invoice %(number)s", number=row.reference)
    return orders.NewOrder(row.amount, row.currency, row.token, row.invoice_id, what, setting("company.name"), LOCALES.get(language, "en-US"),
                           f"{base}/back/{row.token}", f"{base}/broken-off/{row.token}")


def _sent(row: Attempt, order_id: str, url: str) -> str:
    with transaction() as session:
        session.refresh(row, with_for_update=True)
        row.order_id, row.approve_url, row.problem = order_id, url, ""
        if row.state is not AttemptState.SENT and row.may_become(AttemptState.SENT):
            row.move_to(AttemptState.SENT)
    return url


def _failed(row: Attempt, error: PayPalError) -> None:
    """Without an order nothing can be paid, so the attempt may be begun again; what staff has to mend is told."""
    with transaction() as session:
        session.refresh(row, with_for_update=True)
        with staff_language():
            row.problem = error.words
        if error.advice.step in (Step.ADMIN, Step.BUG, Step.NEW_TOKEN):
            open_case(session, f"account:{error.issue or error.status}"[:80], CaseKind.ACCOUNT, _l("PayPal takes no payments: %(why)s", why=error.advice.text), attempt=row)


def break_off(row: Attempt) -> bool:
    """The payer came back without paying. False: it is not as it was any more."""
    with transaction() as session:
        session.refresh(row, with_for_update=True)
        if row.state in (AttemptState.BEGUN, AttemptState.SENT):
            row.move_to(AttemptState.CANCELLED)
        return row.state is AttemptState.CANCELLED
