"""How invoices look: what staff may choose, checked value by value. No template, no expression, no HTML; no session.

Whatever is chosen, what the law wants on an invoice stays: name, address and tax number of the seller, tax notes, how it is paid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.errors import InvalidInput
from app.plugin_api.mail import PLACEHOLDER, names_in

COLOUR = re.compile(r"#[0-9a-f]{6}")
BLOCKS = {"payment": _l("How it is paid"), "notes": _l("Tax notes"), "closing": _l("Closing text")}
NEEDED_BLOCKS = ("payment", "notes")
PLACES = {"left": _l("Left"), "center": _l("In the middle"), "right": _l("Right")}
FOOTER = ("name", "street", "address_extra", "city", "contact", "phone", "email", "website", "account", "bic", "bank", "vat_id", "tax_number", "register")
NEEDED_FOOTER = ("name", "street", "city", "vat_id", "tax_number")
COLUMNS, ROWS, ROW = 4, 6, 60
SMALLEST, LARGEST = Decimal("8"), Decimal("11")
WHITE, LEAST_CONTRAST = "#ffffff", 4.5          # WCAG 2.2, 1.4.3


@dataclass(frozen=True, slots=True)
class Layout:
    """Colours as `#rrggbb`, `size` in points, `logo_height` in mm. `blocks`: what stands below the sums, in this order."""

    ink: str = "#1a1f27"
    quiet: str = "#5a6472"
    accent: str = "#17479e"
    shade: str = "#eef1f5"
    size: Decimal = Decimal("9")
    logo: str = "right"
    logo_height: int = 14
    blocks: tuple[str, ...] = ("payment", "notes", "closing")
    sender_line: bool = True
    customer_number: bool = True
    footer: tuple[tuple[str, ...], ...] = (
        ("{{name}}", "{{street}}", "{{address_extra}}", "{{city}}"), ("{{contact}}", "{{phone}}", "{{email}}", "{{website}}"),
        ("{{account}}", "{{bic}}", "{{bank}}"), ("{{vat_id}}", "{{tax_number}}", "{{register}}"))

    @property
    def widths(self) -> tuple[int, ...]:
        """Of the footer's columns, in mm."""
        number = len(self.footer)
        return (48, 42, 44, 36) if number == COLUMNS else (170 // number,) * number

    @property
    def total_size(self) -> Decimal:
        """Points of the total."""
        return self.size + Decimal("1.5")

    def stored(self) -> dict[str, Any]:
        return {**asdict(self), "size": str(self.size), "blocks": list(self.blocks), "footer": [list(column) for column in self.footer]}


USUAL = Layout()


def parse(data: Mapping[str, Any]) -> Layout:
    """Values as they are stored or come from a form. Raises InvalidInput with the field. What is left out is as usual; what is unknown is refused."""
    if unknown := set(data) - set(Layout.__dataclass_fields__):
        raise InvalidInput(_("There is no “%(name)s” in a layout.", name=sorted(unknown)[0]))
    values = {**USUAL.stored(), **data}
    for name in ("ink", "quiet", "accent", "shade"):
        values[name] = str(values[name]).lower()
        if not COLOUR.fullmatch(values[name]):
            raise InvalidInput(_("Write a colour as # and six digits, for example #17479e."), name)
    for name, behind in (("ink", WHITE), ("quiet", WHITE), ("accent", WHITE), ("ink", values["shade"]), ("quiet", values["shade"])):
        if contrast(values[name], behind) < LEAST_CONTRAST:
            raise InvalidInput(_("This colour is too pale to be read on %(paper)s. Choose a darker one.", paper=_("white") if behind == WHITE else behind), name)
    values["size"] = _size(values["size"])
    if values["logo"] not in list(PLACES):       # whatever kind of value it is
        raise InvalidInput(_("Choose one of the places."), "logo")
    if isinstance(values["logo_height"], bool) or not isinstance(values["logo_height"], int) or not 8 <= values["logo_height"] <= 24:
        raise InvalidInput(_("The logo is 8 to 24 mm high."), "logo_height")
    for name in ("sender_line", "customer_number"):
        if not isinstance(values[name], bool):
            raise InvalidInput(_("Say yes or no."), name)
    values["blocks"] = _blocks(values["blocks"])
    values["footer"] = _footer(values["footer"])
    return Layout(**values)


def _size(value: Any) -> Decimal:
    try:
        size = Decimal(str(value))
    except InvalidOperation:
        size = Decimal("NaN")
    if not size.is_finite() or not SMALLEST <= size <= LARGEST or size != round(size, 1):
        raise InvalidInput(_("The font has 8 to 11 points, with at most one decimal."), "size")
    return size


def _blocks(value: Any) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InvalidInput(_("Choose the blocks."), "blocks")
    blocks = tuple(str(name) for name in value)
    if len(set(blocks)) != len(blocks) or set(blocks) - set(BLOCKS):
        raise InvalidInput(_("Each block stands there once."), "blocks")
    if lacking := [name for name in NEEDED_BLOCKS if name not in blocks]:
        raise InvalidInput(_("“%(block)s” must stand on every invoice.", block=BLOCKS[lacking[0]]), "blocks")
    return blocks


def _footer(value: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or any(not isinstance(column, Sequence) or isinstance(column, str) for column in value):
        raise InvalidInput(_("The footer has columns of rows."), "footer")
    columns = tuple(tuple(" ".join(str(row).split()) for row in column if str(row).strip()) for column in value)
    columns = tuple(column for column in columns if column)
    if not 1 <= len(columns) <= COLUMNS or any(len(column) > ROWS for column in columns):
        raise InvalidInput(_("The footer has one to %(columns)s columns of at most %(rows)s rows.", columns=COLUMNS, rows=ROWS), "footer")
    named: set[str] = set()
    for row in (row for column in columns for row in column):
        if len(row) > ROW or any(ord(char) < 32 for char in row):
            raise InvalidInput(_("A row of the footer has at most %(n)s characters.", n=ROW), "footer")
        if unknown := sorted(names_in(row) - set(FOOTER)):
            raise InvalidInput(_("There is no placeholder {{%(name)s}}.", name=unknown[0]), "footer")
        if re.search(r"\{\{|\}\}|\{%|%\}", PLACEHOLDER.sub("", row)):
            raise InvalidInput(_("A placeholder is written as {{name}}; there are no expressions."), "footer")
        named |= names_in(row)
    if lacking := [name for name in NEEDED_FOOTER if name not in named]:
        raise InvalidInput(_("The law wants {{%(name)s}} on every invoice: put it into the footer.", name=lacking[0]), "footer")
    return columns


def filled_footer(layout: Layout, values: Mapping[str, str]) -> list[list[str]]:
    """The footer's rows; one whose placeholders are all empty is left out."""
    found = []
    for column in layout.footer:
        rows = []
        for row in column:
            names = names_in(row)
            if not names or any(values[name] for name in names):
                rows.append(" ".join(PLACEHOLDER.sub(lambda match: values[match[1]], row).split()))
        found.append(rows)
    return found


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n:n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
