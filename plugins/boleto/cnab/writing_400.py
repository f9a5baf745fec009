"""CNAB 400 remittance of Bradesco and Itaú."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from plugins.boleto.cnab.writing import (
    ENTRY,
    Company,
    Title,
    alpha,
    cents,
    day6,
    day8,
    interest_a_day,
    num,
    person,
)


def lines(company: Company, titles: Sequence[Title], number: int, made_at: datetime) -> list[str]:
    header, title_line = (_header_bradesco, _bradesco) if company.bank == "237" else (_header_itau, _itau)
    found = [header(company, number, made_at)]
    for title in titles:
        found.append(title_line(company, title, len(found) + 1))
        if company.bank == "341" and title.movement == ENTRY and title.fine_percent:
            found.append(("2" + "2" + day8(title.due_on) + cents(title.fine_percent, 13)).ljust(394) + num(len(found) + 1, 6))
    return [*found, "9".ljust(394) + num(len(found) + 1, 6)]


def _header_bradesco(company: Company, number: int, made_at: datetime) -> str:
    head = "01REMESSA01" + alpha("COBRANCA", 15) + num(company.transmission or company.agreement, 20) + alpha(company.name, 30) + "237" + alpha("BRADESCO", 15)
    return (head + day6(made_at) + " " * 8 + "MX" + num(number, 7)).ljust(394) + "000001"


def _header_itau(company: Company, _number: int, made_at: datetime) -> str:
    head = "01REMESSA01" + alpha("COBRANCA", 15) + num(company.agency, 4) + "00" + num(company.account, 5) + (company.account_digit or "0") + " " * 8
    return (head + alpha(company.name, 30) + "341" + alpha("BANCO ITAU SA", 15) + day6(made_at)).ljust(394) + "000001"


def _middle(title: Title, species: str, bank: str) -> str:
    """Columns 109 to 234, the same in both."""
    interest = interest_a_day(title) if title.movement == ENTRY else Decimal(0)
    return (title.movement + alpha(title.document, 10) + day6(title.due_on) + cents(title.amount, 13) + bank + "00000" + (title.species or species) + "N" + day6(title.issued_on) + "0000"
            + cents(interest, 13) + "000000" + "0" * 13 + "0" * 13 + "0" * 13 + "0" + person(title.payer_tax_id) + num(title.payer_tax_id, 14))


def _bradesco(company: Company, title: Title, at: int) -> str:
    us = "0" + num(company.wallet, 3) + num(company.agency, 5) + num(company.account, 7) + (company.account_digit or "0")
    fine = "2" + cents(title.fine_percent, 4) if title.fine_percent else "00000"
    head = "1" + "0" * 5 + " " + "0" * 5 + "0" * 7 + " " + us + alpha(title.own_use, 25) + "000" + fine + num(title.body, 11) + title.digit + "0" * 10 + "2" + "N" + " " * 11 + "2" + "  "
    return (head + _middle(title, "01", "000") + alpha(title.payer_name, 40) + alpha(title.street, 40) + " " * 12 + num(title.postcode, 8)).ljust(394) + num(at, 6)


def _itau(company: Company, title: Title, at: int) -> str:
    head = ("1" + "0" + person(company.tax_id) + num(company.tax_id, 14) + num(company.agency, 4) + "00" + num(company.account, 5) + (company.account_digit or "0") + " " * 4 + "0000"
            + alpha(title.own_use, 25) + num(title.body, 8) + "0" * 13 + num(company.wallet, 3) + " " * 21 + "I")
    return (head + _middle(title, "01", "341") + alpha(title.payer_name, 30) + " " * 10 + alpha(title.street, 40) + " " * 12 + num(title.postcode, 8) + alpha(title.city, 15)
            + alpha(title.region, 2) + " " * 30 + " " * 4 + "000000" + "00").ljust(394) + num(at, 6)
