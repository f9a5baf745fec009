"""What others hand in, whatever it is: a result or a sentence, and quickly. (More of it beside the parsers: camt, CNAB, SOAP, lock lists, REST.)"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.billing.lines import check_period
from app.catalog.servers import save_server
from app.core.errors import DomainError
from app.core.period import Month
from app.exchange.targets import check_target
from app.receivables.bank.intake import unpack
from app.receivables.bank.payers import numbers_in
from app.receivables.reminder_rules import parse_fees
from app.system.uploads import DOCUMENTS, accept, shown_name
from plugins.sepa import pain002
from tests import factories as make

REPORT = (b"<?xml version='1.0' encoding='UTF-8'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.002.001.10'><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId>"
          b"<CreDtTm>2026-11-20T10:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId><OrgnlNbOfTxs>2</OrgnlNbOfTxs>"
          b"<OrgnlCtrlSum>30.00</OrgnlCtrlSum><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId>"
          b"<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>")


def archive() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as target:
        target.writestr("one.xml", REPORT)
        target.writestr("folder/two.xml", b"<x/>" * 50)
    return held.getvalue()


def damaged(*samples: bytes) -> Any:
    """Any bytes, or a sample with a piece cut out and another put in."""
    cut = st.tuples(st.sampled_from(samples), st.integers(0, max(map(len, samples))), st.integers(0, 40), st.binary(max_size=12))
    return st.one_of(st.binary(max_size=300), cut.map(lambda c: c[0][:c[1]] + c[3] + c[0][c[1] + c[2]:]))


@given(damaged(REPORT))
def test_status_reports(data):
    try:
        report = pain002.read(data)
    except DomainError:
        return
    assert report.original_msg_id and (report.control_sum is None or report.control_sum.is_finite())


@given(damaged(archive()))
def test_archives_of_banks(app, data):
    try:
        files = list(unpack("x.zip", data))
    except DomainError:
        return
    assert all(isinstance(content, bytes) for _name, content in files)


@given(st.text(max_size=80), st.sampled_from([".pdf", ".png", ".jpg", ".docx", ".xlsx", ".txt", ".csv", ".html", ""]), damaged(archive(), b"%PDF-1.7\n1 0 obj\n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1"))
def test_uploads(app, name, ending, data):
    shown = shown_name(name + ending)
    assert "/" not in shown and "\\" not in shown and "\0" not in shown and len(shown) <= 200
    try:
        taken = accept(name + ending, data, DOCUMENTS)
    except DomainError:
        return
    assert taken.shown and taken.media_type and taken.extension


@given(st.text(max_size=60) | st.from_regex(r"[A-Z]{3} \d{1,7}([.,]\d{1,3})?(, ?[A-Z]{3} \d{1,3})?", fullmatch=True))
def test_fees_of_reminders(text):
    try:
        found = parse_fees(text)
    except ValueError:
        return
    assert all(len(code) == 3 and amount >= 0 and amount == amount.quantize(amount) for code, amount in found.items())


@given(st.text(max_size=12) | st.from_regex(r"\d{4}-\d{1,2}", fullmatch=True))
def test_months(app, text):
    try:
        month = check_period(text, "month")
    except DomainError:
        return
    assert isinstance(month, Month) and Month.parse(str(month)) == month


@example("sftp://[host")
@example("sftp://host:port/x")
@given(st.text(max_size=80) | st.from_regex(r"(sftp|s3|file|http)://[^\s]{0,40}", fullmatch=True))
def test_targets_of_exports(app, text):
    try:
        assert isinstance(check_target(text), str)
    except DomainError:
        return


@given(st.text(max_size=500))
def test_numbers_in_a_payers_words(text):
    found = numbers_in(text)
    assert len(found) <= 12 and all(any(letter.isdigit() for letter in word) for word in found)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b.pdf", "CON", "  ", "ä" * 300, "x" * 500 + ".pdf", "..\\..\\x.pdf"])
def test_names_that_others_have_tried(name):
    shown = shown_name(name)
    assert shown and "/" not in shown and "\\" not in shown and "\0" not in shown and Path(shown).name == shown


@pytest.mark.parametrize("address", ["http://[host/x?wsdl", "http://host:port/x", "http://", "ftp://host/x", "http://a b/x"])
def test_addresses_of_servers(app, address):
    """An existing server, whose password must not go elsewhere, is changed to something that is no address."""
    server = make.server(secret="s3cret")
    with pytest.raises(DomainError):
        save_server(server, wsdl=address)
