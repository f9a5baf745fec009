"""Puts the staff interface into the application: FAB, security, views in the fixed order of the menu, context of the templates."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app, g, has_request_context, redirect, request, session, url_for
from flask_appbuilder import AppBuilder
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFProtect

from app.admin import errors, headers, health, own_customers, sessions  # noqa: F401  the rules of own_customers register themselves
from app.admin.security import SecurityManager
from app.core import clock, formats
from app.core.access import may, to_login
from app.core.db import db
from app.core.list_pages import whole
from app.core.own_rows import reader
from app.core.page_parts import safe_url_for
from app.core.views import AdminEntry, AdminPage, AdminView

CATEGORIES: dict[str, tuple[Any, str]] = {
    "customers": (_l("Customers"), "fa-building"), "licenses": (_l("Licenses"), "fa-walkie-talkie"),
    "billing": (_l("Billing"), "fa-file-invoice"), "receivables": (_l("Receivables"), "fa-scale-balanced"),
    "reminders": (_l("Reminders"), "fa-envelope-open-text"), "collection": (_l("Ways to pay"), "fa-credit-card"), "accounting": (_l("Accounting"), "fa-book"),
    "support": (_l("Support"), "fa-comments"), "website": (_l("Website"), "fa-globe"), "catalog": (_l("Catalog"), "fa-tags"), "system": (_l("System"), "fa-sliders"),
}
COUNT_SECONDS = 60


class Shell(AppBuilder):
    """FAB without its own pages: no security views, no menu or OpenAPI interface, no registration."""

    def _add_admin_views(self) -> None:
        from app.admin.account import LanguageView, LoginView, ProfilePage
        from app.admin.dashboard import Overview
        from app.admin.totp_page import SecondFactorPage
        from app.admin.views_checklist import ChecklistPage
        from app.admin.views_saved_lists import SavedListPage

        self._indexview = self.add_view_no_menu(Overview)
        self.sm.auth_view = self.add_view_no_menu(LoginView)
        self.add_view_no_menu(LanguageView)
        self.add_view_no_menu(ProfilePage)
        self.add_view_no_menu(SecondFactorPage)
        self.add_view_no_menu(SavedListPage)
        self.add_view_no_menu(ChecklistPage)


def install(flask_app: Flask) -> None:
    """Call inside an application context, after the database and the plugins."""
    config = flask_app.config
    config.setdefault("APP_NAME", "PTT Admin")
    config.setdefault("LANGUAGES", {"en": {"flag": "gb", "name": "English"}, "de": {"flag": "de", "name": "Deutsch"},
                                    "pt_BR": {"flag": "br", "name": "Português (Brasil)"}})
    config["FAB_BASE_TEMPLATE"] = "pttadmin/base.html"
    config["FAB_CREATE_DB"] = False
    config["FAB_UPDATE_PERMS"] = False
    config["FAB_ADD_SECURITY_API"] = False
    headers.configure(flask_app)
    CSRFProtect(flask_app)
    shell = Shell(security_manager_class=SecurityManager)
    flask_app.extensions["ptt_views"] = {}
    flask_app.extensions["ptt_menu"] = []
    flask_app.extensions["ptt_large_tabs"] = {}      # see Listing.tab_counts
    shell.init_app(flask_app, db.session)
    flask_app.extensions["babel"].locale_selector = _language
    _register(flask_app, shell)
    flask_app.before_request(_only_staff)
    flask_app.context_processor(_context)
    headers.install(flask_app)
    flask_app.extensions["ptt_staff_sessions_over"] = sessions.over
    errors.install(flask_app)
    health.install(flask_app)
    flask_app.add_url_rule("/", "front", lambda: redirect(url_for("Overview.index")))
    flask_app.add_url_rule("/login/", "login", lambda: redirect(url_for("LoginView.login")))


def _register(flask_app: Flask, shell: Shell) -> None:
    """Views of the slices, then of the plugins. Related views that have no entry of their own are registered with their parent."""
    from app.core.slices import parts

    plugins = flask_app.extensions["ptt_plugins"]
    entries: list[AdminEntry] = [entry for module in parts("views") for entry in module.VIEWS]
    of_plugin: dict[type, str] = {}
    for name, loaded in plugins.loaded.items():
        for page in loaded.answers["admin_pages"]:
            for view in (page.view, *(getattr(page.view, "related_views", None) or ())):
                of_plugin.setdefault(view, name)
            entries.append(AdminEntry(page.view, page.title, page.category, page.icon, area=page.area, count=page.count))
    inner = [AdminEntry(view, "", area=entry.area or entry.category) for entry in entries for view in getattr(entry.view, "related_views", None) or ()]
    done: dict[type, Any] = {}
    areas: dict[str, str] = {}
    left_out: set[type] = set()
    for entry in (*entries, *inner):
        if entry.view in left_out:
            continue
        if entry.view not in done:
            try:
                done[entry.view] = view = shell.add_view_no_menu(entry.view)
            except Exception as error:
                if (name := of_plugin.get(entry.view)) is None:
                    raise
                plugins.in_part(name, entry.view.__name__, error)
                left_out.add(entry.view)
                continue
            if isinstance(view, AdminView):
                flask_app.extensions["ptt_views"].setdefault(view.datamodel.obj, view)
        endpoint = done[entry.view].endpoint
        areas[endpoint] = areas.get(endpoint) or entry.area or entry.category
    flask_app.extensions["ptt_areas"] = areas
    flask_app.extensions["ptt_titles"] = {done[entry.view].endpoint: entry.title for entry in (*inner, *entries) if entry.title and entry.view in done}
    flask_app.extensions["ptt_menu"] = [(entry, done[entry.view]) for entry in sorted(entries, key=lambda entry: entry.rank) if entry.category and entry.view in done]
    shell._process_inner_views()


def _only_staff() -> Any:
    """Closed by default: a page of the staff interface that forgot its decorator still needs a sign-in."""
    from flask_login import current_user

    if request.endpoint is None or not request.path.startswith("/admin"):
        return None
    view = current_app.blueprints.get(request.blueprint or "")
    if view is None or request.blueprint in ("LoginView", "LanguageView", "appbuilder"):
        return None
    if not current_user.is_authenticated:
        return to_login()
    return _lead_to_second_factor(current_user) or _begin_list()


def _lead_to_second_factor(user: Any) -> Any:
    """Who needs a second factor and has none gets to the page that sets it up, and nowhere else."""
    from app.admin import totp

    if not totp.must_enrol(user.id):
        return None
    g.ptt_led = True
    if request.blueprint == "SecondFactorPage":
        return None
    return redirect(url_for("SecondFactorPage.index"), 303)


def _begin_list() -> Any:
    """A list that is opened without asking for anything begins with the reader's saved one."""
    from app.admin import saved_lists

    name, _dot, method = (request.endpoint or "").partition(".")
    if method != "list" or request.method != "GET" or request.args or saved_lists.view_named(name) is None:
        return None
    query = saved_lists.beginning(name)
    return redirect(f"{request.path}?{query}") if query else None


def _language() -> str | None:
    """The one chosen in the session, else the best of the browser's wishes."""
    if not has_request_context():
        return None
    offered = list(current_app.config["LANGUAGES"])
    chosen = session.get("locale")
    if chosen in offered:
        return str(chosen)
    return request.accept_languages.best_match([code.replace("_", "-") for code in offered], default="en").replace("-", "_")  # type: ignore[union-attr]


@dataclass
class MenuItem:
    title: str
    url: str
    current: bool = False
    count: str = ""


@dataclass
class MenuGroup:
    title: str
    icon: str
    entries: list[MenuItem] = field(default_factory=list)
    open: bool = False


_counts: dict[tuple[int, str], tuple[float, int]] = {}


def _count(key: str, count: Callable[[], int]) -> int:
    place = (id(current_app._get_current_object()), key)  # type: ignore[attr-defined]
    known = _counts.get(place)
    if known is None or time.monotonic() - known[0] > COUNT_SECONDS:
        known = _counts[place] = (time.monotonic(), count())
    return known[1]


_places: dict[tuple[int, str, str], tuple[str, str]] = {}


def _place(view: Any, title: Any) -> tuple[str, str]:
    """Title and address of an entry: both stay the same in a process, and there are many on each page."""
    key = (id(view), str(get_locale()), request.script_root)
    known = _places.get(key)
    if known is None:
        known = _places[key] = (str(title), url_for(f"{view.endpoint}.{view.default_view}"))
    return known


def admin_menu() -> list[MenuGroup]:
    """The groups and entries that the reader may open, once a request."""
    if "ptt_admin_menu" in g:
        return g.ptt_admin_menu
    if g.get("ptt_led"):
        return []
    groups: dict[str, MenuGroup] = {}
    best: tuple[int, MenuItem | None, MenuGroup | None] = (0, None, None)
    for entry, view in current_app.extensions["ptt_menu"]:
        if not may(view, "can_" + view.get_method_permission(view.default_view)):
            continue
        group = groups.get(entry.category)
        if group is None:
            title, icon = CATEGORIES.get(entry.category, (entry.category, "fa-puzzle-piece"))
            group = groups[entry.category] = MenuGroup(str(title), icon)
        item = MenuItem(*_place(view, entry.title))
        if entry.count is not None and reader() is None and (number := _count(view.endpoint, entry.count)):
            item.count = formats.number(number)
        group.entries.append(item)
        if (request.path + "/").startswith(view.route_base + "/") and len(view.route_base) > best[0]:
            best = (len(view.route_base), item, group)
    if best[1] is not None and best[2] is not None:
        best[1].current = best[2].open = True
    order = [*CATEGORIES, *(key for key in groups if key not in CATEGORIES)]
    g.ptt_admin_menu = [groups[key] for key in order if key in groups]
    return g.ptt_admin_menu


def _context() -> dict[str, Any]:
    """What every template may use."""
    from app.system.settings import declared, setting

    def safely(key: str, default: Any) -> Any:
        return setting(key) if any(item.key == key for item in declared()) else default

    known = getattr(g, "user", None) is not None and request.path.startswith("/admin") and getattr(g.user, "is_authenticated", False)
    from app.admin import saved_lists

    appbuilder: Any = current_app.extensions["appbuilder"]
    settings_view = next((view for entry, view in current_app.extensions["ptt_menu"] if view.endpoint == "SettingsPage"), None)
    return {
        "appbuilder": appbuilder, "base_template": appbuilder.base_template, "csp_nonce": headers.nonce, "admin_menu": admin_menu, "formats": formats, "now": clock.now,
        "page_language": str(get_locale() or "en").replace("_", "-"), "here": request.full_path.rstrip("?") if request else "/",
        "company_name": safely("company.name", "") if known else "", "outgoing_held": known and safely("system.hold_outgoing", False),
        "settings_url": url_for("SettingsPage.index") if known and settings_view is not None and may(settings_view, "can_index") else None,
        "saved_lists": lambda view: saved_lists.offered(view.endpoint), "kept_query": saved_lists.cleaned, "whole": whole,
        "search_url": safe_url_for("SearchPage.index") if known and not g.get("ptt_led") else None,
    }


__all__ = ["AdminEntry", "AdminPage", "install"]
