"""The PDF: what stands in it, in three languages; stored once, read afterwards; a hostile text or a hanging child does no harm."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pypdf
import pytest
from flask import Flask
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select

from app.billing import pdf, pdf_process
from app.billing.cancel import cancel_invoice
from app.billing.invoice_jobs import COMPLETE, JOBS
from app.billing.issue import issue_documents
from app.billing.models import Invoice, InvoiceFile
from app.billing.pdf import pdf_document, render_invoices, reprint
from app.billing.pdf_process import PdfError, Renderer
from app.core import clock
from app.core.db import db
from app.core.errors import InvalidInput
from app.system import documents
from app.system.job_runs import execute, retry, run_now
from app.system.models import Document, DocumentKind, JobNote, JobRun, MailMessage, Mark, RunState
from tests.billing.invoice_data import Shop, invoice_of, invoices, put_settings

DAY = date(2026, 11, 2)


def _text(data: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages).split())


def _issue(shop: Shop, *fees: tuple, customer: dict | None = None, manual: list | None = None) -> Invoice:
    document = shop.document(shop.customer(**(customer or {})), *(fees or [("Business", "4.90", 300)]), manual=manual or [])
    issue_documents([document.id], DAY)
    return invoice_of(document)


def _made(invoice: Invoice) -> bytes:
    assert render_invoices([invoice.id], pytest.fail) == 1
    return reprint(invoice.id)


@pytest.mark.parametrize(("language", "net", "day", "month"), [
    ("en", "1,470.00", "Nov 2, 2026", "October 2026"), ("de", "1.470,00", "02.11.2026", "Oktober 2026"),
    ("pt_BR", "1.470,00", "2 de nov. de 2026", "outubro de 2026")])
def test_everything_that_must_be_on_it_in_each_language(shop: Shop, language: str, net: str, day: str, month: str) -> None:
    invoice = _issue(shop, customer={"language": language, "company": "Łódź Ąę & Ωμέγα Ação <Ltda>", "buyer_reference": "PO-77"})
    text = _text(_made(invoice))
    with force_locale(language):
        words = [_("Invoice number"), _("Customer number"), _("Due on"), _("Description"), _("Quantity"), _("Net amount"), _("Page"),
                 _("Total %(currency)s", currency="EUR"), _("Your reference"), _("Service period")]
    for word in (*words, net, day, month, invoice.number, "Łódź Ąę & Ωμέγα Ação <Ltda>", "10115 Berlin", "Funkwerk Nord GmbH", "DE136695976", "22/815/08154",
                 "DE89 3704 0044 0532 0130 00", "PO-77", f"Business, {month}"):
        assert word in text, (word, text)


def test_fonts_are_embedded_and_the_language_is_named(shop: Shop) -> None:
    reader = pypdf.PdfReader(io.BytesIO(_made(_issue(shop, customer={"language": "de"}))))
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    used = {str(font["/BaseFont"]) for font in fonts if "SourceSans" in str(font["/BaseFont"])}
    assert len(used) == 2 and all("/FontFile2" in font["/FontDescriptor"] for font in fonts if "SourceSans" in str(font["/BaseFont"]))
    assert reader.trailer["/Root"]["/Lang"] == "de" and "RE-2026-00001" in reader.metadata.title


def test_many_lines_go_over_several_pages_with_the_heading_on_each(shop: Shop) -> None:
    invoice = _issue(shop, *((f"Tariff {n} with a rather long name for its line, so that it needs two of them at least", "1.00", 1) for n in range(60)),
                     customer={"language": "en"})
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(_made(invoice))).pages]
    assert len(pages) >= 3
    assert all("Description" in page and invoice.number in page and f"Page {n}" in page for n, page in enumerate(pages, 1))
    assert "Kunde" in pages[0] and "Kunde 1" not in pages[1] and "60.00" in pages[-1]


def test_a_reprint_gives_the_same_bytes_for_ever(shop: Shop) -> None:
    invoice = _issue(shop)
    with pytest.raises(InvalidInput, match="still being made"):
        reprint(invoice.id)
    first = _made(invoice)
    put_settings(company__name="Another Name", invoice__footer="new")
    assert render_invoices([invoice.id], pytest.fail) == 0
    assert reprint(invoice.id) == first
    document = pdf_document(invoice.id)
    assert document is not None
    assert (document.kind, document.folder, document.file_name, document.customer_id) == (DocumentKind.INVOICE, "Invoices/2026", "RE-2026-00001.pdf", invoice.customer_id)
    assert document.retain_until == date(2034, 12, 31)


def test_the_same_invoice_renders_to_the_same_bytes_in_any_process(shop: Shop) -> None:
    invoice = _issue(shop)
    head, lines, taxes = pdf.invoice_parts(db.session(), [invoice.id])[0]
    html = pdf.html_of(head, lines, taxes)
    with Renderer() as one, Renderer() as two:
        assert one.render(html) == one.render(html) == two.render(html)


def test_who_comes_second_loses_and_leaves_no_file(shop: Shop, app: Flask) -> None:
    invoice = _issue(shop)
    ident = invoice.id
    db.session.commit()
    barrier, made = threading.Barrier(2), []

    def slow_put(data: bytes, media_type: str) -> documents.Stored:
        stored = documents_put(data, media_type)
        barrier.wait(30)
        return stored

    documents_put, documents.put = documents.put, slow_put

    def work() -> None:
        with app.app_context(), clock.frozen(datetime(2026, 11, 2, 9, tzinfo=UTC)):
            made.append(render_invoices([ident], pytest.fail))
            db.session.remove()

    try:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        documents.put = documents_put
    assert sorted(made) == [0, 1]
    assert db.session.scalar(select(func.count()).select_from(InvoiceFile)) == 1 == db.session.scalar(select(func.count()).select_from(Document))
    assert len(list(Path(app.config["DOCUMENTS_URL"]).rglob("*.pdf"))) == 1


def test_a_hostile_text_is_only_text(shop: Shop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET")
    evil = f'</p><img src="file://{secret}"/><pdf:insertpdf src="{secret}"/><style>@page {{ size: a7 }}</style>\t{{{{ 79*79 }}}}&lt;'
    invoice = _issue(shop, customer={"language": "en", "company": evil[:115], "contact": "<pdf:lines>"}, manual=[(evil[:200], "1", "1"), ("W" * 190, "1", "1")])
    data = _made(invoice)
    text = _text(data)
    assert "TOP SECRET" not in text and "6241" not in text and "<pdf:lines>" in text and "<img src=" in text
    assert [round(float(x)) for x in pypdf.PdfReader(io.BytesIO(data)).pages[0].mediabox[2:]] == [595, 842]


def test_the_child_reaches_nothing(tmp_path: Path) -> None:
    picture = tmp_path / "x.png"
    from PIL import Image

    Image.new("RGB", (4, 4)).save(picture)
    with Renderer() as child:
        plain = child.render("<p>x</p>")
        for source in (f"file://{picture}", str(picture), "http://127.0.0.1:1/x.png", "logo", "../x.png", "data:image/png;base64,AAAA"):
            assert len(child.render(f'<p>x</p><img src="{source}"/>')) < len(plain) + 400, source


def test_the_logo_is_the_only_picture(shop: Shop, tmp_path: Path) -> None:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (60, 20), (20, 70, 160)).save(out, "PNG")
    document = documents.store(DocumentKind.UPLOAD, "Logos", "Logo", "logo.png", "image/png", out.getvalue())
    put_settings(company__logo=document.id)
    reader = pypdf.PdfReader(io.BytesIO(_made(_issue(shop))))
    assert len(reader.pages[0].images) == 1
    assert "Funkwerk Nord GmbH" in reader.pages[0].extract_text()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[Renderer]:
    with Renderer(wall=6) as child:
        yield child


def test_a_child_that_hangs_or_dies_costs_one_document(impatient: Renderer) -> None:
    assert impatient.render("<p>fine</p>").startswith(b"%PDF")
    child = impatient._child
    assert child is not None
    child.kill()
    with pytest.raises(PdfError, match="too much"):
        impatient.render("<p>lost</p>")
    with pytest.raises(PdfError, match="could not be made"):
        impatient.render("<div>" * 60 + "deep" + "</div>" * 60)
    assert impatient.render("<p>fine again</p>").startswith(b"%PDF")
    with pytest.raises(PdfError, match="too much"):
        impatient.render("<table>" + "<tr><td>x</td></tr>" * 60_000 + "</table>")
    assert impatient.render("<p>fine again</p>").startswith(b"%PDF")


def test_one_broken_invoice_does_not_stop_the_others(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [_issue(shop) for _ in range(3)]
    original = pdf.html_of

    def broken(head: Invoice, *args: object) -> str:
        return "<div>" * 60 + "x" if head.id == rows[1].id else original(head, *args)

    monkeypatch.setattr(pdf, "html_of", broken)
    failed: list[tuple[str, str]] = []
    assert render_invoices([row.id for row in rows], lambda number, reason: failed.append((number, reason))) == 2
    assert [number for number, _reason in failed] == [rows[1].number]


def test_a_payment_method_that_is_gone_holds_the_pdf(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.billing import issue
    from app.plugin_api.registry import Registry

    monkeypatch.setattr(Registry, "by_code", lambda self, question: {"carrier_pigeon": object()})
    invoice = _issue(shop, customer={"payment_method": "carrier_pigeon"})
    monkeypatch.undo()
    assert issue.TRANSFER == "transfer"
    failed: list[str] = []
    assert render_invoices([invoice.id], lambda _number, reason: failed.append(reason)) == 0
    assert "carrier_pigeon" in failed[0] and db.session.scalar(select(func.count()).select_from(InvoiceFile)) == 0


def test_a_cancellation_names_its_invoice_and_asks_for_no_money(shop: Shop) -> None:
    invoice = _issue(shop, customer={"language": "en"})
    issued = cancel_invoice(invoice.id, "wrong", DAY)
    assert render_invoices([issued.invoice_id], pytest.fail) == 1
    text = _text(reprint(issued.invoice_id))
    assert "Cancellation RE-2026-00002" in text and "RE-2026-00001" in text and "\u22121,470.00" in text and "Please transfer" not in text


def test_jobs_issue_render_and_mail(shop: Shop, app: Flask) -> None:
    app.extensions["ptt_jobs"] = {**app.extensions["ptt_jobs"], **{job.name: job for job in JOBS}}
    wanted, silent, nowhere = shop.customer(), shop.customer(invoice_by_mail=False), shop.customer(email="", invoice_email="")
    for customer in (wanted, silent, nowhere):
        shop.document(customer, ("Business", "4.90", 1))
    bad = shop.document(shop.customer(street=""), ("Business", "4.90", 1))
    dry = run_now("billing.issue", period="2026-10", dry_run=True)
    assert (dry.state, dry.counts) == (RunState.DONE, {"would_issue": 3, "held": 1}) and invoices() == []
    run = run_now("billing.issue", period="2026-10")
    assert (run.state, run.counts) == (RunState.DONE, {"issued": 3, "held": 1})
    note = db.session.scalars(select(JobNote).where(JobNote.run_id == run.id)).one()
    assert "street" in note.reason and bad.id
    asked = db.session.scalars(select(JobRun.job).where(JobRun.state == RunState.WAITING)).all()
    assert asked == ["billing.render_invoices"]
    db.session.execute(JobRun.__table__.delete())
    db.session.commit()
    assert run_now("billing.render_invoices").counts == {"rendered": 3}
    db.session.execute(JobRun.__table__.delete())
    db.session.commit()
    assert run_now("billing.render_invoices").counts == {}
    db.session.execute(JobRun.__table__.delete())
    db.session.commit()
    mails = run_now("billing.mail_invoices")
    assert mails.counts == {"queued": 1, "failed": 1}
    mail = db.session.scalars(select(MailMessage)).one()
    number = db.session.scalar(select(Invoice.number).where(Invoice.customer_id == wanted.id))
    assert (mail.key, mail.recipient, len(mail.document_ids)) == (f"invoice:{number}", wanted.email, 1)
    assert db.session.get_one(Document, mail.document_ids[0]).file_name == f"{number}.pdf"
    db.session.execute(JobRun.__table__.delete())
    db.session.commit()
    assert run_now("billing.mail_invoices").counts == {"failed": 1}
    assert db.session.scalar(select(func.count()).select_from(MailMessage)) == 1


def test_a_run_without_company_data_says_so_at_once(shop: Shop, app: Flask) -> None:
    app.extensions["ptt_jobs"] = {**app.extensions["ptt_jobs"], **{job.name: job for job in JOBS}}
    shop.document(shop.customer(), ("Business", "4.90", 1))
    put_settings(company__name="")
    run = run_now("billing.issue", period="2026-10")
    assert run.state is RunState.FAILED and "Name of the company" in run.error and invoices() == []
    put_settings(company__name="Back GmbH")
    retry(run.id)
    execute(run.id)
    assert [row.seller["name"] for row in invoices()] == ["Back GmbH"]


def test_only_new_invoices_are_looked_at_for_a_pdf(shop: Shop, app: Flask) -> None:
    app.extensions["ptt_jobs"] = {**app.extensions["ptt_jobs"], **{job.name: job for job in JOBS}}
    old = [_issue(shop).id for _ in range(3)]
    assert render_invoices(old[:2], pytest.fail) == 2
    with clock.frozen(datetime(2026, 11, 5, 9, tzinfo=UTC)):
        assert run_now("billing.render_invoices").counts == {"rendered": 1}
        assert db.session.get_one(Mark, COMPLETE).value == str(old[1])
    with clock.frozen(datetime(2026, 11, 6, 9, tzinfo=UTC)):
        assert run_now("billing.render_invoices").counts == {}
        assert db.session.get_one(Mark, COMPLETE, populate_existing=True).value == str(old[2])


def test_wrapping_never_loses_a_character() -> None:
    with Renderer():
        pass
    from reportlab.pdfbase import pdfmetrics

    from app.billing.pdf_child import prepare, wrap

    prepare()
    for text in ("a" * 300, "one two  three " * 20, "W" * 80 + " short " + "W" * 80, "", "x"):
        lines = wrap(text, 200)
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert all(pdfmetrics.stringWidth(line, "Sans", 9) <= 200 for line in lines)


def test_the_kept_renderer_follows_the_logo(app: Flask) -> None:
    first = pdf_process.renderer(None)
    assert pdf_process.renderer(None) is first
    other = pdf_process.renderer(b"\x89PNG\r\n\x1a\n")
    assert other is not first and first._child is None
    pdf_process.close_kept()
