"""Operations that a plugin adds to the REST interface, under /api/v1/plugins/<name of the plugin>."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ApiField:
    """`kind`: str, int, bool, date, datetime, Decimal (text in JSON), list (of str) or dict; `of`: an enum whose values are allowed."""

    name: str
    kind: type = str
    help: str = ""
    required: bool = False
    of: type[enum.Enum] | None = None
    most: int = 200                             # characters, or items of a list
    get: Callable[[Any], Any] | None = None     # answers: how the value is found on a row, by default the attribute of that name


@dataclass(frozen=True)
class ApiResource:
    """One route. `run(values, **parts of the path)` gets the checked body or query and returns the row that `answer` writes; None
    without an answer. With `many` it returns the rows with an id greater than `values["after"]`, in the order of ids and at most
    `values["limit"]`. Changes go through services; the interface sees to one effect per
    Idempotency-Key. A DomainError becomes an answer 422.

    `scope`: a right of tokens that the core knows, e.g. "receivables:read" or "payments:write".
    """

    method: str                                 # GET, POST, PATCH, PUT or DELETE
    path: str                                   # "/mandates/<int:mandate_id>", below /api/v1/plugins/<name>
    scope: str
    title: str                                  # English, for OpenAPI
    run: Callable[..., Any]
    answer: tuple[ApiField, ...] | None = None
    body: tuple[ApiField, ...] = ()
    parameters: tuple[ApiField, ...] = ()
    many: bool = False
    status: int = 200
