"""SMS over SMPP 3.4: a connection to the message centre of a provider, bound as transceiver."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _

from app.plugin_api import Plugin, SmsGateway


class SmsSmpp(Plugin):
    name = "sms_smpp"
    title = _("SMS over SMPP")
    api = 1
    version = "1.0"

    def sms_gateways(self) -> Iterable[SmsGateway]:
        from plugins.sms_smpp.gateway import SmppGateway

        return [SmppGateway()]

    def settings(self) -> Iterable[Any]:
        from plugins.sms_smpp.settings import SETTINGS

        return SETTINGS
