"""What is decided on the set-up checklist itself; the list stands on the overview. Only administrators have these rights."""

from __future__ import annotations

from typing import Any

from flask import redirect, url_for

from app.admin import checklist
from app.core.errors import InvalidInput
from app.core.views import AdminPage, allowed, expose


class ChecklistPage(AdminPage):
    route_base = "/set-up"
    default_view = "numbering"

    @expose("/numbering", methods=["POST"])
    @allowed("decide")
    def numbering(self) -> Any:
        self.attempt(checklist.confirm_numbering)
        return redirect(url_for("Overview.index"), 303)

    @expose("/hide", methods=["POST"])
    @allowed("decide")
    def hide(self) -> Any:
        """Only a complete one can be put away, or the demo's."""
        def put_away() -> None:
            from flask_babel import gettext as _

            found = checklist.for_reader()
            if found is not None and not found.complete and not found.demo:
                raise InvalidInput(_("There is something left to do. Finish it first."))
            checklist.hide()

        self.attempt(put_away)
        return redirect(url_for("Overview.index"), 303)
