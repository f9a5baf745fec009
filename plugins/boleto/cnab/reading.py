"""Reads CNAB files: returns of the banks (liquidation and other events), and remittances, which are read back before they are handed out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from plugins.boleto.cnab import columns
from plugins.boleto.cnab.columns import BRADESCO_400, ITAU_400, T_SANTANDER, Q, T, Table, U, cut, day, digits

MAX_BYTES, MAX_LINES = 20_000_000, 200_000
RETURN, REMITTANCE = "retorno", "remessa"
TABLES_400: dict[str, Table] = {"341": ITAU_400, "237": BRADESCO_400}


class BadCnab(ValueError):
    """What cannot be read as a CNAB file. `why` is one of: empty, large, text, length, header, bank, trailer, count."""

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why, self.detail = why, detail


@dataclass(slots=True)
class CnabFile:
    """`records` of a return: {column name: value} with "line" (number of the first line) and "raw"; `complete`: the trailer is there
    and its counts are right. Amounts in cents."""

    width: int
    bank: str
    kind: str
    made_on: date | None
    sequence: str | None
    lines: list[str]
    records: list[dict[str, Any]] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    record_types: str = ""
    agreement: str = ""
    company_id: str = ""
    complete: bool = False
    problem: str = ""       # why it is not complete

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def lines_of(data: bytes) -> list[str]:
    """Lines without their ends; blanks at the end may be missing. BadCnab."""
    if len(data) > MAX_BYTES:
        raise BadCnab("large")
    if b"\0" in data:
        raise BadCnab("text")
    text = data.rstrip(b"\x1a").decode("latin-1")
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    if not lines:
        raise BadCnab("empty")
    if len(lines) > MAX_LINES:
        raise BadCnab("large")
    return lines


def read(data: bytes) -> CnabFile:
    """Any CNAB file; BadCnab. Truncated files come back with `complete` False."""
    lines = lines_of(data)
    longest = max(map(len, lines))
    head = lines[0]
    if head[:2] in ("01", "02") and cut(head, 3, 9).upper() in ("REMESSA", "RETORNO") and 300 < longest <= 444:
        return _read_400(lines)
    if digits(head[:3]) and head[7:8] in ("0", "1") and 100 < longest <= 250:
        return _read_240(lines)
    raise BadCnab("length" if digits(head[:2]) else "header", str(longest))


def _read_240(lines: list[str]) -> CnabFile:
    head = lines[0]
    batch = next((line for line in lines if line[7:8] == "1"), "")
    kind = RETURN if batch[8:9] == "T" or (not batch and head[142:143] == "2") else REMITTANCE
    made_on = day(cut(head, 144, 151)) if head[7] == "0" else None
    sequence = cut(head, 158, 163)
    found = CnabFile(240, head[:3], kind, made_on, sequence if made_on is not None and digits(sequence) else None, lines)
    found.agreement, found.company_id = cut(head, 33, 52), cut(head, 18, 32)
    details = [line for line in lines if line[7:8] == "3"]
    found.record_types = "".join(line[7:8] + (line[13:14] if line[7:8] == "3" else "") for line in lines)
    found.records = _pairs(lines, T_SANTANDER if found.bank == "033" else T) if kind == RETURN else _orders_240(lines)
    for line in lines:
        if line[7:8] == "5":
            found.trailers["lote_registros"] = cut(line, 18, 23)
        elif line[7:8] == "9":
            found.trailers |= {"arquivo_lotes": cut(line, 18, 23), "arquivo_registros": cut(line, 24, 29)}
    found.problem = _problem_240(found, details)
    found.complete = not found.problem
    return found


def _problem_240(found: CnabFile, details: list[str]) -> str:
    if "arquivo_registros" not in found.trailers or found.lines[-1][7:8] != "9":
        return "trailer"
    stated = found.trailers["arquivo_registros"]
    if digits(stated) and int(stated) not in (0, len(found.lines)):
        return "count"
    if found.kind == RETURN:
        if any(line[:3] != found.bank or line[7:8] not in ("0", "1", "3", "5", "9") for line in found.lines):
            return "pair"
        if sum(line[13:14] == "U" for line in details) != len(found.records) or not all("valor_pago" in record for record in found.records):
            return "pair"
    return ""


def _pairs(lines: list[str], table: Table) -> list[dict[str, Any]]:
    """Segments T with the U that follows; other segments (Y, R …) are passed over."""
    found: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        if line[7:8] != "3":
            continue
        if line[13:14] == "T":
            found.append({**columns.read(line, table), "line": number, "raw": line.rstrip()})
        elif line[13:14] == "U" and found and "valor_pago" not in found[-1]:
            found[-1] |= columns.read(line, U) | {"raw": f"{found[-1]['raw']}\n{line.rstrip()}"}
    return found


def _orders_240(lines: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        segment = line[13:14] if line[7:8] == "3" else ""
        if segment == "P":
            found.append({**columns.read(line, columns.P), "line": number})
        elif segment == "Q" and found:
            found[-1] |= columns.read(line, Q)
        elif segment and found:
            found[-1].setdefault("more_segments", []).append(segment)
    return found


def _read_400(lines: list[str]) -> CnabFile:
    head = lines[0]
    kind = RETURN if head[1:2] == "2" else REMITTANCE
    found = CnabFile(400, cut(head, 77, 79), kind, day(cut(head, 95, 100)), None, lines)
    found.agreement, found.record_types = cut(head, 27, 46), "".join(line[0] for line in lines)
    found.sequence = (cut(head, 109, 113) if kind == RETURN else cut(head, 111, 117)) or None
    if kind == RETURN:
        table = TABLES_400.get(found.bank)
        if table is None:
            raise BadCnab("bank", found.bank)
    else:
        table = columns.ORDER_400
    found.records = [{**columns.read(line, table), "line": number, "raw": line.rstrip()} for number, line in enumerate(lines, 1) if line[0] in "17"]
    if not lines[-1].startswith("9"):
        found.problem = "trailer"
    elif digits(end := cut(lines[-1], 395, 400)) and int(end) != len(lines):
        found.problem = "count"
    found.complete = not found.problem
    return found


def total(records: Iterable[dict[str, Any]], name: str) -> int:
    """Cents."""
    return sum(record.get(name, 0) for record in records)


def paid_cents(record: dict[str, Any]) -> int:
    """What the payer paid. Itaú tells what it credited (`valor_principal`), the tariff taken off or not, by contract."""
    if "valor_pago" in record:
        return int(record["valor_pago"])
    credited, fee = record.get("valor_principal", 0), record.get("tarifa", 0)
    asked = record.get("valor_titulo", 0) + record.get("juros", 0) - record.get("desconto", 0) - record.get("abatimento", 0)
    return int(credited + fee if credited < asked and credited + fee <= asked else credited)
