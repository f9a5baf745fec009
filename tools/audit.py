"""`make audit`: asks the databases of known weaknesses about the locked versions, Python and npm. Needs the network.

Exit code 1 when something is known, or when `STRICT=1` and a database could not be asked. Without the network it says so and ends well:
it is no part of `make test`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv" / "bin" / "uv"
OFFLINE = ("connectionerror", "connection error", "max retries", "timed out", "timeout", "name resolution", "name or service", "enotfound", "econnrefused", "etimedout", "econnreset", "eai_again",
           "network", "failed to fetch", "error sending request", "could not connect", "dns", "503", "502", "403", "404", "proxy", "service unavailable", "enoaudit", "not implemented")


def run(*command: str) -> tuple[int, str, str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, done.stdout, done.stderr


def judge_python(code: int, out: str, err: str) -> tuple[str, str]:
    """("clean" | "found" | "skipped", words) from what pip-audit said as JSON."""
    try:
        packages = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return "skipped", _last(err or out)
    found = [f"{item['name']} {item['version']}: {weak['id']} (fixed in {', '.join(weak['fix_versions']) or 'no version yet'})" for item in packages for weak in item.get("vulns", ())]
    if found:
        return "found", "\n".join(found)
    return ("clean", f"{len(packages)} packages") if code == 0 and packages else ("skipped", _last(err))


def judge_npm(code: int, out: str, err: str) -> tuple[str, str]:
    try:
        answer = json.loads(out)
        total = answer["metadata"]["vulnerabilities"]["total"]
    except (ValueError, KeyError, TypeError):
        return "skipped", _last(err or out)
    if total:
        return "found", "\n".join(f"{name}: {item['severity']}" for name, item in answer.get("vulnerabilities", {}).items())
    return "clean", f"{answer['metadata'].get('dependencies', {}).get('total', '?')} packages"


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and "complete log" not in line]
    return next((line for line in reversed(lines) if any(word in line.lower() for word in OFFLINE)), lines[-1] if lines else "no answer")[:200]


def main() -> None:
    worst = 0
    asked = {"Python": (judge_python, (str(UV), "tool", "run", "pip-audit", "--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off", "-r", "requirements.lock")),
             "npm": (judge_npm, ("npm", "audit", "--package-lock-only", "--json"))}
    for name, (judge, command) in asked.items():
        try:
            state, words = judge(*run(*command))
        except (OSError, subprocess.TimeoutExpired) as error:
            state, words = "skipped", type(error).__name__
        if state == "skipped":
            print(f"{name}: SKIPPED, the database of weaknesses could not be asked ({words}). Nothing is known about it.")
            worst = max(worst, int(os.environ.get("STRICT") == "1"))
        elif state == "found":
            print(f"{name}: known weaknesses\n{words}")
            worst = 1
        else:
            print(f"{name}: nothing known ({words})")
    sys.exit(worst)


if __name__ == "__main__":
    main()
