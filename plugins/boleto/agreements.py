"""Agreements with banks: every fact is checked, and the bank's own rules by making a number with it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import exists, select

from app.customers import tax_ids
from app.plugin_api import InvalidInput, clock, db, transaction
from plugins.boleto import pix
from plugins.boleto.banks import BadNumbers, all_banks, bank
from plugins.boleto.cnab.writing import LAYOUTS
from plugins.boleto.models import Agreement, Slip
from plugins.boleto.numbers import numbers_of

DIGITS = {"agency": 5, "account": 12, "wallet": 3, "agreement": 20, "transmission": 20, "post": 2, "byte": 1, "species": 2}
TEXTS = {"title": 60, "beneficiary": 80, "city": 40}
NUMBERING = ("bank", "agency", "account", "wallet", "agreement", "post", "kind", "byte")


def save_agreement(row: Agreement | None, **given: Any) -> Agreement:
    """A new one, or a change. Once a boleto was made with it, what its numbers are made of stays. Raises InvalidInput."""
    values = {name: " ".join(value.split()) if isinstance(value, str) else value for name, value in given.items()}
    values = {name: "" if value is None and name not in ("last_number", "first_number", "fine_percent", "interest_percent", "layout") else value for name, value in values.items()}
    for name, most in TEXTS.items():
        if not 1 <= len(values[name]) <= most:
            raise InvalidInput(_("Enter 1 to %(n)s characters.", n=most), name)
    for name, most in DIGITS.items():
        text = values[name] = values.get(name, "").replace(".", "").replace("-", "").replace(" ", "")
        if text and (len(text) > most or not text.isascii() or not text.isdigit()):
            raise InvalidInput(_("At most %(n)s digits.", n=most), name)
    for name in ("agency_digit", "account_digit"):
        values[name] = values.get(name, "").upper()
        if values[name] and values[name] not in "0123456789XP":
            raise InvalidInput(_("One digit, or X or P."), name)
    if values["bank"] not in all_banks():
        raise InvalidInput(_("There is no file for this bank."), "bank")
    if values["layout"] not in LAYOUTS.get(values["bank"], ()):
        raise InvalidInput(_("Files for this bank: %(layouts)s.", layouts=", ".join(f"CNAB {n}" for n in LAYOUTS.get(values["bank"], ())) or _("none")), "layout")
    values["tax_id"] = _tax_id(values["tax_id"])
    for name, limit in (("fine_percent", Decimal(2)), ("interest_percent", Decimal(1))):
        if values[name] is None or not 0 <= Decimal(values[name]) <= limit:
            raise InvalidInput(_("0 to %(n)s per cent: the law allows no more to consumers.", n=limit), name)
    if len(values.get("pix_key", "")) > 77 or not values.get("pix_key", "").isascii():
        raise InvalidInput(_("This is no Pix key."), "pix_key")
    if values.get("pix_key"):
        try:
            pix.write(values["pix_key"], values["beneficiary"], values["city"])
        except pix.BadPix as problem:
            raise InvalidInput(_("No Pix code can be made with this: %(why)s.", why=problem), "pix_key") from problem
    return _store(row, values)


def _tax_id(text: str) -> str:
    bare = "".join(char for char in text if char.isalnum())
    return tax_ids.cpf(bare, "tax_id") if len(bare) == 11 else tax_ids.cnpj(bare, "tax_id")


def _store(row: Agreement | None, values: dict[str, Any]) -> Agreement:
    with transaction() as session:
        if row is not None:
            session.refresh(row, with_for_update=True)
        if session.scalar(select(Agreement.id).where(Agreement.title == values["title"], Agreement.id != (row.id if row is not None else 0))) is not None:
            raise InvalidInput(_("There is an agreement with this name already."), "title")
        used = row is not None and session.scalar(select(exists().where(Slip.agreement_id == row.id)))
        new = row or Agreement(next_number=1)
        for name, value in values.items():
            if used and name in NUMBERING and getattr(new, name) != value:
                raise InvalidInput(_("Boletos were made with this agreement: enter a new agreement instead of changing it."), name)
            setattr(new, name, value)
        check_numbers(new)
        new.next_number = max(new.next_number or 1, new.first_number)
        if new.next_number > new.last_number + 1:
            raise InvalidInput(_("The number %(n)s was given already.", n=new.next_number - 1), "last_number")
        session.add(new)
        session.flush()
        return new


def check_numbers(row: Agreement) -> None:
    """The bank's file makes a number and a free field of it, or says which fact is wrong."""
    it = bank(row.bank)
    for name in it.needs:
        if name != "kind" and not getattr(row, name):
            raise InvalidInput(_("%(bank)s needs this.", bank=it.name), name)
    if it.wallets and row.wallet not in it.wallets and row.wallet.zfill(3) not in it.wallets:
        raise InvalidInput(_("Carteiras of %(bank)s: %(list)s.", bank=it.name, list=", ".join(it.wallets)), "wallet")
    first, last = row.first_number, row.last_number
    today: date = clock.today()
    try:
        free = it.free_field(numbers_of(row, last or 1, today, today, Decimal(1), "1"))
        most = it.capacity(numbers_of(row, 1, today))
    except (BadNumbers, ValueError) as problem:
        field = problem.field if isinstance(problem, BadNumbers) else "agreement"
        raise InvalidInput(_("%(bank)s: %(why)s.", bank=it.name, why=problem), "last_number" if field == "number" else field) from problem
    if len(free) != 25:
        raise InvalidInput(_("%(bank)s: the numbers do not fill the barcode.", bank=it.name), "agreement")
    if first is None or last is None or not 1 <= first <= last <= most:
        raise InvalidInput(_("From 1 to %(most)s, as your bank told you.", most=most), "last_number")


def of_account(bank_code: str, account: str) -> list[Agreement]:
    """Agreements that a return of this account belongs to: banks write the account or the agreement's code there, some with what follows it.
    Empty: the return names none, all of the bank."""
    rows = list(db.session.scalars(select(Agreement).where(Agreement.bank == bank_code)))
    bare = account.lstrip("0")
    if not bare:
        return rows
    codes = [(row, [text.lstrip("0") for text in (row.account, row.agreement) if text.strip("0")]) for row in rows]
    exact = [row for row, ours in codes if bare in ours]
    return exact or [row for row, ours in codes if any(bare.startswith(code) for code in ours)]


def in_use() -> Agreement | None:
    """The one that new boletos are made with: of several the newest."""
    return db.session.scalars(select(Agreement).where(Agreement.active).order_by(Agreement.id.desc()).limit(1)).first()
