"""Topic "tax_ids": CPF, CNPJ and VAT ids through the checks that a customer's form uses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.core.errors import InvalidInput
from app.customers import tax_ids
from conformance.runner import NotUnderstood, Verdict

READERS: dict[str, Callable[[str], tuple[str, str]]] = {
    "cpf": lambda text: ("BR", tax_ids.cpf(text)),
    "cnpj": lambda text: ("BR", tax_ids.cnpj(text)),
    "vat_id": tax_ids.eu_vat_id,
}


def check(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    given = [name for name in case["input"] if name in READERS]
    if len(given) != 1 or len(case["input"]) != 1:
        raise NotUnderstood(f"the input {sorted(case['input'])}")
    try:
        country, stored = READERS[given[0]](str(case["input"][given[0]]))
        got: dict[str, Any] = {"valid": True, "country": country, "stored": stored}
    except InvalidInput:
        got = {"valid": False, "country": None, "stored": None}
    return {key: Verdict(got[key] == wanted, got[key]) for key, wanted in case["expect"].items() if key in got}
