"""Writes the beginning of a plugin: `ptt plugin new NAME`. The files lie in `files/`, with «name», «Class» and «title» in them."""

from __future__ import annotations

import keyword
from pathlib import Path

from app.plugin_api.registry import NAME, RESERVED

FILES = Path(__file__).parent / "files"


def write_distribution(name: str, folder: Path, title: str = "") -> Path:
    """Make `folder`/pttadmin-«name» and return it. Raises ValueError for a name that cannot be, or a folder that is there."""
    if not NAME.fullmatch(name) or name in RESERVED or keyword.iskeyword(name):
        raise ValueError(f"“{name}” is no name for a plugin: 2 to 24 small letters, digits and _, and no word of Python or the core.")
    words = title.strip() or name.replace("_", " ").capitalize()
    if not words.isprintable() or set(words) & set('"\\{}'):
        raise ValueError("The title has characters that it must not have.")
    target = folder / f"pttadmin-{name.replace('_', '-')}"
    if target.exists():
        raise ValueError(f"{target} is there already.")
    values = {"«name»": name, "«Class»": "".join(part.capitalize() for part in name.split("_")), "«title»": words, "«dist»": target.name}
    for source in sorted(FILES.rglob("*.txt")):
        parts = [f"pttadmin_{name}" if part == "package" else part for part in source.relative_to(FILES).with_suffix("").parts]
        if parts[-1].endswith(".po"):
            parts.insert(-1, "LC_MESSAGES")
        text = source.read_text(encoding="utf-8")
        for mark, value in values.items():
            text = text.replace(mark, value)
        path = target.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return target
