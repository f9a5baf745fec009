"""Look of the website from settings: two colours that are checked for contrast, a font. Pure: texts in, CSS out."""

from __future__ import annotations

import re

from flask_babel import gettext as _

from app.core.errors import InvalidInput

HEX = re.compile(r"#[0-9a-fA-F]{6}")
LEAST = 4.5             # WCAG 2.2 AA, 1.4.3
LIGHT = ("#ffffff", "#f5f7f8")      # text on the colour; page behind it
DARK = ("#0b1a1c", "#10161b")
FONTS = {"inter": "", "system": "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, sans-serif",
         "serif": "Georgia, 'Noto Serif', 'Liberation Serif', 'Times New Roman', serif", "round": "ui-rounded, 'Nunito', 'Varela Round', 'Segoe UI', system-ui, sans-serif"}


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.2)."""
    channels = [int(colour[start:start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """1 to 21."""
    bright, dim = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def mixed(colour: str, ground: str, share: float) -> str:
    """`share` of `colour` on `ground`."""
    parts = [round(int(colour[s:s + 2], 16) * share + int(ground[s:s + 2], 16) * (1 - share)) for s in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def check_colour(colour: str, dark: bool, field: str) -> None:
    """Raises InvalidInput: no colour, or text in it or on it could not be read."""
    if not HEX.fullmatch(colour):
        raise InvalidInput(_("Write the colour as # and six digits, for example #0b6870."), field)
    inverse, ground = DARK if dark else LIGHT
    worst = min(contrast(colour, other) for other in (inverse, ground, mixed(colour, ground, 0.08)))
    if worst < LEAST:
        raise InvalidInput(_("This colour is too %(way)s: its contrast is %(n)s to 1, and text needs 4.5 to 1.", way=_("dark") if dark else _("light"), n=f"{worst:.1f}"), field)


def css(accent: str, accent_dark: str, font: str) -> str:
    """The rules that stand after the tokens."""
    def pair(light: str, dark: str) -> str:
        return f"light-dark({light}, {dark})"

    rules = [f"--accent: {pair(accent, accent_dark)}", f"--accent-hover: {pair(mixed(accent, '#000000', 0.82), mixed(accent_dark, '#ffffff', 0.75))}",
             f"--accent-text: {pair(accent, accent_dark)}", f"--accent-soft: {pair(mixed(accent, LIGHT[1], 0.08), mixed(accent_dark, DARK[1], 0.08))}", f"--focus: {pair(accent, accent_dark)}"]
    if FONTS.get(font):
        rules.append(f"--font: {FONTS[font]}")
    return ":root { " + "; ".join(rules) + "; }\n"
