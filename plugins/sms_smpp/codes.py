"""What the message centre's numbers and words mean: SMPP 3.4, 5.1.3 (command_status), 5.2.28 (message_state), appendix B (receipts)."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext as _

LATER = frozenset({0x04, 0x08, 0x14, 0x58, 0x64})       # not bound, system error, queue full, throttled, temporary
THROTTLED = frozenset({0x14, 0x58})
WORDS: dict[int, Any] = {
    0x01: _("The message is too long."), 0x04: _("The connection is not signed in."), 0x05: _("Somebody is signed in with this system id already."), 0x08: _("The message centre has an internal error."),
    0x0A: _("The sender is not allowed."), 0x0B: _("The number of the recipient is not valid."), 0x0D: _("The sign-in was refused."), 0x0E: _("The password is wrong."), 0x0F: _("The system id is wrong."),
    0x14: _("The queue of the message centre is full."), 0x15: _("The kind of service is not valid."), 0x43: _("The message centre takes no long or special messages."), 0x45: _("The message centre could not take the message."),
    0x48: _("The kind of sender is not allowed."), 0x49: _("The numbering plan of the sender is not allowed."), 0x50: _("The kind of recipient's number is not allowed."), 0x51: _("The numbering plan of the recipient is not allowed."),
    0x53: _("The system type is wrong."), 0x58: _("Too many messages at once."), 0x61: _("The time of delivery is not valid."), 0x62: _("The validity is not valid."), 0x64: _("The message centre cannot take it at the moment."),
    0x65: _("The message centre refuses it for good."), 0x66: _("The message centre rejects the message."), 0xFE: _("The message could not be delivered."), 0xFF: _("The message centre has an unknown error."),
}
REFUSED = _("The message centre refuses it.")
STATES = {2: "delivered", 3: "expired", 4: "failed", 5: "failed", 7: "unknown", 8: "failed"}        # 1 and 6: on the way
STATS = {"DELIVRD": "delivered", "EXPIRED": "expired", "DELETED": "failed", "UNDELIV": "failed", "UNKNOWN": "unknown", "REJECTD": "failed"}
FIELD = re.compile(r"(id|stat|err):\s?(\S{1,65})", re.IGNORECASE)


def status_words(status: int) -> str:
    """A sentence, and the number for the provider's hotline."""
    return f"{WORDS.get(status, REFUSED)} (0x{status:02X})"


def read_receipt(text: str, message_id: str = "", message_state: int | None = None) -> tuple[str, str, str] | None:
    """(id, state, reason) of a receipt, from its parameters, else from its text `id:… stat:… err:…`. None: it is still on the way, or no receipt."""
    found: dict[str, str] = {}
    head = re.split(r"\btext:", text[:500], maxsplit=1, flags=re.IGNORECASE)[0]        # the message's own words may look like fields
    for name, value in FIELD.findall(head):
        found.setdefault(name.lower(), value)
    ident = message_id or found.get("id", "")
    stat = found.get("stat", "").upper()[:7]
    state = STATES.get(message_state, "") if message_state is not None else STATS.get(stat, "")
    if not ident or not state:
        return None
    reason = "" if state == "delivered" else " ".join(word for word in (stat, f"err {found['err']}" if found.get("err", "").strip("0") else "") if word)
    return ident, state, reason


def same_id(ident: str, how: str) -> str:
    """The id of an answer as receipts will write it: `how` is "same", "hex" (the answer is hexadecimal) or "decimal"."""
    try:
        if how == "hex":
            return str(int(ident, 16))
        if how == "decimal":
            return f"{int(ident):x}"
    except ValueError:
        return ident
    return ident


def plain_id(ident: str, how: str) -> str:
    """The id of a receipt without what differs by habit: leading zeros of numbers, capital letters of hexadecimal ones."""
    if how == "hex":
        return str(int(ident)) if ident.isascii() and ident.isdecimal() else ident
    return (ident.lower().lstrip("0") or "0") if how == "decimal" else ident
