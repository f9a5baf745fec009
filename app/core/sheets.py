"""Tables as files: CSV and XLSX, row by row, in constant memory. Text never becomes a formula.

A row is a sequence of str, int, Decimal, date, datetime, bool or None.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from app.core import clock

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOST_ROWS = 1_048_575       # of a sheet, below its head


def harmless(value: Any) -> Any:
    """A cell of a CSV file: a spreadsheet takes text that begins like a formula for one, so it gets an apostrophe. Numbers of ours stay."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return clock.local(value).replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool | int | Decimal):
        return value
    text = str(value).replace("\x00", "")
    return f"'{text}" if text.startswith(FORMULA) else text


def csv_lines(rows: Iterable[Sequence[Any]], delimiter: str = ";") -> Iterator[bytes]:
    """UTF-8 with a byte order mark, CRLF; yields some hundred lines at a time."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    out.write("\ufeff")
    for number, row in enumerate(rows, 1):
        writer.writerow([harmless(value) for value in row])
        if number % 500 == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode()


def csv_bytes(rows: Iterable[Sequence[Any]], delimiter: str = ";") -> bytes:
    return b"".join(csv_lines(rows, delimiter))


def write_xlsx(target: IO[bytes], title: str, head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> int:
    """One sheet with a frozen, bold head; texts as texts, amounts with two decimals. Returns the rows written."""
    with tempfile.TemporaryDirectory(prefix="ptt-sheet-") as folder:       # the library leaves its files behind when the disk is full
        book = xlsxwriter.Workbook(target, {"constant_memory": True, "tmpdir": folder, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False})
        sheet = book.add_worksheet("".join(c for c in title if c not in "[]:*?/\\'")[:31] or "1")
        bold, day, instant, money = (book.add_format(kind) for kind in ({"bold": True}, {"num_format": "yyyy-mm-dd"}, {"num_format": "yyyy-mm-dd hh:mm:ss"}, {"num_format": "#,##0.00##"}))
        sheet.set_column(0, 40, 16)         # in the usual width a day would be #####
        for place, text in enumerate(head):
            sheet.write_string(0, place, str(text), bold)
        sheet.freeze_panes(1, 0)
        written = 0
        for number, row in enumerate(rows, 1):
            if number > MOST_ROWS:
                break
            for place, value in enumerate(row):
                if value is None or value == "":
                    continue
                if isinstance(value, bool):
                    sheet.write_boolean(number, place, value)
                elif isinstance(value, datetime):
                    sheet.write_datetime(number, place, clock.local(value).replace(tzinfo=None), instant)
                elif isinstance(value, date):
                    sheet.write_datetime(number, place, datetime(value.year, value.month, value.day), day)  # noqa: DTZ001  a day has no zone
                elif isinstance(value, int):
                    sheet.write_number(number, place, value)
                elif isinstance(value, Decimal):
                    sheet.write_number(number, place, value, money)
                else:
                    sheet.write_string(number, place, str(value).replace("\x00", "")[:32_767])
            written = number
        try:
            book.close()
        except FileCreateError as error:        # the library's own word for a full disk
            raise OSError(str(error)) from error
    return written


def xlsx_bytes(title: str, head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.BytesIO()
    write_xlsx(out, title, head, rows)
    return out.getvalue()
