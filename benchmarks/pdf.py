"""The PDF of an invoice with 10 lines (one page) and with 60, against xhtml2pdf as one would write it at first.

The peer: HTML cells with borders, built-in fonts, “page 1 of 2” through `<pdf:pagecount>`, in a process of its own. Ours is
all of it: the texts in the customer's language, the template, the child process under limits, embedded fonts, the logo.
Both take turns on the same machine.
"""

from __future__ import annotations

import argparse
import io
import struct
import subprocess
import sys
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, BinaryIO

from benchmarks.support.figures import Figure, median, say, seconds

ROUNDS = 15
PEER_STYLE = """
@page { size: a4 portrait;
  @frame content { left: 20mm; right: 20mm; top: 20mm; bottom: 28mm }
  @frame footer { -pdf-frame-content: foot; left: 20mm; right: 20mm; bottom: 8mm; height: 14mm } }
body { font-family: Helvetica, sans-serif; font-size: 9pt; color: #222 }
h1 { font-size: 15pt; margin: 8mm 0 4mm 0 }
table { width: 100%; border-collapse: collapse }
table.rows th { background-color: #dde3ee; text-align: left; padding: 1mm; border-bottom: 0.5pt solid #555 }
table.rows td { padding: 1mm; border-bottom: 0.25pt solid #bbb; vertical-align: top }
td.r, th.r { text-align: right }
.addr { line-height: 130% }
.sum td { font-weight: bold; border-top: 1pt solid #222 }
.small { font-size: 7pt; color: #555 }
"""


def picture() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.linear_gradient("L").resize((240, 60)).convert("RGB").save(out, "PNG")
    return out.getvalue()


def peer_document(rows: int, logo: str) -> str:
    lines = "".join(f'<tr><td class="r">{n}</td><td>PTT licence Professional, device 35{n:013d}, radio {n}</td><td class="r">{1 + n % 31}/31</td>'
                    f'<td class="r">5.11</td><td class="r">10 %</td><td class="r">{4.6 + n % 7:.2f}</td></tr>' for n in range(1, rows + 1))
    return f"""<html><head><meta charset="utf-8"><style>{PEER_STYLE}</style></head><body>
<div id="foot" class="small">Provider GmbH &middot; Street 1 &middot; 12345 City &middot; IBAN DE00 0000 0000 0000 0000 00 &middot; VAT DE000000000 &middot;
Page <pdf:pagenumber> of <pdf:pagecount></div>
<table><tr><td style="width:60%"><div class="addr">Customer 4711 GmbH<br/>Accounts payable<br/>Long Street 12<br/>12345 City</div></td>
<td style="width:40%"><img src="{logo}" width="180" height="45"/><br/>Invoice R2611-0000042<br/>Date 2026-11-01<br/>Customer C0004711<br/>Due 2026-11-15</td></tr></table>
<h1>Invoice R2611-0000042</h1><p>Fees for October 2026</p>
<table class="rows" repeat="1"><thead><tr><th class="r" style="width:6%">Pos</th><th style="width:48%">Description</th><th class="r" style="width:12%">Days</th>
<th class="r" style="width:11%">Price</th><th class="r" style="width:11%">Discount</th><th class="r" style="width:12%">Sum EUR</th></tr></thead><tbody>{lines}</tbody></table>
<table class="sum"><tr><td style="width:80%">Net</td><td class="r" style="width:20%">1234.56</td></tr><tr><td>VAT 19 %</td><td class="r">234.57</td></tr>
<tr><td>Total</td><td class="r">1469.13</td></tr></table>
<p>The amount is debited on 2026-11-15 from your account DE** **** 1234, mandate M-4711, creditor identifier DE00ZZZ00000000000.</p></body></html>"""


def peer(rows: int, logo: str) -> None:
    """The peer's process: renders once for every byte that it reads, answers with the length and the document."""
    import logging

    from xhtml2pdf import pisa

    logging.disable(logging.WARNING)
    html = peer_document(rows, logo)
    answers = sys.stdout.buffer
    while sys.stdin.buffer.read(1):
        out = io.BytesIO()
        pisa.CreatePDF(html, dest=out, encoding="utf-8", path=logo)
        answers.write(struct.pack(">I", out.tell()) + out.getvalue())
        answers.flush()


def invoice(rows: int) -> tuple[Any, list[Any], list[Any]]:
    from app.billing.models import InvoiceKind

    seller = {"name": "Provider GmbH", "street": "Street 1", "address_extra": "", "postcode": "12345", "city": "City", "country": "DE", "vat_id": "DE136695976",
              "tax_number": "22/815/08154", "register": "HRB 4711", "contact": "A. Klein", "phone": "+49 30 1234", "email": "mail@example.org",
              "website": "www.example.org", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX", "bank": "Bank", "account": ""}
    buyer = {"number": "C0004711", "name": "Customer 4711 GmbH", "contact": "Accounts payable", "street": "Long Street 12", "address_extra": "",
             "postcode": "12345", "city": "City", "region": "", "country": "DE", "vat_id": "", "tax_number": "", "reference": "4711"}
    lines = [SimpleNamespace(number=n, text=f"PTT licence Professional, device 35{n:013d}, radio {n}, October 2026", quantity=Decimal(n), unit_price=Decimal("5.1100"),
                             net=Decimal("5.11") * n, tax_rate=Decimal(19)) for n in range(1, rows + 1)]
    net = sum(line.net for line in lines)
    tax = round(net * Decimal("0.19"), 2)
    head = SimpleNamespace(id=1, number="R2611-0000042", kind=InvoiceKind.INVOICE, cancels_id=None, customer_id=1, issued_on=date(2026, 11, 1),
                           due_on=date(2026, 11, 15), service_from=date(2026, 10, 1), service_to=date(2026, 10, 31), language="de", currency="EUR",
                           payment_method="transfer", net=net, tax=tax, gross=net + tax, seller=seller, buyer=buyer, notes=[])
    return head, lines, [SimpleNamespace(category="S", rate=Decimal(19), base=net, tax=tax)]


def run(options: argparse.Namespace) -> list[Figure]:
    import tempfile
    from pathlib import Path

    from app.billing.pdf_process import Renderer
    from app.factory import create_app

    logo = picture()
    with tempfile.TemporaryDirectory(prefix="ptt-bench-") as folder:
        Path(folder, "logo.png").write_bytes(logo)
        flask_app = create_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/none.db", DOCUMENTS_URL=folder, PTT_INLINE=True, PLUGINS=[])
        with flask_app.app_context(), Renderer(logo) as child:
            one, plain_one = _measure(child, 10, f"{folder}/logo.png", options.repeat)
            many, plain_many = _measure(child, 60, f"{folder}/logo.png", options.repeat)
    return [Figure("pdf one page", one * 1000, digits=0, unit="ms", at_most=75), Figure("pdf one page ratio", one / plain_one, at_most=0.6),
            Figure("pdf 60 lines", many * 1000, digits=0, unit="ms", at_most=280), Figure("pdf 60 lines ratio", many / plain_many, at_most=0.6)]


def _measure(child: Any, rows: int, logo: str, repeat: int) -> tuple[float, float]:
    """Median seconds of ours and of the peer, in turns."""
    import pypdf
    from flask import current_app

    from app.billing.invoice_view import invoice_view

    facts = invoice(rows)
    template = current_app.jinja_env.get_template("billing/invoice.html")

    def ours() -> bytes:
        return child.render(template.render(v=invoice_view(*facts, logo=True)))

    process = subprocess.Popen([sys.executable, "-m", "benchmarks.pdf", str(rows), logo], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        def theirs() -> bytes:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(b".")
            process.stdin.flush()
            return _exactly(process.stdout, struct.unpack(">I", _exactly(process.stdout, 4))[0])

        pages = [len(pypdf.PdfReader(io.BytesIO(work())).pages) for work in (ours, theirs)]
        ours(), theirs()
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(max(3, ROUNDS * repeat // 3)):
            for taken, work in zip(times, (ours, theirs), strict=True):
                taken.append(seconds(work))
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=20)
    found = median(times[0]), median(times[1])
    say(f"{rows} lines: ours {found[0] * 1000:.1f} ms ({pages[0]} pages), plain xhtml2pdf {found[1] * 1000:.1f} ms ({pages[1]} pages)")
    if rows == 10 and pages != [1, 1]:
        raise SystemExit(f"pdf: {pages} pages instead of one each")
    return found


def _exactly(source: BinaryIO, count: int) -> bytes:
    data = source.read(count)
    if len(data) != count:
        raise SystemExit("pdf: the peer's process has ended")
    return data


if __name__ == "__main__":
    peer(int(sys.argv[1]), sys.argv[2])
