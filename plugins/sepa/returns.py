"""What banks send back: each fact once, booked when it is certain what it means, else kept in a list to be cleared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.customers.models import Customer
from app.plugin_api import InvalidInput, clock, db, formats, transaction
from app.receivables.models import DemandKind, Payment, PaymentState
from app.receivables.open_items import add_demand
from app.receivables.payments import record_return
from app.receivables.queries import account_for_update
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from plugins.sepa.mandates import suspend
from plugins.sepa.models import DebitReturn, DebitState, DirectDebit, Mandate, MandateState, ReturnState
from plugins.sepa.reasons import reason
from plugins.sepa.returned import after_return


@dataclass(frozen=True, slots=True)
class Fact:
    """A return as a file or statement tells it. `key`: what names it there. `amount` None: not told; without fees."""

    key: str
    source: str
    end_to_end_id: str
    returned_on: date
    amount: Decimal | None = None
    fee: Decimal = Decimal(0)
    reason_code: str = ""
    reason_text: str = ""
    mandate_reference: str = ""
    payer: str = ""
    debit_id: int | None = None     # known already: a whole file or group was refused


def take(fact: Fact) -> DebitReturn:
    """Store the fact and book it. The same one (key, or the same debit sent back before) changes nothing."""
    with transaction() as session:
        known = session.scalar(select(DebitReturn).where(DebitReturn.key == fact.key[:120]))
        if known is not None:
            return known
        row = _row(fact)
        try:
            with transaction():
                session.add(row)
                session.flush()
        except IntegrityError:
            return session.scalars(select(DebitReturn).where(DebitReturn.key == fact.key[:120])).one()
        _settle(session, row, _find(session, fact))
        return row


def _row(fact: Fact) -> DebitReturn:
    return DebitReturn(key=fact.key[:120], source=fact.source[:120], end_to_end_id=fact.end_to_end_id[:70], mandate_reference=fact.mandate_reference[:70],
                      payer=fact.payer[:140], amount=fact.amount, fee=fact.fee, returned_on=min(fact.returned_on, clock.today()), reason_code=fact.reason_code[:8],
                      reason_text=fact.reason_text[:2000])


def _find(session: Session, fact: Fact) -> DirectDebit | None:
    if fact.debit_id is not None:
        return session.get(DirectDebit, fact.debit_id)
    if fact.end_to_end_id:
        return session.scalar(select(DirectDebit).where(DirectDebit.end_to_end_id == fact.end_to_end_id))
    return None


def _settle(session: Session, row: DebitReturn, debit: DirectDebit | None) -> None:
    """Book it, or say why a person has to look."""
    if debit is None:
        row.problem = _("There is no direct debit with this end-to-end id. It may be of another program or bank account.")
        return
    owner = account_for_update(session, debit.customer_id)
    debit = session.get_one(DirectDebit, debit.id, with_for_update=True, populate_existing=True)
    row = session.get_one(DebitReturn, row.id)
    row.debit = debit
    row.problem = _problem(debit, row)
    if row.problem:
        return
    if debit.state in (DebitState.REJECTED, DebitState.RETURNED):
        _late_fee(owner, debit, row)
        row.state, row.note = ReturnState.CLEARED, _("told before: the same return in another file")
        return
    _book(session, owner, debit, row)


def _problem(debit: DirectDebit, row: DebitReturn) -> str:
    if debit.state in (DebitState.PLANNED, DebitState.CANCELLED):
        return _("This direct debit was never handed to the bank.")
    if row.mandate_reference and row.mandate_reference != debit.mandate_reference:
        return _("The bank names the mandate %(theirs)s, the direct debit was made with %(ours)s.", theirs=row.mandate_reference, ours=debit.mandate_reference)
    if row.amount is not None and row.amount != debit.amount:
        return _("The bank sent %(theirs)s back, %(ours)s were collected.", theirs=formats.money(row.amount, "EUR"), ours=formats.money(debit.amount, "EUR"))
    return ""


def _book(session: Session, owner: Customer, debit: DirectDebit, row: DebitReturn) -> None:
    why = reason(row.reason_code)
    words = " ".join(part for part in (row.reason_code, str(why.text), row.reason_text) if part)[:500]
    if debit.state is DebitState.COLLECTED:
        payment = session.get_one(Payment, debit.payment_id)
        row.returned_on = max(row.returned_on, payment.received_on)     # refused before its day, and booked for that day
        if payment.state is PaymentState.BOOKED:
            record_return(payment, words or _("returned by the bank"), row.fee, row.returned_on)
        debit.move_to(DebitState.RETURNED)
    else:
        debit.move_to(DebitState.REJECTED)
        if debit.former_reference or debit.new_account:     # the bank has not taken the amendment in
            mandate = session.get_one(Mandate, debit.mandate_id)
            mandate.former_reference, mandate.new_account = mandate.former_reference or debit.former_reference, mandate.new_account or debit.new_account
        if row.fee:
            _charge(owner, row.fee, debit)
    debit.reason_code, debit.reason_text, debit.returned_on = row.reason_code, row.reason_text, row.returned_on
    row.state = ReturnState.BOOKED
    record(ProtocolKind.BILLING, "direct_debit_returned", subject_type="sepa_debit", subject_id=debit.id, subject=str(debit), customer_id=owner.id, note=words)
    hold_until = clock.today() + timedelta(days=setting("sepa.lock_grace_days"))
    if setting("sepa.lock_grace_days") and (owner.lock_hold_until is None or owner.lock_hold_until < hold_until):
        owner.lock_hold_until = hold_until
    mandate = session.get_one(Mandate, debit.mandate_id)
    if why.suspends and mandate.state is MandateState.VALID:
        suspend(mandate, words)
    session.flush()
    retry = why.retry_once and not debit.retry and bool(setting("sepa.retry"))
    after_return(debit, retry)


def _late_fee(owner: Customer, debit: DirectDebit, row: DebitReturn) -> None:
    """The status report came first and knew no fee; the statement does."""
    if not row.fee or not setting("payments.pass_on_return_fee"):
        return
    charged = db.session.scalar(select(func.count()).select_from(DebitReturn).where(DebitReturn.debit_id == debit.id, DebitReturn.id != row.id, DebitReturn.fee > 0))
    if not charged:
        _charge(owner, row.fee, debit)


def _charge(owner: Customer, fee: Decimal, debit: DirectDebit) -> None:
    if setting("payments.pass_on_return_fee"):
        add_demand(owner, _("Bank fee for the returned direct debit of %(day)s", day=debit.collect_on.isoformat()), fee, kind=DemandKind.COST, principal=debit.open_item)


def clear(row: DebitReturn, note: str, debit: DirectDebit | None = None) -> None:
    """Staff: it belongs to this debit, or it is settled elsewhere; the note says how."""
    note = " ".join(note.split())
    if not 1 <= len(note) <= 500:
        raise InvalidInput(_("Say in 1 to 500 characters how it was settled."), "note")
    with transaction() as session:
        session.refresh(row, with_for_update=True)
        if row.state is not ReturnState.OPEN:
            raise InvalidInput(_("This return is settled already."))
        row.note = note
        if debit is None:
            row.state = ReturnState.CLEARED
            return
        row.amount, row.mandate_reference, row.end_to_end_id = debit.amount, "", debit.end_to_end_id
        _settle(session, row, debit)
        if row.problem:
            raise InvalidInput(row.problem, "debit")
        row.note = note
