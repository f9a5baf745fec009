"""Writes numbered invoices as plain rows: draws the numbers, forges the chain, inserts, announces. Series locked before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.billing.bulk import insert_rows, reserve_ids
from app.billing.canonical import canonical, chain
from app.billing.events import InvoiceIssued, InvoicesIssued
from app.billing.invoicing import Line, TaxLine
from app.billing.models import Invoice, InvoiceLine, InvoiceSeries, InvoiceTax
from app.billing.series import draw
from app.core import clock
from app.core.actor import current_actor
from app.core.events import publish
from app.core.money import to_cents
from app.system.models import ProtocolEntry, ProtocolKind

HEAD = ("id", "number", "series_id", "chain_index", "kind", "cancels_id", "customer_id", "document_id", "issued_on", "due_on", "service_from",
        "service_to", "language", "currency", "payment_method", "net", "tax", "gross", "buyer", "seller", "notes", "issued_at", "previous_hash", "hash")
LINE = ("invoice_id", "number", "article_number", "revenue_account", "text", "quantity", "unit", "unit_price", "net", "tax_category", "tax_rate")
TAX = ("invoice_id", "category", "rate", "base", "tax")
PROTOCOL = ("at", "kind", "action", "subject_type", "subject_id", "subject", "customer_id", "actor_kind", "actor_name", "on_behalf", "origin",
            "changes", "note")


class Issued(NamedTuple):
    invoice_id: int
    number: str
    document_id: int | None
    customer_id: int


def write_invoices(session: Session, series: InvoiceSeries, issue_date: date,
                   documents: Sequence[tuple[dict[str, Any], Sequence[Line], Sequence[TaxLine]]]) -> list[Issued]:
    """(columns without number, lines, taxes) of each document → numbers in that order. `series` is locked by the caller."""
    numbers = draw(session, series, issue_date, len(documents))
    ids = reserve_ids(session, _table(Invoice), len(documents))
    now = clock.now()
    stored_now = now.astimezone(UTC).replace(tzinfo=None)
    heads, lines, taxes, events = [], [], [], []
    previous = series.last_hash
    sellers: dict[int, str] = {}
    for ident, (index, number), (head, head_lines, head_taxes) in zip(ids, numbers, documents, strict=True):
        head.update(id=ident, number=number, series_id=series.id, chain_index=index, issued_at=now, previous_hash=previous)
        previous = head["hash"] = chain(previous, canonical(head, head_lines, head_taxes, series=series.code))
        seller = sellers.get(id(head["seller"])) or sellers.setdefault(id(head["seller"]), _json(head["seller"]))
        heads.append((ident, number, series.id, index, head["kind"].value, head["cancels_id"], head["customer_id"], head["document_id"],
                      head["issued_on"], head["due_on"], head["service_from"], head["service_to"], head["language"], head["currency"],
                      head["payment_method"], to_cents(head["net"]), to_cents(head["tax"]), to_cents(head["gross"]), _json(head["buyer"]), seller,
                      _json(head["notes"]), stored_now, head["previous_hash"], previous))
        lines += [(ident, n, x.article_number, x.revenue_account, x.text, _parts(x.quantity), x.unit, _parts(x.unit_price), to_cents(x.net),
                   x.tax_category, _parts(x.tax_rate)) for n, x in enumerate(head_lines, 1)]
        taxes += [(ident, x.category, _parts(x.rate), to_cents(x.base), to_cents(x.tax)) for x in head_taxes]
        events.append(InvoiceIssued(ident, head["customer_id"], number, head["issued_on"], head["due_on"], head["currency"], head["gross"],
                                    head["kind"], head["cancels_id"]))
    series.last_hash = previous
    session.flush()
    insert_rows(session, _table(Invoice), HEAD, heads)
    insert_rows(session, _table(InvoiceLine), LINE, lines)
    insert_rows(session, _table(InvoiceTax), TAX, taxes)
    insert_rows(session, _table(ProtocolEntry), PROTOCOL, _protocol(events, stored_now))
    publish(InvoicesIssued(tuple(events)))
    return [Issued(head["id"], head["number"], head["document_id"], head["customer_id"]) for head, _lines, _taxes in documents]


def _protocol(events: Iterable[InvoiceIssued], stored_now: Any) -> list[tuple[Any, ...]]:
    actor = current_actor()
    return [(stored_now, ProtocolKind.BILLING.value, "issued", "invoice", event.invoice_id, event.number, event.customer_id, actor.kind,
             actor.name[:80], actor.on_behalf, actor.origin, "{}", "") for event in events]


def _table(model: Any) -> Any:
    return model.__table__


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _parts(value: Decimal) -> int:
    """In 1/10000, exact."""
    scaled = value.scaleb(4)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{value} has more decimals than can be stored")
    return whole
