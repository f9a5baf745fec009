"""Outside distributions: built, installed into a folder of their own, and used by processes of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.settings import ENCRYPTION_KEYS, ROOT, SECRET_KEY

BLOCK = re.compile(r"```python\n# file: (\S+)\n(.*?)```", re.S)

HEAD = """
from app.cli import ptt as commands
from app.factory import create_app

def ptt(line, of=None):
    with (of or app).app_context():
        done = (of or app).test_cli_runner().invoke(commands, line.split())
    print(done.output)
    if done.exception is not None:
        raise done.exception

app = create_app()
with app.app_context():
"""


def tutorial_files() -> dict[str, str]:
    """Path in the distribution → text, as docs/plugins.md has it."""
    return dict(BLOCK.findall((ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")))


class Environment:
    """A `site` folder and the product on the database `uri`, apart from the test's own process."""

    def __init__(self, folder: Path, uri: str):
        self.folder = folder
        self.site = folder / "site"
        self.uri = uri

    def install(self, distribution: Path) -> None:
        """Build the wheel and install it in place of an older one."""
        wheels = self.folder / "wheels"
        shutil.rmtree(wheels, ignore_errors=True)
        self._run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels), cwd=distribution)
        self.uninstall()
        self._run("uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--python", sys.executable, "--target", str(self.site), *map(str, wheels.glob("*.whl")))

    def uninstall(self) -> None:
        shutil.rmtree(self.site, ignore_errors=True)
        self.site.mkdir()

    def python(self, code: str) -> str:
        """Run `code` in an application context of one fresh process, where `ptt("plugin list")` runs a command; returns what it prints."""
        return self._run(sys.executable, "-c", HEAD + "".join(f"    {line}\n" for line in code.strip().splitlines()))

    def _run(self, *command: str, cwd: Path = ROOT) -> str:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        environment = {"PATH": path, "HOME": str(self.folder), "PYTHONPATH": f"{self.site}{os.pathsep}{ROOT}", "SECRET_KEY": SECRET_KEY, "PTT_ENCRYPTION_KEYS": ENCRYPTION_KEYS,
                       "DATABASE_URL": self.uri, "DOCUMENTS_URL": f"file://{self.folder / 'documents'}", "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=240)
        if done.returncode:
            raise AssertionError(f"{' '.join(command[:8])}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout
