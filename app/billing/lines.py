"""What a line entered by hand must be; used for single and recurring ones."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _

from app.catalog.models import Article
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.money import PRICE_STEP, round_money
from app.core.period import Month

MOST = Decimal(1_000_000)       # of a quantity and of a unit price: above it is a slip of the keyboard
TEXT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class LineInput:
    """Checked values of a line. A negative quantity is a credit; the unit price is never negative (EN 16931)."""

    article_id: int
    text: str
    quantity: Decimal
    unit_price: Decimal

    def net(self, currency: str) -> Decimal:
        return round_money(self.quantity * self.unit_price, currency)


def check_line(article: Article | int, text: str, quantity: Any, unit_price: Any) -> LineInput:
    """InvalidInput says what is wrong. `article`: the object or its id."""
    found = article if isinstance(article, Article) else db.session.get(Article, article)
    if found is None or not found.active:
        raise InvalidInput(_("Choose an active article."), field="article")
    words = " ".join(str(text).split())
    if not 1 <= len(words) <= TEXT_LENGTH:
        raise InvalidInput(_("Enter a text of at most %(n)s characters.", n=TEXT_LENGTH), field="text")
    amount, price = exact(quantity, "quantity"), exact(unit_price, "unit_price")
    if amount == 0:
        raise InvalidInput(_("The quantity must not be 0."), field="quantity")
    if price < 0:
        raise InvalidInput(_("The unit price must not be negative. For a credit, enter a negative quantity."), field="unit_price")
    return LineInput(found.id, words, amount, price)


def exact(value: Any, field: str) -> Decimal:
    """A decimal number with at most 4 decimals; never from a float."""
    try:
        if isinstance(value, (float, bool)):
            raise InvalidOperation
        number = Decimal(value)
        if not number.is_finite():
            raise InvalidOperation
    except (InvalidOperation, TypeError, ValueError) as error:
        raise InvalidInput(_("Enter a number."), field=field) from error
    if abs(number) > MOST:
        raise InvalidInput(_("Enter a number of at most %(n)s.", n=f"{MOST:,}"), field=field)
    if number != number.quantize(PRICE_STEP):
        raise InvalidInput(_("Enter a number with at most 4 decimals."), field=field)
    return number


def check_period(text: str, field: str = "period") -> Month:
    """A month as "2026-10"."""
    try:
        month = Month.parse(text)
    except (ValueError, AttributeError) as error:
        raise InvalidInput(_("Enter a month like 2026-10."), field=field) from error
    if str(month) != text:
        raise InvalidInput(_("Enter a month like 2026-10."), field=field)
    return month
