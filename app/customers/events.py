"""What the customers' slice announces, in the transaction that makes it true."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CurrencyChanging:
    """A customer is to be billed in another currency than `before`; his account is locked. Who has something of his under way in the old one says so
    by InvalidInput (field "currency"), and it stays."""

    customer_id: int
    before: str
    after: str
