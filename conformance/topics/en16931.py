"""Topic "en16931": official e-invoices read, added up and judged by the product; broken ones judged by its rules.

A case may give only the facts of an invoice (its lines): then the totals are computed from them, and the document that the product
writes of them (with parties of our own making where the facts are silent) is judged. `valid` is asked of a
broken invoice, `new_warnings` are those that the unbroken one does not raise. Wordings of exemptions are compared in the
syntax that the case describes. The rules of CII name code lists and the
profile by ids of their own (FX-SCH-…), so from the CII twin only rules with the names of the standard are compared.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree

from app.billing.einvoice import check as product
from app.billing.einvoice.facts import Address, Allowance, Contact, EInvoice, Line, Means, Party, Totals
from app.billing.einvoice.totals import breakdown, line_net, totals
from app.billing.einvoice.write_cii import write_cii
from app.billing.einvoice.xrechnung import CARDS, broken_of_xrechnung
from conformance.runner import NotUnderstood, Verdict

TOTALS = {"sum_of_lines": "lines", "allowance_total": "allowances", "charge_total": "charges", "net_total": "net", "tax_total": "tax",
          "gross_total": "gross", "prepaid": "prepaid", "rounding": "rounding", "payable": "payable"}
NAMES = {"cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2", "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"}


def check(case: dict[str, Any], files: Path) -> dict[str, Verdict]:
    if case["kind"] == "broken_invoice":
        return broken(case, files)
    wanted = case["expect"]
    verdicts: dict[str, Verdict] = {}
    names = case.get("files") or []
    for name in names or [""]:
        data = (files / name.removeprefix("files/")).read_bytes() if name else b""
        for key, verdict in judged(case["input"], wanted, data, case.get("syntax", "")).items():
            if key not in verdicts or verdicts[key].ok:
                verdicts[key] = verdict
    return verdicts


def judged(given: dict[str, Any], wanted: dict[str, Any], data: bytes, syntax: str) -> dict[str, Verdict]:
    found: dict[str, Verdict] = {}
    if data:
        invoice = product.read(data)
        stated: Any = invoice.totals
        taxes = invoice.vat
        lines, allowances = invoice.lines, invoice.allowances
    else:
        lines, allowances = [line(row) for row in given["lines"]], [allowance(row) for row in given.get("document_allowances_charges", ())]
        stated, taxes = None, []
    prepaid = number(wanted.get("prepaid"))
    computed = totals(lines, allowances, prepaid, number(wanted.get("rounding")))
    for key, name in TOTALS.items():
        if key in wanted:
            value, told = getattr(computed, name), getattr(stated, name) if stated else None
            found[key] = Verdict(value == number(wanted[key]) and (stated is None or (told or Decimal(0)) == number(wanted[key])), f"{value} (stated {told})")
    if "vat_breakdown" in wanted:
        sums = {(row.category, row.rate or Decimal(0)): (row.taxable, row.tax) for row in breakdown(lines, allowances)}
        asked = {(row["category"], number(row.get("rate"))): (number(row["taxable"]), number(row["tax"])) for row in wanted["vat_breakdown"]}
        unknown = {key for row in wanted["vat_breakdown"] for key in row} - {"category", "rate", "taxable", "tax", "exemption", "exemption_code"}
        told = {(row.category, row.rate or Decimal(0)): (row.taxable, row.tax) for row in taxes}
        reasons = {(row["category"], number(row.get("rate"))): (row.get("exemption"), row.get("exemption_code")) for row in wanted["vat_breakdown"]}
        said = {(row.category, row.rate or Decimal(0)): (row.reason, row.code) for row in taxes}
        found["vat_breakdown"] = Verdict(not unknown and sums == asked and (stated is None or (told == asked and (invoice.syntax != syntax or said == reasons))),
                                         [str(sums), str(told), str(said)])
    if not data:
        invoice = written(given, lines, allowances, computed)
        data = write_cii(invoice)
    if data:
        fatal = [row.rule for row in product.broken_of_en16931(data) if row.fatal]
        if invoice.syntax == "CII":
            fatal = [rule for rule in fatal if rule.startswith("BR-")]
            asked_fatal = [rule for rule in wanted.get("en16931_fatal", ()) if not rule.startswith("BR-CL-")]
        else:
            asked_fatal = wanted.get("en16931_fatal", [])
        found["en16931_fatal"] = Verdict(sorted(fatal) == sorted(asked_fatal), fatal)
        national = sorted(row.rule for row in broken_of_xrechnung(invoice) if row.fatal) if "xrechnung" in (invoice.specification or "") else None
        found["xrechnung_fatal"] = Verdict(national == wanted.get("xrechnung_fatal"), national)
        problems = differs(given, invoice)
    if stated is None:
        problems += [f"{row.id}: {line_net(row)}" for row in lines if line_net(row) != row.net]
    if problems:
        found["sum_of_lines"] = Verdict(False, problems)
    return found


def written(given: dict[str, Any], lines: list[Line], allowances: list[Allowance], sums: Totals) -> EInvoice:
    code, outside = str(given.get("payment_means_code") or "1"), any(row.category == "O" for row in lines)
    address = {side: Address("Street 1", None, "12345", "City", None, given.get(f"{side}_country") or "DE") for side in ("seller", "buyer")}
    vat_id = None if outside else given.get("seller_vat_id")
    seller = Party("Seller", vat_id, None if vat_id else "123/456", "S1", ("EM", "seller@example.org"), address["seller"], Contact("Name", "+49 30 123", "seller@example.org"))
    buyer = Party("Buyer", None if outside else given.get("buyer_vat_id") or ("DE136695976" if any(row.category in ("AE", "K") for row in lines) else None), None, "B1",
                  ("EM", "buyer@example.org"), address["buyer"])
    means = Means(code, transfer=code in ("30", "58"), iban="DE79000000001234567890" if code in ("30", "58") else None, card=code in CARDS,
                  card_number="1234" if code in CARDS else None, debit=code == "59",
                  mandate=given.get("mandate_id") or ("M1" if code == "59" else None), debited_iban=given.get("debited_iban") or ("DE79000000001234567890" if code == "59" else None))
    vat = breakdown(lines, allowances)
    for tax in vat:
        tax.reason = None if tax.category in ("S", "Z", "L", "M") else "Exempt"
    for position in lines:
        position.name, position.rate = "Item", None if position.category == "O" else position.rate
    for row in allowances:
        row.reason = row.reason or "Reason"
    deliver_to = address["buyer"] if any(row.category == "K" for row in lines) else None
    return EInvoice("CII", given.get("type_code") == "381", given.get("customization"), given["number"], given["type_code"], given["issue_date"],
                    given.get("due_date"), given["currency"], given.get("buyer_reference"), given.get("payment_terms") or "Terms", "DE98ZZZ09999999999" if code == "59" else None,
                    seller=seller, buyer=buyer, deliver_to=deliver_to, delivered_on=given["issue_date"], means=[means], allowances=allowances, lines=lines, vat=vat, totals=sums)


def differs(given: dict[str, Any], invoice: EInvoice) -> list[str]:
    """What the reader found otherwise than the case says."""
    named = {"number": invoice.number, "type_code": invoice.type_code, "issue_date": invoice.issued_on, "currency": invoice.currency,
             "customization": invoice.specification, "buyer_reference": invoice.buyer_reference}
    found = [f"{key}: {value}" for key, value in named.items() if key in given and given[key] != value]
    if len(given["lines"]) != len(invoice.lines):
        return [*found, f"{len(invoice.lines)} lines"]
    for asked, row in zip(given["lines"], invoice.lines, strict=True):
        if number(asked["line_net"]) != row.net or number(asked.get("net_price")) != row.price or asked.get("vat_category") != row.category:
            found.append(f"line {row.id}: {row.price} {row.net} {row.category}")
    return found


def number(text: Any) -> Decimal:
    return Decimal(str(text)) if text not in (None, "") else Decimal(0)


def line(row: dict[str, Any]) -> Line:
    return Line(str(row["id"]), None, number(row["quantity"]), row.get("unit"), number(row["net_price"]), number(row["line_net"]), row.get("vat_category"),
                number(row.get("vat_rate")), number(row.get("base_quantity")) or None, allowances=[allowance(a) for a in row.get("allowances_charges", ())])


def allowance(row: dict[str, Any]) -> Allowance:
    return Allowance(row["kind"] == "charge", number(row["amount"]), reason=row.get("reason"), category=row.get("vat_category"), rate=number(row.get("vat_rate")))


def broken(case: dict[str, Any], files: Path) -> dict[str, Verdict]:
    name = case["input"]["base"].split()[-1].rsplit("/", 1)[-1]
    before = (files / "en16931" / name).read_bytes()
    after = changed(before, case["input"]["change"], case["input"]["where"])
    asked, (fatal, national, warnings) = case["expect"], rules(after)
    fresh = sorted(set(warnings) - set(rules(before)[2]))
    got: dict[str, Any] = {"en16931_fatal": fatal, "xrechnung_fatal": national, "new_warnings": fresh, "valid": not fatal and not national}
    return {key: Verdict(got[key] == (sorted(asked[key]) if isinstance(asked[key], list) else asked[key]), got[key]) for key in asked if key in got}


@lru_cache(maxsize=8)
def rules(data: bytes) -> tuple[list[str], list[str], list[str]]:
    norm, national = product.broken_of_en16931(data), list(broken_of_xrechnung(product.read(data)))
    return (sorted(row.rule for row in norm if row.fatal), sorted(row.rule for row in national if row.fatal),
            sorted({row.rule for row in (*norm, *national) if not row.fatal}))


def changed(data: bytes, change: str, where: str) -> bytes:
    root: Any = etree.fromstring(data)
    found = root.find(where, NAMES)
    if found is None:
        raise NotUnderstood(f"{where} is not in the invoice")
    verb, _colon, value = change.partition(":")
    if verb == "remove":
        found.getparent().remove(found)
    elif verb == "set":
        found.text = value
    elif verb == "attr" and (match := re.fullmatch(r"([\w:]+)=(.*)", value, re.DOTALL)):
        found.set(match[1], match[2])
    elif verb in ("add_cent", "add_one"):
        found.text = str(Decimal(found.text or "0") + (Decimal("0.01") if verb == "add_cent" else 1))
    elif verb in ("duplicate", "repeat"):
        found.addnext(etree.fromstring(etree.tostring(found)))
    else:
        raise NotUnderstood(f"the change {change}")
    return bytes(etree.tostring(root))
