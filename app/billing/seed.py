"""The series that invoices take their numbers from."""

from app.billing.series import ensure_series


def seed() -> None:
    ensure_series()
