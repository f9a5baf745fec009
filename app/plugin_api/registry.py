"""Finds plugins by entry point, checks them, keeps the broken ones out without taking the system down."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from flask import current_app
from flask_appbuilder import Model

from app.plugin_api.base import API_VERSION, Plugin

GROUP = "pttadmin.plugins"
QUESTIONS = ("payment_methods", "provisioning_drivers", "invoice_extras", "jobs", "admin_pages", "reactions", "settings",
             "mail_templates", "portal_blueprint", "portal_entries")
log = logging.getLogger(__name__)


@dataclass
class Loaded:
    """A plugin that answered every question."""

    plugin: Plugin
    answers: dict[str, Any] = field(default_factory=dict)


@dataclass
class Registry:
    """`loaded` by name; `broken` tells name → why, for the log, the dashboard and the plugins page."""

    loaded: dict[str, Loaded] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    off: list[str] = field(default_factory=list)

    def load(self, enabled: Iterable[str] | None = None, points: Iterable[EntryPoint] | None = None) -> Registry:
        """`enabled` None means all that are installed. Never raises for a plugin's fault."""
        found = entry_points(group=GROUP) if points is None else points
        wanted = None if enabled is None else set(enabled)
        seen: set[str] = set()
        for point in sorted(found, key=lambda p: p.name):
            if point.name in seen:
                continue
            seen.add(point.name)
            if wanted is not None and point.name not in wanted:
                self.off.append(point.name)
                continue
            try:
                self.add(point.load()(), point.name)
            except Exception as error:
                log.exception("plugin %s is left out", point.name)
                self.broken[point.name] = f"{type(error).__name__}: {error}"
        for name in (wanted or set()) - seen:
            self.broken[name] = "is not installed"
        return self

    def add(self, plugin: Plugin, name: str | None = None) -> None:
        """Raises when the plugin breaks the contract: wrong version, tables without its prefix, an answer that raises."""
        if name is not None and plugin.name != name:
            raise ValueError(f"calls itself {plugin.name!r}, is registered as {name!r}")
        if plugin.api != API_VERSION:
            raise ValueError(f"speaks contract {plugin.api}, this is {API_VERSION}")
        package = type(plugin).__module__
        for mapper in Model.registry.mappers:
            table = getattr(mapper.local_table, "name", "")
            if mapper.class_.__module__.startswith(package) and not table.startswith(f"{plugin.name}_"):
                raise ValueError(f"table {table} lacks the prefix {plugin.name}_")
        answers = {}
        for question in QUESTIONS:
            answer = getattr(plugin, question)()
            if question == "portal_blueprint":
                answer = () if answer is None else (answer,)
            answers[question] = dict(answer) if question == "reactions" else list(answer)
        for template in answers["mail_templates"]:
            if not template.purpose.startswith(f"{plugin.name}."):
                raise ValueError(f"e-mail {template.purpose} lacks the prefix {plugin.name}.")
        self.loaded[plugin.name] = Loaded(plugin, answers)

    def collect(self, question: str) -> list[Any]:
        return [item for loaded in self.loaded.values() for item in loaded.answers[question]]

    def by_code(self, question: str) -> dict[str, Any]:
        """`by_code("provisioning_drivers")` → {code: driver} over all plugins."""
        return {item.code: item for item in self.collect(question)}


def plugins() -> Registry:
    return current_app.extensions["ptt_plugins"]
