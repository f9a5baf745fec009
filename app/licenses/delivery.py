"""Delivers provisioning orders: claim a batch, call the servers from a pool of threads, settle what came back.

The database belongs to the calling thread, the servers to the pool; no transaction is open during a call. A worker
killed in the middle leaves leases that run out; the order is then taken over `unsure`, and the driver reads the
server before it sends anything again.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, bindparam, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from app.catalog.models import PttServer
from app.core import clock
from app.core.apart import reason_of
from app.core.db import db, transaction
from app.core.secrets import SecretError
from app.licenses.desired import dump, group_states, server_access, user_states
from app.licenses.models import License, OrderKind, ProvisioningOrder, PttGroup, SyncState, group_member
from app.licenses.orders import want_groups
from app.plugin_api.provisioning import ProvisioningDriver, ProvisioningError, Refused, ServerAccess, TryLater, Unknown
from app.plugin_api.registry import plugins
from app.system import stopping
from app.system.outbox import OutboxState, claim_batch, try_again
from app.system.settings import forget_cached, setting

log = logging.getLogger(__name__)
THREADS = 16
BATCH = 64
LEASE = 120             # seconds; a call ends after connect + read time-out, well before
BUDGET = 45.0           # seconds of one request; then other work of the queue has its turn


@dataclass(frozen=True, slots=True)
class Work:
    order_id: int
    claim: int
    attempts: int
    revision: int
    unsure: bool
    kind: OrderKind
    target_id: int
    server_id: int


@dataclass(frozen=True, slots=True)
class Outcome:
    work: Work
    state: Any = None               # what is on the server now
    was_there: bool = True
    error: ProvisioningError | None = None


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="provisioning")


# Threads do not live on in a child process, but a copied pool believes that they do and waits for them for ever.
os.register_at_fork(after_in_child=_pool.cache_clear)


def provisioning_is_due() -> bool:
    return bool(db.session.scalar(select(exists().where(_due()))))


def _due() -> Any:
    now = clock.now()
    order = ProvisioningOrder
    return or_(and_(order.state == OutboxState.WAITING, order.due_at <= now), and_(order.state == OutboxState.CLAIMED, order.lease_until < now))


def deliver_provisioning(budget: float = BUDGET) -> int:
    """Deliver what is due; returns how many orders were settled. Ends early after `budget` seconds and wakes itself again."""
    from app.system.wake import wake

    forget_cached()
    if setting("system.hold_outgoing"):
        return 0
    ends = time.monotonic() + budget
    flying: dict[Future[Outcome], Work] = {}
    settled = 0
    more = True
    while more or flying:
        if more and len(flying) < BATCH:
            fresh = _take(Counter(work.server_id for work in flying.values()), BATCH - len(flying) + THREADS)
            more = bool(fresh) and time.monotonic() < ends and not stopping.asked()
            flying.update(_launch(fresh))
            if not flying:
                break
        done, _rest = wait(flying, timeout=1.0, return_when=FIRST_COMPLETED)
        time.sleep(0.005)           # a few more come in together: one transaction for all
        outcomes = [future.result() for future in list(flying) if future.done()]
        for future in [f for f in flying if f.done()]:
            del flying[future]
        if outcomes:
            _settle(outcomes)
            settled += len(outcomes)
    if provisioning_is_due():
        wake("provisioning")
    db.session.rollback()
    return settled


def _take(busy: Counter, limit: int) -> list[Work]:
    """Claim due orders, but not for a server that has its share of the pool already: a slow one never fills it."""
    full = [server for server, n in busy.items() if n >= BATCH or (len(busy) > 1 and n >= THREADS)]
    order = ProvisioningOrder
    with transaction() as session:
        rows = claim_batch(session, order, limit, LEASE, *([order.server_id.not_in(full)] if full else []),
                           columns=[order.revision, order.kind, order.target_id, order.server_id])
    return [Work(r.id, r.claim + 1, r.attempts + 1, r.revision, r.unsure, r.kind, r.target_id, r.server_id) for r in rows]


def _launch(works: list[Work]) -> dict[Future[Outcome], Work]:
    if not works:
        return {}
    session = db.session()
    servers = {s.id: s for s in session.scalars(select(PttServer).where(PttServer.id.in_({w.server_id for w in works})))}
    drivers: dict[str, ProvisioningDriver] = plugins().by_code("provisioning_drivers")
    states: dict[OrderKind, dict[int, Any]] = {OrderKind.LICENSE: user_states(session, [w.target_id for w in works if w.kind is OrderKind.LICENSE], clock.today()),
              OrderKind.GROUP: group_states(session, [w.target_id for w in works if w.kind is OrderKind.GROUP])}
    flying = {}
    access: dict[int, ServerAccess | ProvisioningError] = {i: _reach(server, drivers) for i, server in servers.items()}
    for work in works:
        reach = access[work.server_id]
        pair = states[work.kind].get(work.target_id)
        driver = drivers.get(servers[work.server_id].driver)
        flying[_pool().submit(_call, work, driver, reach, pair)] = work
    session.rollback()
    return flying


def _reach(server: PttServer, drivers: dict[str, ProvisioningDriver]) -> ServerAccess | ProvisioningError:
    """Held with a clear reason, never skipped, when the plugin or the key is missing."""
    if server.driver not in drivers:
        return TryLater(_("The plugin for servers of kind “%(kind)s” is not loaded.", kind=server.driver))
    if not server.active:
        return TryLater(_("The server “%(name)s” is paused.", name=server.name))
    try:
        return server_access(server)
    except SecretError:
        return TryLater(_("The password of the server cannot be decrypted: check PTT_ENCRYPTION_KEYS."))


def _call(work: Work, driver: ProvisioningDriver | None, reach: ServerAccess | ProvisioningError, pair: Any) -> Outcome:
    """In the pool: no session here."""
    if isinstance(reach, ProvisioningError):
        return Outcome(work, error=reach)
    if pair is None or driver is None:
        return Outcome(work, state=None)        # the target is gone: nothing left to do
    desired, observed = pair
    try:
        apply = driver.apply_user if work.kind is OrderKind.LICENSE else driver.apply_group
        return Outcome(work, apply(reach, desired, observed, unsure=work.unsure), observed is not None and observed.exists)
    except ProvisioningError as error:
        return Outcome(work, error=error)
    except Exception as error:
        log.exception("driver failed on %s %s", work.kind.value, work.target_id)
        return Outcome(work, error=Unknown(reason_of(error)))


# ---- settle ------------------------------------------------------------------------------------------------------


def _settle(outcomes: list[Outcome]) -> None:
    """Write all that came back in one transaction. A result whose claim was taken over is dropped: the new owner reads the server."""
    with transaction() as session:
        order = ProvisioningOrder
        current = {row.id: row for row in session.execute(
            select(order.id, order.claim, order.revision, order.state).where(order.id.in_([o.work.order_id for o in outcomes]))
            .with_for_update())}
        mine = [o for o in outcomes if (row := current.get(o.work.order_id)) and row.claim == o.work.claim and row.state is OutboxState.CLAIMED]
        good = [o for o in mine if o.error is None]
        newer = {o.work.order_id for o in good if current[o.work.order_id].revision != o.work.revision}
        _store_observed(session, good, newer)
        if finished := [o.work.order_id for o in good if o.work.order_id not in newer]:
            session.execute(delete(order).where(order.id.in_(finished)).execution_options(synchronize_session=False))
        if newer:
            session.execute(update(order).where(order.id.in_(newer)).execution_options(synchronize_session=False)
                            .values(state=OutboxState.WAITING, lease_until=None, unsure=False, due_at=clock.now(), attempts=0))
        for outcome in mine:
            if outcome.error is not None:
                _store_error(session, outcome, newer=current[outcome.work.order_id].revision != outcome.work.revision)
        appeared = [o.work.target_id for o in good if o.work.kind is OrderKind.LICENSE and not o.was_there and o.state is not None and o.state.exists]
        if appeared:        # groups could not take these members before
            want_groups(session, PttGroup.id.in_(select(group_member.c.group_id).where(group_member.c.license_id.in_(appeared))), ~PttGroup.deleted)


def _store_observed(session: Session, good: list[Outcome], newer: set[int]) -> None:
    for kind, model in ((OrderKind.LICENSE, License), (OrderKind.GROUP, PttGroup)):
        rows = [{"b_id": o.work.target_id, "b_observed": dump(o.state), "b_at": clock.now(),
                 "b_state": SyncState.PENDING if o.work.order_id in newer else SyncState.SYNCED}
                for o in good if o.work.kind is kind and o.state is not None]
        if rows:
            table = model.__table__
            session.connection().execute(
                table.update().where(table.c.id == bindparam("b_id")).values(
                    observed=bindparam("b_observed"), observed_at=bindparam("b_at"), sync_state=bindparam("b_state"), sync_error=""), rows)


def _store_error(session: Session, outcome: Outcome, newer: bool) -> None:
    error, work = outcome.error, outcome.work
    text = str(error.reason)[:1000] if error is not None else ""
    permanent = isinstance(error, Refused) and not newer
    unsure = work.unsure or isinstance(error, Unknown) or (error is not None and error.partly)
    values: dict[str, Any] = {"state": OutboxState.HELD, "lease_until": None, "error": text, "unsure": unsure} if permanent \
        else try_again(work.attempts, text, unsure=unsure)
    session.execute(update(ProvisioningOrder).where(ProvisioningOrder.id == work.order_id).values(**values).execution_options(synchronize_session=False))
    model = License if work.kind is OrderKind.LICENSE else PttGroup
    failed = values["state"] is OutboxState.HELD
    session.execute(update(model).where(model.id == work.target_id).execution_options(synchronize_session=False)
                    .values(sync_error=text, sync_state=SyncState.FAILED if failed else SyncState.PENDING))
