"""Builds the application: configuration, plugins, database, events, jobs, outboxes, admin."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Flask, has_app_context
from flask_babel import Babel
from jinja2 import ChoiceLoader, FileSystemLoader

from app.core import clock
from app.core.apart import reason_of
from app.core.db import db
from app.core.events import Bus
from app.core.jobs import Job
from app.core.slices import models, parts
from app.plugin_api.registry import Registry

log = logging.getLogger(__name__)


def create_app(config: Any = None, **overrides: Any) -> Flask:
    """`config`: an object or import path, by default the module `config`; `overrides` win over it."""
    flask_app = Flask("app", root_path=os.path.dirname(os.path.abspath(__file__)))
    flask_app.config.from_object(config or "config")
    flask_app.config.update(overrides)
    _check(flask_app)
    models()
    Babel(flask_app)                    # plugins have lazy texts; FAB starts it once more, with the languages
    with flask_app.app_context():       # a plugin may read the configuration when it is asked
        plugins = Registry().load(flask_app.config.get("PLUGINS"))
    flask_app.extensions["ptt_plugins"] = plugins
    _install_clock(flask_app)
    _install_settings(plugins)
    _install_mail_texts(plugins)
    _install_sms_texts()
    _install_translations(flask_app, plugins)
    _install_templates(flask_app, plugins)
    with flask_app.app_context():
        db.init_app(flask_app)
        from app.system import protocol

        protocol.install()
        _install_events(flask_app, plugins)
        _install_intakes(plugins)
        _install_jobs(flask_app, plugins)
        _install_outboxes(flask_app)
        from app.admin import install

        install(flask_app)
        for module in parts("routes"):          # what is not for staff: REST interface, portal, website
            module.install(flask_app)
        _install_plugin_routes(flask_app, plugins)
    from app.cli import ptt

    flask_app.cli.add_command(ptt)
    return flask_app


def _check(flask_app: Flask) -> None:
    check = getattr(importlib.import_module("config"), "check", None) if importlib.util.find_spec("config") else None
    if check is not None:
        check(flask_app.config)


def _install_clock(flask_app: Flask) -> None:
    fallback = flask_app.config.get("COMPANY_TIMEZONE", "Europe/Berlin")

    def zone() -> str:
        if not has_app_context():
            return fallback
        from app.system.settings import setting

        return setting("system.time_zone")

    clock.configure(zone, flask_app.config.get("PTT_CLOCK_FILE"))


def _install_settings(plugins: Registry) -> None:
    from app.system.settings import declare

    list(parts("settings"))
    list(parts("invoice_settings"))
    for name, loaded in list(plugins.loaded.items()):
        try:
            declare(*loaded.answers["settings"])
        except Exception as error:
            plugins.drop(name, error)


def _install_mail_texts(plugins: Registry) -> None:
    from app.system.mail_templates import declare_mail

    for module in parts("mail_texts"):
        declare_mail(*module.MAILS)
    for name, loaded in list(plugins.loaded.items()):
        try:
            declare_mail(*loaded.answers["mail_templates"])
        except Exception as error:
            plugins.drop(name, error)


def _install_sms_texts() -> None:
    from app.system.sms_templates import declare_sms

    for module in parts("sms_texts"):
        declare_sms(*module.TEMPLATES)


def _install_translations(flask_app: Flask, plugins: Registry) -> None:
    """Absolute folders of core and plugins, before Babel starts."""
    root = os.path.dirname(flask_app.root_path)
    folders = [os.path.join(root, "translations")]
    folders += [str(path) for loaded in plugins.loaded.values() if (path := loaded.plugin.folder("translations"))]
    flask_app.config["BABEL_TRANSLATION_DIRECTORIES"] = ";".join(folders)


def _install_templates(flask_app: Flask, plugins: Registry) -> None:
    """`templates/<name>/` of each plugin, behind the core's."""
    folders = [str(path) for loaded in plugins.loaded.values() if (path := loaded.plugin.folder("templates"))]
    flask_app.jinja_loader = ChoiceLoader([loader for loader in (flask_app.jinja_loader, FileSystemLoader(folders)) if loader is not None])  # type: ignore[assignment]


def _install_events(flask_app: Flask, plugins: Registry) -> None:
    bus = Bus(on_failure=_store_failure)
    for module in parts("reactions"):
        for event, reactions in module.REACTIONS.items():
            bus.vital[event].extend(reactions)
    for name, loaded in plugins.loaded.items():
        for event, reaction in loaded.answers["reactions"].items():
            bus.plugins[event].append((name, reaction))
    flask_app.extensions["ptt_events"] = bus


def _install_intakes(plugins: Registry) -> None:
    from app.receivables.intakes import register_intake

    for intake in plugins.collect("payment_intakes"):
        register_intake(intake)


def _install_plugin_routes(flask_app: Flask, plugins: Registry) -> None:
    """`static/` of each plugin under /static/plugins/<name>/, and what other systems call under /hooks/<name>/."""
    from app.api.hooks import open_hook

    for name, loaded in list(plugins.loaded.items()):
        if (folder := loaded.plugin.folder("static")) is not None:
            flask_app.register_blueprint(Blueprint(f"{name}_static", name, static_folder=str(folder), static_url_path=f"/static/plugins/{name}"))
        for blueprint in loaded.answers["public_blueprint"]:
            try:
                open_hook(flask_app, name, blueprint)
            except Exception as error:
                plugins.in_part(name, "public_blueprint", error)


def _store_failure(plugin: str, event: Any, error: Exception) -> None:
    from app.system.models import EventFailure
    from app.system.protocol import plain

    payload = {key: plain(value) for key, value in asdict(event).items()}
    db.session.add(EventFailure(plugin=plugin, event=type(event).__name__, payload=payload, error=reason_of(error)))


def _install_jobs(flask_app: Flask, plugins: Registry) -> None:
    jobs: dict[str, Job] = {}
    core = [job for name in ("jobs", "invoice_jobs") for module in parts(name) for job in module.JOBS]
    for job in (*core, *plugins.collect("jobs")):
        if job.name in jobs:
            raise ValueError(f"two jobs are called {job.name}")
        jobs[job.name] = job
    flask_app.extensions["ptt_jobs"] = jobs


def _install_outboxes(flask_app: Flask) -> None:
    from app.customers.password_requests import answer_requests, requests_are_due
    from app.licenses.delivery import deliver_provisioning, provisioning_is_due
    from app.portal.data_copies import copies_are_due, make_copies
    from app.receivables.refund_delivery import deliver_refunds, refunds_are_due
    from app.system.mail import deliver_mail
    from app.system.sms import deliver_sms, sms_is_due

    flask_app.extensions["ptt_deliveries"] = {"mail": deliver_mail, "sms": deliver_sms, "provisioning": deliver_provisioning, "passwords": answer_requests, "data_copies": make_copies,
                                              "refunds": deliver_refunds}
    flask_app.extensions["ptt_outboxes"] = {"provisioning": provisioning_is_due, "sms": sms_is_due, "passwords": requests_are_due, "data_copies": copies_are_due,
                                            "refunds": refunds_are_due}
