"""Reads pain.002 (status reports of the bank on our files), any version. Pure: bytes in, values out.

A report speaks of the whole message, of a group (PmtInf) or of single orders; what it says of a whole holds for its orders.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from flask_babel import gettext as _

from app.plugin_api import InvalidInput
from plugins.sepa.xml import Node, message_of, parse

REJECTED = "RJCT"


@dataclass(frozen=True, slots=True)
class Status:
    """Of one order. `reason`: code or empty; `text`: what the bank adds in words; `amount` None when the report does not tell."""

    payment_info: str
    end_to_end_id: str
    status: str
    reason: str
    text: str
    amount: Decimal | None
    currency: str
    mandate_id: str
    sequence: str
    debtor: str = ""
    debtor_iban: str = ""
    reference: str = ""     # of the bank


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """Of a group of the file as a whole; `status` may be empty when only its orders have one."""

    payment_info: str
    status: str
    reason: str
    text: str


@dataclass(slots=True)
class Report:
    message: str
    msg_id: str
    created: str
    original_msg_id: str
    original_message: str
    n: int | None                   # orders of our file, as the bank counted
    control_sum: Decimal | None
    status: str                     # of the message as a whole, may be empty
    reason: str
    text: str
    groups: list[GroupStatus] = field(default_factory=list)
    transactions: list[Status] = field(default_factory=list)


def read(data: bytes) -> Report:
    """Raises InvalidInput: no pain.002, not whole, or without the name of the file that it is about."""
    root = parse(data)
    message = message_of(root)
    body = Node(root).one("CstmrPmtStsRpt")
    if not message.startswith("pain.002.") or body is None:
        raise InvalidInput(_("This is no status report of a bank (pain.002)."), "file")
    original = body.one("OrgnlGrpInfAndSts")
    if original is None or not body.text("GrpHdr/MsgId") or not original.text("OrgnlMsgId"):
        raise InvalidInput(_("The status report does not say which file it is about."), "file")
    reason, text = _reason(original)
    found = Report(message, body.text("GrpHdr/MsgId"), body.text("GrpHdr/CreDtTm"), original.text("OrgnlMsgId"), original.text("OrgnlMsgNmId").lower(),
                   _count(original.text("OrgnlNbOfTxs")), _amount(original.text("OrgnlCtrlSum")), original.text("GrpSts"), reason, text)
    for node in body.all("OrgnlPmtInfAndSts"):
        reason, text = _reason(node)
        group = GroupStatus(node.text("OrgnlPmtInfId"), node.text("PmtInfSts"), reason or found.reason, text or found.text)
        found.groups.append(group)
        found.transactions += [_status(child, group) for child in node.all("TxInfAndSts")]
    return found


def _status(node: Node, group: GroupStatus) -> Status:
    reason, text = _reason(node)
    amount = node.one("OrgnlTxRef/Amt/InstdAmt") or node.one("OrgnlTxRef/IntrBkSttlmAmt")
    return Status(group.payment_info, node.text("OrgnlEndToEndId"), node.text("TxSts") or group.status, reason or group.reason, text or group.text,
                  _amount(amount.content()) if amount else None, amount.element.get("Ccy", "") if amount else "",
                  node.text("OrgnlTxRef/MndtRltdInf/MndtId", "OrgnlTxRef/MndtRltdInf/DrctDbtMndt/MndtId"), node.text("OrgnlTxRef/PmtTpInf/SeqTp"),
                  node.text("OrgnlTxRef/Dbtr/Nm", "OrgnlTxRef/Dbtr/Pty/Nm"), node.text("OrgnlTxRef/DbtrAcct/Id/IBAN"), node.text("StsId", "AcctSvcrRef"))


def _reason(node: Node) -> tuple[str, str]:
    """(code, words of the bank). A proprietary code counts when there is no other."""
    codes = [code for info in node.all("StsRsnInf") if (code := info.text("Rsn/Cd", "Rsn/Prtry"))]
    words = [text for info in node.all("StsRsnInf") for line in info.all("AddtlInf") if (text := line.content())]
    return (codes[0] if codes else ""), " ".join(words)


def _count(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(_("“%(text)s” is no number of direct debits.", text=text[:30]), "file")
    return int(text)


def _amount(text: str) -> Decimal | None:
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation as error:
        raise InvalidInput(_("“%(text)s” is no amount.", text=text[:30]), "file") from error
    if not amount.is_finite() or amount < 0:
        raise InvalidInput(_("“%(text)s” is no amount.", text=text[:30]), "file")
    return amount
