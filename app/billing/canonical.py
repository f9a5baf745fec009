"""The bytes that the hash of an invoice covers: everything that was issued, in one form for every database and time.

JSON with sorted keys, no spaces, UTF-8; numbers are text with their fixed decimals, days and instants ISO 8601.
`v` names the form: a later one is a further function, this one stays, because old invoices are verified with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

VERSION = 1
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def amount(value: Decimal) -> str:
    return f"{value:.2f}"


def price(value: Decimal) -> str:
    return f"{value:.4f}"


def canonical(head: Mapping[str, Any], lines: Iterable[Any], taxes: Iterable[Any], *, series: str) -> bytes:
    """`head`: the columns of `Invoice` by name; `lines`, `taxes`: objects with the attributes of `InvoiceLine`, `InvoiceTax`."""
    return _encode({
        "v": VERSION, "series": series, "index": str(head["chain_index"]), "number": head["number"], "kind": head["kind"].value,
        "cancels": _number(head["cancels_id"]), "customer": str(head["customer_id"]), "document": _number(head["document_id"]),
        "issued_on": head["issued_on"].isoformat(), "due_on": head["due_on"].isoformat(), "issued_at": head["issued_at"].isoformat(),
        "service_from": _day(head["service_from"]), "service_to": _day(head["service_to"]), "language": head["language"],
        "currency": head["currency"], "payment_method": head["payment_method"], "net": amount(head["net"]), "tax": amount(head["tax"]),
        "gross": amount(head["gross"]), "buyer": head["buyer"], "seller": head["seller"], "notes": head["notes"],
        "lines": [[str(n), x.article_number, x.revenue_account, x.text, price(x.quantity), x.unit, price(x.unit_price), amount(x.net),
                   x.tax_category, price(x.tax_rate)] for n, x in enumerate(lines, 1)],
        "taxes": sorted([x.category, price(x.rate), amount(x.base), amount(x.tax)] for x in taxes),
    }).encode()


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _day(value: Any) -> str | None:
    return None if value is None else value.isoformat()


def chain(previous: str, data: bytes) -> str:
    """The hash of an invoice: of its predecessor's hash (empty for the first) and its own data."""
    return hashlib.sha256(previous.encode("ascii") + data).hexdigest()
