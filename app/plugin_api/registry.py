"""Finds plugins by entry point, checks them, keeps the broken ones out without taking the system down."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from flask import current_app
from flask_appbuilder import Model
from sqlalchemy import Table

from app.plugin_api.answers import CODED, SINGLE, check_answers
from app.plugin_api.base import API_VERSION, Plugin

GROUP = "pttadmin.plugins"
QUESTIONS = ("payment_methods", "payment_intakes", "provisioning_drivers", "sms_gateways", "accounting_exports", "invoice_extras", "jobs", "admin_pages",
             "api_resources", "public_blueprint", "portal_blueprint", "portal_entries", "portal_form_targets", "reactions", "settings", "mail_templates")
RESERVED = frozenset("""
    core admin system catalog customers licenses billing receivables portal website chat statistics exchange api housekeeping
    alerts backup company documents interest locks payments prospects reminders retention
    accounting missing refund sms license_setup
    ab ab_api ab_group ab_permission ab_permission_view ab_register ab_user ab_view article association bank callback charge chat_canned customer
    data deletion document event export idempotency invoice job lawyer license license_bulk lock login mail manual open partner password payer payment
    portal_account prepaid protocol provisioning ptt ptt_group ptt_server purged recurring reminder retired revenue sales saved setting staff staff_list
    staff_recovery tariff tax terms website_menu
""".split())        # slices, sections of settings, and what the core's tables begin with: a plugin's own begin with its name
NAME = re.compile(r"[a-z][a-z0-9_]{1,23}")
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
        if not isinstance(plugin, Plugin):
            raise TypeError("is no subclass of app.plugin_api.Plugin")
        if name is not None and plugin.name != name:
            raise ValueError(f"calls itself {plugin.name!r}, is registered as {name!r}")
        if plugin.api != API_VERSION:
            raise ValueError(f"speaks contract {plugin.api}, this is {API_VERSION}")
        if not NAME.fullmatch(plugin.name) or plugin.name in RESERVED:
            raise ValueError(f"the name {plugin.name!r} is not allowed: 2 to 24 small letters, digits and _, and no name of the core")
        if plugin.name in self.loaded:
            raise ValueError("is there already")
        answers = {}
        for question in QUESTIONS:
            answer = getattr(plugin, question)()
            if question in SINGLE:
                answer = () if answer is None else (answer,)
            answers[question] = dict(answer) if question == "reactions" else list(answer)
        for table in _tables(plugin):
            if not table.name.startswith(f"{plugin.name}_"):
                raise ValueError(f"table {table.name} lacks the prefix {plugin.name}_")
        check_answers(plugin.name, answers, self.taken())
        self.loaded[plugin.name] = Loaded(plugin, answers)

    def drop(self, name: str, error: Exception) -> None:
        """What it answered cannot be used: it is broken, and nothing of it is asked for again."""
        log.error("plugin %s is left out", name, exc_info=error)
        self.broken[name] = f"{type(error).__name__}: {error}"
        self.loaded.pop(name, None)

    def in_part(self, name: str, what: str, error: Exception) -> None:
        """One part of it cannot be used; the rest runs on."""
        log.error("plugin %s: %s left out", name, what, exc_info=error)
        self.broken[name] = f"{what}: {type(error).__name__}: {error}"

    def tables(self, name: str) -> list[Table]:
        """Of the running plugin `name`."""
        return _tables(self.loaded[name].plugin)

    def taken(self) -> dict[str, set[str]]:
        """Question → codes that plugins loaded before have given."""
        return {question: {item.code for item in self.collect(question)} for question in CODED}

    def collect(self, question: str) -> list[Any]:
        return [item for loaded in self.loaded.values() for item in loaded.answers[question]]

    def by_code(self, question: str) -> dict[str, Any]:
        """`by_code("provisioning_drivers")` → {code: driver} over all plugins."""
        return {item.code: item for item in self.collect(question)}


def _tables(plugin: Plugin) -> list[Table]:
    """Of the models in the plugin's package."""
    package = plugin.package() + "."
    found = {mapper.local_table for mapper in Model.registry.mappers if (mapper.class_.__module__ + ".").startswith(package)}
    return [table for table in found if isinstance(table, Table)]


def plugins() -> Registry:
    return current_app.extensions["ptt_plugins"]
