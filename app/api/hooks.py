"""Where other systems call plugins: /hooks/<name>/. No sign-in and no token against forgery; the plugin proves who calls."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from flask import Blueprint, Flask, Response, abort, g, jsonify, request

from app.core.actor import Actor, acting
from app.core.errors import DomainError
from app.system.settings import forget_cached
from app.system.throttle import TooManyTries, place, take

ROOT = "/hooks"
RATE = 600                  # an hour and address, for each plugin
BODY = 1 << 20


def open_hook(flask_app: Flask, name: str, blueprint: Blueprint) -> None:
    """Mount the public pages of the plugin `name` behind a limit of calls and of size."""
    @blueprint.before_request
    def enter() -> None:
        request.max_content_length = BODY
        if (request.content_length or 0) > BODY:
            abort(413)
        forget_cached()
        take(f"hook:{name}", place(request.remote_addr or ""), int(flask_app.config.get("PTT_HOOK_RATE") or RATE))
        g.ptt_hook_stack = stack = ExitStack()
        stack.enter_context(acting(Actor("system", name, origin=request.remote_addr)))

    @blueprint.teardown_request
    def leave(_error: BaseException | None) -> None:
        stack = g.pop("ptt_hook_stack", None)
        if stack is not None:
            stack.close()

    @blueprint.errorhandler(DomainError)
    def refused(error: DomainError) -> tuple[Response, int]:
        return jsonify({"error": str(error)}), 429 if isinstance(error, TooManyTries) else 422

    @blueprint.after_request
    def headers(answer: Any) -> Any:
        answer.headers["Cache-Control"] = "no-store"
        return answer

    flask_app.register_blueprint(blueprint, url_prefix=f"{ROOT}/{name}")
    flask_app.extensions["csrf"].exempt(blueprint)
