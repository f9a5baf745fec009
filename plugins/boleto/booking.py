"""What an event of a return does: only a settlement is money."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.customers.models import CustomerState
from app.plugin_api import InvalidInput, clock, formats, transaction
from app.receivables.models import DemandKind, OpenItem
from app.receivables.open_items import add_demand
from app.receivables.payments import record_payment
from app.receivables.queries import account_for_update
from app.system.models import ProtocolKind
from app.system.protocol import record
from plugins.boleto.agreements import of_account
from plugins.boleto.banks import bank
from plugins.boleto.cnab.codes import Event, movement, reason_words, split_reasons
from plugins.boleto.days import bank_day_from
from plugins.boleto.models import (
    EventState,
    Order,
    OrderKind,
    OrderState,
    ReturnEvent,
    Slip,
    SlipState,
)
from plugins.boleto.paper import copy_due
from plugins.boleto.slips import CURRENCY, METHOD
from plugins.boleto.surcharge import surcharge

TOLERANCE = Decimal("0.05")         # banks round interest by the day


def find(session: Session, row: ReturnEvent) -> list[Slip]:
    """Boletos of the event's account with its number: each agreement counts its own."""
    number, with_digit = bank(row.bank).returned(row.number, row.width)
    bare = number.strip().lstrip("0")
    if not bare:
        return []
    column = Slip.full if with_digit else Slip.body
    same = [bare.zfill(length) for length in range(len(bare), 23)]
    return list(session.scalars(select(Slip).where(Slip.agreement_id.in_([agreement.id for agreement in of_account(row.bank, row.account)]), column.in_(same)).limit(3)))


def book(event_id: int, chosen: int | None = None) -> ReturnEvent:
    """Do what an open event asks for, once. What cannot be done stays open with the reason. `chosen`: id of the boleto that a person says it is for."""
    with transaction() as session:
        row = session.get_one(ReturnEvent, event_id)
        slip_id = chosen or row.slip_id
        if slip_id is None:
            found = find(session, row)
            if len(found) != 1:
                row.problem = _("No boleto has this number.") if not found else _("More than one boleto has this number.")
                return row
            slip_id = found[0].id
        owner_id = session.get_one(Slip, slip_id).customer_id
        account_for_update(session, owner_id)
        slip = session.get_one(Slip, slip_id, with_for_update=True, populate_existing=True)
        session.refresh(row, with_for_update=True)
        if row.state is not EventState.OPEN:
            return row
        row.slip_id, row.problem = slip.id, ""
        row.state = EventState.DONE
        try:
            with transaction():
                _apply(session, row, slip, slip.id == chosen)
        except InvalidInput as problem:
            row.state, row.problem = EventState.OPEN, str(problem)
        session.flush()
        return row


def _apply(session: Session, row: ReturnEvent, slip: Slip, chosen: bool) -> None:
    known = movement(row.bank, row.width, row.movement)
    if known is None:
        raise InvalidInput(_("The bank's code %(code)s is not known. Ask your bank what it means.", code=row.movement))
    kind = known[0]
    words = "; ".join(reason_words(kind, split_reasons(row.reasons), row.width))
    if kind is Event.SETTLED:
        if not chosen and row.amount and row.amount != slip.amount:
            raise InvalidInput(_("The bank says that boleto %(number)s is of %(theirs)s, it is of %(ours)s. If the payment is for it, enter its number.",
                                 number=slip.shown, theirs=formats.money(row.amount, CURRENCY), ours=formats.money(slip.amount, CURRENCY)))
        _settle(session, row, slip)
    elif kind is Event.ENTERED:
        _answer(session, slip, OrderKind.ENTRY, OrderState.CONFIRMED)
        if slip.may_become(SlipState.REGISTERED):
            slip.move_to(SlipState.REGISTERED)
    elif kind is Event.REJECTED:
        _answer(session, slip, OrderKind.ENTRY, OrderState.REFUSED, words)
        slip.reason = words
        if slip.may_become(SlipState.REJECTED):
            slip.move_to(SlipState.REJECTED)
        row.state, row.problem = EventState.LOOK, _("The bank has not registered it: %(why)s", why=words or "–")
    elif kind is Event.WRITTEN_OFF:
        _answer(session, slip, OrderKind.CANCEL, OrderState.CONFIRMED)
        if slip.may_become(SlipState.CLOSED):
            slip.move_to(SlipState.CLOSED)
            slip.reason = words
        if row.paid > 0:
            row.state, row.problem = EventState.LOOK, _("It was written off, and yet the bank names an amount paid: ask your bank. Nothing was booked as paid.")
    elif kind is Event.DUE_CHANGED:
        order = _answer(session, slip, OrderKind.DUE, OrderState.CONFIRMED)
        if order is not None and order.due_on is not None:
            slip.due_on = order.due_on
    elif kind is Event.REFUSED:
        for asked in (OrderKind.CANCEL, OrderKind.DUE):
            _answer(session, slip, asked, OrderState.REFUSED, words)
        row.state, row.problem = EventState.LOOK, _("The bank has refused an instruction: %(why)s", why=words or "–")


def _answer(session: Session, slip: Slip, kind: OrderKind, state: OrderState, words: str = "") -> Order | None:
    order = session.scalars(select(Order).where(Order.slip_id == slip.id, Order.kind == kind, Order.state == OrderState.SENT).order_by(Order.id.desc()).limit(1)).first()
    if order is not None:
        order.state, order.reason = state, words
    return order


def _settle(session: Session, row: ReturnEvent, slip: Slip) -> None:
    """The payment pays the demand of the boleto. What was paid above it as fine and interest becomes a demand that it pays, too: at most
    what a second copy of that day asks for. Other differences are shown, and what is over is the customer's credit."""
    if row.paid <= 0:
        raise InvalidInput(_("The bank reports a payment without an amount."))
    owner = slip.customer
    item = session.get_one(OpenItem, slip.open_item_id, populate_existing=True)
    twice = slip.state is SlipState.PAID
    uses = {item.id: min(item.open, row.paid)} if item.open > 0 else {}
    over = row.paid - slip.amount
    last = bank_day_from(slip.due_on)
    if uses and over > 0 and item.open == slip.amount and row.on > last:
        if over <= surcharge(slip.amount, last, copy_due(row.on), slip.fine_percent, slip.interest_percent).total + TOLERANCE:
            extra = add_demand(owner, _("Fine and interest %(number)s", number=slip.document), over, row.on, row.on, DemandKind.INTEREST, item)
            uses[extra.id] = over
            over = Decimal(0)
    whose = None if owner.state is CustomerState.DELETED and not uses else owner       # no credit for who is gone
    payment = record_payment(f"boleto:{row.key}", whose, row.paid, CURRENCY, min(row.on, clock.today()), METHOD, slip.document, slip.payer.get("name", "")[:120], uses=uses)
    row.payment_id = payment.id
    if whose is None:
        row.state, row.problem = EventState.LOOK, _("The customer is deleted and does not owe it any more: the payment waits until somebody says whose it is.")
    elif twice or not uses:
        row.state, row.problem = EventState.LOOK, _("The demand was paid before: the amount is the customer's credit.")
    elif over:
        row.state, row.problem = EventState.LOOK, _("The boleto is of %(asked)s, paid were %(paid)s.", asked=formats.money(slip.amount, CURRENCY), paid=formats.money(row.paid, CURRENCY))
    if not twice:
        slip.move_to(SlipState.PAID)
        slip.paid_on = row.on
    slip.paid += row.paid
    for order in session.scalars(select(Order).where(Order.slip_id == slip.id, Order.state == OrderState.PLANNED)):
        order.state = OrderState.WITHDRAWN


def clear(row: ReturnEvent, note: str, slip: Slip | None = None) -> ReturnEvent:
    """Settle what waits: say which boleto it belongs to, then it is booked; or say how it was settled otherwise."""
    note = " ".join(note.split())
    if not 3 <= len(note) <= 500:
        raise InvalidInput(_("Say in 3 to 500 characters how it was settled."), "note")
    with transaction() as session:
        if slip is not None:
            account_for_update(session, slip.customer_id)
        session.refresh(row, with_for_update=True)
        if row.state not in (EventState.OPEN, EventState.LOOK):
            raise InvalidInput(_("This event is settled already."))
        row.note = note
        if row.state is EventState.OPEN and slip is not None:
            session.flush()
            book(row.id, slip.id)
            if row.state is EventState.OPEN:
                raise InvalidInput(row.problem, "slip")
        else:
            row.state = EventState.CLEARED
        record(ProtocolKind.BILLING, "cleared", subject_type="boleto_event", subject_id=row.id, subject=str(row), note=note)
        return row
