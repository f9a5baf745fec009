"""Topic "boleto": facts of an agreement and a title → free field, barcode, digitable line, through the banks' files."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from conformance.runner import NotUnderstood, Verdict
from plugins.boleto.banks import Numbers, bank
from plugins.boleto.barcode import barcode_of, due_factor, formatted, line_of, make, parse

NAMES = {"agencia": "agency", "agencia_dv": "agency_digit", "conta": "account", "conta_corrente": "account", "operacao_conta": "account", "conta_dv": "account_digit",
         "conta_corrente_dv": "account_digit", "digito_conta_corrente": "account_digit", "carteira": "wallet", "portfolio": "wallet",
         "convenio": "agreement", "codigo_beneficiario": "agreement", "nosso_numero": "number", "nosso_numero_10": "number", "sequencial": "number",
         "posto": "post", "ano": "year", "byte": "byte", "tipo_cobranca": "kind", "modalidade": "kind", "operacao": "kind", "parcela": "parcel",
         "seu_numero": "document", "codigo_cliente": "client", "documento_cedente": "tax_id"}
SAID_ELSEWHERE = {"due", "amount_cents", "nosso_numero_17", "conta_com_dv", "variacao", "ios"}     # the variation is no part of a barcode


def numbers(given: dict[str, Any], layout: str) -> Numbers:
    unknown = given.keys() - NAMES.keys() - SAID_ELSEWHERE
    if unknown or given.get("ios", "0") != "0":
        raise NotUnderstood(f"the input {sorted(unknown) or 'ios'}")
    facts: dict[str, Any] = {NAMES[key]: str(value) for key, value in given.items() if key in NAMES and value not in (None, "")}
    if facts.get("wallet", "").isdigit() is False:
        facts.pop("wallet", None)
    long = given.get("nosso_numero_17")
    if long is True:
        facts["long"] = True
    elif long:
        facts["number"] = str(long)
    if "conta_com_dv" in given:
        facts["account"], facts["account_digit"] = str(given["conta_com_dv"])[:-1], str(given["conta_com_dv"])[-1]
    if layout not in ("standard", "SIGCB"):
        facts["kind"] = layout
    if given.get("due"):
        facts["due"] = date.fromisoformat(given["due"])
    if given.get("amount_cents") is not None:
        facts["amount"] = Decimal(given["amount_cents"]) / 100
    return Numbers(**facts)


def check(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    n, it, expect = numbers(case["input"], case.get("layout", "standard")), bank(case["bank"]), case["expect"]
    free = it.free_field(n)
    got: dict[str, Any] = {"campo_livre": free}
    if "nosso_numero_dv" in expect:
        got["nosso_numero_dv"] = it.check_digit(n)
    if {"barcode", "line", "line_formatted", "due_factor"} & expect.keys():
        code = make(it.code, n.due, n.amount or Decimal(0), free)
        line = line_of(code)
        got |= {"barcode": code, "line": line, "line_formatted": formatted(line), "due_factor": due_factor(n.due)}
        if barcode_of(line) != code or parse(code).free_field != free:
            raise AssertionError("what was written is not read back")
    verdicts = {key: Verdict(got[key] == wanted, got[key]) for key, wanted in expect.items() if key in got}
    if "nosso_numero_display" in expect:    # libraries print it with or without carteira and check digit
        shown = it.shown(n)
        ways = {shown, it.body(n), shown.rpartition("/")[2], it.body(n) + it.check_digit(n)}
        verdicts["nosso_numero_display"] = Verdict(expect["nosso_numero_display"] in ways, shown)
    return verdicts
