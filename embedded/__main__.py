"""`python -m embedded stop` ends a running `run.py`; `python -m embedded reset [--yes]` deletes its data."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
from pathlib import Path

from embedded import redis
from embedded.processes import wait_until_gone

VAR = Path(os.environ.get("PTT_VAR") or Path(__file__).resolve().parent.parent / "var").resolve()
OURS = {"run.lock", "secrets.env", "first-start-begun", "first-start-done", "address", "ptt.db", "ptt.db-wal", "ptt.db-shm", "redis", "documents", "mail", "simulator", "log"}
PATIENCE = 60


def running() -> int | None:
    """Number of the process that holds the lock of var/."""
    try:
        with (VAR / "run.lock").open("r+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(handle.read().strip() or 0) or None
    except (FileNotFoundError, ValueError):
        return None
    return None


def stop() -> int:
    pid = running()
    if pid is None:
        print("PTT Admin is not running.")
        return 0
    os.kill(pid, signal.SIGTERM)
    if not wait_until_gone(pid, PATIENCE):
        print(f"Process {pid} did not end within {PATIENCE} s.", file=sys.stderr)
        return 1
    print("Stopped.")
    return 0


def reset(sure: bool) -> int:
    if not VAR.exists():
        print("There is no data.")
        return 0
    if running() is not None:
        print("PTT Admin is running. Stop it first (Ctrl-C, or “make stop”).", file=sys.stderr)
        return 1
    foreign = sorted(path.name for path in VAR.iterdir() if path.name not in OURS)
    if not sure:
        if not sys.stdin.isatty():
            print("Nothing was deleted. To delete without being asked: make reset YES=1", file=sys.stderr)
            return 1
        if input(f"Delete all data in {VAR}, secrets and documents included? Type yes: ").strip() != "yes":
            print("Nothing was deleted.")
            return 1
    redis.stop_leftover(VAR / "redis")
    for path in VAR.iterdir():
        if path.name in OURS:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    print(f"The data is deleted.{f' Left alone: {chr(44).join(foreign)}' if foreign else ''}")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded")
    parser.add_argument("what", choices=["stop", "reset"])
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    return stop() if options.what == "stop" else reset(options.yes)


if __name__ == "__main__":
    sys.exit(main())
