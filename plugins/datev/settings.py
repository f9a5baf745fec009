"""Settings of the accounting plugin: whose books, which chart, which accounts."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.plugin_api import InvalidInput
from app.system.settings import Setting, setting
from plugins.datev.charts import CHARTS, Chart

SECTION = _l("Financial accounting (DATEV)")


def _account(value: Any) -> None:
    if value and not re.fullmatch(r"[1-9][0-9]{3,7}", value):
        raise InvalidInput(_("An account has 4 to 8 digits and does not begin with 0."))


def _day(value: Any) -> None:
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput(_("Write the day as 2026-01-01.")) from error


def _accounts(key: str, title: Any, help_text: Any = "") -> Setting:
    return Setting(f"datev.{key}", str, "", title, SECTION, help_text or _l("Empty: the account of the chart."), check=_account)


SETTINGS = (
    Setting("datev.adviser", int, 1001, _l("Adviser number"), SECTION, _l("“Beraternummer” of your tax adviser: 1001 to 9999999."), minimum=1001, maximum=9_999_999),
    Setting("datev.client", int, 1, _l("Client number"), SECTION, _l("“Mandantennummer” of your company there: 1 to 99999."), minimum=1, maximum=99_999),
    Setting("datev.chart", str, "SKR03", _l("Chart of accounts"), SECTION, choices=[(code, code) for code in CHARTS]),
    Setting("datev.account_length", int, 4, _l("Digits of an account"), SECTION, _l("Length of the general ledger accounts; debtors have one digit more."), minimum=4, maximum=8),
    Setting("datev.year_begins", int, 1, _l("First month of the fiscal year"), SECTION, minimum=1, maximum=12),
    Setting("datev.start", str, "2026-01-01", _l("Post from this day on"), SECTION, _l("What happened before is in other books already."), check=_day),
    Setting("datev.first_debtor", int, 10000, _l("First debtor account"), SECTION, _l("Customers get the next free account with their first posting."), minimum=10_000, maximum=699_999_999),
    _accounts("bank", _l("Bank account")),
    _accounts("transit", _l("Money in transit"), _l("For payment services such as PayPal, whose money comes later. Empty: the account of the chart.")),
    Setting("datev.transit_methods", list, ["paypal"], _l("Payment methods in transit"), SECTION, _l("One method a line; all others are posted to the bank account.")),
    _accounts("unknown", _l("Payments not yet assigned")),
    _accounts("fees", _l("Reminder and bank fees")),
    _accounts("interest", _l("Interest")),
)


def chart() -> Chart:
    found: Chart = CHARTS[setting("datev.chart")]
    return found


def account(name: str) -> str:
    """The account for `bank`, `transit`, `unknown`, `fees` or `interest`: the setting's, else the chart's."""
    return setting(f"datev.{name}") or getattr(chart(), name)


def money_account(method: str) -> str:
    return account("transit" if method in setting("datev.transit_methods") else "bank")
