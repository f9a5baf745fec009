"""First half of the hourly chain: payments find their demands, prepayments buy their periods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.core.db import db
from app.core.errors import DomainError
from app.core.formats import day, money
from app.receivables.allocation import auto_allocate, propose_for
from app.receivables.chain import Chain, Done
from app.receivables.models import OpenItem, Payment, PaymentState
from app.receivables.prepaid import apply_prepayments
from app.receivables.prepaid_queries import quotes, with_prepaid_credit
from app.receivables.queries import NOUGHT, demands

SLICE = 500


def allocate_new(chain: Chain) -> None:
    """Payments that were recorded without a demand, or whose demand came later, pay what they are certainly for."""
    session = db.session()
    found: dict[int, list[int]] = defaultdict(list)
    for rows in _slices(_unallocated(session)):
        owed = demands(session, sorted({row.customer_id for row in rows}))
        for row in rows:
            if propose_for(row, owed.get((row.customer_id, row.currency), [])):
                found[row.customer_id].append(row.id)

    def allocate(session: Session, ids: list[int]) -> Done:
        done = Done()
        for customer_id in ids:
            for payment_id in found[customer_id]:
                for row in auto_allocate(session.get_one(Payment, payment_id)):
                    done.counts["allocated"] += 1
                    done.would.append((customer_id, _("payment of %(day)s: %(amount)s for %(reference)s", day=day(row.payment.received_on),
                                                      amount=money(row.amount, row.payment.currency), reference=row.open_item.reference)))
        return done

    chain.each(sorted(found), allocate, size=1)


def _unallocated(session: Session) -> list[Any]:
    """Payments with something left whose customer owes something in their currency."""
    owed = exists().where(OpenItem.customer_id == Payment.customer_id, OpenItem.open > NOUGHT, OpenItem.currency == Payment.currency)
    return list(session.execute(
        select(Payment.id, Payment.customer_id, Payment.currency, Payment.free, Payment.amount, Payment.state, Payment.for_prepaid, Payment.method,
               Payment.received_on, Payment.reference)
        .where(Payment.free > NOUGHT, ~Payment.for_prepaid, Payment.state == PaymentState.BOOKED, Payment.customer_id.is_not(None), owed)
        .order_by(Payment.received_on, Payment.id)))


def apply_all(chain: Chain) -> None:
    """Money for prepaid periods that covers the next one buys it; a customer whose price cannot be told is reported."""
    session, today = db.session(), chain.ctx.today
    credit = with_prepaid_credit(session)
    ready: list[int] = []
    for ids in _slices(sorted(credit)):
        for customer_id, offer in quotes(session, ids, today).items():
            if isinstance(offer, DomainError):
                chain.fail(customer_id, offer)
            elif 0 < offer.price.gross <= credit[customer_id]:
                ready.append(customer_id)

    def apply(session: Session, ids: list[int]) -> Done:
        done = Done()
        for customer_id in ids:
            for period in apply_prepayments(customer_id, today):
                done.counts["prepaid periods"] += 1
                done.would.append((customer_id, _("prepaid from %(first)s to %(last)s for %(amount)s", first=day(period.valid_from), last=day(period.valid_to),
                                                  amount=money(period.amount, period.currency))))
        return done

    chain.each(sorted(ready), apply, size=1)


def _slices(rows: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(rows), SLICE):
        yield list(rows[start:start + SLICE])


