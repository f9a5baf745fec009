"""Hangs the interface into the application under /api/v1."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, jsonify

from app.api import customers, licenses, money, sms  # noqa: F401  they declare their operations
from app.api.guard import OPERATIONS, guarded
from app.api.openapi import BASE, document
from app.api.plugin_resources import of_plugins


def install(flask_app: Flask) -> None:
    blueprint = Blueprint("api", __name__, url_prefix=BASE)
    operations = [*OPERATIONS, *of_plugins(flask_app.extensions["ptt_plugins"])]
    for spec, function in operations:
        blueprint.add_url_rule(spec.path, spec.endpoint, guarded(spec, function), methods=[spec.method])

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(document(operations))

    @blueprint.after_request
    def headers(answer: Response) -> Response:
        answer.headers["Cache-Control"] = "no-store"
        return answer

    flask_app.register_blueprint(blueprint)
    csrf = flask_app.extensions.get("csrf")
    if csrf is not None:        # a token in a header, never a cookie: there is nothing to forge
        csrf.exempt(blueprint)
