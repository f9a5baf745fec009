"""What banks and payers send: camt, pain.002, archives, CNAB, boleto lines, Pix codes, words of a transfer."""

from __future__ import annotations

import io
import zipfile
from datetime import date

from app.receivables.bank import camt, lines
from app.receivables.bank.intake import unpack
from app.receivables.bank.payers import numbers_in
from plugins.boleto import barcode, pix
from plugins.boleto.cnab import reading
from plugins.sepa import pain002
from tests.fuzz.target import Target, storable
from tests.receivables import bank_files

ISO = (b"<Ntry>", b"<Amt Ccy=\"EUR\">", b"<CdtDbtInd>DBIT</CdtDbtInd>", b"<RvslInd>true</RvslInd>", b"<TxDtls>", b"<Btch>", b"<RtrInf>", b"<Sts>BOOK</Sts>", b"<Dt>2026-02-30</Dt>",
       b"<DtTm>2026-11-20T24:00:00+14:00</DtTm>", b"1E9999", b"-0.00", b"NaN", b"99999999999999999999.99", b"camt.054.001.02", b"pain.002.001.03", b"&#x1F600;", b"<![CDATA[", b"encoding='utf-16'")
REPORT = (b"<?xml version='1.0' encoding='UTF-8'?><Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.002.001.10'><CstmrPmtStsRpt><GrpHdr><MsgId>R1</MsgId>"
          b"<CreDtTm>2026-11-20T10:00:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.008.001.08</OrgnlMsgNmId><OrgnlNbOfTxs>2</OrgnlNbOfTxs>"
          b"<OrgnlCtrlSum>30.00</OrgnlCtrlSum><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>E1</OrgnlEndToEndId>"
          b"<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn></StsRsnInf></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>")


def statements(data: bytes) -> None:
    message = camt.read(data)
    storable(message)
    for report in message.reports:
        storable(lines.groups_of(message, report))


def statement_seeds() -> list[bytes]:
    entry = bank_files.entry
    return [
        bank_files.message(entry("119.00", "Rechnung R2026-0000001"), entry("5.00", sign="DBIT", reason="AC04", mandate="M1", instructed="4.00", fee="1.00", code=("IDDT", "UPDD"))),
        bank_files.message(entry("30.00", parts=bank_files.part("10.00", "R1") + bank_files.part("20.00", "R2"), batch="P1"), kind="054", balances=("1.00", "31.00")),
        bank_files.message(entry("1.00", status="PDNG", details=False, reversal="true"), kind="052"),
    ]


def archive(*files: tuple[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in files:
            target.writestr(zipfile.ZipInfo(name, (2026, 11, 20, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def archives(data: bytes) -> None:
    for _name, content in unpack("statements.zip", data):
        assert isinstance(content, bytes)


def cnab_240() -> bytes:
    account = "12340000000056780 "
    detail = [f"001000130000{n}{'TU'[n % 2 == 0]} 06{account:<20}{'12345670000000001':<20}7{'':15}10122026{10000:015d}001123400{'':24}09{'':66}{250:015d}{'04':<10}".ljust(240) for n in (1, 2)]
    rows = [f"00100000{'':9}211222333000181{'':20}{account:<20}{'FUNK LTDA':<30}{'BANCO':<30}{'':10}220112026120000000001083", "00100011T01", *detail, f"00100015{'':9}{4:06d}", f"00199999{'':9}000001{6:06d}"]
    return ("\r\n".join(row.ljust(240) for row in rows) + "\r\n").encode("ascii")


def cnab_400() -> bytes:
    head = f"02RETORNO01COBRANCA       {'0' * 20}{'FUNK LTDA':<30}341BANCO ITAU SA  201126".ljust(394) + "000001"
    one = f"10211222333000181{'0' * 20}{'':25}{'00000001':<8}{'':12}109{'':21}I06201126{'':10}00000001{'':12}101226{10000:013d}34100001{'':2}{250:013d}".ljust(394) + "000002"
    tail = "9201341".ljust(394) + "000003"
    return ("\r\n".join((head, one, tail)) + "\r\n").encode("ascii")


def returns(data: bytes) -> None:
    found = reading.read(data)
    assert found.complete or found.problem
    storable((found.records, found.trailers, found.bank))
    for record in found.records:
        reading.paid_cents(record)


def boleto_lines(data: bytes) -> None:
    line = data.decode("utf-8", "replace")
    code = barcode.barcode_of(line)
    slip = barcode.parse(code)
    assert barcode.barcode_of(barcode.line_of(code)) == code
    storable(slip)
    barcode.due_of(slip.factor, date(2026, 11, 20))


def pix_codes(data: bytes) -> None:
    storable(pix.read(data.decode("utf-8", "replace")))


def words(data: bytes) -> None:
    found = numbers_in(data.decode("utf-8", "replace")[:1000])
    assert len(found) <= 12


TARGETS = {
    "camt": Target(statements, statement_seeds, words=ISO),
    "pain002": Target(lambda data: storable(pain002.read(data)), lambda: [REPORT], words=ISO),
    "bank_archive": Target(archives, lambda: [archive(("one.xml", REPORT), ("folder/two.xml", b"<x/>" * 50))], words=(b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06")),
    "cnab": Target(returns, lambda: [cnab_240(), cnab_400()], refused=(reading.BadCnab,), words=(b"RETORNO", b"02RETORNO", b"\r\n", b"000000000000000", b"0010001300001T 06")),
    "boleto_line": Target(boleto_lines, lambda: [b"00190.00009 01238.798779 77700.168188 3 37710000013500"], refused=(barcode.BadBoleto,), longest=200),
    "pix": Target(pix_codes, lambda: [pix.write("11222333000181", "FUNK LTDA", "SAO PAULO", None, "ABC123").encode()], refused=(pix.BadPix,), words=(b"br.gov.bcb.pix", b"5303986", b"6304", b"000201"), longest=1000),
    "payers_words": Target(words, lambda: [b"Rechnung R2026-0000001 vom 20.11. KdNr K10001"], longest=2000),
}
