"""The boleto on paper: receipt for the payer and slip for the bank, with barcode and Pix QR. Pure: facts in, PDF out."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import segno
from flask_babel import gettext as _
from reportlab.graphics.barcode.common import I2of5
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from app.plugin_api import formats
from plugins.boleto.barcode import formatted

LEFT, WIDTH, ROW = 15 * mm, 180 * mm, 9 * mm
BAR_WIDTH, BAR_HEIGHT = 103 * mm, 13 * mm       # as FEBRABAN wants it


@dataclass(frozen=True, slots=True)
class SlipFacts:
    bank_code: str                  # with its digit: 001-9
    bank_name: str
    barcode: str
    line: str
    beneficiary: str
    beneficiary_tax_id: str
    beneficiary_address: str
    beneficiary_code: str
    number: str                     # nosso número as printed
    document: str
    wallet: str
    issued_on: date
    due_on: date
    amount: Decimal
    payer: dict[str, Any]
    instructions: tuple[str, ...]
    species: str = "DM"
    fine: Decimal = Decimal(0)
    interest: Decimal = Decimal(0)
    pix: str = ""

    @property
    def total(self) -> Decimal:
        return self.amount + self.fine + self.interest


def bars(barcode: str) -> I2of5:
    """Interleaved 2 of 5 of exactly the 44 digits: the library would add a check digit, and no bank could read it."""
    drawn = I2of5(barcode, checksum=0, bearers=0, quiet=0, ratio=3, barHeight=BAR_HEIGHT, barWidth=1)
    drawn = I2of5(barcode, checksum=0, bearers=0, quiet=0, ratio=3, barHeight=BAR_HEIGHT, barWidth=BAR_WIDTH / drawn.width)
    return drawn


def qr_png(text: str, scale: int = 6) -> bytes:
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=scale, border=2)
    return out.getvalue()


def slip_pdf(f: SlipFacts) -> bytes:
    """One page A4."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1, invariant=1)
    canvas.setTitle(f"Boleto {f.number}")
    top = A4[1] - 15 * mm
    end = _part(canvas, f, top, receipt=True)
    if f.pix:
        end = _pix(canvas, f, end - 4 * mm)
    cut = min(end - 6 * mm, 140 * mm)
    canvas.setDash(2, 2)
    canvas.line(LEFT, cut, LEFT + WIDTH, cut)
    canvas.setDash()
    end = _part(canvas, f, cut - 6 * mm, receipt=False)
    bars(f.barcode).drawOn(canvas, LEFT, end - BAR_HEIGHT - 3 * mm)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _cell(canvas: Canvas, x: float, y: float, width: float, label: str, value: str, right: bool = False, bold: bool = False) -> None:
    """A box with its small label; the text is cut to its width, never drawn over the next box."""
    canvas.rect(x, y - ROW, width, ROW)
    canvas.setFont("Helvetica", 6)
    canvas.drawString(x + 1 * mm, y - 2.6 * mm, label)
    font = "Helvetica-Bold" if bold else "Helvetica"
    size = 9.0
    while size > 6 and stringWidth(value, font, size) > width - 2 * mm:
        size -= 0.5
    while value and stringWidth(value, font, size) > width - 2 * mm:
        value = value[:-1]
    canvas.setFont(font, size)
    (canvas.drawRightString if right else canvas.drawString)(x + (width - 1 * mm if right else 1 * mm), y - 7 * mm, value)


def _part(canvas: Canvas, f: SlipFacts, top: float, receipt: bool) -> float:
    """Draws from `top` downwards; returns where it ends."""
    canvas.setFont("Helvetica-Bold", 11)
    canvas.drawString(LEFT, top - 5 * mm, f.bank_name[:26])
    canvas.drawString(LEFT + 52 * mm, top - 5 * mm, f"| {f.bank_code} |")
    canvas.setFont("Helvetica-Bold", 10 if not receipt else 9)
    canvas.drawRightString(LEFT + WIDTH, top - 5 * mm, _("Receipt for the payer") if receipt else formatted(f.line))
    y, side, main = top - 7 * mm, 45 * mm, WIDTH - 45 * mm
    money = formats.money
    rows = [
        (_("Place of payment"), _("At any bank, or by Pix") if f.pix else _("At any bank"), _("Due date"), formats.day(f.due_on), True),
        (_("Beneficiary"), f"{f.beneficiary}  {f.beneficiary_tax_id}", _("Agency / code of the beneficiary"), f.beneficiary_code, False),
        (_("Address of the beneficiary"), f.beneficiary_address, _("Nosso número"), f.number, False),
    ]
    if receipt:
        rows.append((_("Digitable line"), formatted(f.line), _("Document amount"), money(f.amount, "BRL"), True))
    for label, value, label2, value2, bold in rows:
        _cell(canvas, LEFT, y, main, label, value, bold=receipt and label == _("Digitable line"))
        _cell(canvas, LEFT + main, y, side, label2, value2, right=True, bold=bold)
        y -= ROW
    if not receipt:
        parts = [(_("Document date"), formats.day(f.issued_on)), (_("Document number"), f.document), (_("Kind"), f.species), (_("Acceptance"), "N"), (_("Carteira"), f.wallet)]
        for n, (label, value) in enumerate(parts):
            _cell(canvas, LEFT + n * main / 5, y, main / 5, label, value)
        _cell(canvas, LEFT + main, y, side, _("Document amount"), money(f.amount, "BRL"), right=True, bold=True)
        y -= ROW
    y = _instructions(canvas, f, y, main, side)
    payer = f.payer
    _cell(canvas, LEFT, y, WIDTH, _("Payer"), f"{payer['name']}  CPF/CNPJ {payer['tax_id']}  {payer['street']}, {payer['postcode']} {payer['city']} {payer['region']}")
    return y - ROW


def _instructions(canvas: Canvas, f: SlipFacts, y: float, main: float, side: float) -> float:
    rows = [(_("(+) Fine and interest"), formats.money(f.fine + f.interest, "BRL") if f.fine or f.interest else ""), (_("(=) Amount to pay"), formats.money(f.total, "BRL") if f.fine or f.interest else "")]
    for n, (label, value) in enumerate(rows):
        _cell(canvas, LEFT + main, y - n * ROW, side, label, value, right=True, bold=True)
    canvas.rect(LEFT, y - 2 * ROW, main, 2 * ROW)
    canvas.setFont("Helvetica", 6)
    canvas.drawString(LEFT + 1 * mm, y - 2.6 * mm, _("Instructions"))
    canvas.setFont("Helvetica", 7.5)
    for n, text in enumerate(f.instructions[:4]):
        canvas.drawString(LEFT + 1 * mm, y - 6 * mm - n * 3.6 * mm, text[:95])
    return y - 2 * ROW


def _pix(canvas: Canvas, f: SlipFacts, top: float) -> float:
    size = 34 * mm
    canvas.drawImage(ImageReader(io.BytesIO(qr_png(f.pix))), LEFT, top - size, size, size)
    canvas.setFont("Helvetica-Bold", 9)
    canvas.drawString(LEFT + size + 4 * mm, top - 5 * mm, _("Pay by Pix: scan the code, or copy the text"))
    canvas.setFont("Courier", 7)
    for n, start in enumerate(range(0, len(f.pix), 75)):
        canvas.drawString(LEFT + size + 4 * mm, top - 10 * mm - n * 3.2 * mm, f.pix[start:start + 75])
    return top - size
