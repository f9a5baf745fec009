"""PTT servers that have users: what must not change under them, and what waits for a server."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.catalog import servers
from app.catalog.models import PttMode, PttServer, Tariff
from app.core import clock
from app.core.db import after_commit, transaction
from app.core.errors import InvalidInput
from app.licenses.models import License, LicenseState, ProvisioningOrder
from app.system.outbox import OutboxState
from app.system.wake import wake


def change_server(server: PttServer, *, secret: str | None = None, **fields: Any) -> None:
    """As `save_server`; a mode that licenses on the server need stays, and its orders are tried again at once."""
    with transaction() as session:
        if "modes" in fields:
            _keep_used_modes(session, server, fields["modes"])
        if (limit := fields.get("user_limit")) is not None and limit < (users := user_count(session, server.id)):
            raise InvalidInput(_("The server has %(n)s users already. Enter at least as many, or leave it empty.", n=users), "user_limit")
        servers.save_server(server, secret=secret, **fields)
        try_now(session, server.id)


def resume_server(server: PttServer) -> None:
    """End the pause; what waited is sent."""
    with transaction() as session:
        servers.set_paused(server, False)
        try_now(session, server.id)


def try_now(session: Session, server_id: int) -> None:
    """Orders that wait for their next attempt are due at once; those for a later day keep theirs."""
    order = ProvisioningOrder
    session.execute(update(order).where(order.server_id == server_id, order.state == OutboxState.WAITING, order.attempts > 0)
                    .values(due_at=clock.now()).execution_options(synchronize_session=False))
    after_commit(lambda: wake("provisioning"))


def user_count(session: Session, server_id: int) -> int:
    """Licenses on the server that are not deleted."""
    return session.scalar(select(func.count()).select_from(License).where(License.server_id == server_id, License.state != LicenseState.DELETED)) or 0


def _keep_used_modes(session: Session, server: PttServer, modes: list[PttMode]) -> None:
    gone = {mode.id for mode in server.modes} - {mode.id for mode in modes}
    if not gone:
        return
    used = session.execute(
        select(PttMode.name, func.count()).select_from(License).join(Tariff, Tariff.id == License.tariff_id).join(PttMode, PttMode.id == Tariff.mode_id)
        .where(License.server_id == server.id, License.state != LicenseState.DELETED, PttMode.id.in_(gone)).group_by(PttMode.name)).all()
    if used:
        words = ", ".join(f"{name} ({count})" for name, count in used)
        raise InvalidInput(_("Licenses on this server need these modes: %(list)s. Change their tariff first.", list=words), "modes")
