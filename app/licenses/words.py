"""Words for what licenses hold as codes."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.catalog.models import PttMode, Service
from app.core import formats
from app.core.db import db
from app.customers.checks import phone_words
from app.licenses.models import License
from app.plugin_api.provisioning import UserState

PERMISSIONS: dict[str, Any] = {
    "group_call": _l("Group calls"), "private_call": _l("Private calls"), "emergency_call": _l("Emergency calls"), "messages": _l("Messages"),
    "location": _l("See locations"), "dispatcher": _l("Dispatcher"),
}


def permission_words(codes: Any) -> str:
    """Of `group_call,private_call`, or of a set of codes."""
    names = codes.split(",") if isinstance(codes, str) else sorted(codes)
    return ", ".join(str(PERMISSIONS.get(name, name)) for name in names if name)


def phone_text(number: str) -> Any:
    return formats.plain(phone_words(number).replace(" ", "\u00a0"))


def comparison(desired: UserState, observed: UserState | None) -> list[tuple[str, Any, Any, bool]]:
    """(what, wanted, on the server, differs) for people; `observed` None: never seen there."""
    modes = dict(db.session.execute(select(PttMode.code, PttMode.name)).all())
    services = dict(db.session.execute(select(Service.code, Service.name_en)).all())

    def row(what: str, name: str, word: Any) -> tuple[str, Any, Any, bool]:
        wanted, seen = getattr(desired, name), getattr(observed, name) if observed is not None else None
        return what, word(wanted), formats.NOTHING if observed is None else word(seen), observed is None or wanted != seen

    def listed(names: dict[str, str]) -> Any:
        return lambda codes: formats.plain(", ".join(sorted(names.get(code, code) for code in codes)))

    there = row(_("User"), "exists", lambda value: _("There") if value else _("Not there"))
    if not desired.exists or (observed is not None and not observed.exists):
        return [there]
    return [there, row(_("Enabled"), "enabled", formats.yes_no), row(_("Alias"), "alias", formats.plain), row(_("Phone number"), "phone", phone_text),
            row(_("PTT mode"), "mode", lambda code: formats.plain(modes.get(code, code))), row(_("Device"), "device", formats.plain),
            row(_("Mobile network"), "network", formats.plain), row(_("Services"), "services", listed(services)),
            row(_("Permissions"), "permissions", lambda codes: formats.plain(permission_words(codes)))]


def license_name(license: License) -> str:
    return license.alias or license.user_name
