"""Words for people: how a payment came in, why it paid a demand, and what a demand's state is called."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import pgettext

from app.core import formats
from app.customers.checks import payment_methods
from app.receivables.events import CREDIT_NOTE, PREPAID, WRITE_OFF

BY_HAND = "manual"


def method_words(code: str) -> str:
    """`manual` → “Entered by hand”; a plugin's method by its title."""
    known = {BY_HAND: _("Entered by hand"), CREDIT_NOTE: _("Credit note"), WRITE_OFF: _("Write-off"), PREPAID: _("Paid in advance"), "bank": _("Bank statement")}
    return known.get(code) or str(payment_methods().get(code, code))


def why_words(why: str) -> str:
    """Why a payment pays a demand, as `matching` or an allocation says it."""
    known = {"reference": _("Number in the text"), "amount": _("Exactly this amount"), "balance": _("All open demands together"), "oldest": _("Oldest demand"),
             WRITE_OFF: pgettext("demand", "Given up"), PREPAID: _("Paid in advance"), "": _("Chosen by staff"), "chosen": _("Chosen by staff")}
    return known.get(why, why)


def item_badge(item: Any, today: Any) -> Any:
    """The state of an open item: a word with shape and colour."""
    if item.open == 0:
        return formats.badge(_("Settled"), "ok")
    if item.disputed:
        return formats.badge(_("Disputed"), "warn")
    if item.due_on < today:
        return formats.badge(_("Overdue"), "bad")
    return formats.badge(_("Partly paid") if item.open < item.amount else _("Open"), "info")
