"""Response headers, cookies, and which hosts this site answers for."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, abort, current_app, g, request
from werkzeug.exceptions import SecurityError
from werkzeug.routing import IntegerConverter

from app.core.fields import LARGEST_ID
from app.plugin_api.registry import plugins

PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"


class Id(IntegerConverter):
    """`<int:…>` of every route: what no database can hold becomes the largest number that it can, which no row has. So each page
    says in its own way that there is nothing, after it has asked who is there."""

    def to_python(self, value: str) -> int:
        return min(int(super().to_python(value)), LARGEST_ID)


def configure(flask_app: Flask) -> None:
    """Cookies and hosts; call before the extensions start."""
    flask_app.url_map.converters["int"] = Id
    config = flask_app.config
    secure = bool(config.get("SESSION_COOKIE_SECURE"))
    config["SESSION_COOKIE_NAME"] = "__Host-ptt-staff" if secure else "ptt-staff"
    config["SESSION_COOKIE_PATH"] = "/"
    config["SESSION_COOKIE_DOMAIN"] = None
    config["SESSION_COOKIE_HTTPONLY"] = True
    config["SESSION_COOKIE_SAMESITE"] = "Lax"
    config.setdefault("WTF_CSRF_TIME_LIMIT", None)             # a form lives as long as its session
    config.setdefault("MAX_CONTENT_LENGTH", 32 * 1024 * 1024)
    config.setdefault("MAX_FORM_MEMORY_SIZE", 2 * 1024 * 1024)
    if config.get("TRUSTED_HOSTS"):
        config["FAB_SAFE_REDIRECT_HOSTS"] = list(config["TRUSTED_HOSTS"])


def nonce() -> str:
    """The nonce of this response's scripts and styles."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def chat_source() -> str:
    """Where the chat's sockets are when they have a port of their own: this host, that port, nothing else."""
    port = current_app.config.get("CHAT_PORT")
    return f" {'wss' if request.is_secure else 'ws'}://{request.host.rpartition(':')[0] or request.host}:{port}" if port else ""


def form_targets() -> str:
    """In the portal: sites of payment services that running plugins name."""
    if not (request.path == "/portal" or request.path.startswith("/portal/")):
        return ""
    return "".join(f" {origin}" for origin in sorted(set(plugins().collect("portal_form_targets"))))


def policy(admin: bool) -> str:
    parts = ["default-src 'self'", f"script-src 'self' 'nonce-{nonce()}'", f"style-src 'self' 'nonce-{nonce()}'", "img-src 'self' data:",
             "font-src 'self'", f"connect-src 'self'{chat_source()}", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", f"form-action 'self'{form_targets()}"]
    if admin:
        parts.insert(3, "style-src-attr 'unsafe-inline'")     # the lookup fields set widths by attribute
    return "; ".join(parts)


def install(flask_app: Flask) -> None:
    secure = bool(flask_app.config.get("SESSION_COOKIE_SECURE"))

    @flask_app.before_request
    def known_host() -> None:
        try:
            request.host  # noqa: B018  werkzeug checks it against TRUSTED_HOSTS
        except SecurityError:
            abort(400)
        if "\0" in request.path:       # PostgreSQL keeps no such text: it is the address of nothing
            abort(404)

    @flask_app.after_request
    def add(response: Any) -> Any:
        admin = request.path.startswith("/admin")
        for name, value in (
            ("Content-Security-Policy", policy(admin)), ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", PERMISSIONS),
        ):
            response.headers.setdefault(name, value)
        if secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if admin:
            response.headers["Cache-Control"] = "private, no-store"
        response.headers.pop("Server", None)
        return response
