"""Refunds that staff has transferred, and the lines of statements that show the money going: by what stands in both, never by a guess.

Whichever is there first: a line finds the refund that was recorded, and a refund the line that was booked before.
"""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.core.db import db
from app.customers.models import Customer
from app.receivables.bank_models import BankLine, LineState
from app.receivables.events import RefundPaid, RefundReversed
from app.receivables.matching import is_named
from app.receivables.refund_models import Refund, RefundState

BY_HAND = "manual"
BEFORE, AFTER = timedelta(days=5), timedelta(days=14)      # the bank's day against the one on which staff says that it was transferred
MOST = 200


def fits(refund: Refund, line: BankLine) -> bool:
    """The same money to the same account; where one of the two names no IBAN, with the text of the refund."""
    if line.amount != -refund.amount or line.currency != refund.currency or refund.paid_on is None or not refund.paid_on - BEFORE <= line.booked_on <= refund.paid_on + AFTER:
        return False
    account = "".join(refund.account.split()).upper()
    if _is_iban(account) and _is_iban(line.party_iban):
        return account == line.party_iban
    return is_named(refund.reference, f"{line.text} {line.end_to_end_id}")


def _is_iban(text: str) -> bool:
    return len(text) >= 15 and text[:2].isalpha() and text[2:4].isdigit()


def refunds_of(session: Session, line: BankLine) -> list[Refund]:
    """Those that the line may be and that no other line is, oldest first."""
    query = select(Refund).where(Refund.method == BY_HAND, Refund.state == RefundState.PAID, Refund.amount == -line.amount, Refund.currency == line.currency,
                                 Refund.paid_on.between(line.booked_on - AFTER, line.booked_on + BEFORE), ~exists().where(BankLine.refund_id == Refund.id))
    return [refund for refund in session.scalars(query.order_by(Refund.paid_on, Refund.id).limit(MOST)) if fits(refund, line)]


def confirm(session: Session, line: BankLine, refund: Refund) -> None:
    """The money of the refund went, says the bank."""
    line.state, line.refund, line.note = LineState.TAKEN, refund, _("Refund to %(customer)s", customer=refund.customer)
    session.flush()


def look_for_line(event: RefundPaid) -> None:
    """Reaction: staff records what stands on a statement that was booked before."""
    if event.method != BY_HAND:
        return
    session = db.session()
    query = select(BankLine).where(BankLine.state.in_((LineState.NOTED, LineState.OPEN)), BankLine.refund_id.is_(None), BankLine.amount == -event.amount, BankLine.currency == event.currency,
                                   ~BankLine.returned, ~BankLine.reversal, BankLine.booked_on.between(event.paid_on - BEFORE, event.paid_on + AFTER))
    refund = session.get_one(Refund, event.refund_id)
    for line in session.scalars(query.order_by(BankLine.booked_on, BankLine.id).limit(MOST).with_for_update()):
        if fits(refund, line):
            confirm(session, line, refund)
            return


def release_line(event: RefundReversed) -> None:
    """Reaction: the money that went was not this refund, or came back. A person looks; a refund that is recorded now finds the line."""
    session = db.session()
    line = session.scalar(select(BankLine).where(BankLine.refund_id == event.refund_id).with_for_update().execution_options(populate_existing=True))
    if line is not None and line.state is LineState.TAKEN:
        line.refund, line.state, line.note = None, LineState.OPEN, _("The refund to %(customer)s was taken back: %(why)s", customer=session.get_one(Customer, event.customer_id), why=event.reason)
        session.flush()


def line_of(refund: Refund) -> BankLine | None:
    """Where the money going stands on a statement of the bank."""
    return db.session.scalar(select(BankLine).where(BankLine.refund_id == refund.id))
