"""Its operations have one name twice, and a kind of path that is not known."""

from __future__ import annotations

from app.plugin_api import Plugin
from app.plugin_api.rest import ApiResource


class Broken(Plugin):
    name, title = "odd_routes", "Odd routes"

    def api_resources(self) -> list[ApiResource]:
        return [ApiResource("GET", path, "customers:read", "Things", lambda values, **parts: None) for path in ("/a-b", "/a/b", "/<colour:thing>")]
