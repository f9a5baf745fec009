"""Topic "cnab": return and remittance files through the plugin's reader."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from conformance.runner import Verdict
from plugins.boleto.cnab.reading import CnabFile, read, total

FACTS = ("format", "bank", "n_lines", "line_lengths", "titles", "record_types", "trailers")


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """Cases of remittances tell their facts beside the file and have no `expect`."""
    return {name: case[name] for name in FACTS if name in case}


def data_of(case: dict[str, Any], files: Path) -> bytes:
    if "generated_lines" in case or "generated_lines" in case.get("input", {}):
        lines = case.get("generated_lines") or case["input"]["generated_lines"]
        return (lines if isinstance(lines, str) else "\r\n".join(lines)).encode("latin-1")
    name = case.get("file") or case["input"]["file"]
    return (files / name.removeprefix("files/")).read_bytes()


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def rows(found: CnabFile, wanted: list[dict[str, Any]]) -> tuple[bool, Any]:
    """The case may tell the first rows only, and of each row what is not blank."""
    got = [{key: plain(record.get(key)) for key in wish} for record, wish in zip(found.records, wanted, strict=False)]
    return got == wanted, got


def check(case: dict[str, Any], files: Path) -> dict[str, Verdict]:
    expect, found = case["expect"], read(data_of(case, files))
    settled = [record for record in found.records if record.get("ocorrencia") in ("06", "17")]
    made_on = found.made_on and found.made_on.isoformat()
    got: dict[str, Any] = {
        "format": f"CNAB{found.width}", "bank": found.bank, "n_lines": len(found.lines), "line_lengths": sorted({len(line) for line in found.lines}),
        "record_types": found.record_types, "trailers": found.trailers, "file_kind": found.kind, "file_date": made_on, "header_date": made_on, "file_sequence": found.sequence,
        "trailer_present": found.lines[-1][:1] == "9" if found.width == 400 else found.lines[-1][7:8] == "9", "n_payments": len(found.records), "n_titles": len(found.records),
        "count_by_occurrence": dict(sorted(Counter(record.get("ocorrencia", "") for record in found.records).items())),
        "sum_titles_cents": total(found.records, "valor_titulo"), "sum_liquidated_06_17_cents": total(settled, "valor_pago") + total(settled, "valor_principal"), "sum_fees_cents": total(found.records, "tarifa")}
    verdicts = {key: Verdict(got[key] == wanted, got[key]) for key, wanted in expect.items() if key in got}
    for name in {"payments", "titles"} & expect.keys():
        verdicts[name] = Verdict(*rows(found, expect[name]))
    if "note" in expect:
        verdicts["note"] = Verdict(True, "")
    return verdicts
