"""What every route of the interface goes through: token, rate, right, errors in one form, one effect per idempotency key."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import re
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from flask import Response, current_app, g, jsonify, request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from app.api.models import ApiToken, IdempotencyRecord
from app.api.shapes import F, query, read
from app.api.tokens import SCOPES, authenticate
from app.core.actor import Actor, acting
from app.core.db import db, is_away, transaction
from app.core.errors import Conflict, DomainError
from app.system import queue
from app.system.settings import forget_cached

log = logging.getLogger(__name__)
RATE = 60                   # requests a minute and token; PTT_API_RATE changes it
BODY = 256 * 1024


class Problem(Exception):
    def __init__(self, status: int, code: str, message: Any, field: str | None = None):
        super().__init__(code)
        self.status, self.code, self.message, self.field = status, code, message, field


@dataclass(frozen=True)
class Operation:
    """One route, as OpenAPI tells it."""

    method: str
    path: str
    scope: str
    title: str
    answer: tuple[F, ...] | None
    body: tuple[F, ...] = ()
    parameters: tuple[F, ...] = ()
    many: bool = False
    status: int = 200
    binary: str = ""
    partial: bool = False

    @property
    def endpoint(self) -> str:
        return f"{self.method.lower()}{re.sub(r'[^a-z0-9]+', '_', self.path.lower())}"


OPERATIONS: list[tuple[Operation, Callable[..., Any]]] = []
_counts: dict[tuple[int, int], int] = defaultdict(int)


def operation(method: str, path: str, scope: str, title: str, answer: tuple[F, ...] | None = None, **more: Any) -> Callable[..., Any]:
    """Declare a route. The function gets `values` (body or query) and the parts of the path, and returns what is written."""
    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        OPERATIONS.append((Operation(method, path, scope, title, answer, **more), function))
        return function

    return declare


def guarded(spec: Operation, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def route(**parts: Any) -> Any:
        try:
            token = _enter(spec)
            if any(isinstance(part, int) and part > 2**53 for part in parts.values()):
                raise Problem(404, "not_found", _("There is no such entry."))
            with acting(Actor("api", token.name, token.user_id, on_behalf=token.user.username, origin=request.remote_addr)):
                return _read(spec, function, parts) if spec.method == "GET" else _write(spec, function, parts, token.id)
        except Problem as problem:
            return error(problem.status, problem.code, problem.message, problem.field)
        except Conflict as conflict:
            return error(409, "conflict", conflict.message, conflict.field)
        except StaleDataError:
            return error(409, "conflict", _("Somebody else has changed it meanwhile. Read it again."))
        except DomainError as refused:
            return error(422, "refused", refused.message, refused.field)
        except HTTPException as problem_:
            return error(problem_.code or 500, "http", problem_.description or "")
        except Exception as failed:
            if is_away(failed):
                log.warning("API: the database is away: %s", failed)
                return error(503, "unavailable", _("The database cannot be asked now. Repeat the request; under the same Idempotency-Key it has one effect."))
            ident = uuid.uuid4().hex[:12]
            log.exception("API error %s", ident)
            return error(500, "internal", _("Something went wrong here. Tell us the number %(id)s.", id=ident))
        finally:
            db.session.rollback()

    return route


def error(status: int, code: str, message: Any, field: str | None = None) -> Response:
    answer = jsonify({"error": {"code": code, "message": str(message), "field": field}})
    answer.status_code = status
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        answer.headers["Retry-After"] = "60" if status == 429 else "5"
    return answer


def _enter(spec: Operation) -> ApiToken:
    forget_cached()
    kind, _space, raw = request.headers.get("Authorization", "").partition(" ")
    token = authenticate(raw.strip()) if kind.lower() == "bearer" else None
    if token is None:
        raise Problem(401, "token", _("Send a valid token: “Authorization: Bearer ptt_…”."))
    if _count(token.id) > int(current_app.config.get("PTT_API_RATE") or RATE):
        raise Problem(429, "rate", _("Too many requests: wait a minute."))
    if spec.scope not in token.scopes:
        raise Problem(403, "scope", _("This token does not have the right “%(scope)s”.", scope=spec.scope))
    g.pop("ptt_rights", None)
    g._login_user = token.user                  # rights are asked of the user that the token acts for
    security: Any = current_app.extensions["appbuilder"]
    if not security.sm.has_access(*SCOPES[spec.scope][1]):
        raise Problem(403, "right", _("%(user)s, for whom this token acts, does not have this right.", user=token.user.username))
    return token


def _count(token_id: int) -> int:
    """Requests of this minute: in Redis, or in this process when Redis is away."""
    minute = int(time.time() // 60)
    key = f"ptt:api:{token_id}:{minute}"
    try:
        with queue.briefly() as client, client.pipeline() as pipe:
            pipe.incr(key)
            pipe.expire(key, 120)
            return int(pipe.execute()[0])
    except redis.RedisError:
        for old in [k for k in _counts if k[1] < minute]:
            del _counts[old]
        _counts[token_id, minute] += 1
        return _counts[token_id, minute]


def _read(spec: Operation, function: Callable[..., Any], parts: dict[str, Any]) -> Any:
    if any(len(values) > 1 for _name, values in request.args.lists()):
        raise Problem(422, "refused", _("A parameter may stand once only."))
    result = function(query(request.args, spec.parameters), **parts)
    return result if isinstance(result, Response) else jsonify(result)


def _body() -> Any:
    if (request.content_length or 0) > BODY:
        raise Problem(413, "size", _("The body is too large."))
    raw = request.get_data(cache=True)
    if not raw:
        return {}
    if request.mimetype != "application/json":
        raise Problem(415, "type", _("Send JSON: “Content-Type: application/json”."))
    try:
        return json.loads(raw, parse_constant=lambda _text: None)
    except (ValueError, RecursionError) as failed:
        raise Problem(400, "json", _("The body is not valid JSON.")) from failed


def _write(spec: Operation, function: Callable[..., Any], parts: dict[str, Any], token_id: int) -> Response:
    if request.args:
        raise Problem(422, "refused", _("Writes take their values in the body."))
    body = _body()
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 100 or any(not 33 <= ord(char) < 127 for char in key):
        raise Problem(422, "refused", _("An Idempotency-Key has 1 to 100 visible ASCII characters."))
    values = read(body, spec.body, partial=spec.partial)
    wanted = hashlib.sha256(f"{request.method} {request.path}\n".encode() + json.dumps(body, sort_keys=True).encode()).hexdigest()
    if key and (known := _known(token_id, key, wanted)) is not None:
        return known
    db.session.rollback()
    try:
        with transaction() as session:
            record = None
            if key:     # first, so that a second request with the key waits here or fails here
                record = IdempotencyRecord(token_id=token_id, key=key, request=wanted, status=0, answer="")
                session.add(record)
                session.flush()
            result = function(values, **parts)
            session.flush()
            text = json.dumps(result, ensure_ascii=False)
            if record is not None:
                record.status, record.answer = spec.status, text
    except IntegrityError as failed:
        if key and (known := _known(token_id, key, wanted)) is not None:
            return known
        raise Problem(409, "conflict", _("Another request has stored the same thing at this moment. Read it, then decide.")) from failed
    return Response(text, spec.status, mimetype="application/json")


def _known(token_id: int, key: str, wanted: str) -> Response | None:
    """The answer that was given under this key. The same key with another request is an error."""
    row = db.session.scalar(select(IdempotencyRecord).where(IdempotencyRecord.token_id == token_id, IdempotencyRecord.key == key))
    if row is None:
        return None
    if row.request != wanted:
        raise Problem(422, "key", _("This Idempotency-Key was used for another request."))
    answer = Response(row.answer, row.status, mimetype="application/json")
    answer.headers["Idempotent-Replay"] = "true"
    return answer
