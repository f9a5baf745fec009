"""Reads what the collection run decides on: announced demands with their mandates, as values."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from app.customers.models import Customer
from app.plugin_api import among, clock
from app.receivables.models import OpenItem
from app.system.settings import setting
from plugins.sepa.choosing import METHOD, Candidate, Decision, MandateFacts, Rules, decide, earliest_collection
from plugins.sepa.days import lapse_day
from plugins.sepa.models import (
    CreditorAccount,
    DebitState,
    DirectDebit,
    Mandate,
    MandateState,
    NoticeState,
    PreNotification,
)
from plugins.sepa.orders import B2B

RUNNING = (DebitState.PLANNED, DebitState.EXPORTED)


def rules() -> Rules:
    return Rules(setting("sepa.use_first"), setting("sepa.most_amount"), setting("sepa.most_late_days"))


def earliest(account: CreditorAccount, now: datetime | None = None) -> date:
    return earliest_collection(clock.local(now), account.lead_days, account.cut_off)


def candidates(session: Session, account: CreditorAccount, until: date, scheme: str | None = None, notice_ids: Iterable[int] | None = None, limit: int | None = None) -> list[Candidate]:
    """Announced for `until` or before, for collection to this account, by day."""
    lapse = lapse_day(clock.today())
    other = aliased(DirectDebit)
    running = exists().where(DirectDebit.open_item_id == OpenItem.id, DirectDebit.state.in_(RUNNING))
    query = (select(
        PreNotification.id, PreNotification.open_item_id, OpenItem.customer_id, OpenItem.reference, OpenItem.open, OpenItem.disputed, OpenItem.due_on, OpenItem.currency, PreNotification.amount,
        PreNotification.collect_on, PreNotification.retry, (Customer.payment_method == METHOD).label("by_debit"), running.label("running"),
        Mandate.id, Mandate.account_id, Mandate.reference, Mandate.scheme, Mandate.state, Mandate.one_off, Mandate.last_one,
        Mandate.bank_confirmed_on.is_not(None).label("confirmed"), Mandate.signed_on, Mandate.collections,
        (func.coalesce(Mandate.last_collected_on, Mandate.signed_on) < lapse).label("lapsed"),
        ((Mandate.one_off | Mandate.last_one) & exists().where(other.mandate_id == Mandate.id, other.state.in_(RUNNING))).label("busy"))
        .select_from(PreNotification).join(OpenItem, OpenItem.id == PreNotification.open_item_id).join(Mandate, Mandate.id == PreNotification.mandate_id).join(Customer, Customer.id == OpenItem.customer_id)
        .where(PreNotification.state == NoticeState.OPEN, PreNotification.collect_on <= until, OpenItem.due_on <= until, Mandate.account_id == account.id)
        .order_by(PreNotification.collect_on, PreNotification.id))
    if scheme is not None:
        query = query.where(Mandate.scheme == scheme)
    if notice_ids is not None:
        query = query.where(among(PreNotification.id, notice_ids))
    rows: Any = session.execute(query if limit is None else query.limit(limit))
    return [_candidate(row) for row in rows]


def decisions(session: Session, account: CreditorAccount, now: datetime | None = None, **narrow: Any) -> list[Decision]:
    """What a run at `now` would do with each announced demand of the account."""
    first = earliest(account, now)
    found = candidates(session, account, first + timedelta(days=setting("sepa.collect_ahead_days")), **narrow)
    return decide(found, first, rules())


def usable_mandates(session: Session, customer_ids: Iterable[int]) -> dict[int, Mandate]:
    """By customer, the mandate that his demands are collected with: the newest one in use, repeated ones before single-use ones."""
    lapse = lapse_day(clock.today())
    query = (select(Mandate).where(among(Mandate.customer_id, customer_ids), Mandate.state == MandateState.VALID, Mandate.signed_on.is_not(None),
                                   func.coalesce(Mandate.last_collected_on, Mandate.signed_on) >= lapse,
                                   (Mandate.scheme != B2B) | Mandate.bank_confirmed_on.is_not(None))
             .order_by(Mandate.one_off.desc(), Mandate.id))
    return {mandate.customer_id: mandate for mandate in session.scalars(query)}


def _candidate(row: Any) -> Candidate:
    facts = list(row)
    return Candidate(*facts[:13], MandateFacts(*facts[13:]))      # type: ignore[call-arg]
