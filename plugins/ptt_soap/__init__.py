"""PTT servers over SOAP: a provisioning driver whose operations are mapped by profiles."""

from __future__ import annotations

from collections.abc import Iterable

from flask import has_app_context
from flask_babel import lazy_gettext as _

from app.plugin_api import Plugin, ProvisioningDriver
from app.plugin_api.network import configured_policy
from plugins.ptt_soap.driver import SoapDriver


class PttSoap(Plugin):
    name = "ptt_soap"
    title = _("PTT servers over SOAP")
    api = 1
    version = "1.0"

    def provisioning_drivers(self) -> Iterable[ProvisioningDriver]:
        # Deliveries run in threads without an application context, so the networks are fixed here where there is one.
        return [SoapDriver(configured_policy() if has_app_context() else None)]
