"""What PayPal told becomes payments and returns of the customer's account: each once, in whatever order it is told.

The facts are kept as they came (`Capture`, `PayPalRefund`); `settle` then brings the account to what they say. Everything here
happens in one transaction with the account locked.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.customers.models import Customer
from app.plugin_api import DomainError, formats, transaction
from app.receivables.models import Allocation, OpenItem, Payment, PaymentState, PrepaidUse
from app.receivables.payments import record_payment, record_return
from app.receivables.queries import lock_accounts_in_order
from plugins.paypal.cases import close_case, open_case, staff_language
from plugins.paypal.events import judge
from plugins.paypal.meaning import CAPTURE_STEPS, Step, was_received
from plugins.paypal.models import Attempt, AttemptState, Capture, CaseKind, PayPalRefund, RefundState
from plugins.paypal.orders import day_of

METHOD = "paypal"
NOTHING = Decimal("0.00")
T = TypeVar("T")


class Moved(Exception):
    """The capture was booked for another customer since it was looked at: begin again."""


def lock_capture(session: Session, capture_id: str, *others: int | None) -> Capture | None:
    """The capture behind the locks of all accounts that a booking of it may change: of who was asked to pay, of whom it was booked for, and `others`.
    In the order that everybody locks them in. None: it is not known yet. Raises Moved."""
    seen = session.execute(select(Attempt.customer_id, Payment.customer_id).select_from(Capture).outerjoin(Attempt, Attempt.id == Capture.attempt_id)
                           .outerjoin(Payment, Payment.id == Capture.payment_id).where(Capture.capture_id == capture_id)).first()
    owners = {ident for ident in (*(seen or ()), *others) if ident is not None}
    if owners:
        lock_accounts_in_order(session, owners)
    row = session.scalar(select(Capture).where(Capture.capture_id == capture_id).with_for_update().execution_options(populate_existing=True))
    if row is not None and not {owner.customer_id for owner in (row.attempt, row.payment) if owner is not None and owner.customer_id is not None} <= owners:
        raise Moved
    return row


def until_still(work: Callable[[], T]) -> T:
    """Call `work` (its own transaction) again while the capture moves under it; that happens once in its life."""
    for _n in range(3):
        try:
            return work()
        except Moved:
            continue
    return work()


def settle(session: Session, row: Capture) -> None:
    """Book, give back, and say how the attempt stands. The accounts are locked (`lock_capture`)."""
    attempt = row.attempt
    if attempt is None:
        if row.payment_id is None and row.status == "REFUNDED":
            close_case(session, f"unknown:{row.capture_id}", _l("All of it went back."))
        elif row.payment_id is None and row.status not in ("DECLINED", "FAILED"):
            open_case(session, f"unknown:{row.capture_id}", CaseKind.UNKNOWN_PAYMENT, _l(
                "PayPal tells of a payment of %(amount)s that we did not ask for (%(ident)s, text “%(text)s”, from %(payer)s). Nothing was booked.",
                amount=formats.money(row.amount, row.currency), ident=row.capture_id, text=row.invoice_id or row.custom_id or "–", payer=row.payer or "–"), capture=row)
        elif row.payment_id is not None:
            give_back(session, row)
        return
    if row.payment_id is None and was_received(row.status):
        _book(session, row, attempt)
    give_back(session, row)
    _say(attempt, row)


def _say(attempt: Attempt, row: Capture) -> None:
    """The state of the attempt follows from the capture's."""
    if row.payment_id is not None:
        wanted = AttemptState.RETURNED if row.returned >= row.amount else AttemptState.PAID
    elif was_received(row.status):
        wanted = AttemptState.HELD
    else:
        wanted = AttemptState.PENDING if CAPTURE_STEPS.get(row.status) is Step.WAIT else AttemptState.FAILED
    if attempt.state is not wanted and attempt.may_become(wanted):
        attempt.move_to(wanted)
        attempt.problem = row.held


def _book(session: Session, row: Capture, attempt: Attempt) -> None:
    found = judge(row.status, row.amount, row.currency, attempt.amount, attempt.currency)
    key = f"capture:{row.capture_id}"
    if found.hold:
        with staff_language():
            row.held = _("Asked for were %(asked)s, paid were %(paid)s.", asked=formats.money(attempt.amount, attempt.currency), paid=formats.money(row.amount, row.currency))
        open_case(session, key, CaseKind.HELD_PAYMENT, _l("%(name)s: %(why)s Nothing was booked.", name=attempt, why=row.held), attempt=attempt, capture=row)
        return
    try:
        with transaction():
            row.payment = _pay(session, row, attempt, attempt.customer)
        row.held = ""
    except DomainError as problem:
        row.held = str(problem)
        open_case(session, key, CaseKind.HELD_PAYMENT, _l("%(name)s could not be booked: %(why)s", name=attempt, why=problem), attempt=attempt, capture=row)
        return
    close_case(session, key, _l("It was booked."))
    if found.different:
        open_case(session, f"different:{row.capture_id}", CaseKind.DIFFERENT, _l(
            "%(name)s: asked for were %(asked)s, paid were %(paid)s. Less is booked as a part payment, more as credit.", name=attempt,
            asked=formats.money(attempt.amount, attempt.currency), paid=formats.money(row.amount, row.currency)), attempt=attempt, capture=row)
    session.flush()


def _pay(session: Session, row: Capture, attempt: Attempt | None, owner: Customer, uses: dict[int, Decimal] | None = None, amount: Decimal | None = None, part: str = "") -> Payment:
    """The payment of a capture, known by PayPal's id of it. `part`, `amount`: what is left after a part went back."""
    if uses is None:
        item = session.get(OpenItem, attempt.open_item_id, populate_existing=True) if attempt is not None and attempt.open_item_id is not None else None
        uses = {item.id: min(item.open, row.amount)} if item is not None and item.open > 0 else {}
    return record_payment(f"{METHOD}:{row.capture_id}{part}", owner, row.amount if amount is None else amount, row.currency, day_of(row.taken_at), METHOD,
                          attempt.reference if attempt is not None else row.invoice_id[:60], row.payer, attempt.for_prepaid if attempt is not None else False,
                          uses=uses if attempt is not None or part else None)


def book_for(row: Capture, owner: Customer) -> Payment:
    """Staff says whose a payment is that we did not ask for, or that was held. Raises DomainError; then nothing is changed."""
    ident, owner_id = row.capture_id, owner.id
    return until_still(lambda: _book_for(ident, owner_id))


def _book_for(capture_id: str, owner_id: int) -> Payment:
    with transaction() as session:
        row = lock_capture(session, capture_id, owner_id)
        assert row is not None
        owner = session.get_one(Customer, owner_id)
        if row.payment_id is not None or not was_received(row.status):
            raise DomainError(_("This payment was booked before, or PayPal has not given it."))
        attempt = row.attempt if row.attempt is not None and row.attempt.customer_id == owner.id else None
        row.payment, row.held = _pay(session, row, attempt, owner), ""
        session.flush()
        give_back(session, row)
        if row.attempt is not None:
            _say(row.attempt, row)
        for key in (f"unknown:{row.capture_id}", f"capture:{row.capture_id}"):
            close_case(session, key, _l("Booked for %(customer)s.", customer=owner))
        return row.payment


# ---- what went back ----------------------------------------------------------------------------------------------

def give_back(session: Session, row: Capture) -> None:
    """Book the refunds that are certain and not booked yet; while the capture is not booked they wait."""
    if row.payment is None:
        return
    known = session.scalar(select(func.coalesce(func.sum(PayPalRefund.amount), 0)).where(PayPalRefund.capture_row_id == row.id, PayPalRefund.state != RefundState.REFUSED)) or NOTHING
    if row.status == "REFUNDED" and known < row.amount and session.scalar(select(PayPalRefund.id).where(PayPalRefund.key == f"rest:{row.capture_id}")) is None:
        # PayPal says that all of it went back, and not how: the message of it is lost or on its way
        session.add(PayPalRefund(key=f"rest:{row.capture_id}", capture_id=row.capture_id, capture=row, currency=row.currency, amount=row.amount - known, state=RefundState.DONE,
                           reason=_("given back in full, as PayPal says")))
        session.flush()
    for refund in session.scalars(select(PayPalRefund).where(PayPalRefund.capture_row_id == row.id, PayPalRefund.state == RefundState.DONE, ~PayPalRefund.booked).order_by(PayPalRefund.id)).all():
        _book_refund(session, row, refund)


def _book_refund(session: Session, row: Capture, refund: PayPalRefund) -> None:
    refund.booked = True
    left = row.amount - row.returned
    taken = min(refund.amount, left)
    if refund.currency != row.currency:
        refund.problem = _("It is in another currency than the payment.")
        open_case(session, f"refund:{refund.key}"[:80], CaseKind.REFUND_UNCLEAR, _l("Refund %(name)s of %(payment)s is in another currency. Nothing was booked.", name=refund, payment=row), capture=row,
                  attempt=row.attempt)
        return
    row.returned += taken
    if taken <= 0 or refund.in_core:
        return
    payment = row.payment
    assert payment is not None
    if payment.state is not PaymentState.BOOKED:        # staff has recorded the return by hand
        return
    if session.scalar(select(exists().where(PayPalRefund.capture_row_id == row.id, PayPalRefund.in_core, PayPalRefund.booked))):
        open_case(session, f"refund:{refund.key}"[:80], CaseKind.REFUND_UNCLEAR, _l(
            "%(amount)s more went back of %(name)s, of which credit was paid out before. Nothing was booked: settle with the customer.",
            amount=formats.money(taken, row.currency), name=row.attempt or row), capture=row, attempt=row.attempt)
        return
    why = refund.reason or (_("PayPal has taken the payment back (%(ident)s)", ident=refund) if refund.reversal else _("given back by PayPal (%(ident)s)", ident=refund))
    if row.returned >= row.amount:
        record_return(payment, why)
        close_case(session, f"part:{row.capture_id}", _l("The rest went back, too."))
    elif session.scalar(select(exists().where(PrepaidUse.payment_id == payment.id))):
        # the period that it paid for would have to be taken back as a whole, and the customer be locked: a person decides
        open_case(session, f"part:{row.capture_id}", CaseKind.PART_RETURNED, _l(
            "%(back)s of %(amount)s went back of a payment that has bought a prepaid period (%(name)s). The period was left as it is: settle with the customer.",
            back=formats.money(row.returned, row.currency), amount=formats.money(row.amount, row.currency), name=row.attempt or row), capture=row, attempt=row.attempt)
    else:
        _keep_part(session, row, payment, taken, why, refund)


def _keep_part(session: Session, row: Capture, payment: Payment, taken: Decimal, why: str, refund: PayPalRefund) -> None:
    """A part went back: the payment is returned, and what is left of it is a payment of the same day that pays what it paid, less
    the part, which is taken from what was free first and from the latest demand then."""
    owner = payment.customer
    assert owner is not None
    paid: dict[int, Decimal] = {}
    for item_id, amount in session.execute(select(Allocation.open_item_id, Allocation.amount).where(Allocation.payment_id == payment.id).order_by(Allocation.id)):
        paid[item_id] = paid.get(item_id, NOTHING) + amount
    short = taken - min(payment.free, taken)
    for item_id in reversed(paid):
        less = min(short, paid[item_id])
        paid[item_id] -= less
        short -= less
    rest = payment.amount - taken
    record_return(payment, why)
    row.payment = _pay(session, row, row.attempt if row.attempt is not None and row.attempt.customer_id == owner.id else None, owner, {ident: amount for ident, amount in paid.items() if amount > 0}, rest, f":{refund.refund_id or refund.id}")
    session.flush()
