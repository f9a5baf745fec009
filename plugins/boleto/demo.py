"""Demo data: an agreement, boletos of the Brazilian customers, a file for the bank and what the bank sent back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from app.customers.models import Customer
from app.plugin_api import InvalidInput, clock, db, to_cents, transaction
from app.receivables.models import OpenItem
from app.receivables.open_items import add_demand
from plugins.boleto import remitting, returns, slips
from plugins.boleto.agreements import save_agreement
from plugins.boleto.models import Agreement, Slip

TAX_IDS = ("11222333000181", "19131243000197", "00000000000191", "33000167000101", "60746948000112", "07526557000100")


def load() -> None:
    customers = db.session.scalars(select(Customer).where(Customer.currency == slips.CURRENCY, Customer.country == "BR").order_by(Customer.id).limit(len(TAX_IDS))).all()
    if not customers:
        return
    row = save_agreement(None, title="Banco do Brasil", bank="001", layout=240, agency="1234", agency_digit="3", account="56789", account_digit="0", wallet="17", agreement="1238798",
                         first_number=1, last_number=9_999_999, beneficiary="PTT Brasil Ltda.", tax_id="11222333000181", address="Avenida Paulista 1000", city="Sao Paulo",
                         fine_percent=Decimal(2), interest_percent=Decimal(1), pix_key="11222333000181")
    for customer, tax_id in zip(customers, TAX_IDS, strict=False):
        with transaction():
            customer.payment_method, customer.tax_number = slips.METHOD, customer.tax_number or tax_id
        add_demand(customer, f"INST-{customer.number}", Decimal("390.00") + customer.id)
        for item in db.session.scalars(select(OpenItem).where(OpenItem.customer_id == customer.id, OpenItem.open > 0, ~OpenItem.disputed).order_by(OpenItem.id).limit(3)).all():
            slips.issue(item.id, clock.today() + timedelta(days=7))
    try:
        remitting.remit(row)
    except InvalidInput:        # the demo has no demands in Real this month
        return
    _answer(row)


def _answer(row: Agreement) -> None:
    """A return: all registered, the first one paid, the second refused, and a payment for a number that nobody knows."""
    found = list(db.session.scalars(select(Slip).where(Slip.agreement_id == row.id).order_by(Slip.id)))
    lines: list[tuple[str, str, int, str]] = []
    for n, slip in enumerate(found):
        lines.append(("03" if n == 1 else "02", slip.body, to_cents(slip.amount), "46" if n == 1 else ""))
    if found:
        lines += [("06", found[0].body, to_cents(found[0].amount), "04"), ("06", f"{row.agreement}0009999999", 4990, "03")]
    returns.take_in("retorno-demo.ret", return_240(row, lines))


def return_240(row: Agreement, lines: Sequence[tuple[str, str, int, str] | tuple[str, str, int, str, int]]) -> bytes:
    """A return as Banco do Brasil writes it: (movement, nosso número, cents, reasons[, cents of the boleto where it is of another amount])."""
    day, out = f"{clock.today():%d%m%Y}", []
    account = f"{row.agency:0>5}{row.agency_digit or ' '}{row.account:0>12}{row.account_digit or ' '} "
    for n, (movement, number, cents, reasons, *nominal) in enumerate(lines):
        paid = cents if movement in ("06", "17") else 0
        out.append(f"{row.bank}00013{2 * n + 1:05d}T {movement}{account}{number:<20}7{'':15}{day}{nominal[0] if nominal else cents:015d}{row.bank}{'1234':0>5}0{'':25}09{'':66}{250 if paid else 0:015d}{reasons:<10}".ljust(240))
        out.append(f"{row.bank}00013{2 * n + 2:05d}U {movement}{0:060d}{paid:015d}{paid:015d}{0:030d}{day}{day if paid else '0' * 8}".ljust(240))
    head = f"{row.bank}00000{'':9}2{row.tax_id}{'':20}{account}{row.beneficiary.upper():<30.30}{'BANCO':<30}{'':10}2{day}120000000001083".ljust(240)
    batch = f"{row.bank}00011T01".ljust(240)
    tail = [f"{row.bank}00015{'':9}{len(out) + 2:06d}".ljust(240), f"{row.bank}99999{'':9}000001{len(out) + 4:06d}".ljust(240)]
    return ("\r\n".join([head, batch, *out, *tail]) + "\r\n").encode("ascii")
