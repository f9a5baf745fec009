"""Writes pain.008 (customer direct debit initiation), versions .001.02 and .001.08. Pure: orders in, bytes out.

A writer of our own: sepaxml leaves `& < > "` in names, writes "Muller", cannot say that a mandate was amended, and is
slower by two orders of magnitude than a template. Its schemas are what the result is checked against.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from xml.sax.saxutils import escape

from flask_babel import gettext as _

from app.plugin_api import InvalidInput
from plugins.sepa import schema
from plugins.sepa.ids import LENGTHS, is_mandate_id
from plugins.sepa.orders import Amendment, Creditor, Order, check_creditor, check_orders, group
from plugins.sepa.text import field_text

V02, V08 = "pain.008.001.02", "pain.008.001.08"
VERSIONS = (V08, V02)
_BIC = {V02: "BIC", V08: "BICFI"}

_HEAD = ('<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{version}"><CstmrDrctDbtInitn><GrpHdr><MsgId>{id}</MsgId>'
         '<CreDtTm>{at}</CreDtTm><NbOfTxs>{n}</NbOfTxs><CtrlSum>{sum}</CtrlSum><InitgPty><Nm>{name}</Nm></InitgPty></GrpHdr>\n')
_GROUP = ('<PmtInf><PmtInfId>{id}</PmtInfId><PmtMtd>DD</PmtMtd><BtchBookg>{batch}</BtchBookg><NbOfTxs>{n}</NbOfTxs><CtrlSum>{sum}</CtrlSum>'
          '<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl><LclInstrm><Cd>{scheme}</Cd></LclInstrm><SeqTp>{sequence}</SeqTp></PmtTpInf><ReqdColltnDt>{day}</ReqdColltnDt>'
          '<Cdtr><Nm>{name}</Nm></Cdtr><CdtrAcct><Id><IBAN>{iban}</IBAN></Id></CdtrAcct><CdtrAgt><FinInstnId>{agent}</FinInstnId></CdtrAgt>'
          '<ChrgBr>SLEV</ChrgBr><CdtrSchmeId><Id><PrvtId><Othr><Id>{creditor_id}</Id><SchmeNm><Prtry>SEPA</Prtry></SchmeNm></Othr></PrvtId></Id></CdtrSchmeId>\n')
_ORDER = ('<DrctDbtTxInf><PmtId><EndToEndId>{id}</EndToEndId></PmtId><InstdAmt Ccy="EUR">{amount}</InstdAmt><DrctDbtTx><MndtRltdInf><MndtId>{mandate}</MndtId>'
          '<DtOfSgntr>{signed}</DtOfSgntr>{amendment}</MndtRltdInf></DrctDbtTx><DbtrAgt><FinInstnId>{agent}</FinInstnId></DbtrAgt><Dbtr><Nm>{name}</Nm></Dbtr>'
          '<DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct>{text}</DrctDbtTxInf>\n')
_TAIL = "</CstmrDrctDbtInitn></Document>\n"
_SAME_MANDATE_NEW_ACCOUNT = "<OrgnlDbtrAcct><Id><Othr><Id>SMNDA</Id></Othr></Id></OrgnlDbtrAcct>"


def build(message_id: str, created_at: datetime, creditor: Creditor, orders: Sequence[Order], version: str = V08, batch_booking: bool = True) -> bytes:
    """A file that a bank takes: own checks before, the XSD after. `created_at`: as it stands in the file, without a zone.

    Raises InvalidInput. The same arguments give the same bytes.
    """
    if version not in _BIC:
        raise InvalidInput(_("This version of the file format is not known: %(version)s.", version=version), "version")
    if not is_mandate_id(message_id) or len(message_id) > 30:
        raise InvalidInput(_("The message id must have 1 to 30 characters of the SEPA set."), "message_id")
    check_creditor(creditor)
    check_orders(orders)
    data = write(message_id, created_at, creditor, orders, version, batch_booking)
    if faults := schema.faults(data, version):
        raise InvalidInput(_("The file would not be valid: %(why)s", why=faults[0]), "orders")
    return data


def write(message_id: str, created_at: datetime, creditor: Creditor, orders: Sequence[Order], version: str = V08, batch_booking: bool = True) -> bytes:
    """As `build`, without any check. `PmtInfId` is the message id with the number of the group."""
    bic = _BIC[version]
    name = escape(field_text(creditor.name, LENGTHS["name"]))
    parts = [_HEAD.format(version=version, id=escape(message_id), at=created_at.strftime("%Y-%m-%dT%H:%M:%S"), n=len(orders), sum=_sum(orders), name=name)]
    for number, ((scheme, sequence, day), members) in enumerate(group(orders).items(), 1):
        parts.append(_GROUP.format(id=escape(payment_info_id(message_id, number)), batch=str(batch_booking).lower(), n=len(members), sum=_sum(members), scheme=scheme,
                                   sequence=sequence, day=day.isoformat(), name=name, iban=creditor.iban, agent=_agent(creditor.bic, bic),
                                   creditor_id=creditor.creditor_id))
        parts += [_ORDER.format(
            id=escape(order.end_to_end_id), amount=order.amount, mandate=escape(order.mandate_id), signed=order.signed_on.isoformat(),
            amendment=_amendment(order.amendment) if order.amendment else "<AmdmntInd>false</AmdmntInd>", agent=_agent(order.bic, bic),
            name=escape(field_text(order.debtor, LENGTHS["debtor"])), iban=order.iban, text=_remittance(order.remittance)) for order in members]
        parts.append("</PmtInf>")
    parts.append(_TAIL)
    return "".join(parts).encode()


def payment_info_id(message_id: str, number: int) -> str:
    return f"{message_id}-{number}"


def _sum(orders: Sequence[Order]) -> Decimal:
    return sum((order.amount for order in orders), Decimal("0.00"))


def _agent(bic: str, element: str) -> str:
    return f"<{element}>{bic}</{element}>" if bic else "<Othr><Id>NOTPROVIDED</Id></Othr>"


def _remittance(text: str) -> str:
    found = escape(field_text(text, LENGTHS["remittance"])) if text else ""
    return f"<RmtInf><Ustrd>{found}</Ustrd></RmtInf>" if found else ""


def _amendment(changed: Amendment) -> str:
    parts = []
    if changed.reference:
        parts.append(f"<OrgnlMndtId>{escape(changed.reference)}</OrgnlMndtId>")
    if changed.creditor_id or changed.creditor_name:
        name = f"<Nm>{escape(field_text(changed.creditor_name, LENGTHS['creditor']))}</Nm>" if changed.creditor_name else ""
        ident = (f"<Id><PrvtId><Othr><Id>{escape(changed.creditor_id)}</Id><SchmeNm><Prtry>SEPA</Prtry></SchmeNm></Othr></PrvtId></Id>" if changed.creditor_id else "")
        parts.append(f"<OrgnlCdtrSchmeId>{name}{ident}</OrgnlCdtrSchmeId>")
    if changed.account:
        parts.append(_SAME_MANDATE_NEW_ACCOUNT)
    return f"<AmdmntInd>true</AmdmntInd><AmdmntInfDtls>{''.join(parts)}</AmdmntInfDtls>"
