"""Files from outside: name and content are checked, bytes stay, the law is kept; local disk and an S3 server."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import pytest
from PIL import Image
from sqlalchemy import select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.system import archive, documents, uploads
from app.system.models import Document, DocumentKind
from app.system.settings import change_settings


def picture(kind: str = "PNG", size: tuple[int, int] = (20, 10), **more) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **more)
    return out.getvalue()


def packed(*names: str, text: bytes = b"x") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive_:
        for name in names:
            archive_.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize(("name", "data", "media_type"), [
    ("a.png", picture(), "image/png"), ("a.JPG", picture("JPEG"), "image/jpeg"), ("a.gif", picture("GIF"), "image/gif"), ("a.webp", picture("WEBP"), "image/webp"),
    ("v.pdf", b"%PDF-1.7\n...", "application/pdf"), ("n.txt", "Grüße".encode(), "text/plain"), ("t.csv", b"a;b\n", "text/csv"),
    ("b.docx", packed("[Content_Types].xml", "word/document.xml"), uploads.OFFICE["docx"][1]),
])
def test_what_is_taken_gets_its_type_from_the_content(app, name, data, media_type):
    assert uploads.accept(name, data).media_type == media_type


@pytest.mark.parametrize(("name", "data"), [
    ("a.png", b"<?php system($_GET[0]);"), ("a.png", picture("JPEG")), ("a.exe", b"MZ"), ("a.svg", b"<svg onload=alert(1)>"), ("a.html", b"<p>"), ("a.txt", b"<!DOCTYPE html>"),
    ("a.pdf", b"GIF89a"), ("a.png", b"\x89PNG\r\n\x1a\n" + b"x" * 50), ("a.docx", b"PK\x03\x04 broken"), ("a.docx", packed("[Content_Types].xml", "word/vbaProject.bin")),
    ("a.docx", packed("[Content_Types].xml", "word/x", "../../evil")), ("a", b"x"), ("a.png", b""), ("a.txt", b"a\x00b"), ("a.shtml", b"<!--#exec"),
])
def test_what_lies_about_itself_is_refused(app, name, data):
    with pytest.raises(InvalidInput):
        uploads.accept(name, data)


def test_sizes_are_limited_before_anything_is_unpacked(app):
    with pytest.raises(InvalidInput, match="too large"):
        uploads.accept("a.txt", b"x" * (uploads.MOST + 1))
    with pytest.raises(InvalidInput, match="megapixels"):
        uploads.accept("a.png", picture(size=(9000, 5000)))
    with pytest.raises(InvalidInput, match="unpacks"):
        uploads.accept("a.xlsx", packed("[Content_Types].xml", "xl/big", text=b"0" * (uploads.MOST_UNPACKED // 2 + 1)))


@pytest.mark.parametrize(("given", "shown"), [
    ("../../etc/passwd.txt", "passwd.txt"), ("..\\..\\win.ini", "win.ini"), ("a\nb.png", "ab.png"), ("rechnung\u202egnp.exe", "rechnunggnp.exe"), (".htaccess", "file.htaccess"),
    ("COM1.png", "_COM1.png"), ("|ls.png", "_ls.png"), ("bild.png.", "bild.png"), ("文件.png", "文件.png"), (" .png", "file.png"), ("a\x00.png", "a.png"),
])
def test_names_are_only_shown(given, shown):
    assert uploads.shown_name(given) == shown


def test_long_names_fit_and_keep_their_end():
    assert uploads.shown_name("ä" * 300 + ".png").endswith(".png") and len(uploads.shown_name("ä" * 300 + ".png").encode()) <= 120


def test_pictures_are_cleaned_of_positions(app):
    exif = Image.Exif()
    exif[0x8825] = {1: "N"}
    exif[0x010F] = "Camera"
    data = picture("JPEG", exif=exif)
    assert b"Camera" in data
    clean = uploads.clean_image(data)
    assert b"Camera" not in clean and not Image.open(io.BytesIO(clean)).getexif()


def test_an_upload_is_stored_filed_and_kept_by_law(app):
    document = archive.upload("../x/Vertrag 1.pdf", b"%PDF-1.7 text", folder="Contracts/2026")
    assert (document.file_name, document.title, document.folder) == ("Vertrag 1.pdf", "Vertrag 1.pdf", "Contracts/2026")
    assert document.retain_until == date(clock.today().year + 6, 12, 31)
    assert documents.read(document) == b"%PDF-1.7 text" and "Vertrag" not in document.path
    archive.file_away(document, "Contract", "Contracts", None)
    assert archive.folders() == [("Contracts", 1)]
    with pytest.raises(InvalidInput, match="kept until"):
        archive.delete_document(document)
    with pytest.raises(InvalidInput):
        archive.file_away(document, "x", "../up", None)
    with clock.frozen(clock.start_of(date(clock.today().year + 7, 1, 1))):
        archive.delete_document(document)
    assert db.session.scalar(select(Document)) is None


def test_invoices_are_never_deleted_by_hand(app):
    document = documents.store(DocumentKind.INVOICE, "Invoices", "RE-1", "RE-1.pdf", "application/pdf", b"%PDF-", retain_until=date(2020, 1, 1))
    with pytest.raises(InvalidInput, match="by law"):
        archive.delete_document(document)


def test_the_room_is_limited_and_a_refused_file_leaves_nothing(app):
    change_settings({"documents.quota_mb": 100})
    with transaction() as session:
        session.add(Document(kind=DocumentKind.UPLOAD, title="big", file_name="b", media_type="x", path="2026/01/" + "0" * 32, size=100 * 1024 * 1024, sha256="0" * 64))
    with pytest.raises(InvalidInput, match="used up"):
        archive.upload("a.txt", b"text")
    assert not list(documents.orphans(older_than=documents.timedelta(seconds=-5)))


@pytest.mark.sqlite_only
def test_the_same_on_an_s3_server(app, monkeypatch):
    import boto3
    import fsspec
    from moto import server as moto_server

    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        access = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
        boto3.client("s3", endpoint_url=f"http://{host}:{port}", **access).create_bucket(Bucket="ptt")
        monkeypatch.setitem(fsspec.config.conf, "s3", {"endpoint_url": f"http://{host}:{port}", "key": "test", "secret": "test", "client_kwargs": {"region_name": "us-east-1"}})
        app.config["DOCUMENTS_URL"] = "s3://ptt/documents"
        documents._open.cache_clear()
        document = archive.upload("a.pdf", b"%PDF-1.7 on S3")
        assert documents.read(document) == b"%PDF-1.7 on S3" and list(documents.damaged()) == []
        assert list(documents.orphans(older_than=documents.timedelta(seconds=-5))) == []
        with pytest.raises(documents.StoreError):
            fs, full = documents._full(document.path)
            fs.pipe_file(full, b"%PDF-1.7 changed")
            fs.invalidate_cache()
            documents.read(document)
    finally:
        documents._open.cache_clear()
        server.stop()


def test_pages(app):
    from tests.admin.staff import Desk, add_user

    add_user(app, "anna", "Administrator")
    desk = Desk(app, "anna")
    answer = desk.post("/admin/documents/add", {"title": "Plan", "folder": "Plans", "file": (io.BytesIO(picture()), "plan.png")}, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text[:300]
    row = db.session.scalars(select(Document)).one()
    assert (row.title, row.media_type, row.kind) == ("Plan", "image/png", DocumentKind.UPLOAD)
    bad = desk.post("/admin/documents/add", {"file": (io.BytesIO(b"MZ"), "a.exe")}, content_type="multipart/form-data")
    assert bad.status_code == 422 and "not taken" in bad.text
    assert desk.post("/admin/documents/add", {}).status_code == 422
    got = desk.get(f"/admin/documents/download/{row.id}")
    assert got.data == picture() and "attachment" in got.headers["Content-Disposition"] and got.headers["X-Content-Type-Options"] == "nosniff"
    assert "Plan" in desk.get("/admin/documents/list/?tab=upload").text
