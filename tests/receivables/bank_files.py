"""Writes small account statements."""

from __future__ import annotations

from datetime import date
from xml.sax.saxutils import escape

IBAN = "DE89370400440532013000"
PAYER = "DE02500105170137075030"


def entry(amount: str, text: str = "", *, sign: str = "CRDT", on: date = date(2026, 11, 20), name: str = "Taxi Weiss OHG", iban: str = PAYER, e2e: str = "NOTPROVIDED", ref: str = "",
          code: tuple[str, str] = ("RCDT", "ESCT"), reason: str = "", mandate: str = "", instructed: str = "", fee: str = "", status: str = "BOOK", parts: str = "", details: bool = True,
          reversal: str = "", batch: str = "") -> str:
    """One `Ntry` of version 08. `parts`: its TxDtls, when they are not the one of the arguments."""
    end = "Dbtr" if sign == "CRDT" or reason else "Cdtr"
    one = (f"<TxDtls><Refs><EndToEndId>{escape(e2e)}</EndToEndId>{f'<MndtId>{mandate}</MndtId>' if mandate else ''}</Refs><Amt Ccy=\"EUR\">{amount}</Amt>"
           + (f"<AmtDtls><InstdAmt><Amt Ccy=\"EUR\">{instructed}</Amt></InstdAmt></AmtDtls>" if instructed else "")
           + (f"<Chrgs><Rcrd><Amt Ccy=\"EUR\">{fee}</Amt></Rcrd></Chrgs>" if fee else "")
           + f"<RltdPties><{end}><Pty><Nm>{escape(name)}</Nm></Pty></{end}><{end}Acct><Id><IBAN>{iban}</IBAN></Id></{end}Acct></RltdPties>"
           + (f"<RmtInf><Ustrd>{escape(text)}</Ustrd></RmtInf>" if text else "") + (f"<RtrInf><Rsn><Cd>{reason}</Cd></Rsn></RtrInf>" if reason else "") + "</TxDtls>")
    inner = (parts or one) if details else ""
    btch = f"<Btch><PmtInfId>{batch}</PmtInfId></Btch>" if batch else ""
    return (f"<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd>{f'<RvslInd>{reversal}</RvslInd>' if reversal else ''}<Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>{on}</Dt></BookgDt>"
            f"{f'<AcctSvcrRef>{ref}</AcctSvcrRef>' if ref else ''}<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{code[0]}</Cd><SubFmlyCd>{code[1]}</SubFmlyCd></Fmly></Domn></BkTxCd>"
            + (f"<NtryDtls>{btch}{inner}</NtryDtls>" if inner or btch else "") + "</Ntry>")


def part(amount: str, text: str, name: str = "Taxi Weiss OHG", iban: str = PAYER) -> str:
    """One `TxDtls` of a line that the bank booked in one sum."""
    return (f"<TxDtls><Amt Ccy=\"EUR\">{amount}</Amt><RltdPties><Dbtr><Pty><Nm>{escape(name)}</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct></RltdPties>"
            f"<RmtInf><Ustrd>{escape(text)}</Ustrd></RmtInf></TxDtls>")


def message(*entries: str, kind: str = "053", ident: str = "M1", account: str = IBAN, balances: tuple[str, str] | None = None, on: date = date(2026, 11, 20)) -> bytes:
    outer, inner = {"052": ("BkToCstmrAcctRpt", "Rpt"), "053": ("BkToCstmrStmt", "Stmt"), "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}[kind]
    sums = "".join(f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{on}</Dt></Dt></Bal>"
                   for code, amount in zip(("OPBD", "CLBD"), balances or (), strict=False))
    return (f"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.{kind}.001.08\"><{outer}><GrpHdr><MsgId>{ident}</MsgId><CreDtTm>{on}T23:00:00</CreDtTm></GrpHdr>"
            f"<{inner}><Id>{ident}-1</Id><ElctrncSeqNb>7</ElctrncSeqNb><CreDtTm>{on}T23:00:00</CreDtTm><Acct><Id><IBAN>{account}</IBAN></Id><Ccy>EUR</Ccy></Acct>{sums}{''.join(entries)}</{inner}></{outer}></Document>").encode()
