"""Handing demands to a lawyer: chosen by one person, handed over by another, taken back. Files follow by a worker.

From the hand-over on the demands are neither reminded nor bear further interest here; payments still book, and are
listed for the lawyer. Costs and interest of a demand go with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.actor import current_actor
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.money import ZERO, total
from app.core.sql import among
from app.customers.models import Customer
from app.receivables.lawyer_models import CaseState, LawyerCase, LawyerItem
from app.receivables.models import Allocation, OpenItem, Payment
from app.receivables.queries import NOUGHT, account_for_update
from app.receivables.reminder_models import ReminderLevel
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting


def last_level(session: Session) -> int:
    """The number of the last reminder level; 0 while there is none."""
    return session.scalar(select(func.max(ReminderLevel.number))) or 0


def _candidate(level: int, today: date) -> Any:
    """SQL: an open demand that was reminded to the last level, and whose time to pay after that letter is over."""
    in_case = exists().where(LawyerItem.open_item_id == OpenItem.id, LawyerItem.current)
    return (OpenItem.open > NOUGHT) & (OpenItem.reminder_level >= max(level, 1)) & OpenItem.principal_id.is_(None) & ~OpenItem.disputed & ~OpenItem.with_lawyer & ~in_case & \
        (OpenItem.reminded_on < today - timedelta(days=setting("reminders.pay_days")))


def candidates(session: Session, today: date, limit: int = 500) -> list[OpenItem]:
    """Demands that may be handed over, customer by customer, oldest first."""
    level = last_level(session)
    if not level:
        return []
    query = (select(OpenItem).join(Customer, Customer.id == OpenItem.customer_id).where(_candidate(level, today), ~Customer.reminder_block)
             .order_by(Customer.company, OpenItem.customer_id, OpenItem.due_on, OpenItem.id).limit(limit))
    return list(session.scalars(query))


def belonging(session: Session, ids: Sequence[int]) -> list[OpenItem]:
    """Open costs and interest that arose from these demands."""
    return list(session.scalars(select(OpenItem).where(among(OpenItem.principal_id, ids), OpenItem.open > NOUGHT).order_by(OpenItem.id)))


def propose(item_ids: Sequence[int], note: str = "", today: date | None = None) -> list[LawyerCase]:
    """One case per customer and currency of the chosen demands. Handed over at once when no second person is asked for."""
    day = today or clock.today()
    if not item_ids:
        raise InvalidInput(_("Choose at least one demand."))
    if len(note) > 1000:
        raise InvalidInput(_("The note is too long: at most %(n)s characters.", n=1000), "note")
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    with transaction() as session:
        for row in session.execute(select(OpenItem.id, OpenItem.customer_id, OpenItem.currency).where(among(OpenItem.id, item_ids)).order_by(OpenItem.customer_id, OpenItem.id)):
            groups[row.customer_id, row.currency].append(row.id)
        if sum(map(len, groups.values())) != len(set(item_ids)):
            raise InvalidInput(_("One of the demands does not exist any more."))
        cases = [_propose(session, customer_id, currency, ids, note.strip(), day) for (customer_id, currency), ids in groups.items()]
        if not setting("lawyer.second_person"):
            for case in cases:
                _hand_over(session, case)
        return cases


def _propose(session: Session, customer_id: int, currency: str, ids: list[int], note: str, day: date) -> LawyerCase:
    account_for_update(session, customer_id)
    items = list(session.scalars(select(OpenItem).where(among(OpenItem.id, ids), _candidate(last_level(session), day)).order_by(OpenItem.due_on, OpenItem.id)))
    if len(items) != len(ids):
        raise InvalidInput(_("One of the demands may not be handed over any more: it was paid, disputed, or chosen by somebody else. Look at the list again."))
    case = LawyerCase(customer_id=customer_id, currency=currency, proposed_by=current_actor().name[:80], note=note, total=ZERO)
    session.add(case)
    session.flush()
    session.add_all([LawyerItem(case_id=case.id, open_item_id=item.id, open=item.open) for item in items])
    session.flush()
    return case


def hand_over(case: LawyerCase) -> None:
    """The second person agrees: what is open now is handed over."""
    with transaction() as session:
        account_for_update(session, case.customer_id)
        session.refresh(case)
        if case.state is not CaseState.PROPOSED:
            raise InvalidInput(_("This case is not waiting for the hand-over."))
        if setting("lawyer.second_person") and case.proposed_by == current_actor().name[:80]:
            raise InvalidInput(_("You chose these demands: somebody else has to hand them over."))
        _hand_over(session, case)


def _hand_over(session: Session, case: LawyerCase) -> None:
    """Account locked. What was settled or disputed meanwhile stays out; costs and interest come along."""
    rows = {row.open_item_id: row for row in session.scalars(select(LawyerItem).where(LawyerItem.case_id == case.id, LawyerItem.current))}
    chosen = list(session.scalars(select(OpenItem).where(among(OpenItem.id, rows), OpenItem.open > NOUGHT, ~OpenItem.disputed, ~OpenItem.with_lawyer).order_by(OpenItem.due_on, OpenItem.id)))
    if not chosen:
        raise InvalidInput(_("Nothing of this case is open any more. Drop it."))
    kept = {item.id for item in chosen}
    for ident, row in rows.items():
        if ident not in kept:
            session.delete(row)
    more = [item for item in belonging(session, [item.id for item in chosen]) if not item.disputed]
    session.add_all([LawyerItem(case_id=case.id, open_item_id=item.id, open=item.open) for item in more])
    for item in chosen:
        rows[item.id].open = item.open
    session.flush()
    session.execute(update(OpenItem).where(among(OpenItem.id, [item.id for item in (*chosen, *more)])).values(with_lawyer=True))
    case.move_to(CaseState.HANDED)
    case.handed_by, case.handed_at, case.total = current_actor().name[:80], clock.now(), total(item.open for item in (*chosen, *more))
    record(ProtocolKind.BILLING, "handed_to_lawyer", subject_type="lawyer_case", subject_id=case.id, subject=str(case), customer_id=case.customer_id,
           note=", ".join(item.reference for item in chosen)[:1000])
    session.flush()
    session.expire_all()


def drop(case: LawyerCase) -> None:
    """The proposal is given up; the demands may be chosen again."""
    _end(case, CaseState.PROPOSED, CaseState.DROPPED, "not_handed_to_lawyer", _("Only a case that waits for the hand-over can be dropped."))


def take_back(case: LawyerCase) -> None:
    """The lawyer is out of it: the demands may be reminded and handed over again."""
    _end(case, CaseState.HANDED, CaseState.BACK, "taken_from_lawyer", _("This case is not with the lawyer."))


def _end(case: LawyerCase, before: CaseState, after: CaseState, action: str, refused: str) -> None:
    with transaction() as session:
        account_for_update(session, case.customer_id)
        session.refresh(case)
        if case.state is not before:
            raise InvalidInput(refused)
        ids = list(session.scalars(select(LawyerItem.open_item_id).where(LawyerItem.case_id == case.id, LawyerItem.current)))
        session.execute(update(LawyerItem).where(LawyerItem.case_id == case.id).values(current=False))
        session.execute(update(OpenItem).where(among(OpenItem.id, ids)).values(with_lawyer=False))
        case.move_to(after)
        case.back_at = clock.now()
        record(ProtocolKind.BILLING, action, subject_type="lawyer_case", subject_id=case.id, subject=str(case), customer_id=case.customer_id)


def payments_since(session: Session, case: LawyerCase) -> list[tuple[Allocation, Payment, OpenItem]]:
    """What was paid of the case's demands after the hand-over, for the lawyer; reversals too."""
    if case.handed_at is None:
        return []
    until = case.back_at if case.state is CaseState.BACK else None
    where = [LawyerItem.case_id == case.id, Allocation.at > case.handed_at, *([Allocation.at <= until] if until else [])]
    query = (select(Allocation, Payment, OpenItem).join(Payment, Payment.id == Allocation.payment_id).join(OpenItem, OpenItem.id == Allocation.open_item_id)
             .join(LawyerItem, LawyerItem.open_item_id == OpenItem.id)
             .where(*where).order_by(Allocation.id))
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def waiting_cases() -> int:
    """The number beside the menu's entry: cases that wait for a second person."""
    return db.session.scalar(select(func.count()).select_from(LawyerCase).where(LawyerCase.state == CaseState.PROPOSED)) or 0
