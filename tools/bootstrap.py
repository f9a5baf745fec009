"""Builds the environment: `.venv` from a lock file with hashes, static files from npm, translations.

`python tools/bootstrap.py run` for using the product, `… test` for developing and testing it, `… bench` for the
benchmarks' peers too, `… fuzz` for the fuzzer; `… run --packages` stops after the packages. Runs with the standard library alone. A stamp in
`.venv` makes the second call quick.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"run": "requirements.lock", "test": "requirements-test.lock", "bench": "requirements-bench.lock", "fuzz": "requirements-fuzz.lock"}
LEVELS = list(LOCKS)        # each contains the ones before it


class Problem(Exception):
    """Something that the user has to do; its text says what."""


def say(text: str) -> None:
    print(f"– {text}", flush=True)


def run(*command: str | Path, quiet: bool = False, env: dict[str, str] | None = None) -> None:
    """Run in the project's folder; Problem when it fails."""
    try:
        subprocess.run([str(part) for part in command], cwd=ROOT, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE if quiet else None, stderr=subprocess.STDOUT if quiet else None,
                       env={**os.environ, **(env or {})})
    except FileNotFoundError:
        raise Problem(f"“{command[0]}” is not installed.") from None
    except subprocess.CalledProcessError as error:
        output = error.stdout.decode(errors="replace") if error.stdout else ""
        raise Problem(f"{output}\nThis command failed: {' '.join(map(str, command))}") from None


def fingerprint(level: str) -> str:
    """Changes when the lock, the project's entry points or the Python changes."""
    parts = [(ROOT / LOCKS[level]).read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version.encode(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def is_ready(level: str) -> bool:
    """A larger level serves a smaller one."""
    for name in LEVELS[LEVELS.index(level):]:
        stamp = VENV / f".ready-{name}"
        if stamp.is_file() and PYTHON.exists() and stamp.read_text() == fingerprint(name):
            return True
    return False


def make_venv() -> list[str | Path]:
    """An empty environment; returns the command that installs into it."""
    if works(PYTHON, "-m", "pip", "--version"):
        return [PYTHON, "-m", "pip"]
    say(f"environment for Python {sys.version.split()[0]} in .venv")
    if works(sys.executable, "-c", "import venv, ensurepip"):
        run(sys.executable, "-m", "venv", "--clear", VENV)
        return [PYTHON, "-m", "pip"]
    if works(sys.executable, "-m", "virtualenv", "--version"):
        run(sys.executable, "-m", "virtualenv", "--clear", VENV, quiet=True)
        return [PYTHON, "-m", "pip"]
    if works(sys.executable, "-m", "pip", "--python", sys.executable, "--version") and works(sys.executable, "-c", "import venv"):
        run(sys.executable, "-m", "venv", "--clear", "--without-pip", VENV)
        return [sys.executable, "-m", "pip", "--python", PYTHON]
    if os.geteuid() == 0 and works("apt-get", "--version"):
        say("python3-venv is missing: apt-get installs it")
        run("apt-get", "update", "-q", quiet=True)
        run("apt-get", "install", "-y", "-q", "--no-install-recommends", "python3-venv", quiet=True, env={"DEBIAN_FRONTEND": "noninteractive"})
        if works(sys.executable, "-c", "import venv, ensurepip"):
            run(sys.executable, "-m", "venv", "--clear", VENV)
            return [PYTHON, "-m", "pip"]
    raise Problem("This Python cannot make a virtual environment. Install what is missing and start again:\n"
                  "    sudo apt-get install python3-venv")


def works(*command: str | Path) -> bool:
    try:
        return subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def install(level: str) -> None:
    if is_ready(level):
        return
    pip = make_venv()
    for stamp in VENV.glob(".ready-*"):
        stamp.unlink()
    say(f"packages of {LOCKS[level]} (checked against their hashes; a few minutes the first time)")
    options = ["--quiet", "--quiet", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    run(*pip, "install", *options, "--require-hashes", "--only-binary", ":all:", "-r", LOCKS[level])
    register()
    (VENV / f".ready-{level}").write_text(fingerprint(level))


def register() -> None:
    """Make the tree itself an installed distribution (editable), so that its plugins are found by entry point.

    Done by hand, with what a wheel would hold: no build tool has to be fetched to run the product.
    """
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    purelib = subprocess.run([str(PYTHON), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True,
                             capture_output=True, text=True).stdout.strip()
    site = Path(purelib)
    for old in (*site.glob("pttadmin-*.dist-info"), *site.glob("__editable__*pttadmin*"), *site.glob("_pttadmin.pth")):
        for file in sorted(old.rglob("*"), reverse=True) if old.is_dir() else ():
            file.rmdir() if file.is_dir() else file.unlink()
        old.rmdir() if old.is_dir() else old.unlink()
    (site / "_pttadmin.pth").write_text(f"{ROOT}\n")
    info = site / f"pttadmin-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: pttadmin\nVersion: {project['version']}\n")
    (info / "INSTALLER").write_text("tools/bootstrap.py\n")
    points = {"console_scripts": project.get("scripts", {}), **project.get("entry-points", {})}
    (info / "entry_points.txt").write_text(
        "\n".join(f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in items.items()) + "\n" for group, items in points.items()))
    (info / "RECORD").write_text("\n".join([f"{info.name}/{name},," for name in ("METADATA", "INSTALLER", "entry_points.txt", "RECORD")]
                                           + ["_pttadmin.pth,,"]) + "\n")
    for name, value in project.get("scripts", {}).items():
        module, _, function = value.partition(":")
        script = VENV / "bin" / name
        script.write_text(f"#!{PYTHON}\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n")
        script.chmod(0o755)


def main(arguments: list[str]) -> int:
    packages_only = "--packages" in arguments
    level = next((word for word in arguments if not word.startswith("-")), "run")
    if level not in LOCKS:
        print(f"bootstrap.py {'|'.join(LOCKS)} [--packages]", file=sys.stderr)
        return 2
    if sysconfig.get_platform().startswith("win"):
        print("PTT Admin runs on Linux and macOS.", file=sys.stderr)
        return 1
    try:
        install(level)
        if not packages_only:
            run(PYTHON, "tools/assets.py")
            run(PYTHON, "tools/translations.py", "compile")
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
