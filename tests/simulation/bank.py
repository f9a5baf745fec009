"""The bank: what customers transfer, and the statements that staff takes in, some of them twice or overlapping."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select

from app.core.db import db
from app.customers.models import Customer
from app.receivables.bank.booking import book_new, release
from app.receivables.bank.intake import take_file
from app.receivables.models import DemandKind, OpenItem
from tests.receivables.bank_files import entry, message
from tests.simulation.provider import Provider, name_of
from tests.simulation.reference import ModelPayment


def iban_of(number: int) -> str:
    """A German IBAN of its own for each customer."""
    account = f"{37040044:08d}{number:010d}"
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


class Bank:
    def __init__(self, provider: Provider):
        self.p, self.rng = provider, provider.rng
        self.last: list[str] = []           # entries of the statement before

    def day(self, day: date) -> None:
        """Transfers of the day, and in the afternoon the statement. None at weekends."""
        if day.weekday() >= 5:
            return
        new = self._transfers(day)
        if not new:
            return
        data = message(*new, ident=f"M{day:%Y%m%d}", on=day)
        self._take(f"statement-{day}.xml", data)
        if self.rng.random() < 0.1:
            self._take(f"again-{day}.xml", data)
        if self.rng.random() < 0.1 and self.last:
            self._take(f"overlap-{day}.xml", message(*self.last, *new, ident=f"O{day:%Y%m%d}", on=day))
        self.last = new

    def _take(self, name: str, data: bytes) -> None:
        self.p.do("statement", lambda: take_file(name, data))
        self.p.do("book lines", lambda: (release(), book_new()))

    def _transfers(self, day: date) -> list[str]:
        """Who pays what today: customers are punctual, late, forgetful; they pay all, a part, too much, or name nothing."""
        rows = db.session.execute(select(OpenItem.reference, OpenItem.open, OpenItem.due_on, OpenItem.kind, Customer.company).join(Customer, Customer.id == OpenItem.customer_id)
                                  .where(OpenItem.open > 0).order_by(OpenItem.reference, OpenItem.amount, OpenItem.due_on, Customer.company)).all()
        db.session.remove()
        found = []
        for row in rows:
            habit = random.Random(f"{self.p.seed}:{name_of(row.company)}").choice((0.5, 0.5, 0.2, 0.06, 0.01))
            if day < row.due_on - timedelta(days=2) or self.rng.random() > habit:
                continue
            mark, share = f"SIM{self.p.next():06d}", self.rng.choice((1, 1, 1, 1, 1, 2, 0))
            amount = {1: row.open, 2: row.open + Decimal("4.20"), 0: max(row.open / 2, Decimal("0.01")).quantize(Decimal("0.01"))}[share]
            named = self.rng.random() < 0.85 and row.kind is DemandKind.PRINCIPAL
            company = name_of(row.company)
            number = int(company.split()[1])
            text = f"{row.reference} {mark}" if named else f"Danke {mark}"
            found.append(entry(str(amount), text, on=day, name=company, iban=iban_of(number if self.rng.random() < 0.9 else 900 + number), ref=mark))
            self.p.model.payments[mark] = ModelPayment(mark, company, amount)
        return found
