"""Topic "boleto_factor": due factor, day of the year, barcode and line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from conformance.runner import NotUnderstood, Verdict
from plugins.boleto import barcode as codes
from plugins.boleto.check_digits import mod10


def check(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    given, expect, kind = case["input"], case["expect"], case["kind"]
    got: dict[str, Any] = {}
    if kind == "date_to_factor":
        got["factor"] = codes.due_factor(date.fromisoformat(given["due"]))
    elif kind == "julian_date_DDDY":
        got["julian"] = codes.julian(date.fromisoformat(given["date"]))
    elif kind.startswith(("mod10", "mod_10")):
        got = dict.fromkeys(("dv", "mod10", "digit", "check_digit"), str(mod10(next(iter(given.values())))))
        got = {key: type(expect[key])(value) for key, value in got.items() if key in expect}
    elif "barcode" in given or "line" in given:
        code = given.get("barcode") or codes.barcode_of(given["line"])
        facts = codes.parse(code)
        line = codes.line_of(code)
        due = codes.due_of(facts.factor, date.fromisoformat(given.get("today", "2026-11-25")))
        got = {"barcode": code, "line": line, "line_formatted": codes.formatted(line), "due": due and due.isoformat(),
               "amount_cents": int(facts.amount * 100), "factor": facts.factor, "bank": facts.bank, "campo_livre": facts.free_field}
        if codes.barcode_of(line) != code:
            raise AssertionError("the line is not read back")
    else:
        raise NotUnderstood(f"the kind {kind!r}")
    return {key: Verdict(got[key] == wanted, got[key]) for key, wanted in expect.items() if key in got}
