"""Finds what the slices bring by the names of their files: a slice adds a file, not an entry somewhere else."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from types import ModuleType

SLICES = ("system", "catalog", "customers", "licenses", "billing", "receivables", "housekeeping", "exchange", "statistics", "api",
          "chat", "website", "portal", "admin")


def parts(name: str) -> Iterator[ModuleType]:
    """The module `name` of each slice that has one, in the order of the layers."""
    return iter([importlib.import_module(f"app.{part}.{name}") for part in SLICES
                 if importlib.util.find_spec(f"app.{part}") and importlib.util.find_spec(f"app.{part}.{name}")])


def models() -> None:
    """Import all tables: `models.py` of each slice, and the files beside it that are called `<topic>_models.py`."""
    for part in SLICES:
        spec = importlib.util.find_spec(f"app.{part}")
        for found in pkgutil.iter_modules(spec.submodule_search_locations if spec else []):
            if found.name == "models" or found.name.endswith("_models"):
                importlib.import_module(f"app.{part}.{found.name}")
