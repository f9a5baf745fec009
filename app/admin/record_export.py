"""What a list of records shows, as a file: the same filters, read in steps, so that a million rows need no memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from flask import request, stream_with_context
from flask_babel import gettext as _
from sqlalchemy import select

from app.core import clock
from app.core.access import allowed
from app.core.attachments import as_file
from app.core.db import db, transaction
from app.core.sheets import CSV_TYPE, csv_lines
from app.core.views import expose
from app.system.models import ProtocolKind
from app.system.protocol import record

STEP = 1000
MOST = 1_000_000


class CsvExport:
    """Mixin of an AdminView, before it: `/export` gives `export_columns` as CSV, newest first."""

    datamodel: Any
    conditions: Callable[..., Any]
    label: Callable[[str], str]
    list_template = "admin/records.html"
    export_columns: ClassVar[Sequence[str]] = ()

    def export_value(self, item: Any, column: str) -> Any:
        """A cell of the file; `harmless` makes it safe."""
        value = getattr(item, column)
        return value.value if hasattr(value, "value") else value

    @expose("/export")
    @allowed("list")
    def export(self) -> Any:
        name = f"{self.datamodel.obj.__tablename__}-{clock.today().isoformat()}.csv"
        _asked, where = self.conditions(request.args)
        with transaction():
            record(ProtocolKind.SECURITY, "exported", subject_type=self.datamodel.obj.__tablename__, note=request.query_string.decode("utf-8", "replace")[:1000])
        return as_file(stream_with_context(csv_lines(self._lines([*self.datamodel.limits(), *where]))), name, CSV_TYPE)

    def _lines(self, where: Sequence[Any]) -> Iterator[list[Any]]:
        """While the answer goes out: the request's session is closed by then, so whose rows they are was asked before."""
        yield [self.label(column) for column in self.export_columns]
        key, last, told = self.datamodel.get_pk(), None, 0
        while told < MOST:
            query = select(self.datamodel.obj).where(*where, *([key < last] if last is not None else [])).order_by(key.desc()).limit(STEP)
            rows = list(db.session.scalars(query))
            if not rows:
                return
            for row in rows:
                yield [self.export_value(row, column) for column in self.export_columns]
            told, last = told + len(rows), self.datamodel.get_pk_value(rows[-1])
            db.session.expunge_all()
        yield [_("There are more. Filter by time to export the others.")]
