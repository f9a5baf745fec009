from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from simulator.paypal import Running
from tests.paypal.books import paypal


@pytest.fixture
def stand_in(app: Flask) -> Iterator[Running]:
    """PayPal's stand-in, and the product set up with it."""
    with paypal(app) as running:
        yield running
