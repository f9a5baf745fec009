"""A remittance as bytes, and its reading back: what a bank does is what stands in the file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.plugin_api import to_cents
from plugins.boleto.cnab import reading, writing_240, writing_400
from plugins.boleto.cnab.writing import LAYOUTS, Company, Title, TooLong

CRLF = "\r\n"


def write(width: int, company: Company, titles: Sequence[Title], number: int, made_at: datetime) -> bytes:
    """The file; TooLong, or KeyError for a bank or layout that there is none for."""
    if width not in LAYOUTS[company.bank]:
        raise KeyError(f"{company.bank} CNAB {width}")
    lines = (writing_240 if width == 240 else writing_400).lines(company, titles, number, made_at)
    for line in lines:
        if len(line) != width:
            raise TooLong(f"a line of {len(line)} instead of {width}")
    return (CRLF.join(lines) + CRLF).encode("ascii")


def says(data: bytes, company: Company, titles: Sequence[Title]) -> bool:
    """Whether the file, read as a bank reads it, says exactly this."""
    found = reading.read(data)
    if not found.complete or found.kind != reading.REMITTANCE or found.bank != company.bank or len(found.records) != len(titles):
        return False
    for record, title in zip(found.records, titles, strict=True):
        movement = record.get("movimento") or record.get("ocorrencia")
        number = record.get("nosso_numero") or record.get("nosso_numero_raw", "")
        if (movement, record["vencimento"], record["valor"]) != (title.movement, title.due_on, to_cents(title.amount)) or title.body.lstrip("0") not in number:
            return False
        if str(record.get("pagador_documento", "")).lstrip("0") != title.payer_tax_id.lstrip("0"):
            return False
    return True
