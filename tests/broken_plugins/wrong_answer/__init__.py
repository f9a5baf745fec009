"""Answers with something else than what was asked for."""

from app.plugin_api import Plugin


class Broken(Plugin):
    name = "wrong_answer"
    title = "Wrong answer"

    def payment_methods(self):
        return ["cash"]
