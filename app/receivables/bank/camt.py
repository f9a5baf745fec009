"""Reads account statements of ISO 20022: camt.052 (intraday report), camt.053 (statement), camt.054 (notification).

Pure: bytes in, values out, or InvalidInput. Versions 02 to 13; what moved between them is looked for at each place:
`Sts` or `Sts/Cd`, `Dbtr/Nm` or `Dbtr/Pty/Nm`, `Chrgs/Amt` or `Chrgs/Rcrd/Amt`, `Amt` or `AmtDtls/TxAmt/Amt`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from flask_babel import lazy_gettext as _l

from app.core.errors import InvalidInput
from app.receivables.bank.xml import Node, parse

CREDIT, DEBIT, BOOKED = "CRDT", "DBIT", "BOOK"
KINDS = {"camt.052": ("BkToCstmrAcctRpt", "Rpt"), "camt.053": ("BkToCstmrStmt", "Stmt"), "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn")}
OPENING, CLOSING = ("OPBD", "PRCD"), "CLBD"     # booked; a bank may name the opening one by what it is: the last closing
RETURNED_DEBITS = ("PMNT/IDDT/UPDD", "PMNT/IDDT/PRDD")
MOST_ENTRIES = 50_000

_AMOUNT = re.compile(r"\+?[0-9]{1,18}(\.[0-9]{0,10})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CURRENCY = re.compile(r"[A-Z]{3}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Money:
    """Never negative: `Balance.sign`, `Entry.sign` say the direction."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, and the text that said it: some banks give a time as well. Both empty when nothing was said."""

    day: date | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One payment of an entry. Texts are empty, amounts None, where the bank says nothing."""

    amount: Money | None = None
    instructed: Money | None = None             # what was asked for, before charges
    sign: str = ""                              # when the bank gives one of its own
    end_to_end_id: str = ""
    mandate_id: str = ""
    instruction_id: str = ""
    bank_reference: str = ""                    # AcctSvcrRef: the bank's own
    collection_id: str = ""                     # PmtInfId of the order file that it was part of
    debtor: str = ""
    debtor_iban: str = ""
    creditor: str = ""
    creditor_iban: str = ""
    remittance: str = ""
    creditor_reference: str = ""
    return_reason: str = ""                     # code of ISO 20022, or the bank's own words
    return_text: str = ""
    charges: tuple[Money, ...] = ()
    total_charges: Money | None = None

    @property
    def fee(self) -> Decimal:
        """What the bank takes for it."""
        if self.charges:
            return sum((charge.amount for charge in self.charges), Decimal(0))
        return self.total_charges.amount if self.total_charges else Decimal(0)

    @property
    def original_amount(self) -> Decimal | None:
        """Of a returned direct debit: what had been collected, without the fees of its return."""
        if self.instructed is not None:
            return self.instructed.amount
        return None if self.amount is None else self.amount.amount - self.fee if self.fee < self.amount.amount else self.amount.amount


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the account. `reversal` None: not said."""

    amount: Decimal
    currency: str
    sign: str
    reversal: bool | None
    status: str
    booked: Moment
    value: Moment
    bank_code: str                              # "PMNT/RCDT/ESCT"
    proprietary_code: str
    info: str
    reference: str                              # NtryRef
    bank_reference: str                         # AcctSvcrRef
    collection_id: str = ""                     # PmtInfId, of orders that the bank books in one sum
    transactions: tuple[Transaction, ...] = ()

    @property
    def is_booked(self) -> bool:
        return self.status == BOOKED

    def is_returned_debit(self, transaction: Transaction) -> bool:
        """A direct debit that comes back to us: money goes, with a reason or by the bank's code."""
        return (transaction.sign or self.sign) == DEBIT and (bool(transaction.return_reason) or self.bank_code in RETURNED_DEBITS)


@dataclass(frozen=True, slots=True)
class Balance:
    code: str
    amount: Decimal
    currency: str
    sign: str
    at: Moment

    @property
    def signed(self) -> Decimal:
        return self.amount if self.sign == CREDIT else -self.amount


@dataclass(frozen=True, slots=True)
class Report:
    """One account's part of a message. `account`: IBAN, or the bank's own number."""

    id: str
    number: str
    account: str
    currency: str
    created: Moment
    balances: tuple[Balance, ...] = ()
    entries: tuple[Entry, ...] = ()

    @property
    def opening(self) -> Balance | None:
        return next((b for code in OPENING for b in self.balances if b.code == code), None)

    @property
    def closing(self) -> Balance | None:
        return next((b for b in reversed(self.balances) if b.code == CLOSING), None)

    @property
    def difference(self) -> tuple[Decimal, Decimal] | None:
        """(opening + booked entries, closing) when both balances are there: a part is missing when they differ."""
        if self.opening is None or self.closing is None:
            return None
        moved = sum((e.amount if e.sign == CREDIT else -e.amount for e in self.entries if e.is_booked), Decimal(0))
        return self.opening.signed + moved, self.closing.signed


@dataclass(frozen=True, slots=True)
class Message:
    """`name`: "camt.053.001.08"."""

    name: str
    id: str
    created: Moment
    reports: tuple[Report, ...] = field(default=())

    @property
    def kind(self) -> str:
        return self.name[:8]


def read(data: bytes) -> Message:
    """Raises InvalidInput when the bytes are no whole message of this kind; then nothing of it may be used."""
    root = parse(data)
    kind = root.message[:8]
    if kind not in KINDS:
        raise InvalidInput(_l("The file is no account statement: it must be camt.052, camt.053 or camt.054, this is %(name)s.", name=(root.message or root.name)[:60]), "file")
    outer, inner = KINDS[kind]
    body = root.one(outer)
    if body is None or not body.all(inner) or root.name != "Document":
        raise InvalidInput(_l("The file says it is %(name)s, but holds no account.", name=root.message[:60]), "file")
    if sum(len(report.all("Ntry")) for report in body.all(inner)) > MOST_ENTRIES:
        raise InvalidInput(_l("The file has more than %(n)s lines. Ask the bank for a shorter span.", n=MOST_ENTRIES), "file")
    return Message(root.message, body.text("GrpHdr/MsgId"), _moment(body, "GrpHdr/CreDtTm"), tuple(map(_report, body.all(inner))))


def _report(node: Node) -> Report:
    currency = node.text("Acct/Ccy")
    return Report(node.text("Id"), node.text("ElctrncSeqNb", "LglSeqNb"), node.text("Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/PrtryAcct/Id").replace(" ", ""), currency,
                  _moment(node, "CreDtTm"), _each(node, "Bal", _balance), _each(node, "Ntry", lambda entry: _entry(entry, currency)))


def _balance(node: Node) -> Balance:
    money = _must(_money(node, "Amt"), "Bal/Amt")
    return Balance(node.text("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry"), money.amount, money.currency, _sign(node), _moment(node, "Dt/Dt", "Dt/DtTm"))


def _entry(node: Node, currency: str) -> Entry:
    money = _must(_money(node, "Amt", currency=currency), "Ntry/Amt")
    reversal = node.text("RvslInd")
    code = node.one("BkTxCd")
    bank_code = "" if code is None else "/".join(part for part in (code.text("Domn/Cd"), code.text("Domn/Fmly/Cd"), code.text("Domn/Fmly/SubFmlyCd")) if part)
    return Entry(
        money.amount, money.currency, _sign(node), {"true": True, "1": True, "false": False, "0": False}.get(reversal), node.text("Sts", "Sts/Cd", "Sts/Prtry"),
        _moment(node, "BookgDt/Dt", "BookgDt/DtTm"), _moment(node, "ValDt/Dt", "ValDt/DtTm"), bank_code, node.text("BkTxCd/Prtry/Cd"), node.text("AddtlNtryInf"),
        node.text("NtryRef"), node.text("AcctSvcrRef"), node.text("NtryDtls/Btch/PmtInfId"), _each(node, "NtryDtls/TxDtls", _transaction))


def _transaction(node: Node) -> Transaction:
    sign = node.text("CdtDbtInd")
    records = node.all("Chrgs/Rcrd") or node.all("Chrgs")
    charges = tuple(money for record in records if (money := _money(record, "Amt")) is not None)
    return Transaction(
        _money(node, "Amt") or _money(node, "AmtDtls/TxAmt/Amt"), _money(node, "AmtDtls/InstdAmt/Amt"), sign if sign in (CREDIT, DEBIT) else "",
        node.text("Refs/EndToEndId"), node.text("Refs/MndtId"), node.text("Refs/InstrId"), node.text("Refs/AcctSvcrRef"), node.text("Refs/PmtInfId"),
        _name(node, "Dbtr"), _iban(node, "DbtrAcct"), _name(node, "Cdtr"), _iban(node, "CdtrAcct"),
        " ".join(text for line in node.all("RmtInf/Ustrd") if (text := line.text_here())), node.text("RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/CdtrRefInf/CdtrRef"),
        node.text("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry"), " ".join(text for line in node.all("RtrInf/AddtlInf") if (text := line.text_here())),
        charges, _money(node, "Chrgs/TtlChrgsAndTaxAmt"))


def _name(node: Node, party: str) -> str:
    return node.text(f"RltdPties/{party}/Nm", f"RltdPties/{party}/Pty/Nm")


def _iban(node: Node, account: str) -> str:
    return node.text(f"RltdPties/{account}/Id/IBAN").replace(" ", "")


# ---- values ------------------------------------------------------------------------------------------------------


def _each(node: Node, path: str, make: Callable[[Node], T]) -> tuple[T, ...]:
    return tuple(map(make, node.all(path)))


def _money(node: Node, path: str, currency: str = "") -> Money | None:
    found = node.one(path)
    if found is None:
        return None
    text = found.text_here()
    currency = found.attribute("Ccy") or currency
    if not _AMOUNT.fullmatch(text):
        raise InvalidInput(_l("“%(text)s” is no amount (%(where)s).", text=text[:30], where=path), "file")
    if not _CURRENCY.fullmatch(currency):
        raise InvalidInput(_l("An amount has no currency (%(where)s).", where=path), "file")
    return Money(Decimal(text), currency)


def _must(money: Money | None, where: str) -> Money:
    if money is None:
        raise InvalidInput(_l("A line has no amount (%(where)s).", where=where), "file")
    return money


def _sign(node: Node) -> str:
    sign = node.text("CdtDbtInd")
    if sign not in (CREDIT, DEBIT):
        raise InvalidInput(_l("A line does not say whether money came or went (CdtDbtInd is “%(text)s”).", text=sign[:30]), "file")
    return sign


def _moment(node: Node, *paths: str) -> Moment:
    text = node.text(*paths)
    if not text:
        return Moment()
    try:
        if not _DAY.fullmatch(text[:10]):
            raise ValueError(text)
        return Moment(date.fromisoformat(text[:10]), text)
    except ValueError as error:
        raise InvalidInput(_l("“%(text)s” is no day (%(where)s).", text=text[:30], where=paths[0]), "file") from error
