"""In whose name an e-mail goes out: ours, unless somebody else speaks to this customer."""

from __future__ import annotations

from typing import NamedTuple

from flask import current_app


class Voice(NamedTuple):
    name: str           # stands as the sender's name and as {{company}}
    reply_to: str       # answers go there, and {{company_email}}; empty: to us


def voice_of(purpose: str, customer_id: int | None) -> Voice | None:
    """None: our own. Who else speaks is asked of the function that a slice has put into the application."""
    asked = current_app.extensions.get("ptt_mail_voice")
    found: Voice | None = asked(purpose, customer_id) if asked is not None and customer_id is not None else None
    return found
