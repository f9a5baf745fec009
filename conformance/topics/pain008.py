"""Topic "pain008": the plugin's reader on samples, its writer on orders, its bank days, its XSD check on changed files."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree

from conformance.runner import NotUnderstood, Verdict
from plugins.sepa import days, pain008, pain008_reader, schema
from plugins.sepa.orders import Creditor, Order, by_scheme

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PATHS = {       # field → where it stands in a file of version .08
    "msg_id": "GrpHdr/MsgId", "message_id": "GrpHdr/MsgId", "n": "GrpHdr/NbOfTxs", "control_sum": "GrpHdr/CtrlSum", "initiator": "GrpHdr/InitgPty/Nm",
    "created": "GrpHdr/CreDtTm", "payment_info_id": "PmtInf/PmtInfId", "id": "PmtInf/PmtInfId", "batch": "PmtInf/BtchBookg", "method": "PmtInf/PmtMtd",
    "service_level": "PmtInf/PmtTpInf/SvcLvl/Cd", "instrument": "PmtInf/PmtTpInf/LclInstrm/Cd", "sequence": "PmtInf/PmtTpInf/SeqTp",
    "date": "PmtInf/ReqdColltnDt", "collection_date": "PmtInf/ReqdColltnDt", "creditor": "PmtInf/Cdtr/Nm", "creditor_iban": "PmtInf/CdtrAcct/Id/IBAN",
    "creditor_bic": "PmtInf/CdtrAgt/FinInstnId/BICFI", "charge_bearer": "PmtInf/ChrgBr", "creditor_id": "PmtInf/CdtrSchmeId/Id/PrvtId/Othr/Id",
    "end_to_end_id": "PmtInf/DrctDbtTxInf/PmtId/EndToEndId", "amount": "PmtInf/DrctDbtTxInf/InstdAmt", "currency": "PmtInf/DrctDbtTxInf/InstdAmt/@Ccy",
    "mandate_id": "PmtInf/DrctDbtTxInf/DrctDbtTx/MndtRltdInf/MndtId", "mandate_date": "PmtInf/DrctDbtTxInf/DrctDbtTx/MndtRltdInf/DtOfSgntr",
    "amended": "PmtInf/DrctDbtTxInf/DrctDbtTx/MndtRltdInf/AmdmntInd", "debtor": "PmtInf/DrctDbtTxInf/Dbtr/Nm",
    "debtor_name": "PmtInf/DrctDbtTxInf/Dbtr/Nm", "debtor_iban": "PmtInf/DrctDbtTxInf/DbtrAcct/Id/IBAN", "iban": "PmtInf/DrctDbtTxInf/DbtrAcct/Id/IBAN",
    "debtor_bic": "PmtInf/DrctDbtTxInf/DbtrAgt/FinInstnId/BICFI", "bic": "PmtInf/DrctDbtTxInf/DbtrAgt/FinInstnId/BICFI",
    "remittance": "PmtInf/DrctDbtTxInf/RmtInf/Ustrd",
}
CREDITOR = Creditor("PTT Betreiber GmbH", "DE89370400440532013000", "COBADEFFXXX", "DE98ZZZ09999999999")


def check(case: dict[str, Any], files: Path) -> dict[str, Verdict]:
    judged = {"sample": sample, "grouping": grouping, "target_day": target_day, "xsd_rule": xsd_rule}.get(case["kind"])
    if judged is None:
        raise NotUnderstood(f"the kind {case['kind']!r}")
    expect = case["expect"]
    found = {key: Verdict(value == expect[key], value) for key, value in judged(case, files).items() if key in expect}
    if "note" in expect:
        found["note"] = Verdict(True, "a remark for the reader")
    return found


def sample(case: dict[str, Any], files: Path) -> dict[str, Any]:
    data = (files / case["file"].removeprefix("files/")).read_bytes()
    found = pain008_reader.read(data)
    facts = {"message": found.message, "xsd_valid": not schema.faults(data, found.message), "sums_ok": found.sums_ok}
    if wrong := {key: value for key, value in facts.items() if key in case and case[key] != value}:
        return {key: {"beside the case": wrong} for key in case["expect"]}
    got = asdict(found)
    for group, wanted in zip(got["groups"], case["expect"].get("groups", []), strict=False):
        for order, wish in zip(group["transactions"], wanted["transactions"], strict=False):
            # The case does not tell every field of an order.
            for key in order.keys() - wish.keys():
                del order[key]
    return {**got, **facts}


def grouping(case: dict[str, Any], _files: Path) -> dict[str, Any]:
    given = case["input"]["creditor"]
    creditor = Creditor(given["name"], given["iban"], given["bic"], given["creditor_id"])
    orders = [Order(o["end_to_end_id"], Decimal(o["amount_cents"]).scaleb(-2), o["instrument"], o["sequence"], date.fromisoformat(o["date"]), o["mandate_id"],
                    date(2026, 1, 2), o.get("debtor", "Anna Muster"), o.get("debtor_iban", "DE02120300000000202051"), remittance=o.get("remittance", "Rechnung"))
              for o in case["input"]["orders"]]
    read = [pain008_reader.read(pain008.build(f"T{scheme}", NOW, creditor, members, version))
            for version in pain008.VERSIONS for scheme, members in by_scheme(orders).items()]
    if not all(found.sums_ok for found in read):
        return dict.fromkeys(case["expect"], "sums disagree")
    halves = [read[:len(read) // 2], read[len(read) // 2:]]
    got = [{"payment_infos": sum(len(found.groups) for found in half), "number_of_transactions": sum(int(found.n) for found in half),
            "control_sum": str(sum((Decimal(found.control_sum) for found in half), Decimal(0)))} for half in halves]
    return got[0] if got[0] == got[1] else dict.fromkeys(case["expect"], got)


def target_day(case: dict[str, Any], _files: Path) -> dict[str, Any]:
    wanted = date.fromisoformat(case["input"]["wanted"])
    return {"is_target_day": days.is_bank_day(wanted), "collection_date_if_moved_forward": days.bank_day_from(wanted).isoformat()}


def xsd_rule(case: dict[str, Any], _files: Path) -> dict[str, Any]:
    """A file that the product writes, with one element changed, before the product's XSD check."""
    path = PATHS.get(case["input"]["field"])
    if path is None:
        raise NotUnderstood(f"the field {case['input']['field']!r}")
    order = Order("RE1", Decimal("11.90"), "CORE", "RCUR", date(2026, 12, 7), "M1", date(2026, 1, 2), "Anna Muster", "DE02120300000000202051", "BYLADEM1001", "Rechnung")
    tree = etree.fromstring(pain008.build("T1", NOW, CREDITOR, [order], pain008.V08))
    space = f"{{{etree.QName(tree).namespace}}}"
    element_path, _at, attribute = path.partition("/@")
    element = tree.find("/".join(f"{space}{name}" for name in f"CstmrDrctDbtInitn/{element_path}".split("/")))
    if element is None:
        raise NotUnderstood(f"the place {path}")
    value = case["input"]["value"]
    if value is None:
        element.getparent().remove(element)    # type: ignore[union-attr]
    elif attribute:
        element.set(attribute, str(value))
    else:
        element.text = str(value)
    return {"xsd_valid": not schema.faults(tree, pain008.V08)}
