"""Finds what the slices bring by the names of their files: a slice adds a file, not an entry somewhere else."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from types import ModuleType

SLICES = ("system", "catalog", "customers", "licenses", "billing", "receivables", "housekeeping", "exchange", "statistics", "api",
          "chat", "website", "portal", "admin")


def parts(name: str) -> Iterator[ModuleType]:
    """The module `name` of each slice that has one, in the order of the layers."""
    return iter([importlib.import_module(f"app.{part}.{name}") for part in SLICES
                 if importlib.util.find_spec(f"app.{part}") and importlib.util.find_spec(f"app.{part}.{name}")])
