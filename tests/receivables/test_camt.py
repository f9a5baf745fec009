"""Reading account statements: whatever comes, it is a message or a clear refusal."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import DomainError, InvalidInput
from app.receivables.bank import camt, xml

FILES = Path(__file__).resolve().parents[1] / "cases" / "files" / "sepa" / "camt"
BATCH = (FILES / "ptt-054-v08-batch.xml").read_bytes()
SINGLE = (FILES / "ptt-053-v08-single.xml").read_bytes()


def test_a_batch_of_returns_tells_each_debit_with_what_was_collected_and_the_fee():
    message = camt.read(BATCH)
    entry = message.reports[0].entries[0]
    assert all(entry.is_returned_debit(t) for t in entry.transactions)
    first = entry.transactions[0]
    assert (first.end_to_end_id, first.return_reason, first.original_amount, first.fee) == ("RE2026-00900", "AC04", Decimal("84.07"), Decimal("2.50"))
    assert message.kind == "camt.054" and message.reports[0].difference is None


@pytest.mark.parametrize("change", [
    (b'<Amt Ccy="EUR">262.71', b'<Amt Ccy="EUR">-262.71'), (b'<Amt Ccy="EUR">262.71', b'<Amt Ccy="EUR">262,71'), (b'<Amt Ccy="EUR">262.71', b'<Amt Ccy="EUR">1e9'),
    (b'<Amt Ccy="EUR">262.71', b'<Amt Ccy="EUR">NaN'), (b'<Amt Ccy="EUR">262.71', b'<Amt Ccy="E">262.71'), (b"<CdtDbtInd>DBIT", b"<CdtDbtInd>"), (b"2026-11-20</Dt>", b"2026-02-30</Dt>"),
    (b"camt.054.001.08", b"camt.055.001.08"), (b"camt.054.001.08", b"camt.053.001.08"), (b"urn:iso:std", b"urn:some"), (b"</Document>", b""), (b"Document", b"Dokument"),
    (b"<Document", b'<!DOCTYPE a [<!ENTITY b "c">]><Document'), (b"<Document", b'<!DOCTYPE Document SYSTEM "http://x.test/x.dtd"><Document')])
def test_what_is_wrong_is_refused_with_words(change):
    data = BATCH.replace(*change)
    assert data != BATCH
    with pytest.raises(InvalidInput) as error:
        camt.read(data)
    assert error.value.field == "file" and len(str(error.value)) > 20


@pytest.mark.parametrize("data", [b"", b" \n", b"%PDF-1.7", b"\xff\xfe\x00", BATCH[:700], b'<?xml version="1.0" encoding="x-none"?><a/>', b"<a>" * 5000,
                                  BATCH.decode().replace("UTF-8", "UTF-16").replace("<Document", '<!DOCTYPE a [<!ENTITY b "c">]><Document').encode("utf-16")])
def test_no_statement_at_all(data):
    with pytest.raises(InvalidInput):
        camt.read(data)


def test_too_large_is_not_parsed(monkeypatch):
    monkeypatch.setattr(xml, "MOST_BYTES", len(BATCH) - 1)
    with pytest.raises(InvalidInput, match="too large"):
        camt.read(BATCH)
    monkeypatch.setattr(xml, "MOST_BYTES", len(BATCH))
    monkeypatch.setattr(camt, "MOST_ENTRIES", 0)
    with pytest.raises(InvalidInput, match="lines"):
        camt.read(BATCH)


@given(st.one_of(st.binary(max_size=300), st.tuples(st.sampled_from([BATCH, SINGLE]), st.integers(0, 4000), st.integers(0, 40), st.binary(max_size=12)).map(
    lambda cut: cut[0][:cut[1]] + cut[3] + cut[0][cut[1] + cut[2]:])))
def test_any_bytes_give_a_message_or_a_refusal(data):
    try:
        message = camt.read(data)
    except DomainError:
        return
    assert message.kind in camt.KINDS
    for report in message.reports:
        for entry in report.entries:
            assert entry.amount >= 0 and entry.amount.is_finite() and entry.sign in (camt.CREDIT, camt.DEBIT)
            for transaction in entry.transactions:
                assert transaction.fee >= 0 and (transaction.original_amount is None or transaction.original_amount >= 0)


def test_versions_say_the_same():
    new, old = (camt.read((FILES / name).read_bytes()).reports[0] for name in ("ptt-053-v08-single.xml", "ptt-053-v04-single.xml"))
    for report in (new, old):
        assert report.difference[0] == report.difference[1]
        assert all(t.debtor and t.debtor_iban and t.return_reason and e.status == camt.BOOKED for e in report.entries for t in e.transactions)
