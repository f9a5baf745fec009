"""The collection run: announced demands become direct debits in batches, each demand at most once at a time.

Everything of a batch is written in one transaction behind the locks of its accounts: a run that is killed leaves nothing,
one that runs again or at the same time finds the demands taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.billing.bulk import insert_rows
from app.customers.models import Customer
from app.plugin_api import InvalidInput, among, clock, current_actor, db, to_cents, transaction
from app.receivables.models import OpenItem
from app.receivables.queries import lock_accounts_in_order, lock_rules
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from plugins.sepa.announcing import announce_again
from plugins.sepa.choosing import Decision
from plugins.sepa.models import (
    CreditorAccount,
    DebitBatch,
    DebitState,
    DirectDebit,
    Mandate,
    NoticeState,
    PreNotification,
)
from plugins.sepa.orders import SCHEMES
from plugins.sepa.reading import decisions
from plugins.sepa.settings import ON_DAY
from plugins.sepa.text import field_text

MOST = 10_000       # direct debits of one batch


@dataclass
class Outcome:
    batches: list[int] = field(default_factory=list)
    collected: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[str, str]] = field(default_factory=list)      # (demand, why it could not be announced)


def collect(account: CreditorAccount, most: int = MOST) -> Outcome:
    """Propose batches of everything that is due for collection to `account`; announcements that came too late are renewed."""
    outcome = Outcome()
    for scheme in SCHEMES:
        found = decisions(db.session(), account, scheme=scheme)
        outcome.skipped.update(item.skip for item in found if item.skip)
        for item in found:
            if item.again:
                _renew(item, outcome)
        while go := [item.candidate.notice_id for item in found if not item.skip]:
            batch_id, count = _propose(account, scheme, go[:most])
            if batch_id is None:
                break
            outcome.batches.append(batch_id)
            outcome.collected += count
            found = decisions(db.session(), account, scheme=scheme)
    return outcome


def _renew(item: Decision, outcome: Outcome) -> None:
    try:
        announce_again(item.candidate.notice_id)
    except InvalidInput as problem:
        outcome.problems.append((item.candidate.reference, str(problem)))


def _propose(account: CreditorAccount, scheme: str, notice_ids: Sequence[int]) -> tuple[int | None, int]:
    with transaction() as session:
        owners = session.scalars(select(OpenItem.customer_id).join(PreNotification, PreNotification.open_item_id == OpenItem.id).where(among(PreNotification.id, notice_ids)).distinct()).all()
        lock_accounts_in_order(session, owners)
        account = session.get_one(CreditorAccount, account.id)
        if not account.active:
            raise InvalidInput(_("This bank account is not in use any more."), "account")
        # Decided anew behind the locks: what was paid, disputed or collected meanwhile falls out here.
        go = [item for item in decisions(session, account, scheme=scheme, notice_ids=notice_ids) if not item.skip]
        if not go:
            return None, 0
        return _write(session, account, scheme, go), len(go)


def _write(session: Session, account: CreditorAccount, scheme: str, go: list[Decision]) -> int:
    days = [item.collect_on for item in go]
    batch = DebitBatch(account=account, scheme=scheme, count=len(go), total=sum((item.amount for item in go), Decimal(0)), first_day=min(days), last_day=max(days),
                  created_by=current_actor().name[:80])
    session.add(batch)
    session.flush()
    items = [item.candidate.item_id for item in go]
    attempts: dict[int, int] = dict(session.execute(select(DirectDebit.open_item_id, func.count()).where(among(DirectDebit.open_item_id, items)).group_by(DirectDebit.open_item_id)).all())
    mandates = {row.id: row for row in session.execute(select(
        Mandate.id, Mandate.holder, Mandate.iban, Mandate.bic, Mandate.signed_on, Mandate.former_reference, Mandate.new_account)
        .where(among(Mandate.id, {item.candidate.mandate.id for item in go})))}
    numbers: dict[int, str] = dict(session.execute(select(Customer.id, Customer.number).where(among(Customer.id, {item.candidate.customer_id for item in go}))).all())
    insert_rows(session, DirectDebit.__table__, COLUMNS, [_row(batch.id, item, mandates[item.candidate.mandate.id], attempts.get(item.candidate.item_id, 0) + 1,
                                         numbers[item.candidate.customer_id]) for item in go])
    session.execute(update(PreNotification).where(among(PreNotification.id, [item.candidate.notice_id for item in go])).values(state=NoticeState.USED)
                    .execution_options(synchronize_session=False))
    hold_locks(session, go)
    record(ProtocolKind.BILLING, "proposed", subject_type="sepa_batch", subject_id=batch.id, subject=str(batch), note=f"{batch.count} / {batch.total} EUR")
    return batch.id


COLUMNS = ("batch_id", "mandate_id", "customer_id", "open_item_id", "notice_id", "end_to_end_id", "amount", "sequence", "collect_on", "retry", "state", "debtor", "iban", "bic",
           "mandate_reference", "signed_on", "former_reference", "new_account", "remittance", "reason_code", "reason_text")


def _row(batch_id: int, item: Decision, mandate: Any, attempt: int, number: str) -> tuple[Any, ...]:
    """As the database stores it, in the order of COLUMNS."""
    facts = item.candidate
    return (batch_id, facts.mandate.id, facts.customer_id, facts.item_id, facts.notice_id, f"DD{facts.item_id}-{attempt}", to_cents(item.amount), item.sequence, item.collect_on,
            facts.retry, DebitState.PLANNED.value, mandate.holder, mandate.iban, mandate.bic, facts.mandate.reference, mandate.signed_on, mandate.former_reference, mandate.new_account,
            field_text(f"{facts.reference} / {number}", 140), "", "")


def hold_locks(session: Session, going: list[Decision]) -> None:
    """A demand that is being collected locks nobody: where it could, the account is held until the money must have been booked."""
    rules, today = lock_rules(), clock.today()
    grace = timedelta(days=3 if setting("sepa.book_on") == ON_DAY else 14)      # a statement comes later than the day
    by_day: dict[Any, list[int]] = {}
    for item in going:
        if item.candidate.due_on + timedelta(days=rules.after_days) <= item.collect_on + grace:
            by_day.setdefault(item.collect_on, []).append(item.candidate.customer_id)
    for day, owners in by_day.items():
        until = max(day, today) + grace
        for customer in session.scalars(select(Customer).where(among(Customer.id, owners), func.coalesce(Customer.lock_hold_until, today) < until)):
            customer.lock_hold_until = until
