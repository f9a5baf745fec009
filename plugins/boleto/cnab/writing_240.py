"""CNAB 240 remittance: FEBRABAN's layout with what differs by bank (001, 033, 104, 748, 756)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from plugins.boleto.cnab.writing import (
    ENTRY,
    Company,
    Title,
    alpha,
    cents,
    day8,
    interest_a_day,
    num,
    person,
)


@dataclass(frozen=True, slots=True)
class Style:
    """Versions of the layout in the file's and the batch's header, kind of document, and codes of the title's columns 58 to 62."""

    file_version: str
    batch_version: str
    species: str
    codes: str                      # carteira, registration, kind of document, issue, distribution
    write_off: str = "1060"         # columns 224 to 227: code and days


STYLES = {"001": Style("083", "042", "02", "71022"), "033": Style("040", "030", "02", "51   "), "104": Style("107", "067", "02", "11122", "1120"),
          "748": Style("081", "040", "03", "11122", "1060"), "756": Style("081", "040", "02", "11022", "0   ")}


def lines(company: Company, titles: Sequence[Title], number: int, made_at: datetime) -> list[str]:
    style = STYLES[company.bank]
    body: list[str] = []
    for title in titles:
        for segment in (_p, _q, *([_r] if title.movement == ENTRY and title.fine_percent else [])):
            body.append(segment(company, style, title, len(body) + 1))
    bank, total = company.bank, sum(title.amount for title in titles if title.movement == ENTRY)
    entries = sum(1 for title in titles if title.movement == ENTRY)
    trailer = bank + "00015" + " " * 9 + num(len(body) + 2, 6)
    if bank != "033":
        trailer += num(entries, 6) + cents(Decimal(total), 17) + "0" * 69
    return [_file_header(company, style, number, made_at), _batch_header(company, style, number, made_at), *body, trailer.ljust(240),
            (bank + "99999" + " " * 9 + "000001" + num(len(body) + 4, 6) + ("" if bank == "033" else "000000")).ljust(240)]


def _account(company: Company, digit: str = " ") -> str:
    """Agency, its digit, account, its digit, digit of both: 20 columns."""
    if company.bank == "104":
        return num(company.agency, 5) + (company.agency_digit or "0") + num(company.agreement, 7) + "0000000"
    return num(company.agency, 5) + (company.agency_digit or " ") + num(company.account, 12) + (company.account_digit or " ") + digit


def _agreement(company: Company) -> str:
    if company.bank == "001":       # convênio, product 0014, carteira, variation
        return num(company.agreement, 9) + "0014" + num(company.wallet, 2) + "019  "
    return "0" * 20 if company.bank == "104" else " " * 20


def _file_header(company: Company, style: Style, number: int, made_at: datetime) -> str:
    start = company.bank + "00000"
    if company.bank == "033":
        return (start + " " * 8 + person(company.tax_id) + num(company.tax_id, 15) + num(company.transmission, 15) + " " * 25 + alpha(company.name, 30) + alpha(company.bank_name, 30)
                + " " * 10 + "1" + f"{made_at:%d%m%Y}" + " " * 6 + num(number, 6) + style.file_version).ljust(240)
    return (start + " " * 9 + person(company.tax_id) + num(company.tax_id, 14) + _agreement(company) + _account(company) + alpha(company.name, 30) + alpha(company.bank_name, 30)
            + " " * 10 + "1" + f"{made_at:%d%m%Y%H%M%S}" + num(number, 6) + style.file_version + "00000").ljust(240)


def _batch_header(company: Company, style: Style, number: int, made_at: datetime) -> str:
    start = company.bank + "00011R01" + ("00" if company.bank == "104" else "  ") + style.batch_version + " " + person(company.tax_id) + num(company.tax_id, 15)
    end = num(number, 8) + f"{made_at:%d%m%Y}"
    if company.bank == "033":
        return (start + " " * 20 + num(company.transmission, 15) + " " * 5 + alpha(company.name, 30) + " " * 80 + end).ljust(240)
    agreement = num(company.agreement, 7) + "0" * 13 if company.bank == "104" else _agreement(company)
    return (start + agreement + _account(company) + alpha(company.name, 30) + " " * 80 + end + "00000000").ljust(240)


def _nosso(company: Company, title: Title) -> str:
    """Columns 38 to 57."""
    if company.bank == "104":
        return "000" + num(title.body, 17)
    if company.bank == "756":       # number with digit 10, parcel, modality, form
        return num(title.body + title.digit, 10) + "01" + num(company.kind or "01", 2) + "4" + " " * 5
    return (title.body + title.digit).ljust(20)


def _p(company: Company, style: Style, title: Title, at: int) -> str:
    start = company.bank + "00013" + num(at, 5) + "P " + title.movement
    interest = "1" + day8(title.due_on + timedelta(days=1)) + cents(interest_a_day(title), 15) if title.interest_percent else "3" + "0" * 23
    money = (num(title.document, 15) if company.bank == "748" else alpha(title.document, 15)) + day8(title.due_on) + cents(title.amount, 15)
    rest = (interest + "0" + "00000000" + "0" * 15 + "0" * 15 + "0" * 15 + alpha(title.own_use, 25) + "3" + "00")
    if company.bank == "033":
        account = num(company.agency, 4) + (company.agency_digit or "0") + num(company.account, 9) + (company.account_digit or "0")
        head = start + account + account[5:] + "  " + num(title.body + title.digit, 13) + style.codes[0] + "1" + "1" + "  "
        return (head + money + "0000" + "0" + " " + (title.species or style.species) + "N" + day8(title.issued_on) + rest + "2" + "000" + "00").ljust(240)
    money = (alpha(title.document, 11) + " " * 4 + money[15:]) if company.bank == "104" else money
    head = start + _account(company) + _nosso(company, title) + _codes(company, style)
    return (head + money + "00000" + ("0" if company.bank == "104" else " ") + (title.species or style.species) + "N" + day8(title.issued_on) + rest + style.write_off + "09" + "0" * 10).ljust(240)


def _codes(company: Company, style: Style) -> str:
    if company.bank == "001":       # carteira 17 is 7 (simple), 11 is 1
        return {"11": "1", "12": "2", "15": "5", "16": "6", "17": "7", "18": "8", "31": "3", "51": "4"}.get(company.wallet, "7") + style.codes[1:]
    return style.codes


def _q(company: Company, _style: Style, title: Title, at: int) -> str:
    district = " " * 15
    return (company.bank + "00013" + num(at, 5) + "Q " + title.movement + person(title.payer_tax_id) + num(title.payer_tax_id, 15) + alpha(title.payer_name, 40) + alpha(title.street, 40)
            + district + num(title.postcode, 8) + alpha(title.city, 15) + alpha(title.region, 2) + "0" + "0" * 15 + " " * 40 + "000").ljust(240)


def _r(company: Company, _style: Style, title: Title, at: int) -> str:
    """The fine in per cent, from the day after it is due."""
    discount = "0" + "00000000" + "0" * 15
    return (company.bank + "00013" + num(at, 5) + "R " + title.movement + discount * 2 + "2" + day8(title.due_on + timedelta(days=1)) + cents(title.fine_percent, 15)
            + " " * 110).ljust(240)
