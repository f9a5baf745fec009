"""The shop of the invoice tests."""

from tests.billing.invoice_fixtures import shop  # noqa: F401
