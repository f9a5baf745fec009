"""The system's Chromium. `python -m tests.support.chromium` makes sure that there is one (as root, with apt-get)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage", "--disable-extensions",
    "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication", "--metrics-recording-only", "--mute-audio",
    "--force-color-profile=srgb", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
HELP = "The browser tests need Chromium. Install it: apt-get install chromium"


def find() -> str | None:
    wanted = os.environ.get("CHROMIUM")
    return next((path for name in ((wanted,) if wanted else NAMES) if (path := shutil.which(name))), None)


def ensure() -> str:
    """Path of a Chromium; installs it when we are root. SystemExit with what to do otherwise."""
    path = find()
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print("– Chromium is missing: apt-get installs it", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]):
            answer = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            if answer.returncode:
                print(answer.stdout.decode(errors="replace")[-2000:], file=sys.stderr)
                break
        path = find()
    if path is None:
        raise SystemExit(HELP)
    return path


if __name__ == "__main__":
    print(f"– browser: {ensure()}")
