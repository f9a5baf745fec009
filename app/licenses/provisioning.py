"""What staff decides about provisioning: try again, give up, test a server, send everything anew."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select, update

from app.catalog.models import PttServer
from app.core import clock
from app.core.db import after_commit, db, transaction
from app.core.errors import InvalidInput
from app.core.secrets import SecretError
from app.licenses.desired import server_access
from app.licenses.models import License, OrderKind, ProvisioningOrder, PttGroup, SyncState
from app.licenses.orders import want_groups, want_licenses
from app.plugin_api.provisioning import Health
from app.plugin_api.registry import plugins
from app.system.models import ProtocolKind
from app.system.outbox import OutboxState
from app.system.protocol import record
from app.system.wake import wake


def retry_order(order_id: int) -> None:
    """Try now what failed or waits for its next attempt."""
    with transaction() as session:
        order = session.get_one(ProvisioningOrder, order_id, with_for_update=True)
        if order.state is OutboxState.CLAIMED:
            raise InvalidInput(_("This order is being delivered right now."))
        order.state, order.attempts, order.due_at = OutboxState.WAITING, 0, clock.now()
        _mark(order, SyncState.PENDING, "")
        record(ProtocolKind.LICENSE, "retried", subject_type=order.kind.value, subject_id=order.target_id, subject=order.error[:160])
        after_commit(lambda: wake("provisioning"))


def give_up_order(order_id: int) -> None:
    """Leave the server as it is; the difference stays visible on the license."""
    with transaction() as session:
        order = session.get_one(ProvisioningOrder, order_id, with_for_update=True)
        if order.state is OutboxState.CLAIMED:
            raise InvalidInput(_("This order is being delivered right now."))
        _mark(order, SyncState.FAILED, order.error or str(_("Given up by staff.")))
        record(ProtocolKind.LICENSE, "given_up", subject_type=order.kind.value, subject_id=order.target_id, subject=order.error[:160])
        session.delete(order)


def _mark(order: ProvisioningOrder, state: SyncState, error: str) -> None:
    model = License if order.kind is OrderKind.LICENSE else PttGroup
    db.session.execute(update(model).where(model.id == order.target_id).values(sync_state=state, sync_error=error))


def reprovision(license_ids: list[int]) -> int:
    """Read the server and make it match, whatever was seen there before."""
    with transaction() as session:
        session.execute(update(License).where(License.id.in_(license_ids)).values(observed=None).execution_options(synchronize_session=False))
        want_licenses(session, License.id.in_(license_ids))
        want_groups(session, PttGroup.members.any(License.id.in_(license_ids)), ~PttGroup.deleted)
        record(ProtocolKind.LICENSE, "reprovisioned", subject_type="license", note=", ".join(map(str, license_ids[:200])))
    return len(license_ids)


def test_connection(server_id: int) -> Health:
    """Ask the driver whether the server can be worked with; the answer is kept beside the server."""
    server = db.session.get_one(PttServer, server_id)
    driver = plugins().by_code("provisioning_drivers").get(server.driver)
    if driver is None:
        health = Health(False, (_("The plugin for servers of kind “%(kind)s” is not loaded.", kind=server.driver),))
    else:
        try:
            access = server_access(server)
            db.session.rollback()
            health = driver.check(access)
        except SecretError:
            health = Health(False, (_("The password of the server cannot be decrypted: check PTT_ENCRYPTION_KEYS."),))
    with transaction() as session:
        session.execute(update(PttServer).where(PttServer.id == server_id).values(
            health_ok=health.ok, health_note="\n".join(map(str, health.problems)), health_at=clock.now()))
    return health


def failed_orders() -> int:
    return len(db.session.scalars(select(ProvisioningOrder.id).where(ProvisioningOrder.state == OutboxState.HELD).limit(1000)).all())
