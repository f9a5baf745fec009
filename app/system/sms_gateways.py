"""Which gateway sends SMS: one of a plugin, the demonstration, or none. Settings of SMS."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Iterable
from typing import Any

import pycountry
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.errors import InvalidInput
from app.plugin_api.registry import plugins
from app.plugin_api.sms import SmsGateway, SmsMessage, SmsReceipt, SmsReport
from app.system.settings import Setting, declare, setting
from app.system.sms_parts import encoding_of, split

SECTION = _l("SMS")
DEMO = "demo"
SENDER = re.compile(r"\+?[0-9]{3,15}|[A-Za-z0-9][A-Za-z0-9 ._-]{0,10}")


class DemoGateway(SmsGateway):
    """Takes everything and sends nothing: the messages are in the list “SMS”, as if they were delivered. For trying the product."""

    code = DEMO
    title = _l("Demonstration: nothing is sent")

    def __init__(self) -> None:
        self._taken: deque[str] = deque(maxlen=1000)

    def send(self, message: SmsMessage) -> SmsReceipt:
        ident = hashlib.sha256(message.key.encode()).hexdigest()[:16]
        self._taken.append(ident)
        return SmsReceipt((ident,), len(split(message.text)[1]))

    def reports(self) -> Iterable[SmsReport]:
        while self._taken:
            yield SmsReport(self._taken.popleft(), "delivered", clock.now(), _("Demonstration: nothing was sent."))


_demo = DemoGateway()


def gateways() -> dict[str, SmsGateway]:
    """Code → gateway, those of plugins first."""
    return {**plugins().by_code("sms_gateways"), DEMO: _demo}


def chosen_gateway() -> SmsGateway | None:
    """The gateway of the settings; None when none is chosen, or its plugin is not loaded."""
    return gateways().get(setting("sms.gateway"))


def offered() -> bool:
    """Whether SMS are sent at all: without a gateway, no page offers them."""
    return bool(setting("sms.gateway"))


def gateway_problems() -> list[str]:
    """Why nothing goes out, as sentences for staff; empty when it does, or when SMS are not used."""
    code = setting("sms.gateway")
    if not code:
        return []
    gateway = gateways().get(code)
    if gateway is None:
        return [_("The plugin of the SMS gateway “%(code)s” is not loaded.", code=code)]
    return [str(problem) for problem in gateway.problems()]


def _choices() -> list[tuple[str, Any]]:
    stored = setting("sms.gateway")
    known = {code: str(gateway.title) for code, gateway in gateways().items()}
    if stored and stored not in known:
        known[stored] = stored
    return [("", _("None: no SMS are sent")), *known.items()]


def _check_sender(value: Any) -> None:
    if value and not (SENDER.fullmatch(value) and encoding_of(value) == "gsm7"):
        raise InvalidInput(_("A sender is a phone number, or up to 11 letters and digits."), "sms.sender")


def _check_countries(value: Any) -> None:
    for code in value:
        if not (len(code) == 2 and code.isupper() and pycountry.countries.get(alpha_2=code)):
            raise InvalidInput(_("There is no country “%(code)s”. Enter two letters, for example DE or BR.", code=code), "sms.countries")


declare(
    Setting("sms.gateway", str, "", _l("SMS gateway"), SECTION, _l("Who sends the SMS. Its own settings are in its plugin's section."), choices=_choices),
    Setting("sms.sender", str, "", _l("Sender of SMS"), SECTION, _l("A phone number, or up to 11 letters and digits. Many countries replace it. Empty: the gateway's own."), check=_check_sender),
    Setting("sms.countries", list, [], _l("Countries"), SECTION, _l("SMS go only to numbers of these countries, two letters each, one a line. Empty: to all."), check=_check_countries),
    Setting("sms.per_license_day", int, 5, _l("SMS per license and day"), SECTION, _l("Beyond that none is taken until the next day."), minimum=1, maximum=100),
    Setting("sms.per_customer_day", int, 200, _l("SMS per customer and day"), SECTION, _l("For all his licenses together, also those that his sales partner or staff send."), minimum=1, maximum=100_000),
    Setting("sms.link_hours", int, 24, _l("Set-up links work for, hours"), SECTION, _l("The link in a configuration SMS works once, and not after this time."), minimum=1, maximum=168),
    Setting("sms.simplify", bool, False, _l("Simplify characters"), SECTION,
            _l("Accents and quotation marks that SMS lack are left out where this makes a message shorter: “São” becomes “Sao”.")),
)
