"""Operations that plugins add, in the terms of this interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Map, Rule

from app.api.guard import OPERATIONS, Operation
from app.api.paging import AFTER, LIMIT
from app.api.shapes import F, write
from app.api.tokens import SCOPES
from app.core.errors import InvalidInput
from app.plugin_api.registry import Registry
from app.plugin_api.rest import ApiField, ApiResource


def of_plugins(plugins: Registry) -> list[tuple[Operation, Callable[..., Any]]]:
    """What can be used; a plugin whose operation cannot is named as broken in part."""
    found: list[tuple[Operation, Callable[..., Any]]] = []
    taken = {spec.endpoint for spec, _function in OPERATIONS}
    for name, loaded in list(plugins.loaded.items()):
        for resource in loaded.answers["api_resources"]:
            try:
                spec = _operation(name, resource)
                Map([Rule(spec.path, methods=[spec.method])])       # what Flask would stop the application with
                if spec.endpoint in taken:
                    raise ValueError(f"there is an operation with this name already: {spec.endpoint}")
                found.append((spec, _function(resource)))
                taken.add(spec.endpoint)
            except Exception as error:
                plugins.in_part(name, f"api_resources {resource.path}", error)
    return found


def _fields(fields: tuple[ApiField, ...]) -> tuple[F, ...]:
    return tuple(F(**vars(f)) for f in fields)


def _operation(name: str, resource: ApiResource) -> Operation:
    if resource.scope not in SCOPES:
        raise ValueError(f"there is no right {resource.scope!r}; the rights are {', '.join(SCOPES)}")
    if resource.method == "GET" and not resource.scope.endswith(":read") or resource.method != "GET" and not resource.scope.endswith(":write"):
        raise ValueError(f"{resource.method} needs a right to {'read' if resource.method == 'GET' else 'write'}, not {resource.scope!r}")
    parameters = (LIMIT, AFTER, *_fields(resource.parameters)) if resource.many and resource.method == "GET" else _fields(resource.parameters)
    return Operation(resource.method, f"/plugins/{name}{resource.path}", resource.scope, resource.title,
                     None if resource.answer is None else _fields(resource.answer), body=_fields(resource.body), parameters=parameters,
                     many=resource.many, status=resource.status)


def _function(resource: ApiResource) -> Callable[..., Any]:
    answer = _fields(resource.answer or ())

    def run(values: dict[str, Any], **parts: Any) -> Any:
        if not (resource.many and resource.method == "GET"):
            result = resource.run(values, **parts)
            return None if resource.answer is None else write(result, answer)
        limit = values.setdefault("limit", 50)
        if not 1 <= limit <= 200:
            raise InvalidInput("limit: 1 … 200", "limit")
        rows = list(resource.run({**values, "limit": limit + 1, "after": values.get("after", 0)}, **parts))
        return {"items": [write(row, answer) for row in rows[:limit]], "next": rows[limit - 1].id if len(rows) > limit else None}

    return run
