"""Settings of the portal."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.system.settings import Setting, declare

declare(
    Setting("portal.customers_order", bool, True, _l("Customers create licenses"), _l("Portal"), _l("Within their tariffs. Off: they change what they have, new licenses are created by staff.")),
    Setting("portal.customers_lock", bool, True, _l("Customers lock licenses"), _l("Portal"),
            _l("A customer may lock a license of his and unlock it again. What staff or the system has locked he cannot unlock.")),
    Setting("portal.export_days", int, 7, _l("Copies of data: kept for days"), _l("Portal"), minimum=1, maximum=30),
)
