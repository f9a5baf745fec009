"""Staff pages of the website's pages: written in an editor, previewed, published."""

from __future__ import annotations

from typing import Any

from flask import abort
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import StringField, TextAreaField, validators

from app.core import formats
from app.core.access import allowed
from app.core.choices import ListedField, language_name
from app.core.fields import EnumField, RelatedField, Required, clean_text, no_control
from app.core.page_parts import link_to, page_links
from app.core.views import AdminInterface, AdminView, action, expose, with_row
from app.system.rich_text import LONGEST
from app.website import pages
from app.website.models import Media, Page, PageKind, PageState
from app.website.show import page_response

PICTURES = RelatedField(_l("Picture"), [validators.Optional()], model=Media, narrow=lambda query: query.where(Media.media_type.startswith("image/")),
                        description=_l("Stands beside the title, and where somebody shares the address."))
FILMS = RelatedField(_l("Film"), [validators.Optional()], model=Media, narrow=lambda query: query.where(Media.media_type.startswith("video/")), description=_l("Of a film page only."))


def line(label: Any, most: int, help: Any = "", needed: bool = False) -> StringField:
    return StringField(label, [Required() if needed else validators.Optional(), no_control, validators.Length(max=most)], filters=[clean_text], description=help, render_kw={"maxlength": str(most)})


def languages() -> list[tuple[str, str]]:
    return [(code, language_name(code)) for code in pages.LANGUAGES]


FIELDS: dict[str, Any] = {
    "body": TextAreaField(_l("Text"), [validators.Optional(), validators.Length(max=LONGEST)], render_kw={"rows": 20, "data-editor": ""}),
    "designation": line(_l("Designation"), 80, _l("For colleagues. The same designation in another language makes it the translation of this page."), needed=True),
    "language": ListedField(_l("Language"), [validators.InputRequired()], listed=languages),
    "kind": EnumField(_l("Kind"), [validators.InputRequired()], kind=PageKind),
    "slug": line(_l("Short name"), 80, _l("The end of the address, for example our-devices. “home” is the start page. When it changes, the old address leads to the new one.")),
    "menu_title": line(_l("Menu title"), 40, _l("Like the designation when left empty.")),
    "page_title": line(_l("Page title"), 120, _l("The heading of the page and the title in search results. Like the menu title when left empty.")),
    "description": line(_l("Description"), 300, _l("One or two sentences: search engines show them, and so does the page when it has a picture.")),
    "picture": PICTURES, "film": FILMS,
}
LABELS: dict[str, Any] = {**{name: field.args[0] for name, field in FIELDS.items()}, "in_footer": _l("In the footer"), "published_at": _l("Published"), "changed_at": _l("Changed")}
COLUMNS = ["page_title", "body", "designation", "language", "kind", "slug", "menu_title", "description", "picture", "film", "in_footer"]


class PageView(AdminView):
    datamodel = AdminInterface(Page)
    route_base = "/website/pages"
    list_title, add_title, edit_title = _l("Pages"), _l("New page"), _l("Edit page")
    list_help = _l("What visitors read. Changes are seen by them when the page is published.")
    empty_text = _l("Begin with a page whose short name is “home”.")
    form_template = "website/page_form.html"
    show_page = "website/page_show.html"
    list_columns = ["designation", "language", "menu_title", "slug", "state", "changed_at"]
    show_columns = ["designation", "language", "kind", "slug", "menu_title", "page_title", "description", "picture", "film", "in_footer", "published_at", "changed_at"]
    add_fieldsets = edit_fieldsets = [
        (_l("Content"), {"fields": ["page_title", "body"]}), (_l("Address and menu"), {"fields": ["designation", "language", "slug", "menu_title", "in_footer"]}),
        (_l("Search engines, pictures, film"), {"fields": ["description", "picture", "kind", "film"]})]
    search_columns = ["designation", "language", "state", "changed_at"]
    order_columns = ["designation", "language", "slug", "changed_at"]
    base_order = ("designation", "asc")
    quick_search = ("designation", "menu_title", "page_title", "slug")
    list_tabs = [("all", _l("All"), None), ("draft", _l("Drafts"), Page.state == PageState.DRAFT), ("published", _l("Published"), Page.state == PageState.PUBLISHED)]
    deletable = True
    main_actions = ("publish",)
    label_columns = LABELS
    description_columns = {"in_footer": _l("For legal notice and privacy: a link at the bottom of each page.")}
    add_form_extra_fields = edit_form_extra_fields = FIELDS
    formatters_columns = {"language": language_name, "published_at": formats.instant, "changed_at": formats.instant,
                          "state": with_row(lambda value, item: formats.badge(_("Published, with changes"), "warn") if pages.is_changed(item) else formats.pill(value))}

    def head_state(self, item: Page) -> Any:
        return formats.badge(_("Published, with changes that are not"), "warn") if pages.is_changed(item) else formats.pill(item.state)

    def fill_form(self, form: Any, item: Page | None) -> None:
        if item is None:
            form.kind.data, form.language.data = PageKind.TEXT, "en"

    def do_add(self, form: Any) -> Page:
        return pages.save_page(**{name: form[name].data for name in COLUMNS})

    def do_edit(self, item: Page, form: Any) -> None:
        pages.save_page(item, **{name: form[name].data for name in COLUMNS})

    def do_delete(self, item: Page) -> None:
        pages.delete_page(item)

    @expose("/preview/<pk>")
    @allowed("show")
    def preview(self, pk: Any) -> Any:
        """As visitors would see it, with what is not published yet."""
        page = self.datamodel.get(pk) or abort(404)
        return page_response(page, pages.snapshot(page), preview=True)

    @action("publish", _l("Publish"), "", "fa-globe", when=lambda item: item.state is PageState.DRAFT or pages.is_changed(item))
    def publish(self, items: list[Page]) -> None:
        self.each(items, pages.publish, lambda n: ngettext("%(num)d page published.", "%(num)d pages published.", n))

    @action("withdraw", _l("Withdraw"), _l("Visitors no longer see it. The text stays as a draft."), "fa-eye-slash", when=lambda item: item.state is PageState.PUBLISHED)
    def withdraw(self, items: list[Page]) -> None:
        self.each(items, pages.withdraw, lambda n: ngettext("%(num)d page withdrawn.", "%(num)d pages withdrawn.", n))


@page_links(Page)
def preview_link(page: Page) -> list[Any]:
    return [link_to("PageView.preview", _("Preview"), "fa-eye", pk=page.id)]
