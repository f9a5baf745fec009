"""Pre-notifications: with the invoice, or by e-mail where the invoice could not tell. Without one nothing is collected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.billing.events import InvoicesIssued
from app.customers.models import Customer
from app.plugin_api import InvalidInput, clock, db, formats, transaction
from app.receivables.models import OpenItem
from app.receivables.queries import account_for_update
from app.system.mail_templates import queue_template
from app.system.settings import setting
from plugins.sepa.choosing import METHOD
from plugins.sepa.days import bank_day_from
from plugins.sepa.ids import masked
from plugins.sepa.models import Mandate, MandateState, NoticeState, PreNotification
from plugins.sepa.reading import usable_mandates

BY_INVOICE, BY_MAIL = "invoice", "mail"
PURPOSE = "sepa.announcement"


def notice_days(mandate: Mandate) -> int:
    return mandate.notice_days if mandate.notice_days is not None else int(setting("sepa.notice_days"))


def day_for(mandate: Mandate, told_on: date, due_on: date) -> date:
    """The bank day of collection: not before it is due, nor before the days of notice are over."""
    return bank_day_from(max(due_on, told_on + timedelta(days=notice_days(mandate))))


def take_invoices(event: InvoicesIssued) -> None:
    """Reaction: what was issued to customers who pay by direct debit is announced on the invoice itself."""
    owed = [invoice for invoice in event.invoices if invoice.gross > 0 and invoice.currency == "EUR"]
    if not owed:
        return
    session = db.session()
    by_debit = set(session.scalars(select(Customer.id).where(Customer.id.in_({i.customer_id for i in owed}), Customer.payment_method == METHOD)))
    mandates = usable_mandates(session, by_debit) if by_debit else {}
    numbers = [invoice for invoice in owed if invoice.customer_id in mandates]
    if not numbers:
        return
    items = dict(session.execute(select(OpenItem.invoice_id, OpenItem.id).where(OpenItem.invoice_id.in_([i.invoice_id for i in numbers]), OpenItem.open > 0)).all())
    for invoice in numbers:
        if invoice.invoice_id in items:
            mandate = mandates[invoice.customer_id]
            session.add(PreNotification(open_item_id=items[invoice.invoice_id], mandate_id=mandate.id, amount=invoice.gross, notified_on=invoice.issued_on, kind=BY_INVOICE,
                               collect_on=day_for(mandate, invoice.issued_on, invoice.due_on)))


def unannounced(session: Session, limit: int = 1000) -> list[int]:
    """Open items that could be collected and of which nobody has told the customer: a mandate that came after the invoice, fees, a replaced mandate."""
    told = exists().where(PreNotification.open_item_id == OpenItem.id, PreNotification.state != NoticeState.WITHDRAWN)
    mandate = exists().where(Mandate.customer_id == OpenItem.customer_id, Mandate.state == MandateState.VALID)
    query = (select(OpenItem.id).join(Customer, Customer.id == OpenItem.customer_id)
             .where(OpenItem.open > 0, ~OpenItem.disputed, OpenItem.currency == "EUR", Customer.payment_method == METHOD, mandate, ~told)
             .order_by(OpenItem.customer_id, OpenItem.id).limit(limit))
    return list(session.scalars(query))


def announce(item_id: int, *, retry: bool = False, replace: bool = False) -> PreNotification | None:
    """Tell the customer by e-mail that the rest of a demand will be collected. None: nothing to collect, or told already.

    `replace`: the announcement that was made before is withdrawn (it came too late). Raises InvalidInput without an address to write to.
    """
    with transaction() as session:
        item = session.get_one(OpenItem, item_id)
        owner = account_for_update(session, item.customer_id)
        item = session.get_one(OpenItem, item_id)
        told = session.scalar(select(PreNotification).where(PreNotification.open_item_id == item_id, PreNotification.state == NoticeState.OPEN))
        if told is not None and not replace:
            return None
        mandate = usable_mandates(session, [owner.id]).get(owner.id)
        if item.open <= 0 or item.disputed or item.currency != "EUR" or owner.payment_method != METHOD or mandate is None:
            return None
        if told is not None:
            told.state = NoticeState.WITHDRAWN
            session.flush()
        today = clock.today()
        notice = PreNotification(open_item_id=item.id, mandate_id=mandate.id, amount=item.open, notified_on=today, kind=BY_MAIL, retry=retry, collect_on=day_for(mandate, today, item.due_on))
        session.add(notice)
        session.flush()
        _tell(owner, item, mandate, notice)
        return notice


def _tell(owner: Customer, item: OpenItem, mandate: Mandate, notice: PreNotification) -> None:
    recipient = owner.invoice_email or owner.email
    if not recipient:
        raise InvalidInput(_("%(customer)s has no e-mail address: the collection cannot be announced.", customer=owner.company), "customer")
    with force_locale(owner.language):
        values = {"customer": owner.company, "reference": item.reference, "amount": formats.money(notice.amount, "EUR"), "day": formats.day(notice.collect_on),
                  "account": masked(mandate.iban), "mandate": mandate.reference, "creditor_id": mandate.account.creditor_id}
    queue_template(f"{PURPOSE}:{notice.id}", PURPOSE, recipient, owner.language, values, customer_id=owner.id)


def announce_again(notice_id: int) -> PreNotification | None:
    """The collection comes much later than was announced: tell a new day."""
    notice = db.session.get(PreNotification, notice_id)
    if notice is None or notice.state is not NoticeState.OPEN:
        return None
    return announce(notice.open_item_id, retry=notice.retry, replace=True)


def announce_rest(failed: Callable[[int, Exception], None]) -> int:
    """Daily: everything in `unannounced`. One customer without an address stops nobody else. Returns how many were told."""
    count = 0
    for item_id in unannounced(db.session()):
        try:
            count += announce(item_id) is not None
        except InvalidInput as problem:
            failed(item_id, problem)
    return count
