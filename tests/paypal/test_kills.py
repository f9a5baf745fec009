"""Capture, booking and a refund in a real process that is killed, and the hourly run of another that finishes it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from app.core.db import db
from app.receivables.models import OpenItem, Payment
from plugins.paypal import attempts, capturing, refunding, settling
from plugins.paypal.models import Attempt, Capture, PayPalRefund
from tests.faults.killing import Copies, dump, fork, points
from tests.paypal.books import owing
from tests.paypal.test_flow import Run

pytestmark = [pytest.mark.faults]
SEEN = {"attempts": select(Attempt.state, Attempt.amount), "captures": select(Capture.status, Capture.amount, Capture.returned), "items": select(OpenItem.open),
        "payments": select(Payment.amount, Payment.free, Payment.state), "refunds": select(PayPalRefund.amount, PayPalRefund.state, PayPalRefund.booked)}


def chain() -> None:
    """Take the money, and give a part back."""
    attempt = db.session.scalars(select(Attempt)).one()
    capturing.capture(attempt.id)
    settling.take_in(Run())
    refunding.give_back(db.session.scalars(select(Capture)).one(), Decimal("9.97"), "one radio less", "once")
    settling.take_in(Run())


def test_killed_anywhere_the_money_is_taken_and_given_back_once(app, stand_in, tmp_path):
    customer, item = owing()
    row = attempts.begin(customer.id, item.id)
    attempts.open_order(row)
    book, order = stand_in.book, row.order_id
    book.approve(order)
    copies = Copies(app, tmp_path)

    def afresh() -> None:
        """PayPal as it was when the payer had agreed."""
        book.captures.clear()
        book.refunds.clear()
        book.answers.clear()
        book.orders[order]["status"] = "APPROVED"
        book.orders[order]["purchase_units"][0].pop("payments", None)

    try:
        calm, report = copies.make("calm"), tmp_path / "statements"
        assert fork(app, calm, chain, report=report) == 0
        expected = dump(calm, SEEN)
        assert expected["items"] == [("9.97",)] and sorted(row[0] for row in expected["payments"]) == ["50.00", "59.97"]
        for n in points(int(report.read_text()), 5):
            afresh()
            url = copies.make(f"kill{n}")
            assert fork(app, url, chain, kill_at=n) == -9
            assert fork(app, url, chain) == 0
            assert dump(url, SEEN) == expected and len(book.captures) == len(book.refunds) == 1, f"killed at statement {n}"
    finally:
        copies.drop()
