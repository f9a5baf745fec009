"""Topic "sepa_ids": identifiers, limits and text of SEPA through the checks of the plugin's forms and files."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.core.errors import InvalidInput
from conformance.runner import NotUnderstood, Verdict
from plugins.sepa import ids
from plugins.sepa.text import field_text, sepa_text

SEPA_SET = {"A-Z a-z 0-9 / - ? : ( ) . , ' + blank": re.compile(r"[A-Za-z0-9/\-?:().,'+ ]*")}
# What a reason in words asks of the fault that the product names.
FAULTS = (("empty", {"empty"}), ("no iban", {"characters", "country", "length"}), ("too long", {"length"}), ("too short", {"length"}),
          ("lost", {"length"}), ("added", {"length"}), ("length", {"length"}), ("letter", {"characters", "check"}), ("character", {"characters", "check"}),
          ("country", {"country", "check"}), ("swap", {"check"}), ("changed", {"check"}), ("check", {"check"}), ("transpos", {"check"}))


def check(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    kind, data, expect = case["kind"], case["input"], case["expect"]
    judged = KINDS.get(kind)
    if judged is None:
        raise NotUnderstood(f"the kind {kind!r}")
    got = judged(data, expect)
    found = {key: value if isinstance(value, Verdict) else Verdict(value == expect[key], value) for key, value in got.items() if key in expect}
    if "note" in expect:
        found["note"] = Verdict(True, "a remark for the reader")
    return found


def accepted(checking: Any, text: str) -> bool:
    try:
        checking(text)
    except InvalidInput:
        return False
    return True


def iban_valid(data: dict[str, Any], _expect: dict[str, Any]) -> dict[str, Any]:
    stored = ids.iban(data["iban"])
    bank_code, account = ids.bank_and_account(stored)
    return {"valid": True, "country": stored[:2], "bank_code": bank_code, "account": account, "sepa": ids.takes_direct_debits(stored), "display": ids.shown(stored)}


def iban_invalid(data: dict[str, Any], expect: dict[str, Any]) -> dict[str, Any]:
    fault = ids.iban_fault(data["iban"])
    got: dict[str, Any] = {"valid": fault is None}
    if "reason" in expect:
        wanted = next((kinds for word, kinds in FAULTS if word in expect["reason"].lower()), None)
        if wanted is None:
            raise NotUnderstood(f"the reason {expect['reason']!r}")
        got["reason"] = Verdict(fault is not None and fault[0] in wanted and bool(str(fault[1])), fault and f"{fault[0]}: {fault[1]}")
    return got


def creditor_id(data: dict[str, Any], _expect: dict[str, Any]) -> dict[str, Any]:
    form, digits = ids.creditor_id_parts(data["creditor_id"])
    return {"format_ok": form, "check_digits_ok": digits, "valid": accepted(ids.creditor_id, data["creditor_id"])}


def text_property(data: dict[str, Any], expect: dict[str, Any]) -> dict[str, Any]:
    most = data["max_length"]
    got = field_text(data["text"], most)
    charset = SEPA_SET.get(expect.get("only_chars", ""))
    if "only_chars" in expect and charset is None:
        raise NotUnderstood(f"the characters {expect['only_chars']!r}")
    letters = any(c.isalpha() for c in data["text"])
    holds = {"only_chars": charset is not None and bool(charset.fullmatch(got)), "not_empty_if_letters": bool(got) or not letters,
             "max_length": len(got) <= expect.get("max_length", most), "no_leading_or_trailing_blank": got == got.strip(),
             "no_double_slash_and_no_slash_at_ends": "//" not in got and not got.startswith("/") and not got.endswith("/")}
    # `false` asks for nothing.
    return {key: Verdict(ok or expect.get(key) is False, got) for key, ok in holds.items()}


def max_length(data: dict[str, Any], _expect: dict[str, Any]) -> dict[str, Any]:
    names = {"payment_information_id": "payment_info_id", "remittance_information": "remittance", "debtor_name": "debtor", "creditor_name": "creditor",
             "message_identification": "message_id", "msg_id": "message_id"}
    field = names.get(data["field"], data["field"])
    if field not in ids.LENGTHS:
        raise NotUnderstood(f"the field {data['field']!r}")
    return {"max_length": ids.LENGTHS[field]}


KINDS = {
    "iban_valid": iban_valid, "iban_invalid": iban_invalid, "creditor_id": creditor_id, "sepa_text_property": text_property, "max_length": max_length,
    "iban_entry": lambda data, _expect: {"stored": ids.iban(data["typed"])},
    "iban_from_blz": lambda data, _expect: {"iban": ids.german_iban(data["bank_code"], data["account"])},
    "bic_valid": lambda data, _expect: {"valid": bool(ids.bic(data["bic"]))},
    "bic_invalid": lambda data, _expect: {"valid": accepted(ids.bic, data["bic"]) and bool(data["bic"].strip())},
    "mandate_id": lambda data, _expect: {"valid": ids.is_mandate_id(data["mandate_id"])},
    "dd_amount": lambda data, _expect: {"valid": ids.is_amount(Decimal(data["cents"]) / 100)},
    "sepa_text": lambda data, _expect: {"sepa": sepa_text(data["text"])},
}
