"""The banks, one file each: a file `b<code>.py` is found by its name. How to add one: README.md."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from plugins.boleto.banks.base import BadNumbers, Bank, Numbers

__all__ = ["BadNumbers", "Bank", "Numbers", "all_banks", "bank"]


@cache
def all_banks() -> dict[str, Bank]:
    """{code: bank}, by code."""
    found: dict[str, Bank] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name[:1] == "b" and module.name[1:].isdigit():
            for item in vars(importlib.import_module(f"{__name__}.{module.name}")).values():
                if isinstance(item, type) and issubclass(item, Bank) and item.__dict__.get("code") == module.name[1:]:
                    found[item.code] = item()
    return dict(sorted(found.items()))


def bank(code: str) -> Bank:
    """KeyError for a bank that there is no file for."""
    return all_banks()[code]
