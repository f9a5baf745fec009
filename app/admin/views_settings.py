"""Settings: one form per section, made from what core and plugins declare."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from app.core.access import local_path
from app.core.fields import NumberField, Required, ServiceForm, WholeField, clean_text, no_control
from app.core.views import AdminPage, allowed, expose
from app.system.settings import Setting, change_settings, declared, is_given, setting


def section_key(item: Setting) -> str:
    """A name for the address that does not change with the language."""
    text = getattr(item.section, "_args", (item.section,))[0]
    return re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-") or "other"


def sections() -> dict[str, list[Setting]]:
    found: dict[str, list[Setting]] = {}
    for item in declared():
        found.setdefault(section_key(item), []).append(item)
    return dict(sorted(found.items(), key=lambda pair: str(pair[1][0].section).casefold()))


def field_of(item: Setting) -> Any:
    common: dict[str, Any] = {"label": item.title, "description": item.help}
    if item.secret:
        kept = _("Given. Leave it empty to keep it, enter “-” to remove it.") if is_given(item.key) else _("Not given yet.")
        return PasswordField(item.title, [no_control, Length(max=400)], description=f"{item.help} {kept}".strip(), render_kw={"autocomplete": "new-password"})
    if item.choices is not None:
        return SelectField(choices=lambda: [SelectChoice(*pair) for pair in (item.choices() if callable(item.choices) else item.choices)], **common)
    if item.kind is bool:
        return BooleanField(**common)
    if item.kind is int:
        return WholeField(validators=[Required()], **common)
    if item.kind is Decimal:
        return NumberField(validators=[Required()], digits=4, **common)
    if item.kind is list:
        return TextAreaField(validators=[no_control, Length(max=8000)], **common)
    if item.long:
        return TextAreaField(validators=[no_control, Length(max=4000)], **common)
    return StringField(validators=[no_control, Length(max=400)], filters=[clean_text], **common)


def form_of(items: Iterable[Setting]) -> type[ServiceForm]:
    return type("SettingsForm", (ServiceForm,), {item.key: field_of(item) for item in items})


class SettingsPage(AdminPage):
    route_base = "/settings"
    title = _l("Settings")

    @expose("/")
    @allowed
    def index(self) -> Any:
        groups = [(key, items[0].section, items) for key, items in sections().items()]
        return self.page("admin/settings.html", groups=groups, setting=setting, is_given=is_given)

    @expose("/<key>", methods=["GET", "POST"])
    @allowed("change")
    def section(self, key: str) -> Any:
        items = sections().get(key) or abort(404)
        values = {item.key: "" if item.secret else "\n".join(setting(item.key)) if item.kind is list else setting(item.key) for item in items}
        form = form_of(items)(data=values)
        for item in items:
            form[item.key].flags.required = form[item.key].flags.required or item.kind is not str

        def save(form: Any) -> Any:
            given = {item.key: form[item.key].data for item in items if not item.secret}
            given |= {item.key: "" if text == "-" else text for item in items if item.secret and (text := (form[item.key].data or "").strip())}
            changed = change_settings(given)
            flash(_("The settings were saved.") if changed else _("Nothing was changed."), "success")
            return redirect(local_path(request.values.get("back")) or url_for("SettingsPage.index"), 303)

        return self.form_page(form, save, title=items[0].section, verb=_("Save"), crumb=(self.title, url_for("SettingsPage.index")), to=url_for("SettingsPage.index"))
