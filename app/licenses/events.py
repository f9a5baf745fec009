"""What the world hears of licenses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LicenseChanged:
    """`what`: "created", "changed", "tariff", "ending", "deleted", "locked", "unlocked"."""

    license_id: int
    customer_id: int
    what: str
