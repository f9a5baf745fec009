"""Topic "boleto_traps": what a reader has to refuse, and vectors that public tests have wrong."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from conformance.runner import NotUnderstood, Verdict
from conformance.topics.boleto import numbers
from plugins.boleto import barcode as codes
from plugins.boleto.banks import bank


def check(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    given, expect, kind = dict(case["input"]), case["expect"], case["kind"]
    if kind == "invalid_barcode":
        return refused(lambda: codes.parse(given["barcode"]), expect)
    if kind == "mistyped_line":
        verdicts = refused(lambda: codes.barcode_of(given["line"]), expect)
        right = expect["right_line"]
        changed = [n for n, (a, b) in enumerate(zip(given["line"], right, strict=True), 1) if a != b]
        verdicts["changed_position"] = Verdict(changed == [expect["changed_position"]], changed)
        code = codes.barcode_of(right)
        verdicts["right_line"] = Verdict(codes.line_of(code) == right, code)
        return verdicts
    if kind == "trap" and "bank" in given:
        it = bank(given.pop("bank"))
        n = numbers(given, case.get("layout", "standard"))
        free = it.free_field(n)
        got = {"nosso_numero_dv": it.check_digit(n), "campo_livre": free}
        verdicts = {key: Verdict(got[key] == wanted, got[key]) for key, wanted in expect.items() if key in got}
        if "not_campo_livre" in expect:
            verdicts["not_campo_livre"] = Verdict(free != expect["not_campo_livre"], free)
        if "note" in expect:
            verdicts["note"] = Verdict(True, "")
        return verdicts
    if kind == "trap" and set(given) == {"due"}:     # a day without a factor is refused, not written as something else
        try:
            factor = codes.due_factor(date.fromisoformat(given["due"]))
        except ValueError as problem:
            return {"note": Verdict(True, str(problem))}
        return {"factor": Verdict(factor == expect.get("factor"), factor), "note": Verdict("factor" in expect, factor)}
    if kind == "trap" and "barcode" in given:
        return refused(lambda: codes.parse(given["barcode"]), expect)
    if kind == "trap" and "line" in given:
        return refused(lambda: codes.barcode_of(given["line"]), expect)
    raise NotUnderstood(f"the kind {kind!r} with {sorted(given)}")


def refused(read: Any, expect: dict[str, Any]) -> dict[str, Verdict]:
    try:
        read()
    except codes.BadBoleto as problem:
        valid, why, right = False, str(problem), problem.expected
    else:
        valid, why, right = True, "", ""
    verdicts = {"valid": Verdict(valid == expect.get("valid"), valid), "reason": Verdict(bool(why), why), "note": Verdict(True, why)}
    if "correct_dv" in expect:
        verdicts["correct_dv"] = Verdict(right == expect["correct_dv"], right)
    return verdicts
