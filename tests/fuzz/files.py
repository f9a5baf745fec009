"""Files that customers and staff upload, and backups."""

from __future__ import annotations

import base64
import io
import json
import struct

from openpyxl import Workbook
from PIL import Image

from app.exchange.lock_files import read_lines
from app.system import backup_stream, uploads
from app.system.backup_stream import BackupError, Opener, Sealer
from tests.fuzz.bank import archive
from tests.fuzz.target import Target, storable

KEYS = {"b1": b"0123456789abcdef0123456789abcdef"}
ENDINGS = (".pdf", ".png", ".jpg", ".gif", ".webp", ".docx", ".xlsx", ".odt", ".txt", ".csv", ".mp4", ".webm", ".html", "")


def files(data: bytes) -> None:
    """The first byte is the ending, then a line with the name, then the content."""
    ending, rest = ENDINGS[data[0] % len(ENDINGS)] if data else "", data[1:]
    name, _line, content = rest.partition(b"\n")
    taken = uploads.accept(name.decode("utf-8", "replace") + ending, content, uploads.DOCUMENTS)
    storable(taken)
    assert "/" not in taken.shown and "\\" not in taken.shown and taken.media_type


def file_seeds() -> list[bytes]:
    office = archive(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>"))
    free = archive(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>"))
    made = [(".pdf", b"%PDF-1.7\n1 0 obj\n"), (".docx", office), (".odt", free), (".txt", "Gerät\n".encode()), (".mp4", b"\0\0\0\x18ftypmp42"), (".webm", b"\x1aE\xdf\xa3"), (".png", picture("PNG"))]
    return [bytes([ENDINGS.index(ending)]) + b"name\n" + content for ending, content in made]


def picture(kind: str, mode: str = "RGB") -> bytes:
    held = io.BytesIO()
    Image.new(mode, (8, 6), 3 if mode == "P" else (3, 60, 200)).save(held, kind)
    return held.getvalue()


def cut_picture() -> bytes:
    """A JPEG whose head is whole."""
    held = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(held, "JPEG")
    return held.getvalue()[:len(held.getvalue()) * 2 // 3]


def pictures(data: bytes) -> None:
    """As the chat takes them: looked at, then encoded anew."""
    kind = uploads.image_format(data) or "png"
    uploads.accept(f"x.{kind}", data, uploads.DOCUMENTS)
    assert uploads.image_format(uploads.clean_image(data)) == kind


def lists(data: bytes) -> None:
    """The first byte says whether the name claims to be JSON."""
    storable(read_lines("locks.json" if data[:1] == b"j" else "locks.csv", data[1:]))


def list_seeds() -> list[bytes]:
    rows = "user_name;action;note\nuser1;lock;unpaid\nuser2;unlock;\n"
    return [b"c" + rows.encode(), b"c" + rows.encode("utf-16"), b"c\"phone\",\"aktion\"\r\n\"+49 170 1\",\"sperren\"\r\n", b"j" + json.dumps([{"user_name": "a", "action": 1}, {"license_id": 7, "note": None}]).encode(),
            b"j" + json.dumps({"licenses": [{"phone": "+491701", "lock": True}]}).encode()]


def workbooks(data: bytes) -> None:
    """A whole file, or (first byte `s`) only its sheet, (`t`) its shared strings: the fuzzer need not keep a ZIP's checksums right."""
    if data[:1] in (b"s", b"t"):
        sheet, texts = (data[1:], TEXTS) if data[:1] == b"s" else (SHEET, data[1:])
        data = archive(*((name, sheet if name.endswith("sheet1.xml") else texts if name.endswith("sharedStrings.xml") else content) for name, content in PARTS))
    storable(read_lines("locks.xlsx", data))


SPACE = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
SHEET = (b"<worksheet " + SPACE + b'><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row><row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2"><v>1</v></c>'
         b'<c r="C2" t="d"><v>2026-11-20</v></c><c r="D2" t="b"><v>1</v></c><c r="E2" t="e"><v>#N/A</v></c></row></sheetData></worksheet>')
TEXTS = b"<sst " + SPACE + b"><si><t>user_name</t></si><si><t>action</t></si><si><t>user1</t></si></sst>"
RELATIONS = b'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
OFFICE = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PARTS = (
    ("[Content_Types].xml", b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>'
     b'<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
     b'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
     b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'),
    ("_rels/.rels", b"<Relationships " + RELATIONS + b'><Relationship Id="r1" Type="' + OFFICE + b'/officeDocument" Target="xl/workbook.xml"/></Relationships>'),
    ("xl/_rels/workbook.xml.rels", b"<Relationships " + RELATIONS + b'><Relationship Id="r1" Type="' + OFFICE + b'/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'),
    ("xl/workbook.xml", b"<workbook " + SPACE + b' xmlns:r="' + OFFICE + b'"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'),
    ("xl/worksheets/sheet1.xml", SHEET), ("xl/sharedStrings.xml", TEXTS),
)


def workbook_seeds() -> list[bytes]:
    book, held = Workbook(), io.BytesIO()
    for row in (("user_name", "action"), ("user1", "lock"), ("user2", 0)):
        book.active.append(row)
    book.save(held)
    return [held.getvalue(), b"s" + SHEET, b"t" + TEXTS]


def backups(data: bytes) -> None:
    """A whole file, or (first byte `i`) what is sealed in it."""
    if data[:1] == b"i":
        target = io.BytesIO()
        sealer = Sealer(target, "b1", KEYS["b1"], "2026-11-24T02:30:00+00:00")
        sealer._add(data[1:])
        sealer.close()
        data = target.getvalue()
    opened = Opener(io.BytesIO(data), KEYS)
    for name, chunks in opened.entries():
        assert isinstance(name, str)
        for chunk in chunks:
            assert len(chunk) <= backup_stream.BLOCK


def backup_seeds() -> list[bytes]:
    target = io.BytesIO()
    sealer = Sealer(target, "b1", KEYS["b1"], "2026-11-24T02:30:00+00:00")
    sealer.entry("a", [b"x" * 40])
    sealer.entry("b", [b"y" * 50], compress=True)
    sealer.close()
    head = json.dumps({"name": "a", "zip": True}).encode()
    inside = struct.pack(">I", len(head)) + head + struct.pack(">I", 5) + b"xxxxx" + struct.pack(">I", 0)
    header = json.dumps({"key": "b1", "salt": base64.b64encode(b"s" * 32).decode(), "made": ""}).encode()
    return [target.getvalue(), b"i" + inside, backup_stream.MAGIC + struct.pack(">H", len(header)) + header + b"\0\0\0\x20" + b"z" * 32]


TARGETS = {
    "uploads": Target(files, file_seeds, words=(b"PK\x03\x04", b"[Content_Types].xml", b"mimetype", b"vbaProject.bin", b"%PDF-", b"<!doctype", b"\xef\xbb\xbf")),
    "pictures": Target(pictures, lambda: [picture("PNG"), picture("PNG", "P"), picture("JPEG"), picture("GIF", "P"), picture("WEBP")], words=(b"IHDR", b"IDAT", b"PLTE", b"acTL", b"fcTL", b"zTXt", b"VP8L", b"ANIM", b"\xff\xda", b"\xff\xc2")),
    "lock_lists": Target(lists, list_seeds, words=(b"user_name", b"license_id", b"phone", b"action", b";lock;", b"\xff\xfe", b"[{\"user_name\":", b"\\u0000", b"\\ud800", b"1e999")),
    "lock_workbooks": Target(workbooks, workbook_seeds, words=(b"<row r=\"", b"<c r=\"A2\" t=\"s\">", b"t=\"inlineStr\"><is><t>", b"<v>1e999</v>", b"t=\"d\"", b"<f>", b"<mergeCell ref=\"A1:XFD1048576\"/>")),
    "backups": Target(backups, backup_seeds, refused=(BackupError,), words=(b"PTTBKP1\n", b"\"zip\": true", b"\"name\": \"")),
}
