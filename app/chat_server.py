"""The process of the sockets: `gunicorn --worker-class app.http_worker.Worker --threads N app.chat_server:application`. It has no pages.

Every socket holds a thread, so N - 2 is the number of people who chat in one process; who comes then is told at once that it
is busy, and his page asks from time to time instead. Any number of processes may run: they hear of each other over Redis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

from app.chat.sockets import PATH, Sockets
from app.factory import create_app
from app.overload import Busy, Seats

flask_app = create_app()
sockets = Sockets(flask_app, flask_app.config["REDIS_URL"])
_inner: Callable[..., Iterable[bytes]] = flask_app.wsgi_app
if hops := flask_app.config.get("PROXY_HOPS", 0):
    _inner = ProxyFix(_inner, x_for=hops, x_proto=hops, x_host=hops)
_sockets = Seats(_inner, Busy(flask_app))


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Sockets and the sign of life; everything else belongs to the web server."""
    path = environ.get("PATH_INFO", "")
    if path.startswith(PATH):
        return _sockets(environ, start_response)
    if path == "/healthz":
        return _inner(environ, start_response)
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"chat\n"]
