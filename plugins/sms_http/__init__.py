"""SMS over the HTTP interface of any provider: what is sent, how the answer is read, where reports come in, all by settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _

from app.plugin_api import Plugin, SmsGateway


class SmsHttp(Plugin):
    name = "sms_http"
    title = _("SMS over HTTP")
    api = 1
    version = "1.0"

    def sms_gateways(self) -> Iterable[SmsGateway]:
        from plugins.sms_http.gateway import HttpGateway

        return [HttpGateway()]

    def settings(self) -> Iterable[Any]:
        from plugins.sms_http.settings import SETTINGS

        return SETTINGS

    def public_blueprint(self) -> Any:
        from plugins.sms_http.hook import make_hook

        return make_hook()
