"""Words for what a run decides."""

from __future__ import annotations

from flask_babel import gettext as _

from plugins.sepa.reasons import reason


def skip_words(code: str) -> str:
    """Why an announced demand is not collected now."""
    return {
        "settled": _("It was paid meanwhile."), "running": _("A direct debit of it is under way."), "disputed": _("It is disputed."),
        "method": _("The customer does not pay by direct debit any more."), "currency": _("It is not in euros."), "mandate": _("The mandate is not valid."),
        "bank": _("The debtor's bank has not confirmed the B2B mandate."), "large": _("It is larger than the setting allows without asking."),
        "late": _("It is announced again: the day that was named is too long ago."), "once": _("The mandate can be used once only."),
    }.get(code, code)


def reason_words(code: str, text: str = "") -> str:
    """A return in words: code, meaning, what the bank adds."""
    parts = [f"{code}: {reason(code).text}" if code else "", text]
    return ". ".join(part for part in parts if part) or _("No reason given")
