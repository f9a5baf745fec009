"""Would let forms of the portal lead anywhere: what it names is put into the content security policy."""

from app.plugin_api import Plugin


class Broken(Plugin):
    name = "wrong_target"
    title = "Wrong target"

    def portal_form_targets(self):
        return ["https://pay.example.org; script-src *"]
