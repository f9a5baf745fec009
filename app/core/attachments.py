"""The answer that is a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

from flask import Response
from werkzeug.http import dump_options_header

HEADERS = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}


def disposition(name: str, shown: bool = False) -> str:
    """The header that names a file, RFC 6266. A header holds Latin-1 at most: other names have a plain one beside them for old programs.

    What would be a folder in a name, or ends a header, becomes a hyphen.
    """
    name = "".join(letter if letter.isprintable() and letter not in "/\\" else "-" for letter in name)
    names = {"filename": name}
    if not name.isascii():
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        names = {"filename": plain, "filename*": f"UTF-8''{quote(name, safe='')}"}
    return dump_options_header("inline" if shown else "attachment", names)


def as_file(data: bytes | str | Iterable[bytes] | Iterable[str], name: str, media_type: str, *, shown: bool = False) -> Response:
    """`data` to be stored as `name`, or shown by the browser: in a sandbox, whatever is in it, and kept by no cache."""
    return Response(data, content_type=media_type, headers={**HEADERS, "Content-Disposition": disposition(name, shown)})
