"""Has a setting of a kind that there is not."""

from app.plugin_api import Plugin
from app.system.settings import Setting


class Broken(Plugin):
    name = "odd_setting"
    title = "Odd setting"

    def settings(self):
        return [Setting("odd_setting.weight", float, 1.5, "Weight", "Odd")]
