"""The whole chain in a real process that is killed, and another that finishes it: collected once, exported once, booked once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.receivables.models import OpenItem, Payment
from plugins.sepa import batches, booking, collecting
from plugins.sepa.models import BatchState, CreditorAccount, DebitBatch, DebitFile, DirectDebit, Mandate
from tests.faults.killing import Copies, dump, fork, points
from tests.sepa.books import DAY, announced, at, bank, payer

pytestmark = [pytest.mark.faults]
SEEN = {
    "debits": select(DirectDebit.end_to_end_id, DirectDebit.state, DirectDebit.amount, DirectDebit.collect_on), "batches": select(DebitBatch.state, DebitBatch.count, DebitBatch.total),
    "files": select(func.count()).select_from(DebitFile), "items": select(OpenItem.reference, OpenItem.open), "payments": select(Payment.key, Payment.amount, Payment.free),
    "mandates": select(Mandate.reference, Mandate.collections, Mandate.last_collected_on),
}


def chain() -> None:
    """Run, export, and the day of collection."""
    with at(DAY):
        for account in db.session.scalars(select(CreditorAccount)).all():
            collecting.collect(account)
        for batch in db.session.scalars(select(DebitBatch).where(DebitBatch.state == BatchState.PROPOSED)).all():
            batches.export(batch)
    with at(DAY + timedelta(days=1)):
        booking.book_due(DAY + timedelta(days=1))


def test_killed_anywhere_and_started_again_it_ends_the_same(app, tmp_path):
    account = bank()
    for _n in range(3):
        announced(payer(), account)
    copies = Copies(app, tmp_path)
    try:
        calm, report = copies.make("calm"), tmp_path / "statements"
        assert fork(app, calm, chain, report=report) == 0
        expected = dump(calm, SEEN)
        assert [row[1] for row in expected["debits"]] == ["DebitState.COLLECTED"] * 3 and expected["files"] == [("1",)]
        for n in points(int(report.read_text()), 7):
            url = copies.make(f"kill{n}")
            assert fork(app, url, chain, kill_at=n) == -9
            assert fork(app, url, chain) == 0
            assert dump(url, SEEN) == expected, f"killed at statement {n}"
    finally:
        copies.drop()
