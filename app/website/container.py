"""The download container: what is uploaded, changed and deleted, and where it is used. Bytes lie in the document store."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import PurePosixPath
from typing import Any

from flask_babel import gettext as _
from PIL import Image
from sqlalchemy import select

from app.core.db import db, transaction
from app.core.errors import InUse, InvalidInput
from app.core.fields import clean_text
from app.system import documents, uploads
from app.system.models import DocumentKind
from app.system.settings import setting
from app.website.models import Media, Page

MOST = 30 * 1024 * 1024             # bytes of a film; pictures as other uploads
KINDS = frozenset({*uploads.IMAGES, *uploads.FILMS})
CAPTIONS = 200_000
LINK = re.compile(r"/media/(\d{1,9})/")


def public_name(shown: str) -> str:
    """`Grüner Turm (2).PNG` → `gruener-turm-2.png`: what is safe and short in an address."""
    stem, extension = PurePosixPath(shown).stem, PurePosixPath(shown).suffix.lower()
    return f"{slug_of(stem)[:60].strip('-') or 'file'}{extension}"


def slug_of(text: str) -> str:
    """Small ASCII letters, digits and single hyphens; German letters as they are written without dots."""
    import unicodedata

    for letter, letters in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.lower().replace(letter, letters)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def upload(given: str, data: bytes, title: str = "", alt: str = "", kinds: frozenset[str] = KINDS) -> tuple[Media, bool]:
    """Check, clean, store. Returns the row and whether it is new: the same file twice is one row. Not inside a transaction."""
    accepted = uploads.accept(given, data, kinds, MOST)
    given_sum = hashlib.sha256(data).hexdigest()
    known = db.session.scalar(select(Media).where(Media.given_sha256 == given_sum).order_by(Media.id).limit(1))
    if known is not None:
        return known, False
    width = height = None
    if accepted.media_type.startswith("image/"):
        if len(data) > uploads.MOST:
            raise InvalidInput(_("The picture is too large: at most 20 MB."), "file")
        data = uploads.clean_image(data)
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
    title = _title(title or PurePosixPath(accepted.shown).stem)
    alt = _line(alt, "alt", 250)
    db.session.rollback()
    stored = documents.put(data, accepted.media_type)
    try:
        with transaction() as session:
            same = session.scalar(select(Media).where(Media.sha256 == stored.sha256))
            if same is not None:
                documents.discard(stored)
                return same, False
            name = public_name(accepted.shown)
            document = documents.add(stored, DocumentKind.UPLOAD, "website", title, name, accepted.media_type)
            media = Media(title=title, alt=alt, name=name, media_type=accepted.media_type, size=stored.size, sha256=stored.sha256, given_sha256=given_sum,
                          width=width, height=height, document_id=document.id)
            session.add(media)
            session.flush()
    except Exception:
        documents.discard(stored)
        raise
    return media, True


def change(media: Media, title: str, alt: str, captions: str = "", poster: Media | None = None) -> None:
    """The bytes stay; `captions` (WebVTT) and `poster` are of films."""
    with transaction():
        captions = (captions or "").replace("\r\n", "\n").strip()
        if (captions or poster) and not media.is_film:
            raise InvalidInput(_("Only films have captions and a still picture."), "captions" if captions else "poster")
        if captions and (not captions.lstrip("\ufeff").startswith("WEBVTT") or len(captions) > CAPTIONS):
            raise InvalidInput(_("Captions are a WebVTT text: its first line is WEBVTT."), "captions")
        if poster is not None and poster.is_film:
            raise InvalidInput(_("The still picture of a film is a picture."), "poster")
        media.title, media.alt, media.captions, media.poster = _title(title), _line(alt, "alt", 250), captions, poster


def _line(text: str | None, field: str, most: int) -> str:
    text = " ".join((clean_text(text) or "").split())
    if len(text) > most:
        raise InvalidInput(_("At most %(n)d characters.", n=most), field)
    return text


def _title(text: str) -> str:
    text = _line(text, "title", 120)
    if not text:
        raise InvalidInput(_("Give it a title."), "title")
    return text


def named_in(html: str) -> set[int]:
    """Ids of the container's files that a text shows or links."""
    return {int(number) for number in LINK.findall(html or "")}


def used_by(media: Media) -> list[Any]:
    """Pages (working copy or published), films and sentences that need it."""
    found: list[Any] = []
    for page in db.session.scalars(select(Page).order_by(Page.designation, Page.language)):
        live = page.live or {}
        ids = named_in(page.body) | named_in(str(live.get("body", ""))) | {page.picture_id, page.film_id, live.get("picture_id"), live.get("film_id")}
        if media.id in ids:
            found.append(page)
    found.extend(db.session.scalars(select(Media).where(Media.poster_id == media.id).order_by(Media.title)))
    if setting("website.logo") == str(media.id):
        found.append(_("Logo of the website"))
    return found


def delete(media: Media) -> None:
    """Refused while anything uses it. The document sweep takes the bytes away."""
    with transaction() as session:
        session.refresh(media, with_for_update=True)
        if uses := used_by(media):
            raise InUse(_("%(name)s cannot be deleted, it is used: %(uses)s.", name=media.title, uses=", ".join(str(use) for use in uses[:10])))
        document = media.document
        session.delete(media)
        session.flush()
        session.delete(document)
        session.flush()


def pictures() -> list[Media]:
    return list(db.session.scalars(select(Media).where(Media.media_type.startswith("image/")).order_by(Media.id.desc()).limit(500)))
