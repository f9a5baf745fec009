"""Two customers with a login each, two members of staff, one who may only look; the desk is open day and night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask

from app.chat import services
from app.chat.hours import DAYS
from app.chat.models import ChatMessage, Side
from app.chat.services import Speaker
from app.customers.models import Customer
from app.system.settings import change_settings
from tests import factories as make
from tests.admin.staff import add_user
from tests.portal.logins import add_login

ALWAYS = {f"chat.{day}": "00:00-24:00" for day in DAYS} | {"chat.holidays": False}


@dataclass
class World:
    customer: Customer
    account: Any
    other: Customer
    others: Any             # account
    maren: Any              # staff
    jan: Any
    looker: Any

    def write(self, text: str = "Hello", client_id: str = "first-message", account: Any = None, customer: Customer | None = None) -> ChatMessage:
        account = account or self.account
        return services.write(customer or self.customer, account.id, account.name or str(account), "en", client_id, text)

    def write_other(self, text: str = "Secret", client_id: str = "other-message") -> ChatMessage:
        return self.write(text, client_id, self.others, self.other)


def speaker(user: Any) -> Speaker:
    return Speaker(Side.STAFF, user.id, f"{user.first_name} {user.last_name}")


def build(app: Flask) -> World:
    change_settings(ALWAYS)
    customer, other = make.customer(company="Hafenlotsen Emden", contact="Jan Claasen"), make.customer(company="Zirkus <b>Adriano</b>")
    return World(customer, add_login(customer), other, add_login(other), add_user(app, "maren", "Support"), add_user(app, "jan", "Support"), add_user(app, "looker", "Read only"))
