"""The answer that is a file."""

from __future__ import annotations

from flask import Response
from werkzeug.http import dump_options_header


def as_file(data: bytes, name: str, media_type: str, *, shown: bool = False) -> Response:
    """`data` to be stored as `name`, or shown by the browser: in a sandbox, whatever is in it. Any name, also with letters beyond ASCII."""
    response = Response(data, content_type=media_type)
    response.headers["Content-Disposition"] = dump_options_header("inline" if shown else "attachment", {"filename": name})
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
