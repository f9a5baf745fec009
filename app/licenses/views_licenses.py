"""Staff pages of licenses: three windows with the same lists and actions. New ones are made in `views_new.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask import abort, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy import or_, select

from app.core import clock, formats
from app.core.db import db
from app.core.editing import MARKER, marker
from app.core.listing import Cell
from app.core.views import AdminInterface, AdminView, allowed, expose, with_row
from app.customers.locks import reason_words
from app.customers.models import Customer, CustomerKind
from app.licenses import services
from app.licenses.desired import user_states
from app.licenses.forms import DeviceForm, service_choices, services_of_license
from app.licenses.models import License, LicenseState, LockPeriod, SyncState
from app.licenses.views_bulk import BulkLicenses
from app.licenses.views_license_actions import LicenseActions, alive, order_of
from app.licenses.views_new import NewLicenses
from app.licenses.views_sms_actions import LicenseSms
from app.licenses.words import comparison, permission_words, phone_text

ALIVE = License.state != LicenseState.DELETED


class LicenseView(LicenseSms, BulkLicenses, NewLicenses, LicenseActions, AdminView):
    datamodel = AdminInterface(License)
    route_base = "/licenses"
    show_page = "licenses/license.html"
    list_template = "licenses/list.html"
    list_title, add_title, edit_title = _l("Licenses"), _l("New license"), _l("Edit license")
    empty_text = _l("A license is a user on the PTT server. It needs a customer with a tariff.")
    list_columns = ["alias", "customer", "tariff", "phone", "state", "sync_state", "locked_because"]
    show_fieldsets = [
        (_l("License"), {"fields": ["customer", "user_name", "alias", "phone", "device", "network", "permissions"]}),
        (_l("Contract"), {"fields": ["tariff", "active_from", "active_to", "service_names", "server", "created_at"]}),
    ]
    add_columns = ["customer"]              # the forms are made by `views_new.py` and `edit` below; named so that the pages exist
    edit_columns = ["alias"]
    search_columns = ["customer", "tariff", "server", "state", "sync_state", "alias", "user_name", "phone", "device", "network", "active_from", "active_to"]
    order_columns = ["alias", "phone"]
    quick_search = ["alias", "user_name", "phone"]
    main_actions = ("retry", "give_up", "lock", "unlock", "unlock_customers", "change_tariff", "terminate", "keep", "reprovision", "remove")
    tab_of = (Customer,)
    tab_rank = 10
    list_tabs = [
        ("all", _l("All"), None), ("active", _l("Active"), License.state == LicenseState.ACTIVE),
        ("locked", _l("Locked"), lambda: (License.lock_reasons != 0) & ALIVE), ("ending", _l("Ending"), License.state == LicenseState.ENDING),
        ("failed", _l("Failed on server"), License.sync_state == SyncState.FAILED), ("pending", _l("Waiting for server"), License.sync_state == SyncState.PENDING),
        ("deleted", _l("Deleted"), License.state == LicenseState.DELETED),
    ]
    label_columns = {"locked_because": _l("Locked because"), "sync_state": _l("On server"), "service_names": _l("Additional services"), "created_at": _l("Created")}
    formatters_columns = {"alias": with_row(lambda value, item: value or item.user_name), "phone": phone_text, "permissions": permission_words}

    def cell(self, item: License, column: str, link: bool = True) -> Cell:
        cell = super().cell(item, column, link)
        if column == "phone":
            cell.css = "nowrap"
        elif column == "state" and item.lock_reasons and alive(item):
            cell.text = formats.badge(_("Locked"), "bad")       # what its user notices; the list's tabs say the rest
        return cell

    def raw(self, item: License, column: str) -> Any:
        if column == "locked_because":
            return ", ".join(reason_words(item.lock_reasons))
        if column == "service_names":
            today = clock.today()
            return ", ".join(sorted(span.service.name_en for span in item.services if span.valid_to is None or span.valid_to >= today))
        return super().raw(item, column)

    def find(self, text: str) -> Any:
        """A phone number is found as people write it, too: 0171 4402."""
        digits = re.sub(r"\D", "", text).lstrip("0")
        found = super().find(text)
        return or_(found, License.phone.contains(digits)) if len(digits) >= 4 and digits != text and not re.search(r"[a-z]", text, re.IGNORECASE) else found

    # the page

    def head_title(self, item: License) -> str:
        return str(item)

    def head_state(self, item: License) -> Any:
        locked = formats.badge(_("Locked"), "bad") if item.lock_reasons and alive(item) else ""
        return Markup("{} {}").format(formats.pill(item.state), locked)

    def head_facts(self, item: License) -> list[tuple[Any, Any, str]]:
        facts = [(_("Customer"), self.cell(item, "customer").text, ""), (_("Tariff"), item.tariff.name, ""),
                 (_("On server"), formats.pill(item.sync_state), ""),
                 (_("Locked because"), ", ".join(reason_words(item.lock_reasons)) or _("Not locked"), "is-bad" if item.lock_reasons else "")]
        if item.active_to is not None:
            facts.append((_("Last day"), formats.day(item.active_to), ""))
        return [*facts, *super().head_facts(item)]

    def show_context(self, item: License) -> dict[str, Any]:
        if request.args.get("tab"):
            return {}
        desired, observed = user_states(db.session(), [item.id], clock.today())[item.id]
        history = db.session.scalars(select(LockPeriod).order_by(LockPeriod.from_at.desc()).limit(50).where(or_(
            LockPeriod.license_id == item.id, (LockPeriod.license_id.is_(None)) & (LockPeriod.customer_id == item.customer_id) & (or_(
                LockPeriod.to_at.is_(None), LockPeriod.to_at >= item.created_at)))))
        return {"comparison": comparison(desired, observed), "order": order_of(item), "locks": history.all(), "lock_word": lambda value: ", ".join(reason_words(value))}

    # the form

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @allowed
    def edit(self, pk: Any) -> Any:
        item = self.datamodel.get(pk) or abort(404)
        form = DeviceForm(obj=item)
        priced, has = services_of_license(item)
        form.services.choices = service_choices(priced)
        if request.method == "GET":
            form[MARKER].data = marker(item)
            form.services.data = has
        to = self.url_of(item) or self.list_url()

        def save(form: DeviceForm) -> Any:
            wanted = set(form.services.data or [])
            version = form[MARKER].data or ""
            services.change_license(item, int(version) if version.isdecimal() else -1, [service for service in priced if service.id in wanted],
                                    alias=form.alias.data or "", phone=form.phone.data or "", device=form.device.data or "", network=form.network.data or "",
                                    permissions=form.permissions.text)
            flash(_("The changes were saved. The PTT server follows by itself."), "success")
            return redirect(to, 303)

        return self.form_page(form, save, title=self.edit_title, verb=_("Save"), crumb=(self.head_title(item), to), to=to, template="licenses/edit.html",
                              license=item, priced=priced)


class ClosedLicenseView(LicenseView):
    """Licenses of closed user groups."""

    route_base = "/licenses-closed"
    kind = CustomerKind.CLOSED
    class_permission_name = "LicenseView"
    list_title = _l("Closed user groups")
    tab_of = ()

    def scope(self) -> Sequence[Any]:
        return (License.customer_id.in_(select(Customer.id).where(Customer.kind == self.kind)),)


class PublicLicenseView(LicenseView):
    """Licenses of public customers."""

    route_base = "/licenses-public"
    kind = CustomerKind.PUBLIC
    class_permission_name = "LicenseView"
    list_title = _l("Public licenses")
    tab_of = ()

    def scope(self) -> Sequence[Any]:
        return (License.customer_id.in_(select(Customer.id).where(Customer.kind == self.kind)),)
