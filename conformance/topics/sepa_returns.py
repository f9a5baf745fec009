"""Topic "sepa_returns": the plugin's reader of status reports and its table of reasons."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

from conformance.runner import NotUnderstood, Verdict
from plugins.sepa import pain002
from plugins.sepa.reasons import reason

SMALL = frozenset("a an and by for from in is no not of on or the this to with was be given".split())


def check(case: dict[str, Any], files: Path) -> dict[str, Verdict]:
    if case["kind"] == "reason_code":
        return reason_code(case["input"]["code"], case["expect"])
    if case["kind"] == "status_report":
        return status_report(case, files)
    raise NotUnderstood(f"the kind {case['kind']!r}")


def reason_code(code: str, expect: dict[str, Any]) -> dict[str, Verdict]:
    found = reason(code)
    got = {"retry_sensible": found.retry_sensible, "mandate_unusable": found.mandate_unusable}
    verdicts = {key: Verdict(value == expect[key], value) for key, value in got.items() if key in expect}
    if "meaning" in expect:     # the same in words of our own: at least half of what it says
        ours, theirs = stems(str(found.text)), stems(expect["meaning"])
        verdicts["meaning"] = Verdict(found.known and 2 * len(ours & theirs) >= len(theirs), str(found.text))
    return verdicts


def stems(text: str) -> set[str]:
    return {word[:6] for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in SMALL}


def status_report(case: dict[str, Any], files: Path) -> dict[str, Verdict]:
    data = case["xml"].encode() if "xml" in case else (files / case["file"].removeprefix("files/")).read_bytes() if "file" in case else report_of(case)
    found = pain002.read(data)
    if "message" in case and found.message != case["message"]:
        return {key: Verdict(False, found.message) for key in case["expect"]}
    got: dict[str, Any] = asdict(found)
    got["control_sum"] = None if found.control_sum is None else f"{found.control_sum:f}"
    got["transactions"] = [{**asdict(item), "amount": None if item.amount is None else f"{item.amount:f}"} for item in found.transactions]
    for item, wish in zip(got["transactions"], case["expect"].get("transactions", []), strict=False):
        for key in item.keys() - wish.keys():       # the case does not tell every field
            del item[key]
    return {key: Verdict(got[key] == wanted, got[key]) if key != "note" else Verdict(True, "") for key, wanted in case["expect"].items() if key in got or key == "note"}


def report_of(case: dict[str, Any]) -> bytes:
    """A case that comes without its message tells the facts that stand in it: they are written down as a bank lays them
    out, its comments and name of the message (upper case) included."""
    facts = case["expect"]
    groups: dict[str, list[str]] = {}
    for order in facts["transactions"]:
        groups.setdefault(order["payment_info"], []).append(
            f"<TxInfAndSts><StsId>S{order['end_to_end_id']}</StsId><OrgnlEndToEndId>{order['end_to_end_id']}</OrgnlEndToEndId><TxSts>{order['status']}</TxSts>"
            f"<!-- rejected (MS03) --><StsRsnInf><Orgtr><Nm>BANK</Nm></Orgtr><Rsn><Cd>{order['reason']}</Cd></Rsn></StsRsnInf><OrgnlTxRef><Amt><InstdAmt Ccy=\"EUR\">"
            f"{order['amount']}</InstdAmt></Amt><PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><SeqTp>{order['sequence']}</SeqTp></PmtTpInf>"
            f"<MndtRltdInf><MndtId>{order['mandate_id']}</MndtId></MndtRltdInf></OrgnlTxRef></TxInfAndSts>")
    body = "".join(f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>{name}</OrgnlPmtInfId>{''.join(orders)}</OrgnlPmtInfAndSts>" for name, orders in groups.items())
    return (f"<?xml version=\"1.0\"?><!-- MSGID0 --><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:{case['message']}\"><CstmrPmtStsRpt><GrpHdr><MsgId>{facts['msg_id']}</MsgId>"
            f"<CreDtTm>2016-10-08T20:49:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{facts['original_msg_id']}</OrgnlMsgId>"
            f"<OrgnlMsgNmId>{facts['original_message'].upper()}</OrgnlMsgNmId><OrgnlNbOfTxs>{facts['n']}</OrgnlNbOfTxs><OrgnlCtrlSum>{facts['control_sum']}</OrgnlCtrlSum>"
            f"</OrgnlGrpInfAndSts>{body}</CstmrPmtStsRpt></Document>").encode()
