"""Documents that staff keep: upload, name, file away, delete when the law lets go. The bytes never change."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InUse, InvalidInput
from app.core.uses import uses_of
from app.system import documents, uploads
from app.system.models import Document, DocumentKind, ProtocolKind
from app.system.protocol import record
from app.system.settings import Setting, declare, setting

declare(
    Setting("documents.keep_years", int, 6, _l("Keep uploads for years"), _l("Documents"),
            _l("Counted from the end of the year of the upload. Business letters have to be kept for 6 years in Germany, books for 10."), minimum=0, maximum=30),
    Setting("documents.quota_mb", int, 20_000, _l("Room for uploads in megabytes"), _l("Documents"), minimum=100, maximum=10_000_000),
)


def upload(given_name: str, data: bytes, title: str = "", folder: str = "", customer_id: int | None = None) -> Document:
    """Check, write the bytes, store the row. Raises InvalidInput (bad file) or StoreError; then nothing is left behind."""
    accepted = uploads.accept(given_name, data)
    title = " ".join(title.split()) or accepted.shown
    place = clean_folder(folder)
    used = db.session.scalar(select(func.coalesce(func.sum(Document.size), 0)).where(Document.kind == DocumentKind.UPLOAD)) or 0
    if used + len(data) > setting("documents.quota_mb") * 1024 * 1024:
        raise InvalidInput(_("The room for uploads is used up. Delete old ones, or raise the limit in the settings."), "file")
    db.session.rollback()
    return documents.store(DocumentKind.UPLOAD, place, title[:200], accepted.shown[:120], accepted.media_type, data, customer_id=customer_id, retain_until=keep_until(clock.today()))


def keep_until(day: date) -> date | None:
    years = setting("documents.keep_years")
    return date(day.year + years, 12, 31) if years else None


def clean_folder(folder: str) -> str:
    """`Contracts/2026`: parts of letters, digits and plain signs; never a way out."""
    parts = [" ".join(part.split()) for part in folder.replace("\\", "/").split("/") if part.strip()]
    if any(part in (".", "..") or any(ord(c) < 32 for c in part) for part in parts) or len("/".join(parts)) > 200 or len(parts) > 8:
        raise InvalidInput(_("A folder is a path such as Contracts/2026, at most 8 levels deep."), "folder")
    return "/".join(parts)


def file_away(document: Document, title: str, folder: str, customer_id: int | None) -> None:
    """Change what the document is called and where it lies."""
    with transaction():
        title = " ".join(title.split())
        if not title:
            raise InvalidInput(_("Give the document a title."), "title")
        place = clean_folder(folder)
        before = {"title": document.title, "folder": document.folder}
        document.title, document.folder, document.customer_id = title[:200], place, customer_id
        record(ProtocolKind.CUSTOMER, "filed", subject_type="document", subject_id=document.id, subject=document.title, customer_id=customer_id,
               changes={"title": [before["title"], title], "folder": [before["folder"], place]})


def delete_document(document: Document) -> None:
    """Only uploads, only after their time, only when nothing refers to them. The sweep removes the bytes."""
    with transaction() as session:
        if document.kind is not DocumentKind.UPLOAD:
            raise InvalidInput(_("Only uploads can be deleted; invoices and letters are kept by law."))
        if document.retain_until is not None and document.retain_until >= clock.today():
            raise InvalidInput(_("This document has to be kept until %(day)s.", day=document.retain_until))
        if uses := uses_of(session, document, {"invoice_file": _("invoices")}):
            raise InUse(_("%(name)s cannot be deleted: %(uses)s.", name=document.title, uses=", ".join(uses)))
        record(ProtocolKind.CUSTOMER, "deleted", subject_type="document", subject_id=document.id, subject=document.title, customer_id=document.customer_id)
        session.delete(document)


def folders() -> list[tuple[str, int]]:
    """All folders with the number of documents in them."""
    return [(row[0], row[1]) for row in db.session.execute(select(Document.folder, func.count()).group_by(Document.folder).order_by(Document.folder).limit(500))]
