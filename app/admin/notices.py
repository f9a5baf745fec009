"""Tells a member of staff by e-mail what was changed about the own account, so that a stranger's doing does not stay hidden."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask_babel import gettext as _

from app.core import clock, formats
from app.system.mail import is_address, queue_mail


def tell_owner(user: Any, what: str, subject: Any, text: Any, address: str = "") -> bool:
    """Queue the mail to the user (or to `address`, the one before a change); False when there is no usable address. Joins the running transaction."""
    to = address or user.email or ""
    if not is_address(to):
        return False
    body = "\n\n".join([str(text), _("Account: %(name)s. Time: %(time)s.", name=user.username, time=formats.instant(clock.now())),
                        _("If this was not you, tell an administrator at once.")])
    return queue_mail(f"staff:{user.id}:{what}:{uuid4().hex}", "staff_security", to, str(subject), body)
