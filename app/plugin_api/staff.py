"""What a plugin's pages for staff are made of. How a page is written stands at the top of `app/core/views.py`.

Imported by the modules of views only: they are loaded when the application is built, not when a plugin is asked for its name.
"""

from app.core.access import may
from app.core.attachments import as_file
from app.core.choices import ListedField
from app.core.fields import DayField, EnumField, NumberField, Required, ServiceForm, WholeField
from app.core.listing import Cell
from app.core.page_parts import PageLink, link_to, page_facts, page_links, safe_url_for
from app.core.text_index import any_of, has_part
from app.core.views import AdminInterface, AdminView, action, allowed, expose, with_row
from app.core.views import AdminPage as WorkPage

__all__ = ["AdminInterface", "AdminView", "Cell", "DayField", "EnumField", "ListedField", "NumberField", "PageLink", "Required", "ServiceForm", "WholeField", "WorkPage",
           "action", "allowed", "any_of", "as_file", "expose", "has_part", "link_to", "may", "page_facts", "page_links", "safe_url_for", "with_row"]
