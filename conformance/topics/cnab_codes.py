"""Topic "cnab_codes": the plugin's table of movements and its splitting of reasons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.runner import NotUnderstood, Verdict
from conformance.topics.sepa_returns import stems
from plugins.boleto.cnab import codes


def check(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    given, expect, verdicts = case["input"], case["expect"], {}
    if case["kind"] == "movement_240":
        found = codes.movement("001", 240, given["code"])
        text, money = str(found[1]) if found else "", codes.is_settlement("001", 240, given["code"])
        if "meaning" in expect:     # the same in words of our own: at least half of what it says
            ours, theirs = stems(text), stems(expect["meaning"])
            verdicts["meaning"] = Verdict(found is not None and 2 * len(ours & theirs) >= len(theirs), text)
        verdicts["money_received"] = Verdict(money == expect.get("money_received"), money)
    elif case["kind"] == "reason_split":
        split = codes.split_reasons(given["reasons"])
        verdicts["codes"] = Verdict(split == expect["codes"], split)
    else:
        raise NotUnderstood(f"the kind {case['kind']!r}")
    if "note" in expect:
        verdicts["note"] = Verdict(True, "")
    return verdicts
