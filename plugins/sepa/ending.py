"""Mandates end by lapse; whatever ends or rests, what was announced or planned with it is taken back."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.customers.events import CurrencyChanging
from app.plugin_api import InvalidInput, db, transaction
from app.receivables.queries import account_for_update
from app.system.models import ProtocolKind
from app.system.protocol import record
from plugins.sepa.batches import take_out
from plugins.sepa.days import lapse_day
from plugins.sepa.models import DebitState, DirectDebit, Mandate, MandateState, NoticeState, PreNotification

IN_USE = (MandateState.VALID, MandateState.SUSPENDED)


def lapsed(mandate: Mandate, today: date) -> bool:
    """36 months after the last collection, or after the signature when there was none."""
    last = mandate.last_collected_on or mandate.signed_on
    return last is not None and last < lapse_day(today)


def expire_lapsed(today: date) -> int:
    """Daily: mandates that lapsed, each behind the lock of its account. Returns how many."""
    query = (select(Mandate.id, Mandate.customer_id).where(Mandate.state.in_(IN_USE), func.coalesce(Mandate.last_collected_on, Mandate.signed_on) < lapse_day(today))
             .order_by(Mandate.customer_id, Mandate.id))
    return sum(_expire(row.id, row.customer_id, today) for row in db.session.execute(query).all())


def _expire(mandate_id: int, customer_id: int, today: date) -> bool:
    with transaction() as session:
        account_for_update(session, customer_id)
        mandate = session.get_one(Mandate, mandate_id, with_for_update=True, populate_existing=True)
        if mandate.state not in IN_USE or not lapsed(mandate, today):
            return False
        mandate.move_to(MandateState.EXPIRED)
        mandate.ended_on, mandate.reason = today, _("not used for 36 months")
        withdraw(session, mandate.id)
        return True


def keep_currency(event: CurrencyChanging) -> None:
    """Reaction: what is in a file may still be taken from his account, whether its demand is open or was paid another way meanwhile."""
    found = db.session.scalar(select(DirectDebit.end_to_end_id).where(DirectDebit.customer_id == event.customer_id, DirectDebit.state.in_((DebitState.PLANNED, DebitState.EXPORTED))).limit(1))
    if found is not None:
        raise InvalidInput(_("The currency cannot change while a direct debit is on its way (%(name)s): wait until it is booked, or take it out of its file.", name=found), "currency")


def withdraw(session: Session, mandate_id: int) -> None:
    """Announcements and planned debits of a mandate that is not valid any more; the demand stays open. The account is locked."""
    take_out(session, list(session.scalars(select(DirectDebit.id).where(DirectDebit.mandate_id == mandate_id, DirectDebit.state == DebitState.PLANNED))), _("the mandate is not valid any more"))
    for notice in session.scalars(select(PreNotification).where(PreNotification.mandate_id == mandate_id, PreNotification.state == NoticeState.OPEN)):
        notice.state = NoticeState.WITHDRAWN
        record(ProtocolKind.BILLING, "notice_withdrawn", subject_type="open_item", subject_id=notice.open_item_id, subject=str(notice.open_item),
               customer_id=notice.open_item.customer_id)
