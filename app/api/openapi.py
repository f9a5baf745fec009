"""The description of the interface, made from the same declarations that check it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from app import __version__
from app.api.guard import OPERATIONS, Operation
from app.api.shapes import F
from app.api.tokens import SCOPES

BASE = "/api/v1"
ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "object", "required": ["code", "message"], "properties": {
    "code": {"type": "string"}, "message": {"type": "string"}, "field": {"type": "string", "nullable": True}}}}}
STATUSES = {400: "The body is not JSON", 401: "Token missing or not valid", 403: "Not allowed", 404: "Does not exist", 409: "Conflict", 413: "Too large",
            415: "Not JSON", 422: "Refused: the message says why", 429: "Too many requests"}


def document(operations: Sequence[tuple[Operation, Callable[..., Any]]] = OPERATIONS) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for spec, _function in operations:
        path = re.sub(r"<int:(\w+)>", r"{\1}", spec.path)
        paths.setdefault(path, {})[spec.method.lower()] = _operation(spec)
    return {
        "openapi": "3.0.3", "info": {"title": "PTT Admin", "version": __version__, "license": {"name": "AGPL-3.0-or-later"}},
        "servers": [{"url": BASE}], "paths": paths, "security": [{"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "Rights: " + ", ".join(SCOPES)}}, "schemas": {"Error": ERROR}}}


def _object(fields: tuple[F, ...], answer: bool, partial: bool = False) -> dict[str, Any]:
    properties = {f.name: ({**_of_answer(f), "nullable": True} if answer else f.schema()) for f in fields}
    found: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if not answer and (required := [f.name for f in fields if f.required and (not partial or f.name == "version")]):
        found["required"] = required
    return found


def _of_answer(field: F) -> dict[str, Any]:
    if field.kind is list:
        return {"type": "array", "items": {}}
    found = field.schema()
    found.pop("maxLength", None)
    found.pop("pattern", None)
    return found


def _operation(spec: Operation) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [{"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
                                        for name in re.findall(r"<int:(\w+)>", spec.path)]
    parameters += [{"name": f.name, "in": "query", "required": False, "schema": f.schema()} for f in spec.parameters]
    if spec.method != "GET":
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": spec.scope == "payments:write", "schema": {"type": "string", "pattern": "^[!-~]{1,100}$"},
                           "description": "The same key with the same request has one effect and gives the same answer, for 30 days."})
    good: dict[str, Any] = {"description": "Done"}
    if spec.binary:
        good["content"] = {spec.binary: {"schema": {"type": "string", "format": "binary"}}}
    elif spec.answer is not None:
        shape = _object(spec.answer, answer=True)
        if spec.many:
            shape = {"type": "object", "required": ["items", "next"], "properties": {
                "items": {"type": "array", "items": shape}, "next": {"type": "integer", "nullable": True}}}
        good["content"] = {"application/json": {"schema": shape}}
    bad = {str(code): {"description": text, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}} for code, text in STATUSES.items()}
    found: dict[str, Any] = {"summary": spec.title, "operationId": f"{spec.method.lower()}{re.sub(r'[^a-z]+', '_', spec.path.lower())}", "tags": [spec.path.split("/")[1]],
                             "description": f"Right: `{spec.scope}`", "parameters": parameters, "responses": {str(spec.status): good, **bad}}
    if spec.body:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _object(spec.body, answer=False, partial=spec.partial)}}}
    return found
