"""Staff pages of the website."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.views import AdminEntry
from app.website.views_media import MediaView
from app.website.views_menu import MenuItemView, MenuPage
from app.website.views_pages import PageView

VIEWS = [
    AdminEntry(PageView, _l("Pages"), "website", "fa-file-lines"), AdminEntry(MenuPage, _l("Menu"), "website", "fa-bars"),
    AdminEntry(MenuItemView, _l("Menu entries"), area="website"), AdminEntry(MediaView, _l("Container"), "website", "fa-images"),
]
