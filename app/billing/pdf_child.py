"""The process that turns one HTML document after another into PDF, and can do nothing else.

Started by `pdf.py` as a script of its own, with an empty environment, in a folder that holds at most the logo, under
limits of memory, CPU time, file size and open files. It has no database, no secrets and no network: what a document
refers to is the logo or nothing. It imports nothing of the application.

Protocol on stdin/stdout: 4 bytes length, HTML in UTF-8 → 1 byte (0 fine, 1 failed), 4 bytes length, PDF or message.

Invoice lines come as `<pdf:lines>` (see `Lines`): a table of plain strings drawn by ReportLab's own table, because
one HTML cell costs as much as forty cells there, and PDFs are the largest part of a month's work.
"""

from __future__ import annotations

import io
import logging
import os
import re
import resource
import shutil
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

MEMORY = 1 << 30            # bytes of address space
CPU = 20                    # seconds a document
LOGO = "logo"
INLINE = "data:image/png;base64,"
SIZE, LEADING = 9, 12.2     # points
INK, HEAD, RULE = "#1a1f27", "#eef1f5", "#d8dde4"
DEFAULT_CSS = "html, body, div, p, h1, table, tr, td, th, thead, tbody { display: block } b { font-weight: bold }"


def limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_cpu(seconds: int) -> None:
    """The kernel ends this process when the next document takes more than `seconds`."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def prepare() -> Any:
    """Import and set up once what every document needs. Returns `render(html) -> bytes`."""
    logging.disable(logging.WARNING)
    import font_source_sans_pro
    from reportlab import rl_config
    from reportlab.lib.fonts import addMapping
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    rl_config.invariant = 1         # the same document gives the same bytes
    folder = font_source_sans_pro.font_directory
    for name, file in (("Sans", "SourceSansPro-Regular.ttf"), ("SansBold", "SourceSansPro-Semibold.ttf")):
        pdfmetrics.registerFont(TTFont(name, os.path.join(folder, file)))
    for italic in (0, 1):
        addMapping("Sans", 0, italic, "Sans")
        addMapping("Sans", 1, italic, "SansBold")
    rl_config.canvas_basefontname = "Sans"      # read by what is imported now: no font that is not embedded is named anywhere
    from xhtml2pdf import default, parser, pisa
    from xhtml2pdf.config.resources import ResourceAccessPolicy

    default.DEFAULT_FONT["sans"] = "Sans"
    parser.pisaTagPDFLINES = lines_tag()
    here = Path.cwd()
    policy = ResourceAccessPolicy(allow_remote=False, allowed_hosts=frozenset(), base_dir=here, max_local_bytes=8 << 20, max_image_pixels=40_000_000,
                                  max_resources=12, max_document_bytes=16 << 20, max_depth=40)

    def where(uri: str, _base: Any) -> str:
        """The logo, a picture that stands in the document, or a file that does not exist: nothing else can be referred to."""
        if uri.startswith(INLINE):
            return uri
        return str(here / LOGO if uri == LOGO else here / "nothing")

    def render(html: str) -> bytes:
        out = io.BytesIO()
        result = pisa.CreatePDF(html, dest=out, encoding="utf-8", link_callback=where, default_css=DEFAULT_CSS, resource_policy=policy)
        if result.err:
            raise ValueError(f"{result.err} errors in the document")
        return out.getvalue()

    return render


def lines_tag() -> type:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import LongTable, TableStyle
    from xhtml2pdf.tags import pisaTag

    def style_of(size: float, ink: str, shade: str, column: int) -> Any:
        leading = size + LEADING - SIZE
        return TableStyle([
            ("FONT", (0, 0), (-1, 0), "SansBold", size - 0.5, leading), ("FONT", (0, 1), (-1, -1), "Sans", size, leading),
            ("TEXTCOLOR", (0, 0), (-1, -1), HexColor(ink)), ("BACKGROUND", (0, 0), (-1, 0), HexColor(shade)), ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 1), (-1, -1), 0.4, HexColor(RULE)), ("LEFTPADDING", (0, 0), (-1, -1), 4), ("RIGHTPADDING", (0, 0), (-1, -1), 4),
            ("TOPPADDING", (0, 0), (-1, -1), 2.6), ("BOTTOMPADDING", (0, 0), (-1, -1), 3.4), ("ALIGN", (column + 1, 0), (-1, -1), "RIGHT")])

    class Lines(pisaTag):  # type: ignore[misc]
        """`<pdf:lines widths="10 80 …" wrap="1">` (mm, column that wraps): one row a text line, cells by tabs, the first row is repeated.
        `size` in points, `ink` and `shade` (of the heading) as `#rrggbb`, when they are not the usual ones.

        The last column and all after `wrap` are aligned right.
        """

        def start(self, context: Any) -> None:
            text = "".join(child.data for child in self.node.childNodes if child.nodeType == child.TEXT_NODE)
            self.node.childNodes = []
            widths = [float(width) * 72 / 25.4 for width in self.node.getAttribute("widths").split()]
            column = int(self.node.getAttribute("wrap"))
            size, ink, shade = float(self.node.getAttribute("size") or SIZE), self.node.getAttribute("ink") or INK, self.node.getAttribute("shade") or HEAD
            rows = [row.split("\t") for row in text.strip("\n").split("\n")]
            for row in rows:
                row[column] = "\n".join(wrap(row[column], widths[column] - 9, size))
            style = style_of(size, ink, shade, column)
            context.addPara()
            context.addStory(LongTable(rows, colWidths=widths, style=style, repeatRows=1, hAlign="LEFT"))

    return Lines


def wrap(text: str, width: float, size: float = SIZE) -> list[str]:
    """`text` in lines of at most `width` points; a word that is longer is cut."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    lines, line = [], ""
    for word in re.split(r" +", text):
        while stringWidth(word, "Sans", size) > width:
            keep = next(n for n in range(len(word), 0, -1) if n == 1 or stringWidth(word[:n], "Sans", size) <= width)
            if line:
                lines.append(line)
                line = ""
            lines.append(word[:keep])
            word = word[keep:]
        longer = f"{line} {word}" if line else word
        if stringWidth(longer, "Sans", size) <= width:
            line = longer
        else:
            lines.append(line)
            line = word
    return [*lines, line]


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    render = prepare()
    while len(header := source.read(4)) == 4:
        html = source.read(struct.unpack(">I", header)[0]).decode()
        allow_cpu(CPU)
        try:
            status, answer = 0, render(html)
        except Exception as error:
            status, answer = 1, f"{type(error).__name__}: {error}"[:500].encode()
        sink.write(struct.pack(">BI", status, len(answer)) + answer)
        sink.flush()


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)               # a stray print never gets between the answers
    limit()
    try:
        serve(sys.stdin.buffer, answers)
    finally:
        if Path.cwd().name.startswith("ptt-pdf-"):      # the parent may be dead: nothing is left behind
            shutil.rmtree(Path.cwd(), ignore_errors=True)
