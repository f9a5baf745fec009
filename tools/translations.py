"""Translations of the core (translations/) and of every plugin (plugins/NAME/translations/).

`compile` makes the .mo files that are older than their .po (`make run` does it); `update` collects the strings of the
code and merges them into every language; `check` fails when a string is missing, fuzzy, has lost a placeholder or stands there in another language's words.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de", "pt_BR")         # English is the language of the code
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2),
            "npgettext": ((1, "c"), 2, 3), "lazy_pgettext": ((1, "c"), 2), "lazy_ngettext": (1, 2), "_n": (1, 2), "_c": ((1, "c"), 2)}
PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|%[sd]")


def owners() -> Iterator[tuple[Path, list[Path]]]:
    """(folder of the translations, folders of the code) for the core and each plugin."""
    yield ROOT / "translations", [ROOT / "app"]
    for folder in sorted((ROOT / "plugins").iterdir()):
        if (folder / "__init__.py").is_file():
            yield folder / "translations", [folder]


def po_files() -> Iterator[Path]:
    for folder, _sources in owners():
        yield from sorted(folder.glob("*/LC_MESSAGES/messages.po"))


def read(path: Path) -> Catalog:
    with path.open("rb") as handle:
        return read_po(handle, locale=path.parent.parent.name)


def compile_all() -> None:
    for path in po_files():
        target = path.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= path.stat().st_mtime_ns:
            continue
        fresh = target.with_suffix(".mo.new")
        with fresh.open("wb") as handle:
            write_mo(handle, read(path))
        fresh.replace(target)


def extract(sources: list[Path]) -> Catalog:
    with (ROOT / "tools" / "babel.cfg").open() as handle:
        methods, options = parse_mapping_cfg(handle)  # type: ignore[no-untyped-call]
    catalog = Catalog(project="PTT Admin", charset="utf-8")
    for source in sources:
        for name, line, message, comments, context in extract_from_dir(
                source, methods, options, keywords=KEYWORDS, comment_tags=("NOTE:",), strip_comment_tags=True):
            place = (source / name).relative_to(ROOT).as_posix()
            catalog.add(message, None, [(place, line)], auto_comments=comments, context=context)
    return catalog


def update_all() -> None:
    for folder, sources in owners():
        template = extract(sources)
        if not len(template):
            continue
        for language in LANGUAGES:
            path = folder / language / "LC_MESSAGES" / "messages.po"
            catalog = read(path) if path.exists() else Catalog(locale=language, project="PTT Admin", charset="utf-8", fuzzy=False)
            catalog.update(template, no_fuzzy_matching=True)
            catalog.fuzzy = False
            catalog.obsolete.clear()
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as handle:
                write_po(handle, catalog, width=120, sort_by_file=True, include_lineno=False, omit_header=False)
            print(f"{path.relative_to(ROOT)}: {sum(1 for message in catalog if message.id and not message.string)} to translate")


def faults() -> list[str]:
    """What is wrong with the translations, one line each."""
    found = []
    for folder, sources in owners():
        template = extract(sources)
        said: dict[Any, str] = {}        # by key and context
        for language in LANGUAGES:
            path = folder / language / "LC_MESSAGES" / "messages.po"
            if not path.exists():
                if len(template):
                    found.append(f"{path.relative_to(ROOT)} is missing")
                continue
            catalog = read(path)
            for message in template:
                if not message.id:
                    continue
                key = message.id[0] if isinstance(message.id, tuple) else message.id
                there = catalog.get(message.id, message.context)
                words = one_text(there.string if there else None)
                if there is None or not words:
                    found.append(f"{path.relative_to(ROOT)}: not translated: {key!r}")
                elif there.fuzzy:
                    found.append(f"{path.relative_to(ROOT)}: fuzzy: {key!r}")
                elif set(PLACEHOLDER.findall(one_text(message.id))) != set(PLACEHOLDER.findall(words)):
                    found.append(f"{path.relative_to(ROOT)}: other placeholders: {key!r}")
                elif len(PLACEHOLDER.sub("", words).split()) > 2 and words != key:       # a sentence is not the same in two languages: one was pasted into both
                    if language != LANGUAGES[0] and said.get((key, message.context)) == words:
                        found.append(f"{path.relative_to(ROOT)}: as in another language: {key!r}")
                    said.setdefault((key, message.context), words)
    return found


def one_text(words: str | Iterable[str] | None) -> str:
    """Singular and plural forms as one text; empty when a form is missing."""
    if words is None or isinstance(words, str):
        return words or ""
    forms = list(words)
    return " ".join(forms) if all(forms) else ""


def main(arguments: list[str]) -> int:
    command = arguments[0] if arguments else ""
    if command == "compile":
        compile_all()
    elif command == "update":
        update_all()
        compile_all()
    elif command == "check":
        problems = faults()
        print("\n".join(problems) or "All strings are translated.")
        return 1 if problems else 0
    else:
        print("translations.py compile|update|check", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
