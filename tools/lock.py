"""Writes the lock files from the ranges in pyproject.toml: every package with version and hashes, for Python 3.11 to
3.13 on every platform. `make lock` keeps what is locked as far as the ranges allow; `make lock UPGRADE=1` takes the newest."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv" / "bin" / "uv"
HEADER = "# Made by `make lock` from pyproject.toml. Do not edit.\n"
EXTRAS = {
    "requirements.lock": ("postgres", "embedded"),
    "requirements-test.lock": ("postgres", "embedded", "test", "dev"),
    "requirements-bench.lock": ("postgres", "embedded", "test", "dev", "bench"),
    "requirements-fuzz.lock": ("postgres", "embedded", "test", "dev", "bench", "fuzz"),
}


def compile_lock(name: str, source: str, extras: tuple[str, ...], constraints: str | None, upgrade: bool) -> None:
    command = [str(UV), "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes",
               "--no-header", "--no-emit-index-url", "--output-file", name]
    for extra in extras:
        command += ["--extra", extra]
    if constraints:
        command += ["--constraint", constraints]
    if upgrade:
        command.append("--upgrade")
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    subprocess.run([*command, source], cwd=ROOT, check=True, env=environment)
    path = ROOT / name
    text = path.read_text()
    if re.search(r"https?://", text):
        raise SystemExit(f"{name} names a host. A lock file must not: packages come from the index of whoever installs.")
    # Which extra asked for it is known from pyproject.toml; the path of a constraint file is noise.
    text = "\n".join(line for line in text.splitlines() if "requirements" not in line or not line.lstrip().startswith("#")) + "\n"
    path.write_text(HEADER + text)


def main() -> None:
    upgrade = os.environ.get("UPGRADE") == "1"
    previous = None
    for name, extras in EXTRAS.items():
        compile_lock(name, "pyproject.toml", extras, previous, upgrade)
        previous = name
    compile_lock("requirements-node.lock", "tools/node.in", (), None, upgrade)


if __name__ == "__main__":
    main()
