"""From a boleto's row to what is printed: as it was made, or as a second copy with a new due date, fine and interest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from flask_babel import gettext as _

from app.plugin_api import InvalidInput, clock, formats
from app.system.settings import setting
from plugins.boleto import pix
from plugins.boleto.banks import bank
from plugins.boleto.barcode import line_of, make
from plugins.boleto.days import bank_day_from
from plugins.boleto.models import Slip, SlipState
from plugins.boleto.numbers import numbers_of
from plugins.boleto.slip_pdf import SlipFacts
from plugins.boleto.surcharge import Surcharge, surcharge

PAYABLE = (SlipState.NEW, SlipState.SENT, SlipState.REGISTERED)


def pix_code(slip: Slip, amount: Decimal) -> str:
    """Empty where the agreement has no Pix key."""
    row = slip.agreement
    return pix.write(row.pix_key, row.beneficiary, row.city, amount, slip.txid) if row.pix_key else ""


def instructions(slip: Slip) -> tuple[str, ...]:
    row, found = slip.agreement, []
    if slip.fine_percent or slip.interest_percent:
        found.append(_("After the due date: fine of %(fine)s %% and interest of %(interest)s %% a month.", fine=formats.number(slip.fine_percent, 2), interest=formats.number(slip.interest_percent, 2)))
    return (*found, *([row.instructions] if row.instructions else []))


def facts(slip: Slip, due_on: date | None = None, barcode: str = "", extra: Surcharge | None = None) -> SlipFacts:
    row, it = slip.agreement, bank(slip.agreement.bank)
    extra = extra or Surcharge(Decimal(0), Decimal(0))
    n = numbers_of(row, 1, slip.issued_on)
    barcode = barcode or slip.barcode
    return SlipFacts(f"{it.code}-{it.digit}", it.name, barcode, line_of(barcode), row.beneficiary, row.tax_id, row.address, it.beneficiary(n), slip.shown, slip.document, row.wallet, slip.issued_on,
                     due_on or slip.due_on, slip.amount, slip.payer, instructions(slip), fine=extra.fine, interest=extra.interest, pix=pix_code(slip, slip.amount + extra.total))


def rest_copy(slip: Slip) -> SlipFacts:
    """What is left to pay of a demand that was paid in part: by Pix, whose code is made over any amount. A bank takes the boleto over all of it only."""
    left = slip.open_item.open
    return replace(facts(slip), amount=left, pix=pix_code(slip, left))


def copy_due(printed_on: date) -> date:
    """Up to when a second copy of that day may be paid; fine and interest are asked for up to then."""
    return bank_day_from(printed_on + timedelta(days=int(setting("boleto.second_copy_days"))))


def second_copy(slip: Slip, today: date | None = None) -> SlipFacts:
    """The same boleto: before its day as it is, after it payable up to a new day with fine and interest up to then. The number stays, so a bank
    finds it; the row stays, too. Raises InvalidInput for one that is not open, or over more than is left: what was
    paid would be paid twice."""
    today = today or clock.today()
    if slip.state not in PAYABLE:
        raise InvalidInput(_("This boleto is not open any more."))
    if slip.is_part_paid:
        raise InvalidInput(_("Its demand was paid in part: the boleto is over too much."))
    last = bank_day_from(slip.due_on)
    if today <= last:
        return facts(slip)
    due = copy_due(today)
    extra = surcharge(slip.amount, last, due, slip.fine_percent, slip.interest_percent)
    return facts(slip, due, make(slip.barcode[:3], due, slip.amount + extra.total, slip.barcode[19:]), extra)
