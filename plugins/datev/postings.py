"""What is posted for an invoice, a payment, a loss or a demand: facts in, postings out; no session, no clock.

A posting is one booking in DATEV's sense: `amount`, tax included, on `account` against `contra`; positive is a debit of
`account`. Three legs follow from it — account, contra without the tax, the tax's account — whose sum is 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.plugin_api import round_money
from plugins.datev.charts import TAX_KEYS, Chart

CENT, NOTHING = Decimal("0.01"), Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Sold:
    """A line of an invoice: net in the invoice's currency, tax category of EN 16931, percent, the article's account or nothing."""

    net: Decimal
    category: str
    rate: Decimal
    account: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    amount: Decimal
    account: str
    contra: str
    tax: Decimal = NOTHING
    tax_account: str = ""
    key: str = ""

    def legs(self) -> list[tuple[str, Decimal]]:
        """(account, amount), debits positive; the sum is 0."""
        found = [(self.account, self.amount), (self.contra, self.tax - self.amount)]
        return [*found, (self.tax_account, -self.tax)] if self.tax else found


def revenue_account(chart: Chart, category: str, rate: Decimal, account: str = "", small_business: bool = False) -> str:
    """Where a sale is posted. An article's own account counts for taxed sales only: an account with 19 % is wrong for a reverse charge."""
    if small_business:
        return chart.small_business
    if category == "S" and account:
        return account
    found = chart.revenue.get((category, rate.normalize() + 0)) or (account if category == "S" else chart.revenue.get((category, Decimal(0))))
    if not found:
        raise LookupError(f"no revenue account for {category} {rate}")
    return found


def sale(chart: Chart, debtor: str, lines: Iterable[Sold], taxes: Iterable[tuple[str, Decimal, Decimal]] | None = None, small_business: bool = False) -> list[Posting]:
    """One posting per revenue account and rate. `taxes`: (category, percent, tax) as the invoice says; without it, net × percent rounded once a rate.

    Tax of a rate that several accounts share goes to them in proportion, the odd cents to the largest remainders: the
    sum is the invoice's total to the cent. A correction has negative nets: its amounts are negative.
    """
    groups: dict[tuple[str, Decimal], dict[str, Decimal]] = {}
    for line in lines:
        account = revenue_account(chart, line.category, line.rate, line.account, small_business)
        shares = groups.setdefault((line.category, line.rate.normalize() + 0), {})
        shares[account] = shares.get(account, NOTHING) + line.net
    told = None if taxes is None else {(category, rate.normalize() + 0): tax for category, rate, tax in taxes}
    found = []
    for (category, rate), shares in groups.items():
        whole = sum(shares.values(), NOTHING)
        tax = round_money(whole * rate / 100) if told is None else told.get((category, rate), NOTHING)
        for (account, net), part in zip(shares.items(), shared(tax, list(shares.values())), strict=True):
            if net + part == 0 and part == 0:
                continue
            key = TAX_KEYS.get(rate, "") if category == "S" and account not in chart.automatic else ""
            found.append(Posting(net + part, debtor, account, part, chart.taxes.get(rate, "") if part else "", key))
    return found


def shared(whole: Decimal, parts: Sequence[Decimal]) -> list[Decimal]:
    """`whole` in cents, in proportion to `parts`; the sum is `whole`."""
    total = sum(parts, NOTHING)
    if total == 0 or len(parts) == 1:
        return [whole, *[NOTHING] * (len(parts) - 1)]
    exact = [whole * part / total for part in parts]
    result = [value.quantize(CENT, rounding="ROUND_FLOOR") for value in exact]
    cents = int((whole - sum(result, NOTHING)) / CENT)
    for index in sorted(range(len(parts)), key=lambda i: exact[i] - result[i], reverse=True)[:cents]:
        result[index] += CENT
    return result


def money_in(amount: Decimal, money: str, other: str) -> Posting:
    """Money came in: the account of the money is debited, the debtor (or the account for unknown money) credited. Negative: it went back."""
    return Posting(amount, money, other)


def loss(chart: Chart, debtor: str, amount: Decimal, taxes: Sequence[tuple[Decimal, Decimal]]) -> list[Posting]:
    """A demand is given up. `taxes`: (percent, gross) shares of the demand; the tax of a taxed share is lost with it. Negative: taken back."""
    found = []
    rates = [rate.normalize() + 0 for rate, _gross in taxes] or [Decimal(0)]
    shares = shared(amount, [gross for _rate, gross in taxes]) if taxes else [amount]
    for rate, gross in zip(rates, shares, strict=True):
        if gross == 0:
            continue
        account = chart.losses.get(rate) or chart.losses[Decimal(0)]
        tax = gross - round_money(gross / (1 + rate / 100)) if rate in chart.taxes else NOTHING
        found.append(Posting(-gross, debtor, account, -tax, chart.taxes.get(rate, "") if tax else ""))
    return found


def demand(amount: Decimal, debtor: str, income: str) -> Posting:
    """A fee or interest is demanded, without tax."""
    return Posting(amount, debtor, income)
