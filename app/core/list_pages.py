"""One page of a list as the templates want it: its rows, how many there are, and the addresses of other pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import g, request
from flask_babel import gettext as _

from app.core import filters, formats
from app.core.interface import Count

PAGE_SIZES = (25, 50, 100)


def whole(path: str) -> str:
    """The list without any filter, also for a reader whose list begins with a saved one."""
    return f"{path}?all=1" if g.get("ptt_list_begins") else path


@dataclass(slots=True)
class Cell:
    """What a column shows of a row: text or HTML, and its class (`num`, `nowrap` or nothing)."""

    text: Any
    css: str = ""


@dataclass(slots=True)
class Row:
    """A line of the table: `cells` are (class, label, address or None, text); the other texts are for its checkbox and buttons."""

    pk: Any
    cells: list[tuple[str, str, str | None, Any]]
    select: str
    edit: str
    delete: str
    sure: str

    def is_number(self, index: int) -> bool:
        return self.cells[index][0].endswith("num")


@dataclass
class ListPage:
    """One page of a list, as the templates want it. `arguments` are those of the address, without the page's."""

    rows: list[Any]
    page: int
    size: int
    order: str
    descending: bool
    asked: filters.Asked
    arguments: list[tuple[str, str]]
    where: list[Any]
    limit: int
    ask_count: Callable[[], Count]
    known_count: Count | None = None

    @property
    def count(self) -> Count:
        if self.known_count is None:
            self.known_count = self.ask_count()
        return self.known_count

    def address(self, **changes: Any) -> str:
        """The same list with other arguments; None leaves one out."""
        pairs = [(key, value) for key, value in self.arguments if key not in changes]
        pairs += [(key, str(value)) for key, value in changes.items() if value not in (None, "")]
        return f"{request.path}?{urlencode(pairs)}" if pairs else whole(request.path)

    def without(self, names: Sequence[str]) -> str:
        return self.address(**dict.fromkeys((*names, "page")))

    @property
    def first(self) -> int:
        return self.page * self.size + 1

    @property
    def last(self) -> int:
        return self.page * self.size + len(self.rows)

    @property
    def pages(self) -> int:
        return max(1, -(-self.count.reachable // self.size))

    @property
    def total(self) -> str:
        """`1,234`, `10,000+` or `about 1,000,000`."""
        text = formats.number(self.count.number)
        return text if self.count.exact else _("about %(n)s", n=text) if self.count.estimated else f"{text}+"

    def numbers(self) -> list[int | None]:
        """Pages to offer around the present one; None is a gap."""
        near = sorted({0, 1, self.page - 1, self.page, self.page + 1, self.pages - 2, self.pages - 1} & set(range(self.pages)))
        result: list[int | None] = []
        for number in near:
            if result and result[-1] is not None and number - result[-1] > 1:
                result.append(None)
            result.append(number)
        return result
