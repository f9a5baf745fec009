"""A gateway that does what a test tells it, and a customer with radios."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from app.core.db import transaction
from app.licenses.models import License
from app.plugin_api import Plugin, SmsGateway, SmsMessage, SmsReceipt, SmsReport
from app.plugin_api.registry import plugins
from app.system.settings import change_settings
from tests import factories

PHONES = [f"+4917144021{n:02d}" for n in range(10, 40)]


class TestGateway(SmsGateway):
    """Notes what it was handed; `raises` come first, one a message."""

    __test__ = False
    code, title = "told", "Told"

    def __init__(self) -> None:
        self.sent: list[SmsMessage] = []
        self.raises: list[Exception | None] = []
        self.waiting: list[SmsReport] = []

    def send(self, message: SmsMessage) -> SmsReceipt:
        error = self.raises.pop(0) if self.raises else None
        if error is not None:
            raise error
        self.sent.append(message)
        return SmsReceipt((f"id{len(self.sent)}",))

    def reports(self) -> Iterable[SmsReport]:
        found, self.waiting = self.waiting, []
        return found


def gateway() -> TestGateway:
    made = TestGateway()

    class Told(Plugin):
        name, title = "told", "Told"

        def package(self) -> str:
            return "tests.sms.nowhere"

        def sms_gateways(self) -> list[SmsGateway]:
            return [made]

    plugins().loaded.pop("told", None)
    plugins().add(Told())
    change_settings({"sms.gateway": "told", "company.name": "Nordfunk"})
    return made


def radios(number: int = 2, mode: str = "talkip", **fields: Any) -> list[License]:
    """Licenses of one new customer, each with a number of its own."""
    factories.memory_driver()
    which = factories.mode(mode)
    with transaction():
        which.download_url = "https://ptt.example/app"
        which.group_invitation = mode == "npoc"
    tariff = factories.tariff(mode=which)
    owner = factories.customer(tariff, server=factories.server(modes=[which]), **fields)
    return [factories.license(owner, tariff, date(2026, 1, 1), alias=f"Kran {n}", phone=PHONES[n]) for n in range(number)]
