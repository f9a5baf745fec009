"""The daily clean-up, one job for each sentence of the product's description; the licenses before their customers."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.jobs import Job
from app.housekeeping import old_invoices, protocols, public, purge

JOBS = [
    Job("housekeeping.protocols", _l("Delete old protocols"), run=protocols.old_protocols, once_per="day", at="04:15", catch_up=False, risky=True, lease_seconds=600,
        help=_l("Protocols of e-mails, customers, licenses and others are deleted after the period of their class. The billing protocol is kept as long as the books.")),
    Job("housekeeping.invoice_data", _l("Delete old invoices"), run=old_invoices.old_invoices, once_per="day", at="04:20", catch_up=False, risky=True, lease_seconds=600,
        help=_l("Invoices are deleted with their corrections, files and billing data when their retention is over and nothing needs them: their demand has been settled for 13 months, no correction of them has to be kept, no money is on its way. Number, date and hash stay, so that the chain can still be verified. Demands and payments stay as long as the books.")),
    Job("housekeeping.never_bought", _l("Delete registrations that never bought"), run=public.never_bought, once_per="day", at="04:25", catch_up=False, risky=True, lease_seconds=300,
        help=_l("Public customers who paid nothing since they registered are marked as deleted after a time, their licenses are taken off the PTT server.")),
    Job("housekeeping.unused", _l("Delete unused public licenses"), run=public.unused, once_per="day", at="04:30", catch_up=False, risky=True, lease_seconds=300,
        help=_l("Public licenses whose paid period ended long ago are deleted, on the PTT server too.")),
    Job("housekeeping.tariffs", _l("Check tariffs for expiry"), run=public.expiring_tariffs, once_per="day", at="05:00", catch_up=False,
        help=_l("Tariffs of customers that end soon, or have ended, are written to the protocol of job errors, each once.")),
    Job("housekeeping.licenses", _l("Remove deleted licenses"), run=purge.licenses, once_per="day", at="04:35", catch_up=False, risky=True, lease_seconds=600,
        help=_l("Licenses marked as deleted are removed from the database when they are off the PTT server and everything of them is billed. Their user names are never given again.")),
    Job("housekeeping.prepaid_customers", _l("Remove deleted prepaid customers"), run=purge.prepaid_customers, once_per="day", at="04:40", catch_up=False, risky=True, lease_seconds=600,
        help=_l("Customers who paid in advance and are marked as deleted are removed; where invoices or payments have to be kept they are anonymised.")),
    Job("housekeeping.customers", _l("Remove deleted customers"), run=purge.customers, once_per="day", at="04:45", catch_up=False, risky=True, lease_seconds=600,
        help=_l("Other customers marked as deleted are removed or anonymised when their data is no longer needed.")),
]
