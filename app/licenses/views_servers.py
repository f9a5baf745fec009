"""Staff pages of PTT servers: form with driver and secret, test of the connection, pause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import func, select

from app.catalog.models import PttServer
from app.catalog.servers import FIELDS, delete_server, driver_profiles, save_server, set_paused
from app.core import formats
from app.core.choices import ListedField
from app.core.db import db
from app.core.fields import Required
from app.core.page_parts import safe_url_for
from app.core.views import AdminInterface, AdminView, action
from app.licenses.models import License, LicenseState, ProvisioningOrder
from app.licenses.provisioning import test_connection
from app.licenses.servers import change_server, resume_server
from app.plugin_api.registry import plugins
from app.system.job_runs import request_run
from app.system.outbox import OutboxState


def driver_choices() -> list[tuple[str, str]]:
    return [(code, str(driver.title)) for code, driver in plugins().by_code("provisioning_drivers").items()]


def driver_name(code: str) -> str:
    return dict(driver_choices()).get(code, code)


def profile_choices() -> list[tuple[str, str]]:
    return sorted({pair for profiles in driver_profiles().values() for pair in profiles.items()})


def profile_name(code: str) -> str:
    return dict(profile_choices()).get(code, code)


class ServerView(AdminView):
    datamodel = AdminInterface(PttServer)
    route_base = "/servers"
    show_page = "licenses/server.html"
    list_title, add_title, edit_title = _l("PTT servers"), _l("New PTT server"), _l("Edit PTT server")
    list_help = _l("Where the users and groups live.")
    empty_text = _l("Licenses need a server that offers the PTT mode of their tariff.")
    list_columns = ["name", "driver", "modes", "user_count", "health", "paused"]
    show_fieldsets = [
        (_l("Server"), {"fields": ["name", "driver", "profile", "modes", "user_limit"]}),
        (_l("Connection"), {"fields": ["wsdl", "endpoint", "username", "secret_set", "verify_tls", "allowed_hosts", "read_timeout"]}),
    ]
    add_fieldsets = edit_fieldsets = [
        (_l("Server"), {"fields": ["name", "driver", "profile", "modes", "user_limit"]}),
        (_l("Connection"), {"fields": ["wsdl", "endpoint", "username", "secret", "verify_tls", "read_timeout", "allowed_hosts"]}),
    ]
    search_columns = ["modes", "active", "name"]
    order_columns = ["name"]
    base_order = ("name", "asc")
    quick_search = "name"
    deletable = True
    main_actions = ("test", "resume")
    label_columns = {
        "driver": _l("Reached by"), "profile": _l("Profile"), "user_limit": _l("Most users"), "wsdl": _l("Address of the WSDL"), "endpoint": _l("Other service address"),
        "username": _l("User name"), "secret": _l("Password"), "secret_set": _l("Password"), "verify_tls": _l("Check the certificate"), "user_count": _l("Users"),
        "allowed_hosts": _l("Further hosts"), "read_timeout": _l("Longest wait in seconds"), "health": _l("Connection"), "paused": _l("State"),
    }
    description_columns = {
        "profile": _l("What the server calls its operations."), "modes": _l("Licenses of these modes can be on the server."), "user_limit": _l("Empty for no limit."),
        "wsdl": _l("Begins with http:// or https://, for example https://ptt.example.org/service?wsdl."), "endpoint": _l("Only when it differs from the one in the WSDL."),
        "secret": _l("Stored encrypted and never shown. Leave it empty to keep the present one."), "verify_tls": _l("Turn it off only for trying."),
        "allowed_hosts": _l("Hosts that the WSDL may import from, separated by commas."), "read_timeout": _l("1 to 60. After it the order is tried again."),
    }
    validators_columns = {"modes": [Required()]}
    add_form_extra_fields = edit_form_extra_fields = {
        "driver": ListedField(_l("Reached by"), [Required()], listed=driver_choices), "profile": ListedField(_l("Profile"), listed=profile_choices, default="simulator"),
    }
    formatters_columns = {"driver": driver_name, "profile": profile_name}

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> Any:
        page = super().list_page(where, hidden)
        query = select(License.server_id, func.count()).where(License.server_id.in_([row.id for row in page.rows]), License.state != LicenseState.DELETED)
        counts = dict(db.session.execute(query.group_by(License.server_id)).all()) if page.rows else {}
        for row in page.rows:
            row.user_count = counts.get(row.id, 0)
        return page

    def raw(self, item: PttServer, column: str) -> Any:
        if column == "health":
            return health(item)
        if column == "paused":
            return formats.badge(_("Active"), "ok") if item.active else formats.badge(_("Paused"), "warn")
        if column == "secret_set":
            return _("Set") if item.secret else _("Not set")
        return super().raw(item, column)

    def head_state(self, item: PttServer) -> Any:
        return self.raw(item, "paused")

    def head_facts(self, item: PttServer) -> list[tuple[Any, Any, str]]:
        users = db.session.scalar(select(func.count()).select_from(License).where(License.server_id == item.id, License.state != LicenseState.DELETED)) or 0
        waiting, failed = (db.session.scalar(select(func.count()).select_from(ProvisioningOrder).where(ProvisioningOrder.server_id == item.id, where)) or 0
                           for where in (ProvisioningOrder.state != OutboxState.HELD, ProvisioningOrder.state == OutboxState.HELD))
        listed = [(_("Users"), users, safe_url_for("LicenseView.list", server=item.id), ""),
                  (_("Waiting"), waiting, safe_url_for("ProvisioningView.list", tab="waiting", server=item.id), ""),
                  (_("Failed"), failed, safe_url_for("ProvisioningView.list", tab="failed", server=item.id), "is-bad" if failed else "")]
        figures = [(label, Markup('<a href="{}">{}</a>').format(url, formats.number(n)) if url else formats.number(n), css) for label, n, url, css in listed]
        return [*figures, (_("Connection"), health(item), ""), (_("Tested"), formats.ago(item.health_at), "")]

    # forms and buttons

    def do_add(self, form: Any) -> PttServer:
        return save_server(secret=form.secret.data or None, **self._fields(form))

    def do_edit(self, item: PttServer, form: Any) -> None:
        change_server(item, secret=form.secret.data or None, **self._fields(form))

    def do_delete(self, item: PttServer) -> None:
        delete_server(item)

    @staticmethod
    def _fields(form: Any) -> dict[str, Any]:
        return {name: form[name].data if form[name].data is not None else "" if name == "endpoint" else form[name].data for name in FIELDS}

    @action("test", _l("Test connection"), icon="fa-plug")
    def test(self, items: list[PttServer]) -> None:
        """Outside of any transaction: the server may be slow or dead."""
        for ident, name in [(item.id, item.name) for item in items]:
            found = test_connection(ident)
            if found.ok:
                took = _(" It took %(ms)s ms.", ms=found.latency_ms) if found.latency_ms is not None else ""
                flash(_("“%(name)s” answers and can be worked with.", name=name) + took, "success")
            else:
                flash(_("“%(name)s” cannot be worked with:", name=name) + " " + " ".join(map(str, found.problems)), "danger")

    @action("compare", _l("Compare"), _l("All users and groups are read and compared with the database. Nothing is changed."), "fa-code-compare")
    def compare(self, items: list[PttServer]) -> None:
        for item in items:
            request_run("licenses.reconcile", params={"server": item.id})
        flash(_("The comparison has begun. What differs appears under “Differences”."), "success")

    @action("pause", _l("Pause"), _l("Nothing is sent to the server; orders wait. New licenses cannot be created on it."), "fa-pause", multiple=False,
            when=lambda item: item.active)
    def pause(self, items: list[PttServer]) -> None:
        self.each(items, lambda item: set_paused(item, True), lambda n: ngettext("%(num)d server paused.", "%(num)d servers paused.", n))

    @action("resume", _l("Resume"), icon="fa-play", multiple=False, when=lambda item: not item.active)
    def resume(self, items: list[PttServer]) -> None:
        self.each(items, resume_server, lambda n: ngettext("%(num)d server is used again.", "%(num)d servers are used again.", n))


def health(server: PttServer) -> Any:
    if server.health_ok is None:
        return formats.badge(_("Not tested"))
    return formats.badge(_("Works"), "ok") if server.health_ok else formats.badge(_("Does not work"), "bad")
