"""Where the provider reports what became of a message. It proves itself by the secret of the settings."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, abort, jsonify, request

from app.plugin_api import SmsReport, clock
from app.system.settings import setting
from app.system.sms_reports import take_reports
from plugins.sms_http.gateway import HttpGateway
from plugins.sms_http.shapes import at, parse

MOST = 500              # reports of one call


def _state(word: str) -> str:
    """One of the contract's states, or empty for one that says that it is on its way."""
    for state in ("delivered", "failed", "expired"):
        if word.casefold() in {known.casefold() for known in setting(f"sms_http.{state}")}:
            return state
    return ""


def _reason(item: Any) -> str:
    """On one line, without control characters."""
    path = setting("sms_http.report_reason")
    said = at(item, path) if path else ""
    return " ".join("".join(char if char.isprintable() else " " for char in said).split())


def _proves(given: str) -> bool:
    wanted = setting("sms_http.report_secret")
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def reports_of(data: Any) -> list[SmsReport]:
    """What a call tells, one report or a list; what is none is passed over."""
    found = data if isinstance(data, list) else [data]
    reports = []
    for item in found[:MOST]:
        ident, word = at(item, setting("sms_http.report_id")), at(item, setting("sms_http.report_state"))
        if ident and ident.isprintable() and (state := _state(word)):
            reports.append(SmsReport(ident, state, clock.now(), _reason(item) or (word if state != "delivered" else "")))
    return reports


def make_hook() -> Blueprint:
    hook = Blueprint("sms_http", __name__)

    @hook.route("/report", methods=["GET", "POST"], defaults={"secret": ""})
    @hook.route("/report/<secret>", methods=["GET", "POST"])
    def report(secret: str) -> Any:
        if not secret and request.authorization is not None:
            secret = request.authorization.token or request.authorization.password or ""
        if not _proves(secret):
            abort(404)
        data = parse(request.get_data(cache=True)) if request.is_json else request.values.to_dict()
        return jsonify({"taken": take_reports(HttpGateway.code, reports_of(data))})

    return hook
