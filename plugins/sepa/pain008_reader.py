"""Reads pain.008 files of any version: what stands in a file, not what was meant to. Pure: bytes in, values out."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from flask_babel import gettext as _
from lxml import etree

from app.plugin_api import InvalidInput
from plugins.sepa.xml import Node, message_of, parse


@dataclass(frozen=True, slots=True)
class ReadOrder:
    end_to_end_id: str
    amount: str
    currency: str
    mandate_id: str
    mandate_date: str
    amended: str
    debtor: str
    debtor_iban: str
    debtor_bic: str
    remittance: str


@dataclass(slots=True)
class ReadGroup:
    id: str
    n: str
    control_sum: str
    batch: str
    instrument: str
    sequence: str
    date: str
    creditor: str
    creditor_iban: str
    creditor_id: str
    transactions: list[ReadOrder] = field(default_factory=list)


@dataclass(slots=True)
class ReadFile:
    """Texts as they stand there; `sums_ok` says whether numbers and sums agree with the orders."""

    message: str
    msg_id: str
    n: str
    control_sum: str
    initiator: str
    groups: list[ReadGroup] = field(default_factory=list)

    @property
    def sums_ok(self) -> bool:
        orders = [order for group in self.groups for order in group.transactions]
        return _agrees(self.n, self.control_sum, orders) and all(_agrees(group.n, group.control_sum, group.transactions) for group in self.groups)


def read(data: bytes) -> ReadFile:
    """Raises InvalidInput when it is no pain.008 file."""
    root = parse(data)
    message = message_of(root)
    body = Node(root).one("CstmrDrctDbtInitn")
    if not message.startswith("pain.008.") or body is None:
        raise InvalidInput(_("This is no file of direct debits (pain.008)."), "file")
    found = ReadFile(message, body.text("GrpHdr/MsgId"), body.text("GrpHdr/NbOfTxs"), body.text("GrpHdr/CtrlSum"), body.text("GrpHdr/InitgPty/Nm"))
    for node in body.all("PmtInf"):
        group = ReadGroup(node.text("PmtInfId"), node.text("NbOfTxs"), node.text("CtrlSum"), node.text("BtchBookg"), node.text("PmtTpInf/LclInstrm/Cd"),
                          node.text("PmtTpInf/SeqTp"), node.text("ReqdColltnDt"), node.text("Cdtr/Nm"), node.text("CdtrAcct/Id/IBAN"),
                          node.text("CdtrSchmeId/Id/PrvtId/Othr/Id"))
        group.transactions = [_order(child, group) for child in node.all("DrctDbtTxInf")]
        found.groups.append(group)
    return found


def essence(data: bytes) -> list[tuple[str, ...]]:
    """(end-to-end id, amount, IBAN, mandate, scheme, sequence, day) of each order of a file that we wrote; quick, for large ones.
    Raises InvalidInput when the numbers of the file disagree with its orders, or an order lacks one of them."""
    root = parse(data)
    names = {"n": etree.QName(root).namespace or ""}
    found: list[tuple[str, ...]] = []
    for group in root.iterfind("n:CstmrDrctDbtInitn/n:PmtInf", names):
        of_group = [group.findtext(path, "", names) for path in ("n:PmtTpInf/n:LclInstrm/n:Cd", "n:PmtTpInf/n:SeqTp", "n:ReqdColltnDt")]
        columns = [[element.text or "" for element in group.iterfind(f"n:DrctDbtTxInf/{path}", names)] for path in (
            "n:PmtId/n:EndToEndId", "n:InstdAmt", "n:DbtrAcct/n:Id/n:IBAN", "n:DrctDbtTx/n:MndtRltdInf/n:MndtId")]
        if len({len(column) for column in columns}) != 1 or not _sums(group, names, columns[1]):
            raise InvalidInput(_("The sums of the file do not agree with its orders."), "file")
        found += [(*order, *of_group) for order in zip(*columns, strict=True)]
    if not _sums(root.find("n:CstmrDrctDbtInitn/n:GrpHdr", names), names, [order[1] for order in found]):
        raise InvalidInput(_("The sums of the file do not agree with its orders."), "file")
    return found


def _sums(element: etree._Element | None, names: dict[str, str], amounts: list[str]) -> bool:
    return element is not None and element.findtext("n:NbOfTxs", "", names) == str(len(amounts)) and Decimal(element.findtext("n:CtrlSum", "", names)) == sum(map(Decimal, amounts))


def _order(node: Node, group: ReadGroup) -> ReadOrder:
    amount = node.one("InstdAmt")
    mandate = node.one("DrctDbtTx/MndtRltdInf")
    agent = node.one("DbtrAgt/FinInstnId")
    # A level below may say what the group leaves out.
    group.creditor_id = group.creditor_id or node.text("DrctDbtTx/CdtrSchmeId/Id/PrvtId/Othr/Id")
    group.sequence = group.sequence or node.text("PmtTpInf/SeqTp")
    group.instrument = group.instrument or node.text("PmtTpInf/LclInstrm/Cd")
    return ReadOrder(
        node.text("PmtId/EndToEndId"), node.text("InstdAmt"), amount.element.get("Ccy", "") if amount is not None else "",
        mandate.text("MndtId") if mandate else "", mandate.text("DtOfSgntr") if mandate else "", mandate.text("AmdmntInd") if mandate else "",
        node.text("Dbtr/Nm"), node.text("DbtrAcct/Id/IBAN"), agent.text("BICFI", "BIC", "Othr/Id") if agent else "",
        " ".join((part.element.text or "").strip() for part in node.all("RmtInf/Ustrd")))


def _agrees(n: str, control_sum: str, orders: list[ReadOrder]) -> bool:
    """Numbers that are left out agree with everything."""
    try:
        total = sum((Decimal(order.amount) for order in orders), Decimal(0))
        return (not n or int(n) == len(orders)) and (not control_sum or Decimal(control_sum) == total)
    except (ValueError, InvalidOperation):
        return False
