"""Settings of commission."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.plugin_api import InvalidInput
from app.system.settings import Setting

SECTION = _l("Commission")


def _prefix(value: Any) -> None:
    if not re.fullmatch(r"[A-Z0-9][A-Z0-9-]{0,11}", value):
        raise InvalidInput(_("Use 1 to 12 capital letters, digits and hyphens."))


SETTINGS = (
    Setting("commission.prefix", str, "COM", _l("Prefix of statement numbers"), SECTION, _l("COM gives COM-2026-00001."), check=_prefix),
    Setting("commission.by_mail", bool, True, _l("Send statements by e-mail"), SECTION, _l("To the representative, when the statement is released.")),
)
