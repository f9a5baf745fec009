"""Settings of default interest, and the rule that they make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import InvalidInput
from app.receivables.interest import (
    BUSINESS,
    CONSUMER,
    BaseRate,
    Debt,
    Span,
    known_until,
    monthly,
    parse_rates,
    statutory,
)
from app.system.settings import Setting, declare, setting

INTEREST = _l("Default interest")
GERMANY, BRAZIL, NONE = "de", "br", "none"
RULES = [("auto", _l("By the company's country")), (GERMANY, _l("Germany (§ 288 BGB)")), (BRAZIL, _l("Brazil (fine and interest a month)")), (NONE, _l("No interest"))]

# Deutsche Bundesbank, Basiszinssatz nach § 247 BGB
BASE_RATES = [
    "2002-01-01 2.57", "2002-07-01 2.47", "2003-01-01 1.97", "2003-07-01 1.22", "2004-01-01 1.14", "2004-07-01 1.13", "2005-01-01 1.21", "2005-07-01 1.17",
    "2006-01-01 1.37", "2006-07-01 1.95", "2007-01-01 2.70", "2007-07-01 3.19", "2008-01-01 3.32", "2008-07-01 3.19", "2009-01-01 1.62", "2009-07-01 0.12",
    "2010-01-01 0.12", "2010-07-01 0.12", "2011-01-01 0.12", "2011-07-01 0.37", "2012-01-01 0.12", "2012-07-01 0.12", "2013-01-01 -0.13", "2013-07-01 -0.38",
    "2014-01-01 -0.63", "2014-07-01 -0.73", "2015-01-01 -0.83", "2015-07-01 -0.83", "2016-01-01 -0.83", "2016-07-01 -0.88", "2017-01-01 -0.88", "2017-07-01 -0.88",
    "2018-01-01 -0.88", "2018-07-01 -0.88", "2019-01-01 -0.88", "2019-07-01 -0.88", "2020-01-01 -0.88", "2020-07-01 -0.88", "2021-01-01 -0.88", "2021-07-01 -0.88",
    "2022-01-01 -0.88", "2022-07-01 -0.88", "2023-01-01 1.62", "2023-07-01 3.12", "2024-01-01 3.62", "2024-07-01 3.37", "2025-01-01 2.27", "2025-07-01 1.27",
    "2026-01-01 1.27",
]


def _check_rates(value: Any) -> None:
    try:
        parse_rates(value)
    except ValueError as error:
        raise InvalidInput(_("“%(line)s” is not a base rate: write one line per 1 January and 1 July, for example 2026-01-01 1.27.", line=str(error)[:40]),
                           field="interest.base_rates") from error


declare(
    Setting("interest.rule", str, "auto", _l("Rule"), INTEREST, _l("Which default interest reminders may claim. A reminder level says whether it does."), choices=RULES),
    Setting("interest.base_rates", list, BASE_RATES, _l("Base rates (Germany)"), INTEREST,
            _l("Entered under Reminders → Base rates. One line per 1 January and 1 July: the day and the percentage that the Bundesbank announced, which may be negative. Days whose rate is not "
               "entered yet bear no interest until it is; they are claimed with the next reminder then."), check=_check_rates, long=True),
    Setting("interest.flat_sum", bool, True, _l("Flat sum of 40 EUR (Germany)"), INTEREST,
            _l("Businesses owe it once per demand from the first claim of interest on (§ 288 (5) BGB). The lawyer list names it, because it is credited against legal costs.")),
    Setting("interest.fine_percent", Decimal, Decimal(2), _l("Fine in percent (Brazil)"), INTEREST, _l("Once, on what was owed when the delay began."),
            minimum=Decimal(0), maximum=Decimal(10)),
    Setting("interest.monthly_percent", Decimal, Decimal(1), _l("Interest in percent a month (Brazil)"), INTEREST, _l("By the day: a thirtieth for each."),
            minimum=Decimal(0), maximum=Decimal(10)),
)


@dataclass(frozen=True, slots=True)
class InterestRule:
    """As the settings say today. `rates` only in Germany."""

    kind: str
    rates: tuple[BaseRate, ...] = ()
    flat_sum: bool = False
    fine_percent: Decimal = Decimal(0)
    monthly_percent: Decimal = Decimal(0)

    def last_day(self, day: date) -> date:
        """The last day up to `day` that interest can be said for."""
        known = known_until(self.rates) if self.kind == GERMANY else day
        return min(day, known) if known is not None else date.min

    def spans(self, debt: Debt, business: bool, first: date, last: date) -> list[Span]:
        last = self.last_day(last)
        if first > last:
            return []
        if self.kind == GERMANY:
            return statutory(debt, self.rates, BUSINESS if business else CONSUMER, first, last)
        return monthly(debt, self.monthly_percent, first, last) if self.kind == BRAZIL else []


def interest_rule() -> InterestRule:
    kind = setting("interest.rule")
    if kind == "auto":
        kind = {"DE": GERMANY, "BR": BRAZIL}.get(setting("company.country"), NONE)
    if kind == GERMANY:
        return InterestRule(kind, parse_rates(setting("interest.base_rates")), setting("interest.flat_sum"))
    if kind == BRAZIL:
        return InterestRule(kind, fine_percent=setting("interest.fine_percent"), monthly_percent=setting("interest.monthly_percent"))
    return InterestRule(NONE)
