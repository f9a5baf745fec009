"""Why somebody is locked: a set. A license is enabled exactly when its set is empty.

On a customer stand the reasons of the account; on a license its own and what it inherits: `UNPAID` and
`PREPAID_EXPIRED` as they are, the account's `MANUAL` and `EXTERNAL` as `PARENT`. So each bit of a license has one source.
`CUSTOMER` is put on single licenses in the portal: what staff lock, the customer cannot unlock, and the other way round.
"""

from __future__ import annotations

import enum

from flask_babel import lazy_gettext as _l


class LockReason(enum.IntFlag):
    UNPAID = 1
    PREPAID_EXPIRED = 2
    MANUAL = 4
    EXTERNAL = 8
    PARENT = 16
    CUSTOMER = 32


NONE = LockReason(0)
OF_ACCOUNT = LockReason.UNPAID | LockReason.PREPAID_EXPIRED | LockReason.MANUAL | LockReason.EXTERNAL
OF_LICENSE = LockReason.MANUAL | LockReason.EXTERNAL | LockReason.CUSTOMER
INHERITED = LockReason.UNPAID | LockReason.PREPAID_EXPIRED | LockReason.PARENT

REASONS = {
    LockReason.UNPAID: _l("Unpaid demands"),
    LockReason.PREPAID_EXPIRED: _l("Prepaid period ended"),
    LockReason.MANUAL: _l("Locked by staff"),
    LockReason.EXTERNAL: _l("Locked by the external billing system"),
    LockReason.PARENT: _l("The customer is locked"),
    LockReason.CUSTOMER: _l("Locked by the customer in the portal"),
}


def reason_words(value: int) -> list[str]:
    return [str(text) for reason, text in REASONS.items() if value & reason]


def reason_codes(value: int) -> list[str]:
    """For programs: `["unpaid", "manual"]`."""
    return [str(reason.name).lower() for reason in LockReason if value & reason]


def inherited(account: int) -> LockReason:
    """What a license takes over from its account's reasons."""
    result = LockReason(account) & (LockReason.UNPAID | LockReason.PREPAID_EXPIRED)
    if account & (LockReason.MANUAL | LockReason.EXTERNAL):
        result |= LockReason.PARENT
    return result
