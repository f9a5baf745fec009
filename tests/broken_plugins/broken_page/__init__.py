"""Has a page that cannot be made."""

from app.plugin_api import AdminPage, Plugin


class Page:
    def __init__(self):
        raise RuntimeError("no page today")


class Broken(Plugin):
    name = "broken_page"
    title = "Broken page"

    def admin_pages(self):
        return [AdminPage(Page, "Broken page", "system")]
