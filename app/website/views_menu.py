"""Staff page of the menu: one tree per language, arranged by dragging or by buttons."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from flask import abort, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, validators
from wtforms.fields.choices import Choice

from app.core.access import allowed
from app.core.choices import ListedField
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.fields import EnumField, RelatedField, clean_text, no_control
from app.core.states import word
from app.core.views import AdminInterface, AdminPage, AdminView, expose
from app.website import menu, pages
from app.website.models import MenuItem, Page, SiteForm, TargetKind
from app.website.views_pages import languages


class LanguageField(RelatedField):
    """Rows of a language each; `menu.js` shows those of the language that is chosen beside it."""

    def iter_choices(self) -> Iterator[Any]:
        spoken = {str(row.id): row.language for row in [*(self.rows() or ()), *self._chosen()]}
        for value, label, selected, _more in super().iter_choices():
            yield Choice(value, label, selected, {"data-language": spoken[value]} if value in spoken else {})


FIELDS: dict[str, Any] = {
    "language": ListedField(_l("Language"), [validators.InputRequired()], listed=languages),
    "kind": EnumField(_l("Leads to"), [validators.InputRequired()], kind=TargetKind),
    "page": LanguageField(_l("Page"), [validators.Optional()], model=Page, description=_l("A text or film page of the same language.")),
    "form": EnumField(_l("Form"), [validators.Optional()], kind=SiteForm, blank=True),
    "address": StringField(_l("Address"), [validators.Optional(), no_control, validators.Length(max=300)], filters=[clean_text], description=_l("For example https://www.example.org, or /portal/.")),
    "title": StringField(_l("Title in the menu"), [validators.Optional(), no_control, validators.Length(max=40)], filters=[clean_text], description=_l("The page's menu title or the form's name when left empty.")),
    "parent": LanguageField(_l("Below"), [validators.Optional()], model=MenuItem, narrow=lambda query: query.where(MenuItem.parent_id.is_(None)), description=_l("Empty: on the first level.")),
}
COLUMNS = [*FIELDS]


class MenuItemView(AdminView):
    """Forms of single entries; their list is the tree of MenuPage."""

    datamodel = AdminInterface(MenuItem)
    route_base = "/website/menu-entries"
    form_template = "website/menu_form.html"
    list_title, add_title, edit_title = _l("Menu"), _l("New menu entry"), _l("Edit menu entry")
    list_columns = ["title", "language", "kind", "page", "form", "address"]
    show_columns = [*COLUMNS]
    add_columns = edit_columns = COLUMNS
    search_columns = ["language", "kind"]
    order_columns = ["position"]
    base_order = ("position", "asc")
    deletable = True
    label_columns = {name: field.args[0] for name, field in FIELDS.items()}
    add_form_extra_fields = edit_form_extra_fields = FIELDS

    def list_url(self, **arguments: Any) -> str:
        """The tree, in the language that was looked at."""
        return url_for("MenuPage.index", language=request.args.get("language") if request.args.get("language") in pages.LANGUAGES else None)

    def url_of(self, row: Any) -> str | None:
        return url_for("MenuPage.index", language=row.language)

    def fill_form(self, form: Any, item: MenuItem | None) -> None:
        if item is None:
            form.kind.data = TargetKind.PAGE
            form.language.data = request.args.get("language") if request.args.get("language") in pages.LANGUAGES else "en"

    def do_add(self, form: Any) -> MenuItem:
        return menu.save_item(**values(form))

    def do_edit(self, item: MenuItem, form: Any) -> None:
        menu.save_item(item, **values(form))

    def do_delete(self, item: MenuItem) -> None:
        menu.delete_item(item)


class MenuPage(AdminPage):
    route_base = "/website/menu"
    title = _l("Menu")

    @expose("/")
    @allowed
    def index(self) -> Any:
        language = request.args.get("language")
        language = language if language in pages.LANGUAGES else "en"
        return self.page("website/menu.html", tree=menu.items(language), language=language, languages=languages(), target=target, entry_view=MenuItemView)

    @expose("/move/<int:key>/<how>", methods=["POST"])
    @allowed("arrange")
    def move(self, key: int, how: str) -> Any:
        item = db.session.get(MenuItem, key) if key < 2**31 and how in ("up", "down", "in", "out") else None
        if item is None:
            abort(404)
        language = item.language
        self.attempt(lambda: menu.move(item, how))
        return redirect(url_for("MenuPage.index", language=language, moved=key) + f"#entry-{key}", 303)

    @expose("/arrange/<language>", methods=["POST"])
    @allowed("arrange")
    def arrange(self, language: str) -> Any:
        """The order as dragged: [[entry, entry above or null], …]."""
        if language not in pages.LANGUAGES:
            abort(404)
        self.attempt(lambda: menu.arrange(language, parsed(request.form.get("order", ""))), _("The order was saved."))
        return redirect(url_for("MenuPage.index", language=language), 303)


def values(form: Any) -> dict[str, Any]:
    return {name: form[name].data or ("" if name in ("title", "address") else None) for name in COLUMNS}


def parsed(text: str) -> list[tuple[int, int | None]]:
    try:
        given = json.loads(text[:20_000])
        order = [(key, parent) for key, parent in given]
    except (ValueError, TypeError) as error:
        raise InvalidInput(_("The order could not be read. Load the page again.")) from error
    if any(type(key) is not int or (parent is not None and type(parent) is not int) for key, parent in order):
        raise InvalidInput(_("The order could not be read. Load the page again."))
    return order


def target(item: MenuItem) -> str:
    """Where an entry leads, in words."""
    if item.kind is TargetKind.PAGE and item.page:
        return f"{word(item.kind)}: {item.page.designation} ({word(item.page.state)})"
    if item.kind is TargetKind.FORM and item.form:
        return f"{word(item.kind)}: {word(item.form)}" + ("" if menu.form_url(item.form, item.language) else f" ({_('switched off')})")
    return item.address if item.kind is TargetKind.ADDRESS else word(item.kind)
