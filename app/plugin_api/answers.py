"""Checks what a plugin answered before anything of it is used: an error here leaves this plugin out, not the system."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint

from app.core.jobs import Job
from app.plugin_api.accounting import AccountingExport
from app.plugin_api.contracts import AdminPage, InvoiceExtra, PaymentMethod
from app.plugin_api.mail import MailTemplate
from app.plugin_api.payment import PaymentIntake
from app.plugin_api.portal import PortalEntry
from app.plugin_api.provisioning import ProvisioningDriver
from app.plugin_api.rest import ApiResource
from app.plugin_api.sms import SmsGateway

SINGLE = frozenset({"portal_blueprint", "public_blueprint"})
CODED = ("payment_methods", "provisioning_drivers", "sms_gateways", "accounting_exports", "invoice_extras")
KINDS: dict[str, type] = {
    "payment_methods": PaymentMethod, "payment_intakes": PaymentIntake, "provisioning_drivers": ProvisioningDriver, "sms_gateways": SmsGateway,
    "accounting_exports": AccountingExport, "invoice_extras": InvoiceExtra, "jobs": Job, "admin_pages": AdminPage, "api_resources": ApiResource,
    "public_blueprint": Blueprint, "portal_blueprint": Blueprint, "portal_entries": PortalEntry, "mail_templates": MailTemplate,
}
CODE = re.compile(r"[a-z][a-z0-9_]{0,29}")
TARGET = re.compile(r"https://[a-z0-9.-]{3,100}|http://(localhost|127\.0\.0\.1):[0-9]{1,5}")
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
PREFIXED: dict[str, tuple[str, Callable[[Any], str]]] = {
    "settings": ("setting", lambda item: str(item.key)), "mail_templates": ("e-mail", lambda item: str(item.purpose)), "jobs": ("job", lambda item: str(item.name)),
}


def check_answers(name: str, answers: dict[str, Any], taken: dict[str, set[str]]) -> None:
    """Raises TypeError or ValueError with what is wrong. `taken`: codes of plugins that are loaded already."""
    for question, kind in KINDS.items():
        for item in answers[question]:
            if not isinstance(item, kind):
                raise TypeError(f"{question} gave {item!r}, which is no {kind.__name__}")
    for question in CODED:
        own: set[str] = set()
        for item in answers[question]:
            if not CODE.fullmatch(item.code) or item.code == "transfer":
                raise ValueError(f"{question}: {item.code!r} is no code: up to 30 small letters, digits and _")
            if item.code in own or item.code in taken.get(question, ()):
                raise ValueError(f"{question}: there is a {item.code!r} already")
            own.add(item.code)
    for extra in answers["invoice_extras"]:
        if len(extra.code) > 10 or extra.code in ("pdf", "xml"):
            raise ValueError(f"invoice_extras: {extra.code!r} is longer than 10 characters, or the core's own")
    for question, (word, of) in PREFIXED.items():
        for item in answers[question]:
            if not of(item).startswith(f"{name}."):
                raise ValueError(f"{word} {of(item)} lacks the prefix {name}.")
    for intake in answers["payment_intakes"]:
        if intake.name != name and not intake.name.startswith(f"{name}."):
            raise ValueError(f"payment_intakes: {intake.name!r} does not begin with {name}")
    for resource in answers["api_resources"]:
        if resource.method not in METHODS or not resource.path.startswith("/"):
            raise ValueError(f"api_resources: {resource.method} {resource.path}")
    if bad := next((b.name for q in sorted(SINGLE) for b in answers[q] if b.name != name and not b.name.startswith(f"{name}_")), None):
        raise ValueError(f"blueprint {bad!r} is called neither {name} nor {name}_…")
    for target in answers["portal_form_targets"]:
        if not isinstance(target, str) or not TARGET.fullmatch(target):
            raise ValueError(f"portal_form_targets: {target!r} is no origin such as https://pay.example.org")
    for event, reaction in answers["reactions"].items():
        if not (isinstance(event, type) and dataclasses.is_dataclass(event) and callable(reaction)):
            raise TypeError(f"reactions: {event!r} is no event, or its reaction no function")
