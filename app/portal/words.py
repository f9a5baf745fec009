"""Words of the portal: what state a license is in, as its customer says it."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from app.core import clock, formats
from app.customers.locks import LockReason
from app.licenses.models import License, LicenseState, SyncState


def license_badge(row: License) -> Any:
    """One word: what matters most to whoever holds the radio."""
    if row.lock_reasons:
        return formats.badge(_("Locked"), "bad")
    if row.active_from > clock.today():
        return formats.badge(_("Begins on %(day)s", day=formats.day(row.active_from)), "info")
    if row.state is LicenseState.ENDING and row.active_to is not None:
        return formats.badge(_("Ends on %(day)s", day=formats.day(row.active_to)), "warn")
    if row.sync_state is SyncState.FAILED:
        return formats.badge(_("Set-up is delayed"), "warn")
    if row.sync_state is SyncState.PENDING:
        return formats.badge(_("Being set up"), "info")
    return formats.badge(_("Active"), "ok")


def server_words(row: License) -> str:
    """The state of the set-up as a sentence."""
    if row.active_from > clock.today():
        return _("It is set up on its first day.")
    if row.sync_state is SyncState.SYNCED:
        return _("Set up as shown here.")
    if row.sync_state is SyncState.PENDING:
        return _("The last change is on its way to the radio server. It takes a minute or so.")
    return _("The radio server did not take the last change. It is repeated by itself, and our staff see it.")


def why_locked(reasons: int) -> str:
    """For the customer: why, and what he can do."""
    lines = []
    if reasons & LockReason.UNPAID:
        lines.append(_("Demands are unpaid. As soon as they are paid, it works again within the hour."))
    if reasons & LockReason.PREPAID_EXPIRED:
        lines.append(_("The period that was paid in advance is over. Pay the next one, and it works again within the hour."))
    if reasons & (LockReason.MANUAL | LockReason.EXTERNAL | LockReason.PARENT):
        lines.append(_("It was locked by us. Only we can unlock it: write to us."))
    if reasons & LockReason.CUSTOMER:
        lines.append(_("It was locked here in the portal. Unlock it when it is to work again."))
    return " ".join(lines)


def browser_words(agent: str) -> str:
    """Of a User-Agent, what people call it: “Firefox, Windows”."""
    names = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"))
    found = [next((word for sign, word in known if sign in agent), "") for known in (names, systems)]
    return ", ".join(word for word in found if word) or _("Unknown browser")
