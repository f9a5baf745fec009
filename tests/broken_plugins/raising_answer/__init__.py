"""Raises when it is asked."""

from app.plugin_api import Plugin


class Broken(Plugin):
    name = "raising_answer"
    title = "Raising answer"

    def jobs(self):
        raise RuntimeError("no jobs today")
