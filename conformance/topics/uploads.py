"""Topic "uploads": names, contents and limits through the checks that every upload of the product passes."""

from __future__ import annotations

import io
import re
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from flask import Flask, request
from PIL import Image

from app.core.errors import InvalidInput
from app.system import documents, uploads
from conformance.runner import NotUnderstood, Verdict

ALL = uploads.DOCUMENTS | uploads.MEDIA
BOUNDS = 12_000 * 12_000        # pixels of a picture that is too large


def check(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    kinds: dict[str, Callable[[dict[str, Any], dict[str, Any]], dict[str, Verdict]]] = {
        "file_name": _file_name, "content_type": _content_type, "content_limit": _content_limit, "zip_entry": _zip_entry}
    judge = kinds.get(case.get("kind", ""))
    if judge is None:
        raise NotUnderstood(f"the kind {case.get('kind')}")
    return judge(case["input"], case["expect"])


def _only(given: dict[str, Any], *names: str) -> None:
    if set(given) != set(names):
        raise NotUnderstood(f"the input {sorted(given)}")


# ---- names --------------------------------------------------------------------------------------------------------


def _file_name(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    """The same name is uploaded twice; both are stored as a document is."""
    _only(given, "file_name")
    name = given["file_name"]
    with tempfile.TemporaryDirectory() as folder:
        app = Flask("uploads")
        app.config["DOCUMENTS_URL"] = f"file://{folder}/store"
        with app.app_context():
            documents._open.cache_clear()
            first, second = documents.put(b"one", "image/png"), documents.put(b"two", "image/png")
            documents._open.cache_clear()
        root = (Path(folder) / "store").resolve()
        stored = [(root / item.path).resolve() for item in (first, second)]
        contents = [path.read_bytes() for path in stored]
    shown = uploads.shown_name(name)
    harmless = not re.search(r"[/\\\x00-\x1f\x7f]", shown) and not any(unicodedata.category(c) in ("Cc", "Cf") for c in shown)
    told = {
        "stored_inside_upload_folder": all(path.is_relative_to(root) for path in stored),
        "no_path_separator_or_control_char_in_stored_name": all(re.fullmatch(r"[0-9a-f]{32}\.[a-z0-9]+", path.name) for path in stored) and harmless,
        "original_name_may_be_shown_escaped": bool(shown.strip()) and len(shown.encode()) <= 121 and not re.search(r"[<>\"&'|;`$]", shown),
        "no_overwrite_of_another_file": contents == [b"one", b"two"],
        "refuse_or_rename": _refused(name) or (PurePosixPath(shown).name == shown and PureWindowsPath(shown).name == shown and not PureWindowsPath(shown).is_reserved() and shown not in (".", "..")),
    }
    return {key: Verdict(told[key] is wanted, shown) for key, wanted in expect.items() if key in told}


def _refused(name: str, data: bytes = b"x") -> bool:
    try:
        uploads.accept(name, data, ALL)
    except InvalidInput:
        return True
    return False


# ---- contents -----------------------------------------------------------------------------------------------------


def _picture(kind: str, size: tuple[int, int] = (4, 4), **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **more)
    return out.getvalue()


def _whole(name: str, first: bytes) -> bytes:
    """A file that is what its name says and begins as asked: pictures are real ones."""
    pictures = {"png": ("PNG", {}), "jpg": ("JPEG", {}), "jpeg": ("JPEG", {}), "gif": ("GIF", {"comment": b"x"}), "webp": ("WEBP", {})}
    extension = name.rpartition(".")[2].lower()
    if extension in pictures and uploads.image_format(first + b"\x00" * 12):
        kind, more = pictures[extension]
        data = _picture(kind, **more)
        if first[:3] == data[:3]:
            return data if data.startswith(first[:4]) else first + data[len(first):]
    return first + b"\x00" * 64


def _content_type(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    _only(given, "file_name", "first_bytes_latin1")
    first = given["first_bytes_latin1"].encode("latin-1")
    try:
        accepted: uploads.Accepted | None = uploads.accept(given["file_name"], _whole(given["file_name"], first), ALL)
    except InvalidInput as refusal:
        accepted, why = None, str(refusal)
    got: Any = accepted.media_type if accepted else why
    fixed = accepted is None or (re.fullmatch(r"(image|video)/[a-z0-9]+|application/(pdf|vnd\.[a-z0-9.-]+)|text/(plain|csv)", accepted.media_type) is not None and _nosniff())
    told = {"accept": Verdict((accepted is not None) is expect.get("accept"), got)}
    if str(expect.get("note", "")).startswith("must be served with a fixed"):
        told["note"] = Verdict(fixed, got)
    return {key: told[key] for key in expect if key in told}


def _nosniff() -> bool:
    from app.admin import headers

    app = Flask("headers")
    headers.install(app)
    app.add_url_rule("/", view_func=lambda: "x")
    return app.test_client().get("/").headers.get("X-Content-Type-Options") == "nosniff"


# ---- limits -------------------------------------------------------------------------------------------------------


def _content_limit(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    _only(given, "what")
    what, wanted = given["what"], expect["behaviour"]
    if "larger than the limit" in what:
        status, refused = _post_too_much(), _refused("a.pdf", b"%PDF-" + b"x" * uploads.MOST)
        return {"behaviour": Verdict("413" in wanted and status == 413 and refused, status)}
    if "zip" in what and "unpacks" in what:
        return {"behaviour": Verdict("unpacked size" in wanted and _refused("a.docx", _bomb()), "refused by the unpacked size")}
    if "EXIF" in what:
        data = _with_position()
        cleaned = uploads.clean_image(data)
        return {"behaviour": Verdict("removed" in wanted and b"GPS-SECRET" in data and b"GPS-SECRET" not in cleaned and not dict(Image.open(io.BytesIO(cleaned)).getexif()), "removed")}
    if "GIF" in what and "frames" in what:
        return {"behaviour": Verdict("refuse" in wanted and _refused("a.gif", _many_frames()), "refused")}
    if "pixel" in what or re.search(r"\d+ ?[x×] ?\d+", what):
        return {"behaviour": Verdict("refuse" in wanted and _refused("a.png", _huge_png()), "refused before it is decoded")}
    if "empty" in what or "0 bytes" in what:
        return {"behaviour": Verdict("refuse" in wanted and _refused("a.png", b""), "refused")}
    if "macro" in what:
        return {"behaviour": Verdict("refuse" in wanted and _refused("a.docx", _macros()), "refused")}
    raise NotUnderstood(f"the content “{what}”")


def _post_too_much() -> int:
    """The product's configuration on a page that takes a file."""
    import config

    app = Flask("limit")
    app.config["MAX_CONTENT_LENGTH"] = config.MAX_CONTENT_LENGTH
    app.add_url_rule("/", view_func=lambda: str(len(request.files["file"].read())), methods=["POST"])
    return int(app.test_client().post("/", data={"file": (io.BytesIO(b"x" * (config.MAX_CONTENT_LENGTH + 1)), "a.pdf")}).status_code)


def _bomb() -> bytes:
    """A packed file whose directory announces ten gigabytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", b"\x00" * 1_000_000)
    data = bytearray(out.getvalue())
    place = data.rindex(b"PK\x01\x02")
    data[place + 24:place + 28] = struct.pack("<I", 4_000_000_000)
    return bytes(data)


def _macros() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"):
            archive.writestr(name, "x")
    return out.getvalue()


def _with_position() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "GPS-SECRET"
    exif.get_ifd(0x8825)[29] = "GPS-SECRET"
    return _picture("JPEG", exif=exif.tobytes())


def _many_frames() -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff" + frame * 10_000 + b"\x3b"


def _huge_png() -> bytes:
    """A few bytes that announce more pixels than anybody decodes."""
    side = int(BOUNDS ** 0.5)

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + part(b"IDAT", zlib.compress(b"")) + part(b"IEND", b"")


def _zip_entry(given: dict[str, Any], expect: dict[str, Any]) -> dict[str, Verdict]:
    """A document whose packed part would land outside is refused; nothing of a packed file is ever unpacked to a disk."""
    _only(given, "entry")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("[Content_Types].xml", "word/document.xml", given["entry"]):
            archive.writestr(name, "x")
    outside = not _refused("a.docx", out.getvalue()) and not uploads.is_inside(given["entry"])
    return {key: Verdict(outside is wanted, "refused" if not outside else "taken") for key, wanted in expect.items() if key == "written_outside"}
