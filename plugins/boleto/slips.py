"""Boletos come to be with the invoice, each with a number of its own; and what the bank is to be told of them."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.events import InvoicesIssued
from app.customers.events import CurrencyChanging
from app.customers.models import Customer
from app.plugin_api import InvalidInput, clock, db, formats, transaction
from app.receivables.models import OpenItem
from app.receivables.queries import account_for_update
from app.system.models import ProtocolKind
from app.system.protocol import record
from plugins.boleto.agreements import in_use
from plugins.boleto.banks import bank
from plugins.boleto.barcode import LAST_DAY, LIMIT, line_of, make
from plugins.boleto.days import bank_day_from
from plugins.boleto.models import Agreement, Order, OrderKind, OrderState, Slip, SlipState
from plugins.boleto.numbers import numbers_of

METHOD, CURRENCY = "boleto", "BRL"
LIVE = (SlipState.NEW, SlipState.SENT, SlipState.REGISTERED)


def take_invoices(event: InvoicesIssued) -> None:
    """Reaction: each invoice to a customer who pays by boleto gets one. Where none can be made (no agreement, numbers used up) the invoice is
    issued all the same; `missing` gives its demand to the daily run, which says why."""
    owed = {i.invoice_id for i in event.invoices if i.gross > 0 and i.currency == CURRENCY}
    agreement = in_use() if owed else None
    if agreement is None:
        return
    session = db.session()
    query = (select(OpenItem).join(Customer, Customer.id == OpenItem.customer_id).where(OpenItem.invoice_id.in_(owed), OpenItem.open > 0, Customer.payment_method == METHOD)
             .order_by(OpenItem.id))
    items = session.scalars(query).all()
    if items:
        row = lock_agreement(session, agreement.id)
        for item in items:
            with suppress(InvalidInput):        # raised before anything is added
                _new(session, row, item)


def missing(limit: int = 500) -> list[int]:
    """Demands of customers who pay by boleto that have none: the agreement came later, its numbers were used up, a boleto was rejected."""
    has = select(Slip.open_item_id).where(Slip.open_item_id == OpenItem.id, Slip.state.in_(LIVE)).exists()
    closed = select(Slip.open_item_id).where(Slip.open_item_id == OpenItem.id, Slip.state.in_((SlipState.CLOSED, SlipState.REJECTED, SlipState.PAID, SlipState.VOID))).exists()
    query = (select(OpenItem.id).join(Customer, Customer.id == OpenItem.customer_id)
             .where(OpenItem.open > 0, OpenItem.currency == CURRENCY, ~OpenItem.disputed, OpenItem.invoice_id.is_not(None), Customer.payment_method == METHOD, ~has, ~closed)
             .order_by(OpenItem.id).limit(limit))
    return list(db.session.scalars(query))


def issue(item_id: int, due_on: date | None = None) -> Slip:
    """A boleto for what is open of a demand. The one that is live already is given back. Raises InvalidInput."""
    with transaction() as session:
        item = session.get_one(OpenItem, item_id)
        account_for_update(session, item.customer_id)
        session.refresh(item)
        found = session.scalar(select(Slip).where(Slip.open_item_id == item.id, Slip.state.in_(LIVE)))
        if found is not None:
            return found
        agreement = in_use()
        if agreement is None:
            raise InvalidInput(_("Enter an agreement with a bank first."))
        if item.open <= 0 or item.disputed or item.currency != CURRENCY:
            raise InvalidInput(_("A boleto is made for an open demand in Real that is not disputed."))
        return _new(session, lock_agreement(session, agreement.id), item, due_on)


def lock_agreement(session: Session, ident: int) -> Agreement:
    return session.scalars(select(Agreement).where(Agreement.id == ident).with_for_update().execution_options(populate_existing=True)).one()


def _next_number(row: Agreement) -> int:
    """Under the row's lock. Numbers that were given stay given, also when the boleto is not used."""
    year = clock.today().year
    if "byte" in bank(row.bank).needs and row.number_year != year:
        row.number_year, row.next_number = year, row.first_number
    number = max(row.next_number, row.first_number)
    if number > row.last_number:
        raise InvalidInput(_("The numbers of the agreement “%(title)s” are used up: ask your bank for more.", title=row.title))
    row.next_number = number + 1
    return number


def _new(session: Session, row: Agreement, item: OpenItem, due_on: date | None = None) -> Slip:
    today = clock.today()
    due = bank_day_from(max(due_on or item.due_on, today))
    if due > LAST_DAY:
        raise InvalidInput(_("The due date is too far away."), "due_on")
    if item.open >= LIMIT:
        raise InvalidInput(_("A boleto is made for less than %(limit)s.", limit=formats.money(LIMIT, CURRENCY)))
    it, document = bank(row.bank), "".join(char for char in item.reference if char.isascii() and char.isalnum()).upper()[-10:] or str(item.id)
    n = numbers_of(row, _next_number(row), today, due, item.open, document="".join(filter(str.isdigit, document))[-7:])
    code = make(it.code, due, item.open, it.free_field(n))
    body = it.body(n)
    slip = Slip(agreement_id=row.id, customer_id=item.customer_id, invoice_id=item.invoice_id, open_item_id=item.id, body=body, full=body + it.check_digit(n), shown=it.shown(n),
                document=document, issued_on=today, due_on=due, amount=item.open, barcode=code, line=line_of(code), txid=f"BOL{row.id}N{body}"[:25],
                fine_percent=row.fine_percent, interest_percent=row.interest_percent, payer=payer_facts(item.customer), state=SlipState.NEW)
    session.add(slip)
    session.flush()
    session.add(Order(slip_id=slip.id, kind=OrderKind.ENTRY))
    session.flush()
    return slip


def payer_facts(customer: Customer) -> dict[str, Any]:
    return {"name": customer.company, "tax_id": "".join(char for char in customer.tax_number or customer.vat_id if char.isalnum()).upper(),
            "street": " ".join(part for part in (customer.street, customer.address_extra) if part), "postcode": "".join(filter(str.isdigit, customer.postcode)), "city": customer.city,
            "region": customer.region[:2].upper()}


def cancel(slip: Slip, reason: str = "") -> None:
    """Give it up: one that the bank does not know goes at once, else the bank is told with the next file."""
    with transaction() as session:
        session.refresh(slip, with_for_update=True)
        if slip.state is SlipState.NEW or slip.state is SlipState.REJECTED:
            for order in session.scalars(select(Order).where(Order.slip_id == slip.id, Order.state == OrderState.PLANNED)):
                order.state = OrderState.WITHDRAWN
            slip.move_to(SlipState.VOID)
        elif slip.state in LIVE:
            _order(session, slip, OrderKind.CANCEL)
        else:
            raise InvalidInput(_("This boleto is not open any more."))
        slip.reason = reason or slip.reason
        record(ProtocolKind.BILLING, "cancelled", subject_type="boleto_slip", subject_id=slip.id, subject=str(slip), note=reason)


def part_paid(limit: int = 500) -> list[int]:
    """Boletos that the bank does not know yet and whose demand was paid in part since; as in `missing`, of those who pay by boleto and dispute nothing."""
    query = (select(Slip.id).join(OpenItem, OpenItem.id == Slip.open_item_id).join(Customer, Customer.id == OpenItem.customer_id)
             .where(Slip.state == SlipState.NEW, OpenItem.open > Decimal(0), OpenItem.open < Slip.amount, ~OpenItem.disputed, Customer.payment_method == METHOD))
    return list(db.session.scalars(query.order_by(Slip.id).limit(limit)))


def renew(slip: Slip) -> Slip:
    """Another boleto over what is left of the demand, for one that the bank does not know yet. Raises InvalidInput; then the old one stays."""
    with transaction() as session:
        account_for_update(session, slip.customer_id)
        session.refresh(slip, with_for_update=True)
        if not slip.is_part_paid:
            raise InvalidInput(_("Its demand was not paid in part."))
        if slip.state is not SlipState.NEW:
            raise InvalidInput(_("The bank has this boleto already: write it off first, then make a new one."))
        cancel(slip, _("paid in part"))
        return issue(slip.open_item_id, slip.due_on)


def change_due(slip: Slip, due_on: date) -> None:
    """Tell the bank a later day. Before it was sent, the entry itself says the new day."""
    with transaction() as session:
        session.refresh(slip, with_for_update=True)
        if slip.state not in LIVE:
            raise InvalidInput(_("This boleto is not open any more."))
        if not clock.today() < due_on <= min(LAST_DAY, clock.today() + timedelta(days=365)):
            raise InvalidInput(_("Choose a day after today, at most a year from now."), "due_on")
        if not (day := bank_day_from(due_on)) == due_on:
            raise InvalidInput(_("Banks are closed on this day; the next bank day is %(day)s.", day=day), "due_on")
        if slip.state is SlipState.NEW:
            parts = slip.barcode
            slip.due_on = due_on
            slip.barcode = make(parts[:3], due_on, slip.amount, parts[19:])
            slip.line = line_of(slip.barcode)
        else:
            _order(session, slip, OrderKind.DUE, due_on)
        record(ProtocolKind.BILLING, "due_changed", subject_type="boleto_slip", subject_id=slip.id, subject=str(slip), note=due_on.isoformat())


def _order(session: Session, slip: Slip, kind: OrderKind, due_on: date | None = None) -> Order:
    found = session.scalar(select(Order).where(Order.slip_id == slip.id, Order.kind == kind, Order.state == OrderState.PLANNED))
    if found is None:
        found = Order(slip_id=slip.id, kind=kind)
        session.add(found)
    found.due_on = due_on
    session.flush()
    return found


def settled_elsewhere(limit: int = 500) -> list[int]:
    """Boletos whose demand needs no money any more (paid otherwise, cancelled, credited) and of which the bank was not told."""
    told = select(Order.id).where(Order.slip_id == Slip.id, Order.kind == OrderKind.CANCEL, Order.state.in_((OrderState.PLANNED, OrderState.SENT, OrderState.CONFIRMED))).exists()
    query = select(Slip.id).join(OpenItem, OpenItem.id == Slip.open_item_id).where(Slip.state.in_(LIVE), OpenItem.open == Decimal(0), ~told).order_by(Slip.id).limit(limit)
    return list(db.session.scalars(query))


def keep_currency(event: CurrencyChanging) -> None:
    """Reaction: a boleto that the bank has may be paid, whether its demand is open or was paid another way."""
    found = db.session.scalar(select(Slip.shown).where(Slip.customer_id == event.customer_id, Slip.state.in_(LIVE)).limit(1))
    if found is not None:
        raise InvalidInput(_("The currency cannot change while boleto %(number)s can be paid: write it off first.", number=found), "currency")


def any_at_bank() -> bool:
    """Whether a payment could come back by a return file."""
    return db.session.scalar(select(Slip.id).where(Slip.state.in_((SlipState.SENT, SlipState.REGISTERED))).limit(1)) is not None
