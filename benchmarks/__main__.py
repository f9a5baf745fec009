"""`python -m benchmarks [name …] [options]`: run all benchmarks or the named ones, print figures, exit 1 when a target is missed.

A benchmark is a module of this package: `fee_run.py` is called `fee-run`. It has `run(options) -> list[Figure]`,
may have `add_options(parser)`, and prints remarks with `say`. What several share lies in `support/`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from types import ModuleType

import benchmarks
from benchmarks.support.figures import Figure, say


def names() -> list[str]:
    """Of all benchmarks, sorted."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.ispkg)
    return sorted(name.replace("_", "-") for name in found if name != "__main__")


def load(name: str) -> ModuleType | None:
    """The module, or None for one that is a script of its own."""
    module = importlib.import_module(f"benchmarks.{name.replace('-', '_')}")
    return module if hasattr(module, "run") else None


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", metavar="name", help="names as given by --list; all when left out")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full amount of data, for a quick look (0.1)")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the median counts")
    known = names()
    options, rest = parser.parse_known_args(arguments)
    if options.list:
        print("\n".join(known))
        return 0
    wanted = [name.replace("_", "-") for name in options.only or os.environ.get("ONLY", "").replace(",", " ").split()] or known
    if unknown := [name for name in wanted if name not in known]:
        parser.error(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}")
    modules = {name: module for name in wanted if (module := load(name)) is not None}
    for module in modules.values():
        if hasattr(module, "add_options"):
            module.add_options(parser)
    options = parser.parse_args(arguments)
    del rest
    figures: list[Figure] = []
    for name, module in modules.items():
        say(f"{name}: {(module.__doc__ or '').splitlines()[0]}")
        for figure in module.run(options):
            print(figure, flush=True)
            figures.append(figure)
    missed = [figure for figure in figures if not figure.met]
    for figure in missed:
        say(f"MISSED: {figure}, target {figure.target}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
