"""One action on many licenses, as a job run: each license in a transaction of its own, its outcome written with its effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm.exc import StaleDataError

from app.catalog.models import Tariff
from app.core.actor import Actor, acting, current_actor
from app.core.apart import apart
from app.core.db import db, retrying, transaction
from app.core.errors import Conflict, InvalidInput
from app.core.jobs import Context
from app.customers.locks import LockReason
from app.licenses import locks, provisioning, services, sms
from app.licenses.bulk_models import BulkState, LicenseBulkLine
from app.licenses.mass import asked_for, hold, is_too_many
from app.licenses.models import License, LicenseState
from app.system import job_runs
from app.system.models import JobRun

JOB = "licenses.bulk"
MOST = 10_000           # licenses of one run
CHUNK = 50              # licenses of one part


def _lock(item: License, values: dict[str, Any]) -> None:
    if not locks.lock_license(item, LockReason.MANUAL, values["note"]):
        raise InvalidInput(_("locked by staff already."))


def _unlock(item: License, values: dict[str, Any]) -> None:
    if not locks.unlock_license(item, LockReason.MANUAL, values.get("note") or ""):
        raise InvalidInput(_("not locked by staff."))


def _change_tariff(item: License, values: dict[str, Any]) -> None:
    tariff = db.session.get(Tariff, values["tariff"])
    if tariff is None:
        raise InvalidInput(_("The tariff is no longer there."))
    services.change_tariff(item, tariff, date.fromisoformat(values["from_day"]))


def _terminate(item: License, values: dict[str, Any]) -> None:
    services.terminate(item, date.fromisoformat(values["last_day"]))


def _reprovision(item: License, values: dict[str, Any]) -> None:
    if item.state is LicenseState.DELETED:
        raise InvalidInput(_("This license is deleted."))
    provisioning.reprovision([item.id])


def _sms(item: License, values: dict[str, Any]) -> None:
    """Once for the form that asked, however many runs it started."""
    sms.send(values["kind"], item, values["nonce"])


@dataclass(frozen=True)
class Bulk:
    """`harms`: more than the mass limit of it waits for a person."""

    title: Any
    call: Callable[[License, dict[str, Any]], None]
    harms: bool = False


ACTIONS: dict[str, Bulk] = {
    "lock": Bulk(_l("Lock licenses"), _lock, True),
    "unlock": Bulk(_l("Unlock licenses"), _unlock),
    "change_tariff": Bulk(_l("Change the tariff of licenses"), _change_tariff),
    "terminate": Bulk(_l("Terminate licenses"), _terminate, True),
    "reprovision": Bulk(_l("Send licenses again"), _reprovision),
    "sms": Bulk(_l("Send SMS to licenses"), _sms),
    "remove": Bulk(_l("Delete licenses"), lambda item, values: services.delete(item), True),
}


def start(action: str, ids: Sequence[int], values: dict[str, Any]) -> JobRun:
    """Store what is to be done with which licenses, and ask for a worker. `values`: what the action's form gave, as JSON."""
    if action not in ACTIONS:
        raise InvalidInput(_("There is no such action."))
    if not ids:
        raise InvalidInput(_("No license was found."))
    if len(ids) > MOST:
        raise InvalidInput(_("These are more than %(n)s licenses. Filter further and do it in steps.", n=MOST))
    actor = current_actor()
    with transaction() as session:
        run = job_runs.request_run(JOB, params={"action": action, "values": values, "by": actor.id, "name": actor.name})
        session.execute(insert(LicenseBulkLine), [{"run_id": run.id, "license_id": ident, "state": BulkState.WAITING, "reason": ""} for ident in dict.fromkeys(ids)])
    return run


def again(run: JobRun) -> JobRun:
    """A new run for those that could not be done."""
    failed = list(db.session.scalars(select(LicenseBulkLine.license_id).where(LicenseBulkLine.run_id == run.id, LicenseBulkLine.state == BulkState.FAILED)))
    return start(run.params["action"], failed, run.params["values"])


def numbers(run_id: int) -> dict[BulkState, int]:
    rows = db.session.execute(select(LicenseBulkLine.state, func.count()).where(LicenseBulkLine.run_id == run_id).group_by(LicenseBulkLine.state))
    return dict.fromkeys(BulkState, 0) | {row[0]: row[1] for row in rows}


# ---- the job -----------------------------------------------------------------------------------------------------


def plan(ctx: Context) -> list[dict[str, Any]]:
    """Parts of `CHUNK` licenses. Held when more would be harmed than one run may without a person."""
    ids = list(db.session.scalars(select(LicenseBulkLine.license_id).where(LicenseBulkLine.run_id == ctx.run_id).order_by(LicenseBulkLine.license_id)))
    living = db.session.scalar(select(func.count()).select_from(License).where(License.state != LicenseState.DELETED)) or 0
    db.session.rollback()
    bulk = ACTIONS[ctx.params["action"]]
    if bulk.harms and is_too_many(len(ids), living, asked_for(ctx)):
        hold(ctx, len(ids), _("%(title)s: %(n)s of %(of)s at once. Look at the list below, then approve.", title=bulk.title, n=len(ids), of=living))
    return [{"first": part[0], "last": part[-1]} for part in (ids[at:at + CHUNK] for at in range(0, len(ids), CHUNK))]


def work(ctx: Context, part: dict[str, Any]) -> None:
    """The licenses of a part that still wait; those that a killed worker had done are done."""
    here = (LicenseBulkLine.run_id == ctx.run_id, LicenseBulkLine.license_id.between(part["first"], part["last"]))
    ids = list(db.session.scalars(select(LicenseBulkLine.license_id).where(*here, LicenseBulkLine.state == BulkState.WAITING).order_by(LicenseBulkLine.license_id)))
    db.session.rollback()
    bulk, values = ACTIONS[ctx.params["action"]], ctx.params["values"]
    with acting(Actor("staff", ctx.params["name"], ctx.params["by"])):
        for ident in ids:
            _one(ctx.run_id, ident, bulk, values)
    counts = dict(db.session.execute(select(LicenseBulkLine.state, func.count()).where(*here).group_by(LicenseBulkLine.state)).all())
    db.session.rollback()
    for state, name in ((BulkState.DONE, "done"), (BulkState.FAILED, "failed")):
        if counts.get(state):
            ctx.count(name, counts[state])


def _one(run_id: int, ident: int, bulk: Bulk, values: dict[str, Any]) -> None:
    """What goes wrong with it, expected or not, is undone, logged, and stands at its row; the others are done."""
    def unit() -> None:
        with transaction() as session:
            if _settle(session, run_id, ident, BulkState.DONE, ""):       # first, so that a second worker waits or finds it done
                bulk.call(session.get_one(License, ident), values)

    with apart(f"bulk run {run_id}, license {ident}", partial(_fail, run_id, ident)):
        try:
            retrying(unit)
        except StaleDataError:
            raise Conflict(_("Somebody else changed it meanwhile.")) from None


def _fail(run_id: int, ident: int, reason: str) -> None:
    with transaction() as session:
        _settle(session, run_id, ident, BulkState.FAILED, reason)


def _settle(session: Any, run_id: int, ident: int, state: BulkState, reason: str) -> bool:
    changed = session.execute(update(LicenseBulkLine).where(LicenseBulkLine.run_id == run_id, LicenseBulkLine.license_id == ident, LicenseBulkLine.state == BulkState.WAITING)
                              .values(state=state, reason=reason[:1000]).execution_options(synchronize_session=False))
    return bool(changed.rowcount == 1)
