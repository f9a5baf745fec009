"""Answers that are files: one way, the same headers everywhere, any name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.core.attachments import HEADERS, as_file

ROOT = Path(__file__).resolve().parents[2]
OTHER_WAYS = re.compile(r"Content-Disposition|\bsend_file\(|send_from_directory|dump_options_header")
THE_WAY = ["app/core/attachments.py"]
CACHED = ["app/website/routes.py"]        # the website's pictures and films: public, kept by caches, read in parts


def test_every_route_answers_a_file_by_as_file() -> None:
    """No route writes the headers of a file itself; so all of them have the same."""
    found = {path.relative_to(ROOT).as_posix() for folder in ("app", "plugins") for path in (ROOT / folder).rglob("*.py")
             if OTHER_WAYS.search(path.read_text())}
    assert sorted(found) == sorted(THE_WAY + CACHED)


@pytest.mark.parametrize(("name", "header"), [
    ("INV-1.pdf", "attachment; filename=INV-1.pdf"),
    ("a b.csv", 'attachment; filename="a b.csv"'),
    ("Smlouva – Šafařík.pdf", "attachment; filename=\"Smlouva  Safarik.pdf\"; filename*=UTF-8''Smlouva%20%E2%80%93%20%C5%A0afa%C5%99%C3%ADk.pdf"),
    ("../2026/1\r\nSet-Cookie: x.pdf", 'attachment; filename="..-2026-1--Set-Cookie: x.pdf"'),
])
def test_any_name_reaches_the_browser(name: str, header: str) -> None:
    answer = as_file(b"x", name, "application/pdf")
    told = dict(answer.get_wsgi_headers({"REQUEST_METHOD": "GET"}))
    assert told["Content-Disposition"] == header and header.encode("latin-1")       # what a server can send
    assert {key: told[key] for key in HEADERS} == HEADERS == {
        "Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}


def test_shown_is_in_a_sandbox_too() -> None:
    assert as_file(b"<script>", "x.html", "text/html", shown=True).headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
