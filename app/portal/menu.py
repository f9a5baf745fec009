"""The menu of the signed-in: what the login may open, the plugins' entries among it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request, url_for
from flask_babel import lazy_gettext as _l

from app.customers.models import CustomerKind
from app.plugin_api.portal import PortalEntry

ENTRIES = [
    PortalEntry("portal.home", _l("Home"), icon="home", rank=10),
    PortalEntry("portal.licenses", _l("Licenses"), icon="radio", rank=20),
    PortalEntry("portal.groups", _l("Groups"), icon="people", rank=30),
    PortalEntry("portal.invoices", _l("Invoices"), "money", "invoice", 40),
    PortalEntry("portal_chat.index", _l("Chat"), icon="chat", rank=50),
    PortalEntry("portal.customers", _l("Customers"), "partner", "shop", 15),
]


@dataclass
class Shown:
    title: str
    url: str
    icon: str
    current: bool


def entries() -> list[Shown]:
    visit = g.get("ptt_portal_visit")
    if visit is None:
        return []
    plugged = [entry for loaded in current_app.extensions["ptt_plugins"].loaded.values() for entry in loaded.answers.get("portal_entries", ())]
    shown = []
    for entry in sorted([*ENTRIES, *plugged], key=lambda entry: entry.rank):
        if entry.endpoint == "portal.groups" and visit.customer.kind is CustomerKind.PUBLIC:
            continue        # talks to everybody of the public service
        if entry.endpoint == "portal_chat.index" and not current_app.extensions["ptt_chat_offered"]():
            continue        # closed, or not offered
        if visit.may(entry.right) and entry.endpoint in current_app.view_functions:
            url = url_for(entry.endpoint)
            current = request.path == url if entry.endpoint == "portal.home" else (request.path + "/").startswith(url.rstrip("/") + "/")
            shown.append(Shown(str(entry.title), url, entry.icon, current))
    return shown


def main_entries(most: int = 5) -> tuple[list[Any], list[Any]]:
    """Those of the bar, and the rest behind “More”. The chat stays in the bar: it shows what is unread."""
    found = entries()
    if len(found) <= most:
        return found, []
    chat = [entry for entry in found if entry.icon == "chat"]
    others = [entry for entry in found if entry.icon != "chat"]
    return others[:most - 1] + chat, others[most - 1:]
