"""Money, months and secrets: pure."""

import base64
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.core import secrets
from app.core.money import MoneyType, PriceType, from_cents, minor_digits, round_money, round_ratio, tax_of, to_cents
from app.core.period import Month, add_months, overlap_days

amounts = st.decimals(min_value=-10**9, max_value=10**9, places=2)


@given(amounts)
def test_money_survives_the_database(value):
    column = MoneyType()
    stored = column.process_bind_param(value, None)
    assert isinstance(stored, int)
    assert column.process_result_value(stored, None) == value


@given(st.decimals(min_value=0, max_value=10**6, places=4))
def test_prices_survive_the_database(value):
    column = PriceType()
    assert column.process_result_value(column.process_bind_param(value, None), None) == value


@given(st.integers(-10**12, 10**12), st.integers(1, 10**6))
def test_ratios_round_half_away_from_zero_like_decimals(n, d):
    from decimal import ROUND_HALF_UP, localcontext

    with localcontext() as context:
        context.prec = 60
        assert round_ratio(n, d) == int((Decimal(n) / Decimal(d)).quantize(Decimal(1), ROUND_HALF_UP)) or (Decimal(n) * 2) % d == 0


@pytest.mark.parametrize("value", [1.5, Decimal("1.001")])
def test_floats_and_parts_of_a_cent_are_refused(value):
    with pytest.raises(ValueError):
        to_cents(value)


def test_rounding_is_half_up_and_symmetric():
    assert [round_money(Decimal(v)) for v in ("0.005", "-0.005", "2.675", "0.0049")] == [Decimal(v) for v in ("0.01", "-0.01", "2.68", "0.00")]
    assert round_money(Decimal("100.5"), "JPY") == Decimal("101.00")
    assert tax_of(Decimal("10.05"), Decimal("19.0000")) == Decimal("1.91")
    assert from_cents(1990) == Decimal("19.90")


def test_currencies_with_three_digits_are_refused():
    assert (minor_digits("EUR"), minor_digits("JPY")) == (2, 0)
    with pytest.raises(ValueError):
        minor_digits("KWD")


def test_months():
    assert str(Month.parse("2024-02")) == "2024-02"
    assert Month(2024, 2).days == 29
    assert Month(2026, 12).next == Month(2027, 1)
    assert Month(2026, 1).previous == Month(2025, 12)
    assert add_months(date(2027, 1, 31), 1) == date(2027, 2, 28)
    assert overlap_days(date(2026, 10, 10), None, date(2026, 10, 1), date(2026, 10, 31)) == 22
    assert overlap_days(date(2026, 11, 1), None, date(2026, 10, 1), date(2026, 10, 31)) == 0


def _app(keys: str) -> Flask:
    flask_app = Flask("test")
    flask_app.config["PTT_ENCRYPTION_KEYS"] = keys
    return flask_app


def test_secrets_rotate_and_refuse_what_was_touched():
    old, new = (f"{name}:{base64.b64encode(name.encode() * 16).decode()}" for name in ("k1", "k2"))
    with _app(old).app_context():
        stored = secrets.encrypt("s3cret")
    assert "s3cret" not in stored and stored.startswith("v1:k1:")
    with _app(f"{new},{old}").app_context():
        assert secrets.decrypt(stored) == "s3cret"
        assert "s3cret" not in repr(secrets.decrypt(stored))
        assert secrets.encrypt("x").startswith("v1:k2:")
        with pytest.raises(secrets.SecretError):
            secrets.decrypt(stored[:-6] + "AAAAA=")
    with _app(new).app_context(), pytest.raises(secrets.SecretError):
        secrets.decrypt(stored)
