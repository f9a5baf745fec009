"""Has a setting whose key could be anybody's."""

from app.plugin_api import Plugin
from app.system.settings import Setting


class Broken(Plugin):
    name = "bare_setting"
    title = "Setting without prefix"

    def settings(self):
        return [Setting("system.surprise", int, 1, "Surprise", "System")]
