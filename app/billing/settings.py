"""Settings of billing."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.system.settings import Setting, declare

SECTION = _l("Billing")

declare(
    Setting("billing.review", bool, True, _l("Review billing data before invoices are issued"), SECTION,
            _l("While this is on, the documents of the fee run wait until somebody releases them. When it is off they are released at once, "
               "but for those that changed more than the limit below.")),
    Setting("billing.review_change", int, 50, _l("Changes to look at, in percent"), SECTION,
            _l("A customer's document is put up for a look when its sum differs from the month before by more than this."),
            minimum=1, maximum=10_000),
)
