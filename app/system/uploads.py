"""What comes in as a file: name and content are both looked at, neither is trusted. Pure: bytes in, verdict out.

The stored name is made elsewhere (`documents.put`); the name that somebody gave is only shown.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from flask_babel import gettext as _
from PIL import Image, UnidentifiedImageError

from app.core.errors import InvalidInput
from app.core.formats import size as size_words

MOST = 20 * 1024 * 1024             # bytes of one file
MOST_PIXELS = 40_000_000
MOST_FRAMES = 500
MOST_UNPACKED = 200 * 1024 * 1024
# What zipfile raises for archives that are damaged, encrypted or made by somebody who wants to see what happens.
BAD_ZIP = (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError, LookupError, OverflowError, struct.error, zlib.error, lzma.LZMAError)
# What Pillow's readers raise for pictures that are cut off or lie about themselves.
BAD_PICTURE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, LookupError, TypeError, EOFError, OverflowError, struct.error, zlib.error, Image.DecompressionBombError)
RESERVED = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
OFFICE = {"docx": ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
          "xlsx": ("xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
          "pptx": ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation")}
OPEN_DOCUMENT = {"odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet"}
IMAGES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
FILMS = {"mp4": "video/mp4", "webm": "video/webm"}
TEXTS = {"txt": "text/plain", "csv": "text/csv"}
DOCUMENTS = frozenset({"pdf", *IMAGES, *TEXTS, *OFFICE, *OPEN_DOCUMENT})
MEDIA = frozenset({*IMAGES, *FILMS, "pdf"})


@dataclass(frozen=True, slots=True)
class Accepted:
    """`shown`: the given name, safe to show and to offer at download; `media_type`: by the content, never by the browser."""

    shown: str
    extension: str
    media_type: str


def shown_name(given: str) -> str:
    """The last part of a name without controls, direction marks, separators or what a shell or Windows would read into it."""
    text = unicodedata.normalize("NFC", given.replace("\\", "/")).rsplit("/", 1)[-1]
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
    text = re.sub(r"%00|[<>:\"|?*;$`&!#{}'()\[\]%~^=+,@]", "_", text)
    text = re.sub(r"\s+", " ", text).strip().rstrip(" .")
    stem, dot, extension = text.rpartition(".")
    stem, extension = (stem, extension) if dot else (text, "")
    stem = stem.strip(" .") or "file"
    if stem.split(".")[0].lower() in RESERVED:
        stem = f"_{stem}"
    extension = re.sub(r"[^A-Za-z0-9]", "", extension)[:10]
    while len(f"{stem}.{extension}".encode()) > 120:
        stem = stem[:-1]
    return f"{stem}.{extension}" if extension else stem


def accept(given: str, data: bytes, kinds: frozenset[str] = DOCUMENTS, most: int = MOST) -> Accepted:
    """Raises InvalidInput: too large, a kind that is not taken, or a content that is not what the name says."""
    if len(data) > most:
        raise InvalidInput(_("The file is too large: at most %(size)s.", size=size_words(most)), "file")
    if not data:
        raise InvalidInput(_("The file is empty."), "file")
    name = shown_name(given)
    extension = PurePosixPath(name).suffix.lower().lstrip(".")
    if extension not in kinds:
        raise InvalidInput(_("Files of this kind are not taken. Possible are: %(list)s.", list=", ".join(sorted(kinds))), "file")
    media_type = _content(extension, data)
    if media_type is None:
        raise InvalidInput(_("The content of “%(name)s” is not what its name says.", name=name), "file")
    return Accepted(name, extension, media_type)


def _content(extension: str, data: bytes) -> str | None:
    """The media type when the content fits the extension."""
    if extension in IMAGES:
        return IMAGES[extension] if _is_image(extension, data) else None
    if extension == "pdf":
        return "application/pdf" if data.startswith(b"%PDF-") else None
    if extension == "mp4":
        return FILMS[extension] if data[4:8] == b"ftyp" else None
    if extension == "webm":
        return FILMS[extension] if data.startswith(b"\x1aE\xdf\xa3") else None
    if extension in TEXTS:
        return TEXTS[extension] if _is_text(data) else None
    if extension in OFFICE or extension in OPEN_DOCUMENT:
        return _zipped(extension, data)
    return None


def image_format(data: bytes) -> str | None:
    """png, jpeg, gif or webp by the first bytes."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    return "webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _is_image(extension: str, data: bytes) -> bool:
    """By its first bytes, and by a decoder that stops at too many pixels or frames before it unpacks them."""
    if image_format(data) != {"jpg": "jpeg"}.get(extension, extension):
        return False
    try:
        with Image.open(io.BytesIO(data), formats=[str(image_format(data)).upper()]) as image:
            width, height = image.size
            frames = getattr(image, "n_frames", 1)
            if width * height > MOST_PIXELS or frames > MOST_FRAMES:
                raise InvalidInput(_("The picture is too large: at most %(n)s megapixels and %(frames)s frames.", n=MOST_PIXELS // 10**6, frames=MOST_FRAMES), "file")
            image.verify()
    except BAD_PICTURE:
        return False
    return True


def clean_image(data: bytes) -> bytes:
    """Encoded anew: without position, camera, comments, or anything that hid behind the picture. One frame. Raises InvalidInput for one that ends in its middle."""
    kind = str(image_format(data)).upper()
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            image.load()
            flat = image.convert("RGB") if kind == "JPEG" else image.convert("RGBA") if image.mode in ("P", "LA", "PA") else image.copy()
            out = io.BytesIO()
            flat.info = {}
            flat.save(out, format=kind, **({"quality": 88} if kind in ("JPEG", "WEBP") else {}))
            return out.getvalue()
    except BAD_PICTURE as error:
        raise InvalidInput(_("This picture is damaged. Save it anew and upload it again."), "file") from error


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    head = text.lstrip()[:200].lower()
    return "\x00" not in text and not head.startswith(("<!doctype", "<html", "<?xml", "<svg", "<script", "<?php", "#!"))


def _zipped(extension: str, data: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > 10_000 or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
                raise InvalidInput(_("The file unpacks to too much: at most %(size)s.", size=size_words(MOST_UNPACKED)), "file")
            names = [entry.filename for entry in entries]
            if any(not is_inside(name) for name in names):
                return None
            if extension in OFFICE:
                folder, media_type = OFFICE[extension]
                macros = any(name.lower().endswith("vbaproject.bin") for name in names)
                return media_type if "[Content_Types].xml" in names and any(n.startswith(folder) for n in names) and not macros else None
            wanted = OPEN_DOCUMENT[extension]
            return wanted if "mimetype" in names and archive.read("mimetype")[:100].decode("ascii", "replace").strip() == wanted else None
    except BAD_ZIP:
        return None


def is_inside(entry: str) -> bool:
    """Does the name of a packed file stay inside the folder it would be unpacked to?"""
    parts = entry.replace("\\", "/").split("/")
    return not (entry.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", entry) or "\x00" in entry)
