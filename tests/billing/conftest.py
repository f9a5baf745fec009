"""Fixtures of the billing tests beside those of the whole suite."""

from tests.billing.invoice_fixtures import heard, shop  # noqa: F401
