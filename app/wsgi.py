"""What a WSGI server loads: `gunicorn app.wsgi:application`."""

from __future__ import annotations

from werkzeug.middleware.proxy_fix import ProxyFix

from app.factory import create_app
from app.overload import LONGEST_WAIT, Busy, Shedding

application = create_app()
# The visitor's address and scheme come from exactly as many proxies as there are; without one, headers are not believed.
if hops := application.config.get("PROXY_HOPS", 0):
    application.wsgi_app = ProxyFix(application.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
application.wsgi_app = Shedding(application.wsgi_app, Busy(application), application.config.get("QUEUE_SECONDS", LONGEST_WAIT))  # type: ignore[method-assign]
