"""Settings of the license slice."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.system.settings import Setting, declare

LOCKS = _l("Locks")

declare(
    Setting("locks.spare_safety_services", bool, False, _l("Spare safety services"), LOCKS,
            _l("While this is on, licenses with a safety-critical service such as SOS stay enabled when their customer has unpaid demands. "
               "It takes effect with the next hourly run.")),
)
