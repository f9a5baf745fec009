"""Settings of the SMPP gateway, each checked when it is saved."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.plugin_api import InvalidInput
from app.system.settings import Setting

SECTION = _l("SMS over SMPP")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,250}[A-Za-z0-9])?")


def _host(value: Any) -> None:
    if value and not HOST.fullmatch(value):
        raise InvalidInput(_("Enter the name or the IP address of the message centre, without a port."), "sms_smpp.host")


def _octets(key: str, most: int) -> Any:
    """SMPP fields are ASCII and end with a zero octet."""
    def check(value: Any) -> None:
        if value and not (value.isascii() and value.isprintable() and len(value) <= most):
            raise InvalidInput(_("At most %(n)d letters, digits and signs without accents.", n=most), f"sms_smpp.{key}")

    return check


SETTINGS = (
    Setting("sms_smpp.host", str, "", _l("Message centre"), SECTION, _l("Name or IP address. In a private network, PTT_ALLOWED_NETS has to name it."), check=_host),
    Setting("sms_smpp.port", int, 2775, _l("Port"), SECTION, minimum=1, maximum=65535),
    Setting("sms_smpp.tls", bool, True, _l("Encrypted (TLS)"), SECTION, _l("Turn it off only on a line that is protected in another way, such as a VPN: texts and the password are readable otherwise.")),
    Setting("sms_smpp.system_id", str, "", _l("System id"), SECTION, _l("The user name, from the provider."), check=_octets("system_id", 15)),
    Setting("sms_smpp.password", str, "", _l("Password"), SECTION, _l("At most 8 characters: SMPP has no more."), check=_octets("password", 8), secret=True),
    Setting("sms_smpp.system_type", str, "", _l("System type"), SECTION, _l("Mostly empty."), check=_octets("system_type", 12)),
    Setting("sms_smpp.sender", str, "", _l("Sender, when the general one is empty"), SECTION, check=_octets("sender", 16)),
    Setting("sms_smpp.per_second", int, 10, _l("Parts a second"), SECTION, _l("What the provider allows. More is refused by him and comes later."), minimum=1, maximum=500),
    Setting("sms_smpp.receipt_ids", str, "same", _l("Ids in receipts"), SECTION, _l("Some message centres write ids in receipts in another way than in their answers."),
            choices=[("same", _l("As in the answer")), ("hex", _l("Answer hexadecimal, receipt decimal")), ("decimal", _l("Answer decimal, receipt hexadecimal"))]),
)
