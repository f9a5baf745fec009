"""Posts what is missing. The books follow the facts: whatever happened is posted once, however often and late this runs.

Each chunk is one transaction; a posting's key is what it came from, so that a run that was killed, or two at once, post
nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from app.plugin_api import db, transaction
from app.receivables.models import DemandKind, OpenItem, Payment
from app.receivables.refund_models import Refund
from app.system.settings import setting
from plugins.datev import facts, postings
from plugins.datev.models import Debtor, Entry, Source
from plugins.datev.postings import Posting
from plugins.datev.settings import account, chart, money_account

Report = Callable[[str, str, Any], None]


def post_missing(report: Report) -> dict[Source, int]:
    """Post everything since the day in the settings. `report(what, subject, reason)` is told of what could not be posted. Returns postings by source."""
    start = date.fromisoformat(setting("datev.start"))
    steps: list[tuple[Source, Callable[[Session, int], Sequence[Any]], Callable[[Session, Sequence[Any], Report], list[Entry]]]] = [
        (Source.INVOICE, lambda session, after: facts.invoices(session, start, after), _invoices),
        (Source.DEMAND, lambda session, after: facts.demands(session, start, after), _demands),
        (Source.PAYMENT, lambda session, after: facts.payments(session, start, after), _payments),
        (Source.ASSIGNED, lambda session, after: facts.assigned(session, account("unknown"), after), _assigned),
        (Source.RETURN, facts.returns, _returns),
        (Source.REFUND, lambda session, after: facts.refunds(session, start, after), _refunds),
        (Source.REFUND_BACK, facts.refunds_back, _refunds_back),
        (Source.LOSS, lambda session, after: facts.losses(session, start, after), _losses),
    ]
    done: dict[Source, int] = {}
    for source, read, make in steps:
        after = done[source] = 0
        while True:
            with transaction() as session:
                rows = read(session, after)
                _known = facts.debtors(session, {row.customer_id for row in rows if getattr(row, "customer_id", None) is not None})     # kept: `debtor` finds them without asking
                entries = make(session, rows, report) if rows else []
                session.add_all(entries)
            done[source] += len(entries)
            if len(rows) < facts.CHUNK:
                break
            after = rows[-1].id
            db.session.expunge_all()
    return done


def needs_invoices(invoice_ids: Sequence[int]) -> set[int]:
    """Those of which something is not in the books yet."""
    return facts.needed(db.session(), date.fromisoformat(setting("datev.start")), invoice_ids)


def debtor(session: Session, customer_id: int) -> str:
    """The customer's account; he gets the next free one with his first posting."""
    found = session.get(Debtor, customer_id)
    if found is None:
        last = session.scalar(select(func.max(Debtor.account)))
        found = Debtor(customer_id=customer_id, account=max(setting("datev.first_debtor"), (last or 0) + 1))
        session.add(found)
        session.flush()
    return str(found.account)


def _entry(posting: Posting, source: Source, source_id: int, number: int = 1, **more: Any) -> Entry:
    return Entry(source=source, source_id=source_id, number=number, amount=posting.amount, account=posting.account, contra=posting.contra, tax=posting.tax,
                 tax_account=posting.tax_account, tax_key=posting.key, **more)


def _invoices(session: Session, rows: Sequence[Any], report: Report) -> list[Entry]:
    lines, taxes, found = facts.lines_of(session, (row.id for row in rows)), facts.taxes_of(session, (row.id for row in rows)), []
    for invoice in rows:
        sold = [postings.Sold(line.net, line.tax_category, line.tax_rate, line.revenue_account) for line in lines[invoice.id]]
        told = [(tax.category, tax.rate, tax.tax) for tax in taxes[invoice.id]]
        small = any(line.category == "E" for line in sold)          # the seller is a small business: nothing else of ours is exempt
        try:
            made = postings.sale(chart(), debtor(session, invoice.customer_id), sold, told, small)
            if sum((posting.amount for posting in made), postings.NOTHING) != invoice.gross:
                raise LookupError(_("Its lines and taxes do not add up to its total."))
            if any(posting.tax and not posting.tax_account for posting in made):
                raise LookupError(_("There is no tax account for one of its rates."))
        except LookupError as error:
            report("invoice", invoice.number, error)
            continue
        common = {"on_date": invoice.issued_on, "due_on": invoice.due_on, "served_on": invoice.service_to, "document": invoice.number, "currency": invoice.currency,
                  "text": str(invoice.buyer.get("name", "")), "customer_id": invoice.customer_id}
        found += [_entry(posting, Source.INVOICE, invoice.id, n, vat_id=_vat_id(invoice, posting), **common) for n, posting in enumerate(made, 1)]
    return found


def _vat_id(invoice: Any, posting: Posting) -> str:
    """The customer's VAT id where the customer owes the tax: the report of sales to other member states is made from it."""
    return str(invoice.buyer.get("vat_id", ""))[:20] if posting.contra == chart().revenue["AE", Decimal(0)] else ""


def _demands(session: Session, rows: Sequence[Any], _report: Report) -> list[Entry]:
    found = []
    for item in rows:
        income = account("interest" if item.kind is DemandKind.INTEREST else "fees")
        posting = postings.demand(item.amount, debtor(session, item.customer_id), income)
        found.append(_entry(posting, Source.DEMAND, item.id, on_date=item.issued_on, due_on=item.due_on, document=_document(item), text=item.reference, currency=item.currency,
                            customer_id=item.customer_id))
    return found


def _document(item: OpenItem) -> str:
    return f"D{item.id}"


def _owner(session: Session, payment: Payment) -> str:
    return account("unknown") if payment.customer_id is None else debtor(session, payment.customer_id)


def _payments(session: Session, rows: Sequence[Any], _report: Report) -> list[Entry]:
    found = []
    for payment in rows:
        posting = postings.money_in(payment.amount, money_account(payment.method), _owner(session, payment))
        found.append(_entry(posting, Source.PAYMENT, payment.id, on_date=payment.received_on, **_of(payment)))
    return found


def _of(payment: Payment) -> dict[str, Any]:
    return {"document": f"P{payment.id}", "text": (payment.reference or payment.payer)[:120], "currency": payment.currency, "customer_id": payment.customer_id}


def _assigned(session: Session, rows: Sequence[Any], _report: Report) -> list[Entry]:
    firsts, found = facts.firsts(session, Source.PAYMENT, (row.id for row in rows)), []
    for payment in rows:
        first = firsts[payment.id]
        posting = postings.money_in(payment.amount, first.contra, debtor(session, payment.customer_id))
        found.append(_entry(posting, Source.ASSIGNED, payment.id, on_date=first.on_date, **_of(payment)))
    return found


def _returns(session: Session, rows: Sequence[Any], _report: Report) -> list[Entry]:
    """The money goes back from where it went, whatever the settings say by now."""
    firsts, found = facts.firsts(session, Source.PAYMENT, (row.id for row in rows)), []
    for payment in rows:
        posting = postings.money_in(-payment.amount, firsts[payment.id].account, _owner(session, payment))
        found.append(_entry(posting, Source.RETURN, payment.id, on_date=payment.returned_on, **{**_of(payment), "text": payment.returned_because[:120]}))
    return found


def _refunds(session: Session, rows: Sequence[Any], _report: Report) -> list[Entry]:
    """The money leaves the account that the method's money comes to, and the customer has so much less with us."""
    found = []
    for refund in rows:
        posting = postings.money_in(-refund.amount, money_account(refund.method), debtor(session, refund.customer_id))
        found.append(_entry(posting, Source.REFUND, refund.id, on_date=refund.paid_on, **_of_refund(refund, refund.reference or refund.reason)))
    return found


def _refunds_back(session: Session, rows: Sequence[Any], _report: Report) -> list[Entry]:
    firsts, found = facts.firsts(session, Source.REFUND, (row.id for row in rows)), []
    for refund in rows:
        posting = postings.money_in(refund.amount, firsts[refund.id].account, debtor(session, refund.customer_id))
        found.append(_entry(posting, Source.REFUND_BACK, refund.id, on_date=refund.reversed_on, **_of_refund(refund, refund.reversed_because)))
    return found


def _of_refund(refund: Refund, text: str) -> dict[str, Any]:
    return {"document": f"R{refund.id}", "text": text[:120], "currency": refund.currency, "customer_id": refund.customer_id}


def _losses(session: Session, rows: Sequence[Any], _report: Report) -> list[Entry]:
    found = []
    items = {item.id: item for item in session.scalars(select(OpenItem).where(OpenItem.id.in_([row.open_item_id for row in rows])))}
    taxes = facts.taxes_of(session, {item.invoice_id for item in items.values() if item.invoice_id is not None})
    gone = set(session.scalars(select(OpenItem.id).where(OpenItem.id.in_(list(items)), facts.of_gone())))
    for row in rows:
        item = items[row.open_item_id]
        if item.id in gone and (first := session.scalars(select(Entry).where(Entry.source == Source.LOSS, Entry.source_id == row.reverses_id).order_by(Entry.number)).all()):
            found += [_taken_back(entry, row) for entry in first]
            continue
        shares = [(tax.rate, tax.base + tax.tax) for tax in taxes.get(item.invoice_id or 0, [])]
        for number, posting in enumerate(postings.loss(chart(), debtor(session, item.customer_id), row.amount, shares), 1):
            found.append(_entry(posting, Source.LOSS, row.id, number, on_date=row.on_date, document=item.reference if item.invoice_id or item.id in gone else _document(item),
                                text=_("Write-off"), currency=item.currency, customer_id=item.customer_id))
    return found


def _taken_back(entry: Entry, row: Any) -> Entry:
    """The loss of a demand whose invoice was deleted meanwhile, the other way round: by the posting itself, since nothing else tells its tax."""
    return Entry(source=Source.LOSS, source_id=row.id, number=entry.number, on_date=row.on_date, document=entry.document, text=entry.text, currency=entry.currency,
                 customer_id=entry.customer_id, amount=-entry.amount, account=entry.account, contra=entry.contra, tax=-entry.tax, tax_account=entry.tax_account, tax_key=entry.tax_key)


# ---- reads --------------------------------------------------------------------------------------------------------


def legs() -> Any:
    """(account, currency, on_date, amount) of all postings, three to each."""
    parts = [select(Entry.account.label("account"), Entry.currency.label("currency"), Entry.on_date.label("on_date"), Entry.amount.label("amount")),
             select(Entry.contra, Entry.currency, Entry.on_date, (Entry.tax - Entry.amount).label("amount")),
             select(Entry.tax_account, Entry.currency, Entry.on_date, (-Entry.tax).label("amount")).where(Entry.tax_account != "")]
    return union_all(*parts).subquery("leg")


def trial_balance(session: Session, first: date, last: date) -> list[Any]:
    """(account, currency, debit, credit, balance) for each account with postings from `first` to `last`; per currency the balances add up to 0."""
    leg = legs()
    debit = func.sum(leg.c.amount).filter(leg.c.amount > 0).label("debit")
    credit = func.sum(-leg.c.amount).filter(leg.c.amount < 0).label("credit")
    query = (select(leg.c.account, leg.c.currency, debit, credit, func.sum(leg.c.amount).label("balance")).where(leg.c.on_date.between(first, last))
             .group_by(leg.c.account, leg.c.currency).order_by(leg.c.currency, func.length(leg.c.account), leg.c.account))
    return list(session.execute(query))
