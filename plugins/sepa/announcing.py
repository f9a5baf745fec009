"""Pre-notifications: with the invoice, or by e-mail where the invoice could not tell. Without one nothing is collected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from app.billing.events import InvoicesIssued
from app.billing.models import Invoice
from app.customers.models import Customer
from app.plugin_api import InvalidInput, among, clock, db, formats, transaction
from app.receivables.models import OpenItem
from app.receivables.queries import account_for_update
from app.system.mail_templates import queue_template
from app.system.settings import setting
from plugins.sepa.choosing import METHOD
from plugins.sepa.days import bank_day_from
from plugins.sepa.ids import masked
from plugins.sepa.models import DirectDebit, Mandate, MandateState, NoticeState, PreNotification
from plugins.sepa.reading import RUNNING, usable_mandates

BY_INVOICE, BY_MAIL = "invoice", "mail"
PURPOSE = "sepa.announcement"


def notice_days(mandate: Mandate) -> int:
    return mandate.notice_days if mandate.notice_days is not None else int(setting("sepa.notice_days"))


def day_for(mandate: Mandate, told_on: date, due_on: date) -> date:
    """The bank day of collection: not before it is due, nor before the days of notice are over."""
    return bank_day_from(max(due_on, told_on + timedelta(days=notice_days(mandate))))


def take_invoices(event: InvoicesIssued) -> None:
    """Reaction: what was issued to be paid by direct debit is announced on the invoice itself. Who is told that we come on a day owes nothing before it."""
    owed = {invoice.invoice_id: invoice for invoice in event.invoices if invoice.gross > 0 and invoice.currency == "EUR"}
    if not owed:
        return
    session = db.session()
    by_debit = set(session.scalars(select(Invoice.id).where(among(Invoice.id, owed), Invoice.payment_method == METHOD)))
    if not by_debit:
        return
    mandates = usable_mandates(session, {owed[ident].customer_id for ident in by_debit})
    later: dict[date, list[int]] = {}
    for item in session.execute(select(OpenItem.id, OpenItem.invoice_id, OpenItem.due_on).where(among(OpenItem.invoice_id, by_debit), OpenItem.open > 0)):
        invoice = owed[item.invoice_id]
        if (mandate := mandates.get(invoice.customer_id)) is not None:
            day = day_for(mandate, invoice.issued_on, invoice.due_on)
            session.add(PreNotification(open_item_id=item.id, mandate_id=mandate.id, amount=invoice.gross, notified_on=invoice.issued_on, kind=BY_INVOICE, collect_on=day))
            if day > item.due_on:
                later.setdefault(day, []).append(item.id)
    for day, item_ids in later.items():
        session.execute(update(OpenItem).where(among(OpenItem.id, item_ids)).values(due_on=day).execution_options(synchronize_session=False))


def unannounced(session: Session, after: int = 0, limit: int = 1000) -> list[int]:
    """Open items that could be collected and of which nobody has told the customer: a mandate that came after the invoice, fees, a replaced mandate."""
    told = exists().where(PreNotification.open_item_id == OpenItem.id, PreNotification.state != NoticeState.WITHDRAWN)
    mandate = exists().where(Mandate.customer_id == OpenItem.customer_id, Mandate.state == MandateState.VALID)
    query = (select(OpenItem.id).join(Customer, Customer.id == OpenItem.customer_id)
             .where(OpenItem.open > 0, ~OpenItem.disputed, OpenItem.currency == "EUR", Customer.payment_method == METHOD, mandate, ~told, OpenItem.id > after)
             .order_by(OpenItem.id).limit(limit))
    return list(session.scalars(query))


def announce(item_id: int, *, retry: bool = False, replace: bool = False) -> PreNotification | None:
    """Tell the customer by e-mail that the rest of a demand will be collected. None: nothing to collect, told already, or under way to the bank.

    `replace`: the announcement that was made before is withdrawn (it came too late). Raises InvalidInput without an address to write to.
    """
    with transaction() as session:
        item = session.get_one(OpenItem, item_id)
        owner = account_for_update(session, item.customer_id)
        item = session.get_one(OpenItem, item_id)
        told = session.scalar(select(PreNotification).where(PreNotification.open_item_id == item_id, PreNotification.state == NoticeState.OPEN))
        running = session.scalar(select(DirectDebit.id).where(DirectDebit.open_item_id == item_id, DirectDebit.state.in_(RUNNING)))
        if running is not None or (told is not None and not replace):
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
        if today <= item.due_on < notice.collect_on:     # as on an invoice; what is overdue stays so
            item.due_on = notice.collect_on
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
    count, last = 0, 0
    while found := unannounced(db.session(), last):
        for item_id in found:
            try:
                count += announce(item_id) is not None
            except InvalidInput as problem:
                failed(item_id, problem)
        last = found[-1]
    return count


def withdraw_settled() -> int:
    """What was paid before its day needs no announcement; should the payment be taken back, it is announced anew. Returns how many."""
    with transaction() as session:
        query = select(PreNotification).join(OpenItem, OpenItem.id == PreNotification.open_item_id).where(PreNotification.state == NoticeState.OPEN, OpenItem.open == 0)
        found = session.scalars(query.with_for_update(of=PreNotification, skip_locked=True)).all()
        for notice in found:
            notice.state = NoticeState.WITHDRAWN
        return len(found)
