"""Speaks a contract that this installation does not."""

from app.plugin_api import Plugin


class Broken(Plugin):
    name = "wrong_version"
    title = "Wrong version"
    api = 99
