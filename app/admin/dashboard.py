"""The overview: what needs somebody, then the figures, each a link to its list."""

from __future__ import annotations

from typing import Any

from flask_appbuilder import IndexView, expose

from app.core.views import _Routes


class Overview(_Routes, IndexView):
    route_base = "/admin"

    @expose("/")
    def index(self) -> Any:
        return self.render_template("admin/dashboard.html", title="Overview")
