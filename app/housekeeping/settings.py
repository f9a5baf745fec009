"""After how long the daily jobs clean up. Periods of the law are in `app/system/retention.py` and go before these."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.system.models import ProtocolKind
from app.system.settings import Setting, declare

HOUSEKEEPING = _l("Daily clean-up")
PROTOCOLS = {
    ProtocolKind.CUSTOMER_MAIL: ("mail", 730, _l("Protocol of e-mails and SMS, days")), ProtocolKind.CUSTOMER: ("customer", 1095, _l("Protocol of customers, days")),
    ProtocolKind.LICENSE: ("license", 1095, _l("Protocol of licenses, days")), ProtocolKind.JOB_ERROR: ("errors", 365, _l("Protocol of job errors, days")),
    ProtocolKind.SETTINGS: ("settings", 3650, _l("Protocol of settings, days")), ProtocolKind.SECURITY: ("security", 365, _l("Protocol of security, days")),
}
"""The billing protocol belongs to the books: it is kept as long as they are."""

declare(
    *(Setting(f"housekeeping.protocol_{key}", int, days, title, HOUSEKEEPING, _l("Older entries are deleted every night. 0: never."), minimum=0, maximum=36500)
      for key, days, title in PROTOCOLS.values()),
    Setting("housekeeping.never_bought_days", int, 60, _l("Public registrations that never bought, days"), HOUSEKEEPING,
            _l("They are marked as deleted when this long after their registration nothing was paid or billed. 0: never."), minimum=0, maximum=3650),
    Setting("housekeeping.unused_days", int, 365, _l("Public licenses that were not used, days"), HOUSEKEEPING,
            _l("A public license is deleted, on the PTT server too, when the period that was paid for ended this long ago. PTT servers do not tell when somebody last talked. 0: never."),
            minimum=0, maximum=3650),
    Setting("housekeeping.expiring_days", int, 14, _l("Tariffs that expire, days before"), HOUSEKEEPING,
            _l("An assignment of a tariff that ends within these days goes to the protocol of job errors, and again when it has ended."), minimum=0, maximum=90),
    Setting("housekeeping.license_days", int, 62, _l("Deleted licenses, days"), HOUSEKEEPING,
            _l("They are removed from the database when they are off the PTT server, everything of them is billed, and their last day is this long ago."), minimum=32, maximum=3650),
    Setting("housekeeping.customer_days", int, 180, _l("Deleted customers, days"), HOUSEKEEPING,
            _l("They are removed this long after their last change; as long as invoices or payments of them have to be kept they are anonymised instead."), minimum=0, maximum=3650),
)
