"""Settings of the customer slice."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.system.settings import Setting, declare

declare(
    Setting("customers.number_prefix", str, "K", _l("Prefix of customer numbers"), _l("Customers"), _l("New customers get this prefix and the next number.")),
    Setting("customers.first_number", int, 10001, _l("First customer number"), _l("Customers"), minimum=1, maximum=99_999_999),
    Setting("customers.terms_days", int, 14, _l("Usual terms of payment in days"), _l("Customers"), minimum=0, maximum=365),
    Setting("portal.reset_minutes", int, 60, _l("Password link: valid for minutes"), _l("Portal"), _l("A link that a customer asks for. At most an hour."), minimum=10, maximum=60),
    Setting("portal.welcome_days", int, 7, _l("Welcome link: valid for days"), _l("Portal"), _l("The link in the welcome e-mail. It works once."), minimum=1, maximum=30),
    Setting("portal.terms_tick", bool, False, _l("Terms need a tick"), _l("Portal"),
            _l("Off: who chooses a password by the link accepts the terms that are shown. On: a box has to be ticked for it.")),
    Setting("prospects.confirm_days", int, 7, _l("Confirmation link: valid for days"), _l("Registrations"), minimum=1, maximum=30),
    Setting("prospects.least_seconds", int, 3, _l("Shortest time to fill in the form, in seconds"), _l("Registrations"),
            _l("Faster ones come from robots. They are answered as if all were well, and not stored."), minimum=0, maximum=60),
)
