"""`python -m tests.fuzz [name …] [--seconds 60] [--runs N]`: each target in a process of its own, then a table. `make fuzz SECONDS=60 ONLY=camt,cnab`.

What was found lies in build/fuzz/NAME/found/ with its traceback; the inputs that reached something new are kept in build/fuzz/NAME/corpus/
and begin the next run. Ends with 1 when something was found.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.fuzz import child

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "fuzz"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Every parser of what comes from outside, under a coverage-guided fuzzer.")
    parser.add_argument("only", nargs="*", metavar="name", help="targets; all when left out")
    parser.add_argument("--seconds", type=int, default=60, help="of each target")
    parser.add_argument("--runs", type=int, default=-1, help="inputs of each target at most")
    options = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: “make fuzz” installs it (Linux, Python 3.11 to 3.13).", file=sys.stderr)
        return 2
    targets = child.prepare()
    names = [name for word in options.only for name in word.replace(",", " ").split()] or list(targets)
    if unknown := [name for name in names if name not in targets]:
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(targets)}")
    print(f"{'target':<16}{'inputs':>10}{'/s':>8}{'taken':>9}{'slowest':>9}{'memory':>9}  found", flush=True)
    bad = 0
    for name in names:
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "figures.json").unlink(missing_ok=True)
        bad += _line(name, folder, _forked(name, targets[name], folder, options.seconds, options.runs))
    return 1 if bad else 0


def _forked(name: str, target: Any, folder: Path, seconds: int, runs: int) -> int:
    """Its exit code."""
    pid = os.fork()
    if pid == 0:
        log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        try:
            child.fuzz(name, target, folder, seconds, runs)
        finally:
            os._exit(3)         # it has not even begun
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _line(name: str, folder: Path, code: int) -> int:
    try:
        figures = json.loads((folder / "figures.json").read_text())
    except (OSError, ValueError):
        print(f"{name:<16} did not start: {folder / 'log.txt'}", flush=True)
        return 1
    inputs = figures["taken"] + figures["refused"] + figures["failed"]
    places = figures["places"] + ([f"ended with {code}: {folder / 'log.txt'}"] if code else [])
    print(f"{name:<16}{inputs:>10,}{inputs / max(figures['seconds'], 0.1):>8,.0f}{figures['taken'] / max(inputs, 1):>8.0%}{figures['slowest']:>8.2f}s{figures['megabytes']:>6.0f} MB  {'; '.join(places) or '–'}", flush=True)
    return len(places)


if __name__ == "__main__":
    sys.exit(main())
