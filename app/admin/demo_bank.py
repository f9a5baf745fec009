"""The demo's bank statement of today: a payment that is surely somebody's, one that nobody knows, a returned direct debit, a cost."""

from __future__ import annotations

from decimal import Decimal
from xml.sax.saxutils import escape

from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.receivables.bank import booking, intake
from app.receivables.models import OpenItem
from app.system.settings import setting

OPENING = Decimal("18250.40")


def load_bank() -> None:
    today, account = clock.today(), "".join(setting("company.iban").split())
    item = db.session.scalars(select(OpenItem).where(OpenItem.open > 0, ~OpenItem.disputed, OpenItem.currency == "EUR", OpenItem.invoice_id.is_not(None)).order_by(OpenItem.id)).first()
    lines = [(Decimal("86.30"), "Funkgeraete November", "Containerdepot Süd", "DE02500105170137075030", ("RCDT", "ESCT"), ""),
             (Decimal("-412.00"), "Strom Standort Emden", "Stadtwerke", "DE02600501010002034304", ("ICDT", "ESCT"), ""),
             (Decimal("-52.50"), "Lastschrift", "Werft Nordkai", "DE02300209000106531065", ("IDDT", "UPDD"), "AC04")]
    if item is not None:
        lines.insert(0, (item.open, f"Rechnung {item.reference}", item.customer.company, "DE02100500000054540402", ("RCDT", "ESCT"), ""))
    closing = OPENING + sum((line[0] for line in lines), Decimal(0))
    entries = "".join(_entry(amount, text, name, iban, code, reason, f"{today}") for amount, text, name, iban, code, reason in lines)
    balances = "".join(f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{today}</Dt></Dt></Bal>'
                       for code, amount in (("OPBD", OPENING), ("CLBD", closing)))
    made = f"<CreDtTm>{today}T06:00:00</CreDtTm>"
    data = (f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>DEMO-{today:%Y%m%d}</MsgId>{made}</GrpHdr>'
            f"<Stmt><Id>1</Id><ElctrncSeqNb>{today:%j}</ElctrncSeqNb>{made}<Acct><Id><IBAN>{account}</IBAN></Id><Ccy>EUR</Ccy></Acct>{balances}{entries}</Stmt></BkToCstmrStmt></Document>")
    intake.take_file(f"statement-{today}.xml", data.encode())
    booking.release()
    booking.book_new()


def _entry(amount: Decimal, text: str, name: str, iban: str, code: tuple[str, str], reason: str, day: str) -> str:
    came = amount > 0
    end = "Dbtr" if came or reason else "Cdtr"
    sign = "CRDT" if came else "DBIT"
    back = f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else ""
    charge = '<Chrgs><Rcrd><Amt Ccy="EUR">2.50</Amt></Rcrd></Chrgs>' if reason else ""
    return (f'<Ntry><Amt Ccy="EUR">{abs(amount)}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>'
            f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{code[0]}</Cd><SubFmlyCd>{code[1]}</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
            f'<Amt Ccy="EUR">{abs(amount)}</Amt>{charge}<RltdPties><{end}><Pty><Nm>{escape(name)}</Nm></Pty></{end}><{end}Acct><Id><IBAN>{iban}</IBAN></Id></{end}Acct></RltdPties>'
            f"<RmtInf><Ustrd>{escape(text)}</Ustrd></RmtInf>{back}</TxDtls></NtryDtls></Ntry>")
