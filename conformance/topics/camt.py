"""Topic "camt": the reader of account statements. What a bank does not say stands in no key of a case."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.receivables.bank import camt
from conformance.runner import NotUnderstood, Verdict


def check(case: dict[str, Any], files: Path) -> dict[str, Verdict]:
    if "xml" in case:
        data = case["xml"].encode()
    elif "file" in case:
        data = (files / case["file"].removeprefix("files/")).read_bytes()
    else:
        raise NotUnderstood("a case without a message")
    message = camt.read(data)
    wanted = case["expect"]
    got: dict[str, Any] = {"msg_id": message.id, "reports": list(map(report, message.reports)), "return_reasons": [t.return_reason for r in message.reports for e in r.entries for t in e.transactions if t.return_reason]}
    verdicts = {key: Verdict(got[key] == wanted[key], got[key]) for key in wanted if key in got}
    if "meaning" in case:       # what a returned debit means: judged with the reasons
        meant = [meaning(e, t) for r in message.reports for e in r.entries for t in e.transactions if e.is_returned_debit(t)]
        told = [{key: row[key] for key in meant[0]} for row in case["meaning"]] if meant else case["meaning"]
        if meant != told:
            verdicts["return_reasons"] = Verdict(False, meant)
    if message.name != case.get("message", message.name):
        return {key: Verdict(False, message.name) for key in wanted}
    return verdicts


def said(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value not in ("", None, [])}


def text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def report(found: camt.Report) -> dict[str, Any]:
    sums = found.difference
    check = None if sums is None else "opening + booked entries = closing" if sums[0] == sums[1] else f"does not add up ({sums[0]:f} vs {sums[1]:f})"
    return said({
        "id": found.id, "number": found.number, "account": found.account, "currency": found.currency, "balance_check": check,
        "balances": [{"code": b.code, "amount": text(b.amount), "currency": b.currency, "sign": b.sign, "date": b.at.text} for b in found.balances],
        "entries": list(map(entry, found.entries))})


def entry(found: camt.Entry) -> dict[str, Any]:
    return said({
        "amount": text(found.amount), "currency": found.currency, "sign": found.sign, "reversal": None if found.reversal is None else str(found.reversal).lower(),
        "status": found.status, "booking_date": found.booked.text, "value_date": found.value.text, "bank_code": found.bank_code,
        "proprietary_code": found.proprietary_code, "info": found.info, "transactions": list(map(transaction, found.transactions))})


def transaction(found: camt.Transaction) -> dict[str, Any]:
    names = ("end_to_end_id", "mandate_id", "instruction_id", "debtor", "debtor_iban", "creditor", "creditor_iban", "remittance", "creditor_reference", "return_reason")
    return said({
        "amount": text(found.amount.amount) if found.amount else None, "instructed_amount": text(found.instructed.amount) if found.instructed else None,
        **{name: getattr(found, name) for name in names}, "charges": [text(charge.amount) for charge in found.charges]})


def meaning(found: camt.Entry, part: camt.Transaction) -> dict[str, Any]:
    return {"end_to_end_id": part.end_to_end_id, "mandate_id": part.mandate_id, "original_amount": text(part.original_amount),
            "bank_fee": text(part.fee.quantize(Decimal("0.01"))), "reason": part.return_reason}
