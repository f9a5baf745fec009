"""The totals that follow from the lines of an invoice (BR-CO-10 … -17, BR-S-08 and its likes). Pure, exact, half up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from app.billing.einvoice.facts import Allowance, Line, Totals, Vat
from app.core.money import ZERO, round_money


def line_net(line: Line) -> Decimal:
    """Price per base quantity times quantity, with what the line adds and takes off, rounded once."""
    quantity, price = line.quantity or ZERO, line.price or ZERO
    return round_money(quantity * price / (line.base_quantity or Decimal(1)) + added(line.allowances))


def added(rows: Iterable[Allowance]) -> Decimal:
    return sum((row.amount if row.charge else -row.amount for row in rows), ZERO)


def breakdown(lines: Sequence[Line], allowances: Sequence[Allowance]) -> list[Vat]:
    """One row per category and rate, in the order in which they first occur; its tax is rounded once."""
    bases: dict[tuple[str | None, Decimal], Decimal] = {}
    for line in lines:
        key = (line.category, line.rate or ZERO)
        bases[key] = bases.get(key, ZERO) + (line.net if line.net is not None else line_net(line))
    for row in allowances:
        key = (row.category, row.rate or ZERO)
        bases[key] = bases.get(key, ZERO) + (row.amount if row.charge else -row.amount)
    return [Vat(category, rate, base, round_money(base * rate / 100)) for (category, rate), base in bases.items()]


def totals(lines: Sequence[Line], allowances: Sequence[Allowance], prepaid: Decimal = ZERO, rounding: Decimal = ZERO) -> Totals:
    down = sum((row.amount for row in allowances if not row.charge), ZERO)
    up = sum((row.amount for row in allowances if row.charge), ZERO)
    net_of_lines = sum((line.net if line.net is not None else line_net(line) for line in lines), ZERO)
    net = net_of_lines - down + up
    tax = sum((row.tax or ZERO for row in breakdown(lines, allowances)), ZERO)
    return Totals(net_of_lines, down, up, net, tax, net + tax, prepaid, rounding, net + tax - prepaid + rounding)
