"""What must never be committed: private keys, generated secrets, names of package hosts in lock files, leftovers of a
merge, files that are too big. Reads the files that git knows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIGGEST = 1_000_000         # bytes
RULES = {
    "a private key": re.compile(r"-----BEGIN (?:RSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}"),
    "a generated secret": re.compile(r"^(?:SECRET_KEY|PTT_ENCRYPTION_KEYS)=[A-Za-z0-9+/=_:-]{30,}$", re.MULTILINE),
    "the mark of a merge": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
}
LOCK = re.compile(r'"resolved"|https?://(?!github\.com/sponsors|opencollective\.com)')


def tracked() -> list[Path]:
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [ROOT / name for name in answer.split("\0") if name]


def faults(files: list[Path]) -> list[str]:
    found = []
    for path in files:
        if not path.is_file():
            continue
        name = path.relative_to(ROOT).as_posix()
        if path.stat().st_size > BIGGEST:
            found.append(f"{name}: {path.stat().st_size} bytes")
        text = path.read_text(encoding="utf-8", errors="ignore")
        found += [f"{name}: {what}" for what, rule in RULES.items() if rule.search(text) and "check_tree" not in name]
        if name.endswith((".lock", "package-lock.json")) and LOCK.search(text):
            found.append(f"{name}: names a host")
    return found


if __name__ == "__main__":
    problems = faults(tracked())
    print("\n".join(problems) or "Nothing that must not be committed.")
    sys.exit(1 if problems else 0)
