"""The hybrid PDF as PDF/A-3 (ISO 19005-3, level B): what is added to reach it, and a check of what can be seen without the norm's own validator.

Checked are the rules that a PDF made here, or a page that a payment method adds, could break: structure of the file, output intent and
colours, fonts (embedded, encoding, widths), images, transparency, actions, forms, annotations, metadata, embedded files. Not checked:
the syntax of content streams operator by operator, and glyph outlines. Numbers in brackets are clauses of ISO 19005-3:2012.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from lxml import etree
from PIL import ImageCms
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)

from app.billing.einvoice.pdfa_fonts import broken_font

PROFILE = "sRGB IEC61966-2.1"
RDF, PDFA_ID, FX = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://www.aiim.org/pdfa/ns/id/", "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
SCHEMA = "http://www.aiim.org/pdfa/ns/schema#"
ACTIONS = frozenset({"/GoTo", "/GoToR", "/GoToE", "/Thread", "/URI", "/Named", "/SubmitForm"})
FORBIDDEN_ANNOTATIONS = frozenset({"/3D", "/Sound", "/Screen", "/Movie"})
RELATIONS = frozenset({"/Source", "/Data", "/Alternative", "/Supplement", "/Unspecified", "/EncryptedPayload", "/FormData", "/Schema"})
MOST_OBJECTS = 20_000


@lru_cache(maxsize=1)
def colour_profile() -> bytes:
    """sRGB as ICC profile; with a fixed date, so that it is the same in every process."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return bytes(data[:24]) + bytes.fromhex("07d0000100010000") + bytes(4) + bytes(data[36:])


def with_intent(pdf: bytes) -> bytes:
    """The PDF with the output intent that its colours are meant for [6.2.3], as version 1.7 [6.1.2]."""
    writer = PdfWriter(clone_from=io.BytesIO(pdf))
    writer.pdf_header = "%PDF-1.7"
    profile = DecodedStreamObject()
    profile.set_data(colour_profile())
    stream = profile.flate_encode()
    stream.update({NameObject("/N"): NumberObject(3), NameObject("/Alternate"): NameObject("/DeviceRGB")})
    intent = DictionaryObject({
        NameObject("/Type"): NameObject("/OutputIntent"), NameObject("/S"): NameObject("/GTS_PDFA1"), NameObject("/OutputConditionIdentifier"): TextStringObject(PROFILE),
        NameObject("/Info"): TextStringObject(PROFILE), NameObject("/RegistryName"): TextStringObject("http://www.color.org"),
        NameObject("/DestOutputProfile"): writer._add_object(stream)})
    writer._root_object[NameObject("/OutputIntents")] = ArrayObject([writer._add_object(intent)])
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def broken_of_pdfa(data: bytes) -> list[str]:
    """What keeps it from being PDF/A-3b, each with its clause, in English; empty when nothing was found."""
    try:
        reader = PdfReader(io.BytesIO(data), strict=True)
        return list(dict.fromkeys([*_file(data, reader), *_catalog(reader), *_metadata(reader), *_files(reader), *_objects(reader)]))
    except (PyPdfError, KeyError, ValueError, TypeError, AttributeError, IndexError, etree.XMLSyntaxError, RecursionError) as error:
        return [f"It cannot be read ({type(error).__name__}: {error})."]


def _file(data: bytes, reader: PdfReader) -> Iterator[str]:
    head = data[:32].split(b"\n", 2)
    if not (data.startswith(b"%PDF-1.") and data[7:8] in b"01234567"):
        yield "The header names no version 1.0 to 1.7 [6.1.2]."
    if len(head) < 2 or not head[1].startswith(b"%") or sum(byte > 127 for byte in head[1][1:5]) < 4:
        yield "The header is not followed by a comment of four bytes above 127 [6.1.2]."
    if not data.rstrip(b"\r\n").endswith(b"%%EOF"):
        yield "Something follows the end of the file [6.1.3]."
    if "/Encrypt" in reader.trailer:
        yield "It is encrypted [6.1.3]."
    if len(reader.trailer.get("/ID") or []) != 2:
        yield "The file has no identifier [6.1.3]."


def _catalog(reader: PdfReader) -> Iterator[str]:
    root = _of(reader.trailer["/Root"])
    intents = [_of(intent) for intent in _of(root.get("/OutputIntents")) or []]
    profiles = [_of(intent.get("/DestOutputProfile")) for intent in intents if intent.get("/S") == "/GTS_PDFA1"]
    if len(profiles) != 1 or profiles[0] is None:
        yield "There is not exactly one output intent with a profile [6.2.3]."
    elif (icc := profiles[0].get_data())[36:40] != b"acsp" or icc[12:16] not in (b"mntr", b"prtr") or icc[8] > 4 or icc[16:20] != b"RGB " or profiles[0].get("/N") != 3:
        yield "The profile of the output intent is none of an RGB monitor or printer, version 2 or 4 [6.2.3]."
    if "/OpenAction" in root or "/AA" in root:
        yield "The document starts an action [6.5.2]."
    names = _of(root.get("/Names")) or {}
    if "/JavaScript" in names:
        yield "It has scripts [6.5.1]."
    if "/AlternatePresentations" in names or "/Requirements" in root:
        yield "It has presentations or requirements [6.10, 6.11]."
    if "/AcroForm" in root and (_of(root["/AcroForm"]).get("/NeedAppearances") or "/XFA" in _of(root["/AcroForm"])):
        yield "It has a form that makes itself [6.4.1]."


def _metadata(reader: PdfReader) -> Iterator[str]:
    stream = _of(_of(reader.trailer["/Root"]).get("/Metadata"))
    if stream is None or stream.get("/Type") != "/Metadata" or stream.get("/Subtype") != "/XML":
        yield "It has no metadata stream [6.6.2.1]."
        return
    data = stream.get_data()
    if b"bytes=" in data[:200] or b"encoding=" in data[:200].split(b"?>")[0]:
        yield "The packet header has attributes that are not allowed [6.6.2.1]."
    tree = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False))

    def text(namespace: str, name: str) -> str:
        found = tree.find(f".//{{{namespace}}}{name}")
        if found is not None:
            return (found.text or "").strip()
        return next((node.get(f"{{{namespace}}}{name}", "") for node in tree.iter(f"{{{RDF}}}Description") if node.get(f"{{{namespace}}}{name}")), "")

    if text(PDFA_ID, "part") != "3" or text(PDFA_ID, "conformance") not in ("A", "B", "U"):
        yield "The metadata does not say part 3 and its level [6.6.4]."
    if text(FX, "DocumentType") != "INVOICE" or text(FX, "DocumentFileName") != "factur-x.xml" or not text(FX, "Version") or not text(FX, "ConformanceLevel"):
        yield "The metadata does not name the invoice in the file (Factur-X)."
    declared = {(node.text or "").strip() for node in tree.iter(f"{{{SCHEMA}}}namespaceURI")}
    if FX not in declared:
        yield "The properties of Factur-X are not described by an extension schema [6.6.2.3]."


def _files(reader: PdfReader) -> Iterator[str]:
    root = _of(reader.trailer["/Root"])
    named = _of(_of(_of(root.get("/Names")) or {}).get("/EmbeddedFiles"))
    names = list(_of(named.get("/Names")) or []) if named else []
    specs = {str(_of(names[n])): names[n + 1] for n in range(0, len(names), 2)}
    associated = [getattr(one, "idnum", None) for one in _of(root.get("/AF")) or []]
    if "factur-x.xml" not in specs:
        yield "factur-x.xml is not embedded."
    for name, reference in specs.items():
        spec = _of(reference)
        if str(spec.get("/F")) != name or str(spec.get("/UF")) != name or not spec.get("/Desc"):
            yield f"{name}: its two names and a description are not all there [6.8]."
        if spec.get("/AFRelationship") not in RELATIONS:
            yield f"{name}: it is not said how it belongs to the document [6.8]."
        if getattr(reference, "idnum", None) not in associated:
            yield f"{name} is not associated with the document [6.8]."
        stream = _of((_of(spec.get("/EF")) or {}).get("/F"))
        if stream is None or "/" not in str(stream.get("/Subtype", ""))[1:] or "/ModDate" not in (_of(stream.get("/Params")) or {}):
            yield f"{name}: its type or the day it was changed is missing [6.8]."


def _objects(reader: PdfReader) -> Iterator[str]:
    """Everything that the catalog leads to, once."""
    seen: set[int] = set()
    waiting: list[Any] = [reader.trailer["/Root"]]
    while waiting:
        item = waiting.pop()
        if (number := getattr(item, "idnum", None)) is not None:
            if number in seen:
                continue
            seen.add(number)
            if len(seen) > MOST_OBJECTS:
                yield "It has too many objects to be checked."
                return
            item = item.get_object()
        if isinstance(item, DictionaryObject):
            yield from _one(item)
            waiting.extend(item.raw_get(key) for key in item if key != "/Parent")
        elif isinstance(item, ArrayObject):
            if "/DeviceCMYK" in item or "/DeviceN" in item[:1]:
                yield "It has colours of four or more inks without their profile [6.2.4.3]."
            waiting.extend(list(item))


def _one(item: Any) -> Iterator[str]:
    kind, subtype = item.get("/Type"), item.get("/Subtype")
    if "/FFilter" in item or (isinstance(item, StreamObject) and "/F" in item):
        yield "A stream lies outside of the file [6.1.7.1]."
    filters = _of(item.get("/Filter"))
    if any(name in ("/LZWDecode", "/LZW", "/Crypt") for name in (filters if isinstance(filters, ArrayObject) else [filters])):
        yield "A stream is compressed by LZW or encrypted [6.1.7.2]."
    if kind == "/Font":
        yield from broken_font(item)
    if subtype == "/Image":
        if item.get("/Interpolate") or "/Alternates" in item or "/OPI" in item:
            yield "A picture is interpolated, or has alternates [6.2.8]."
        if item.get("/ColorSpace") == "/DeviceCMYK":
            yield "It has colours of four or more inks without their profile [6.2.4.3]."
    if subtype == "/PS" or "/PS" in item or (subtype == "/Form" and ("/Ref" in item or "/OPI" in item)):
        yield "A part refers to PostScript or to another file [6.2.9]."
    if kind == "/ExtGState" and ("/TR" in item or item.get("/TR2", "/Default") != "/Default" or "/HTP" in item):
        yield "A graphics state has a transfer function [6.2.5]."
    if kind == "/Annot" or (kind is None and "/Rect" in item and subtype):
        if subtype in FORBIDDEN_ANNOTATIONS:
            yield f"It has an annotation of the kind {subtype} [6.3.1]."
        elif subtype not in ("/Popup", "/Link") and "/AP" not in item:
            yield "An annotation has no appearance [6.3.3]."
        if subtype != "/Popup" and (not int(item.get("/F", 0)) & 4 or int(item.get("/F", 0)) & 0b100011):
            yield "An annotation is not printed, or hidden [6.3.2]."
    if kind == "/Action" or (isinstance(item.get("/S"), str) and item.get("/S") in ("/JavaScript", "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Rendition", "/Trans", "/GoTo3DView")
                             and "/Type" not in item):
        if item.get("/S") not in ACTIONS:
            yield f"It has an action of the kind {item.get('/S')} [6.5.1]."
    if "/AA" in item:
        yield "A part starts an action [6.5.2]."
    if "/PresSteps" in item:
        yield "A page has presentation steps [6.10]."


def _of(value: Any) -> Any:
    return value.get_object() if hasattr(value, "get_object") else value
