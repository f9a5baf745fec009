"""Settings of the customer slice."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.system.settings import Setting, declare

declare(
    Setting("customers.number_prefix", str, "K", _l("Prefix of customer numbers"), _l("Customers"), _l("New customers get this prefix and the next number.")),
    Setting("customers.first_number", int, 10001, _l("First customer number"), _l("Customers"), minimum=1, maximum=99_999_999),
    Setting("customers.terms_days", int, 14, _l("Usual terms of payment in days"), _l("Customers"), minimum=0, maximum=365),
)
