"""`python -m tests.fuzz [name …] [--seconds 60] [--runs N]`: each target in a process of its own, then a table. `make fuzz SECONDS=60 ONLY=camt,cnab`.

What was found lies in build/fuzz/NAME/found/ with its traceback; the inputs that reached something new are kept in build/fuzz/NAME/corpus/
and begin the next run. Ends with 1 when something was found.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "fuzz"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Every parser of what comes from outside, under a coverage-guided fuzzer.")
    parser.add_argument("only", nargs="*", metavar="name", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="of each target")
    parser.add_argument("--runs", type=int, default=-1, help="inputs of each target at most")
    options = parser.parse_args()
    names = [name for word in options.only for name in word.replace(",", " ").split()] or list(TARGETS)
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: “make fuzz” installs it (Linux, Python 3.11 to 3.13).", file=sys.stderr)
        return 2
    bad = 0
    print(f"{'target':<16}{'inputs':>10}{'/s':>8}{'taken':>9}{'slowest':>9}{'memory':>9}  found")
    for name in names:
        folder = FOLDER / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "figures.json").unlink(missing_ok=True)
        with (folder / "log.txt").open("w") as log:
            done = subprocess.run([sys.executable, "-m", "tests.fuzz.child", name, str(folder), str(options.seconds), str(options.runs)], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=False)
        bad += _line(name, folder, done.returncode)
    return 1 if bad else 0


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
