"""What a further license will cost its customer, said before it is created."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalog.models import Tariff
from app.catalog.queries import price_table, problems
from app.core.money import ZERO
from app.customers.models import Customer
from app.licenses.models import License, LicenseState


@dataclass(frozen=True)
class Consequence:
    """Net of a whole period for the `before` licenses that the customer has in the tariff, and with `more` further ones; without services."""

    tariff: Tariff
    before: int
    now: Decimal
    then: Decimal
    more: int = 1

    @property
    def difference(self) -> Decimal:
        return self.then - self.now


def consequences(session: Session, customer: Customer, tariffs: Iterable[Tariff], more: int = 1) -> dict[int, Consequence]:
    """By tariff id; tariffs that cannot be priced are left out."""
    counts: dict[int, int] = dict(session.execute(
        select(License.tariff_id, func.count()).where(License.customer_id == customer.id, License.state != LicenseState.DELETED)
        .group_by(License.tariff_id)).all())
    found = {}
    for tariff in tariffs:
        if problems(tariff):
            continue
        before = counts.get(tariff.id, 0)
        table = dict(price_table(tariff, [before, before + more] if before else [more]))
        found[tariff.id] = Consequence(tariff, before, table.get(before, ZERO), table[before + more], more)
    return found
