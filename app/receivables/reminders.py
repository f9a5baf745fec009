"""Books reminders: decides behind the account's lock, writes the letter's rows, what it claims, and the level of each demand.

Everything of a letter is one transaction; the PDF and the e-mail follow from its rows (`reminder_letters.py`). Twice on
the same day changes nothing: a demand that reached its level does not reach it again, and a unique row stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import formats
from app.core.db import transaction
from app.core.money import ZERO, total
from app.core.sql import among
from app.customers.locks import LockReason
from app.customers.models import Customer
from app.receivables.interest_settings import InterestRule, interest_rule
from app.receivables.models import OpenItem
from app.receivables.queries import account_for_update, counts, lock_accounts_in_order, lock_rules
from app.receivables.reminder_claims import Claims, claims_for
from app.receivables.reminder_models import Reminder, ReminderClaim, ReminderItem
from app.receivables.reminder_queries import Key, credits, due_items, extras, levels
from app.receivables.reminder_rules import Due, Letter, Level, letter_of
from app.receivables.reminder_texts import compose, stored_texts
from app.system.models import ProtocolKind
from app.system.protocol import record, record_all
from app.system.settings import setting


@dataclass(frozen=True)
class Terms:
    """What a run goes by: read once."""

    ladder: list[Level]
    rule: InterestRule
    minimum: Decimal
    pay_days: int
    texts: dict[tuple[int, str], tuple[str, str]] = field(default_factory=dict)


def terms(session: Session) -> Terms:
    return Terms(levels(session), interest_rule(), setting("reminders.minimum"), setting("reminders.pay_days"), stored_texts(session))


@dataclass(frozen=True)
class Planned:
    """A letter that is due. `listed`: demands of the same customer that are overdue too and have no new level; `extras`: open costs and interest."""

    customer: Customer
    currency: str
    letter: Letter
    listed: tuple[Due, ...]
    extras: tuple[object, ...]
    claims: Claims
    credit: Decimal

    @property
    def total(self) -> Decimal:
        """Everything that the letter asks for."""
        return self.letter.owed + total(item.open for item in self.listed) + total(row.open for row in self.extras) + self.claims.sum - self.credit  # type: ignore[attr-defined]


def plan(session: Session, ids: Iterable[int], today: date, by: Terms) -> list[Planned]:
    """The letters to these customers as things stand; reads only."""
    wanted = list(ids)
    found: dict[Key, list[Due]] = due_items(session, wanted, today)
    credit = credits(session, wanted)
    letters: dict[Key, Letter] = {}
    for key, items in found.items():
        letter = letter_of(items, by.ladder, today, key[1], credit.get(key, ZERO), by.minimum)
        if letter is not None:
            letters[key] = letter
    if not letters:
        return []
    customers = {row.id: row for row in session.scalars(select(Customer).where(among(Customer.id, {key[0] for key in letters})))}
    claims = claims_for(session, letters, customers, by.rule, today)
    more = extras(session, [item.id for key in letters for item in found[key]])
    planned = []
    for key, letter in letters.items():
        reached = {item.id for item, _level in letter.items}
        planned.append(Planned(customers[key[0]], key[1], letter, tuple(item for item in found[key] if item.id not in reached),
                               tuple(row for item in found[key] for row in more.get(item.id, ())), claims[key], credit.get(key, ZERO)))
    return planned


def remind(session: Session, ids: Sequence[int], today: date, by: Terms) -> list[Planned]:
    """Lock these accounts and book what is due now. Inside a transaction."""
    lock_accounts_in_order(session, ids)
    planned = plan(session, ids, today, by)
    rows = [(one, _reminder(one, today, by)) for one in planned]
    session.add_all([reminder for _one, reminder in rows])
    demands = [(one, reminder, claim, claim.demand(one.customer, today, reminder.pay_until)) for one, reminder in rows for claim in one.claims.rows]
    session.add_all([item for _one, _reminder_row, _claim, item in demands])
    session.flush()
    for one, reminder in rows:
        session.add_all([ReminderItem(reminder_id=reminder.id, open_item_id=item.id, round=item.round, level=level.number, open=item.open) for item, level in one.letter.items])
        session.add_all([ReminderItem(reminder_id=reminder.id, open_item_id=row.id, open=row.open) for row in (*one.listed, *one.extras)])  # type: ignore[attr-defined]
    for _one, reminder, claim, item in demands:
        session.add(ReminderItem(reminder_id=reminder.id, open_item_id=item.id, open=item.open))
        session.add(ReminderClaim(reminder_id=reminder.id, principal_id=claim.principal.id, open_item_id=item.id, kind=claim.kind, from_on=claim.first, to_on=claim.last,
                                  amount=claim.amount))
    changes = [{"id": item.id, "reminder_level": level.number, "reminded_on": today} for one in planned for item, level in one.letter.items]
    if changes:
        session.execute(update(OpenItem), changes)
    held = {item.id for one in planned if one.customer.lock_reasons & LockReason.UNPAID for item, _level in one.letter.items}
    holding = set(session.scalars(select(OpenItem.id).where(among(OpenItem.id, held), counts(lock_rules(), today)))) if held else set()    # it locks: a new day would unlock the account
    notices = [{"id": item.id, "lock_notice_on": reminder.lock_on} for one, reminder in rows for item, level in one.letter.items if level.lock_notice and item.id not in holding]
    if notices:
        session.execute(update(OpenItem), notices)
    record_all(ProtocolKind.BILLING, "reminded", ({
        "subject_type": "reminder", "subject_id": reminder.id, "subject": reminder.subject, "customer_id": reminder.customer_id,
        "note": ", ".join(f"{item.reference} → {level.number}" for item, level in one.letter.items)[:1000]} for one, reminder in rows))
    session.flush()
    session.expire_all()
    return planned


def _reminder(one: Planned, today: date, by: Terms) -> Reminder:
    """The letter's row, its text filled in the customer's language."""
    level, customer = one.letter.level, one.customer
    days = [step.lock_days for _item, step in one.letter.items if step.lock_notice]
    row = Reminder(customer_id=customer.id, currency=one.currency, level=level.number, sent_on=today, pay_until=today + timedelta(days=by.pay_days),
                   lock_on=today + timedelta(days=max(days)) if days else None, language=customer.language, total=one.total, credit=one.credit)
    _write(row, customer, level, len(one.letter.items), by)
    return row


def _write(row: Reminder, customer: Customer, level: Level, count: int, by: Terms) -> None:
    """Heading and text of a letter about `count` demands, with the days and sums of its row."""
    lock_on = row.lock_on
    with force_locale(row.language):
        values = {"customer": customer.company, "sum": formats.money(row.total, row.currency), "pay_until": formats.day(row.pay_until),
                  "lock_on": formats.day(lock_on) if lock_on else "–", "count": formats.number(count), "day": formats.day(row.sent_on)}
        row.subject, row.body = compose(by.texts, level.number, row.language, values)
        if lock_on is not None and not level.lock_notice:       # a demand of a lower level announces the lock: the letter must say the day
            row.body += "\n\n" + _("Your licenses will be locked after %(day)s if the demands are not paid by then.", day=formats.day(lock_on))


def postpone(ident: int, today: date) -> None:
    """A letter that announces a lock and could not be made on its day becomes one of today: whoever gets it has all the time that he was to have."""
    with transaction() as session:
        account_for_update(session, session.scalars(select(Reminder.customer_id).where(Reminder.id == ident)).one())
        row = session.get_one(Reminder, ident, with_for_update=True, populate_existing=True)
        late, named, booked, asked = today - row.sent_on, row.lock_on, row.sent_on, row.pay_until
        if row.document_id is not None or named is None or late <= timedelta(0):
            return
        row.sent_on, row.pay_until, row.lock_on = today, asked + late, named + late
        reminded = session.scalars(select(ReminderItem.open_item_id).where(ReminderItem.reminder_id == ident, ReminderItem.level > 0)).all()
        session.execute(update(OpenItem).where(OpenItem.id.in_(reminded), OpenItem.lock_notice_on == named).values(lock_notice_on=row.lock_on))
        session.execute(update(OpenItem).where(OpenItem.id.in_(reminded), OpenItem.reminded_on == booked).values(reminded_on=today))
        claimed = select(ReminderClaim.open_item_id).where(ReminderClaim.reminder_id == ident)
        session.execute(update(OpenItem).where(OpenItem.id.in_(claimed), OpenItem.due_on == asked).values(due_on=row.pay_until))
        by = terms(session)
        _write(row, row.customer, next((level for level in by.ladder if level.number == row.level), Level(row.level, 0, {})), len(reminded), by)
        record(ProtocolKind.BILLING, "reminded", subject_type="reminder", subject_id=ident, subject=row.subject, customer_id=row.customer_id,
               changes={"sent_on": [booked, today], "lock_on": [named, row.lock_on]})
