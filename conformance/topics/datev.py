"""Topic "datev": header, columns, texts and bookings through the export of the plugin `datev`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from conformance.runner import NotUnderstood, Verdict
from plugins.datev import extf, postings
from plugins.datev.charts import CHARTS

CREATED = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
DEBTOR = "10000"


def check(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    kinds: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Verdict]]] = {
        "amount": _amount, "booking": _booking, "column": _column, "document_field": _document_field, "encoding": _encoding, "header": _header,
        "header_field": _header_field, "text": _text}
    judge = kinds.get(case.get("kind", ""))
    if judge is None:
        raise NotUnderstood(f"the kind {case.get('kind')}")
    return judge(case["input"], case["expect"])


def _only(given: dict[str, Any], *names: str) -> None:
    if unknown := set(given) - set(names):
        raise NotUnderstood(f"the input {sorted(unknown)}")


def _amount(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    _only(given, "amount")
    try:
        written, side = extf.amount(Decimal(given["amount"]))
    except (extf.NotWritable, ArithmeticError) as problem:
        return {key: Verdict(key in ("refused", "error", "valid") and expect[key] in (True, "refused", "error") or expect[key] is False, str(problem)) for key in expect}
    got: dict[str, Any] = {"written": written, "side": side}
    return {key: Verdict(got[key] == expect[key], got[key]) for key in expect if key in got}


def _batch(given: dict[str, Any], chart: str = "SKR03") -> extf.Batch:
    chart = given.get("chart", chart)
    if chart not in CHARTS:
        raise NotUnderstood(f"the chart {chart}")
    day = date.fromisoformat
    start = day(given.get("fiscal_year_start", "2026-01-01"))
    return extf.Batch(int(given.get("berater", 1001)), int(given.get("mandant", 1)), start, int(given.get("account_length", 4)), day(given.get("from", start.isoformat())),
                      day(given.get("to", date(start.year, 12, 31).isoformat())), CREATED, given.get("name", ""), chart=CHARTS[chart].code, currency=given.get("currency", "EUR"))


def _header(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    _only(given, "berater", "mandant", "fiscal_year_start", "account_length", "from", "to", "chart", "name", "currency")
    try:
        line = extf.header(_batch(given))
    except extf.NotWritable as problem:
        return {key: Verdict(key in ("refused", "error", "valid") and bool(expect[key]) != (key == "valid"), str(problem)) for key in expect}
    got: dict[str, Verdict] = {}
    for key, wanted in expect.items():
        if key == "starts_with":
            got[key] = Verdict(line.startswith(wanted), line)
        elif key == "contains":
            got[key] = Verdict(all(part in line for part in wanted), line)
        elif key == "fields":
            got[key] = Verdict(len(line.split(";")) == wanted, len(line.split(";")))
        elif key in ("valid", "refused"):
            got[key] = Verdict(wanted is (key == "valid"), line)
    return got


def _header_field(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    """The meaning is a value (700, "EXTF") that must stand there, or words that the field's description must have."""
    _only(given, "field")
    number = int(given["field"])
    value = extf.header(_batch({"name": "x", "chart": "SKR03"})).split(";")[number - 1]
    said = f"{extf.HEADER[number - 1].name} {extf.HEADER[number - 1].rule}"
    wanted = str(expect["meaning"])
    if re.fullmatch(r'"?[A-Z0-9a-z]+"?', wanted) and (wanted[0] in '"0123456789' or wanted.isupper()):
        return {"meaning": Verdict(value.strip('"') == wanted.strip('"'), value)}
    words = set(re.findall(r"[a-z0-9]+", re.sub(r"\(.*?\)", "", wanted).lower()))
    known = set(re.findall(r"[a-z0-9]+", f"{said} {value}".lower()))
    return {"meaning": Verdict(bool(words) and len(words & known) * 2 >= len(words), said)}


def _column(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    _only(given, "column")
    name = extf.COLUMNS[int(given["column"]) - 1]
    return {key: Verdict(name == wanted, name) for key, wanted in expect.items() if key == "name"}


def _document_field(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    _only(given, "text")
    written = extf.document_field(given["text"])
    wanted = re.sub(r"\s*\(.*\)$", "", str(expect.get("written", "")))
    length = re.fullmatch(r"(?:cut (?:to|at)|first|at most|max)? ?(\d+)(?: characters)?", wanted)
    right = (len(written) == min(int(length[1]), len(given["text"])) and given["text"].startswith(written)) if length else written == wanted
    return {"written": Verdict(right, written)}


def _encoding(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    _only(given, "text")
    text = given["text"]
    booking = extf.Booking(Decimal("1.00"), "S", DEBTOR, "8400", date(2026, 5, 3), text=text)
    content = extf.file_of(_batch({}), [booking])
    body = content.split(b"\r\n")[2]
    got: dict[str, Verdict] = {}
    for key, wanted in expect.items():
        if key == "encoding":
            got[key] = Verdict(wanted == extf.ENCODING and text.encode(wanted) in body, body[:200])
        elif key == "byte":
            got[key] = Verdict(bytes.fromhex(re.match(r"[0-9A-Fa-f ]+?(?= in |$)", wanted)[0]) in body, body[:200])       # type: ignore[index]
        elif key == "line_end":
            got[key] = Verdict(wanted == "CRLF" and content.endswith(b"\r\n") and content.count(b"\n") == content.count(b"\r\n"), "CRLF")
        elif key == "cp1252_encodable":
            got[key] = Verdict(extf.encodable(text) is wanted, extf.encodable(text))
        elif key == "behaviour":
            written = extf.writable(text)
            good = "transliterate" in wanted and extf.encodable(written) and len(written.strip("? ")) > 0 and written.encode(extf.ENCODING) in body
            got[key] = Verdict(good, written)
    return got


def _text(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    _only(given, "text")
    text, wanted = given["text"], str(expect["written"])
    line = extf.row(extf.Booking(Decimal("1.00"), "S", DEBTOR, "8400", date(2026, 5, 3), text=text))
    written = extf.quoted(text, 60)
    inside = written[1:-1]
    rules: list[tuple[str, bool]] = [
        ("line break", "\n" not in written and "\r" not in written), ("quoted", written.startswith('"') and written.endswith('"') and written in line),
        ("one field", written in line), ("doubled", inside.count('"') == 2 * text.count('"') and '"' in text),
        ("60", len(inside.replace('""', '"')) == min(60, len(text))), ("cut", len(inside.replace('""', '"')) <= 60)]
    applied = [right for word, right in rules if word in wanted]
    if applied:
        return {"written": Verdict(all(applied), written)}
    return {"written": Verdict(wanted in (written, inside), written)}


def _booking(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    _only(given, "invoice", "kind", "date", "lines", "amount", "debtor", "revenue", "chart", "text", "payment", "bank")
    if given.get("kind", "invoice") not in ("invoice", "cancellation", "credit_note", "payment", "correction"):
        raise NotUnderstood(f"the booking {given['kind']}")
    chart, debtor = CHARTS[given.get("chart", "SKR03")], given.get("debtor", DEBTOR)
    if given.get("kind") == "payment":
        found = [postings.money_in(Decimal(given["amount"]), given.get("bank", chart.bank), debtor)]
    elif "lines" in given:
        found = postings.sale(chart, debtor, [_sold(line) for line in given["lines"]])
    else:
        found = [postings.Posting(Decimal(given["amount"]), debtor, given.get("revenue") or chart.revenue["S", Decimal(19)])]
    day = date.fromisoformat(given["date"])
    rows = []
    for posting in found:
        text, side = extf.amount(posting.amount)
        booking = extf.Booking(abs(posting.amount), side, posting.account, posting.contra, day, given["invoice"], key=posting.key)
        fields = extf.row(booking).split(";")
        rows.append({"amount": fields[0], "side": fields[1].strip('"'), "account": fields[6], "contra": fields[7], "key": fields[8].strip('"'), "date": fields[9],
                     "document": fields[10].strip('"'), "text": text})
    wanted = expect.get("rows", [])
    right = len(rows) == len(wanted) and all(key in row and row[key] == value for row, want in zip(rows, wanted, strict=True) for key, value in want.items())
    total = sum((posting.amount for posting in found), Decimal(0))
    told = {"rows": Verdict(right, rows), "note": Verdict(right, rows), "total": Verdict(str(total) == str(expect.get("total")), str(total)),
            "gross": Verdict(str(total) == str(expect.get("gross")), str(total))}
    return {key: told[key] for key in expect if key in told}


def _sold(line: dict[str, Any]) -> postings.Sold:
    _only(line, "quantity", "unit_price", "vat", "reason", "account", "text")
    rate = Decimal(str(line["vat"]))
    net = (Decimal(str(line["quantity"])) * Decimal(line["unit_price"])).quantize(Decimal("0.01"))
    return postings.Sold(net, "S" if rate else "E", rate, str(line.get("account", "")))
