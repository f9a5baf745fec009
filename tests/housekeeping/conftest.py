"""Fixtures of the housekeeping tests beside those of the whole suite."""

from tests.billing.invoice_fixtures import shop  # noqa: F401
