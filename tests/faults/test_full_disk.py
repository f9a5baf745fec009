"""A real disk that is full at each point of a write: it is said, nothing is half there, and the repeat after room was made ends as usual."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.core.errors import DomainError
from app.exchange import exports
from app.exchange.models import ExportRun, Format, RunState, Schedule, What
from app.housekeeping.invariants import broken
from app.receivables.bank.intake import take_file
from app.receivables.bank_models import BankFile
from app.system import backup
from app.system.backup_stream import BackupError
from app.system.models import Document
from tests.faults.killing import only_make_faults
from tests.faults.month import make_provider
from tests.operations.conftest import BACKUP_KEYS
from tests.receivables.bank_files import entry, message

pytestmark = [pytest.mark.faults, pytest.mark.sqlite_only, only_make_faults]
ROOMY, BALLAST = 64 * 1024, 8       # kB


class Disk:
    """A file system in memory of its own. `room(kB)` says how much may lie on it beside the ballast that is there."""

    def __init__(self, place: Path):
        self.place = place
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOMY}k", "ptt-test", place], check=True, capture_output=True)
        (place / "ballast").write_bytes(b"x" * BALLAST * 1024)

    def room(self, kilobytes: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={BALLAST + kilobytes}k", self.place], check=True, capture_output=True)

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.place)) for path in self.place.rglob("*") if path.is_file() and path.name != "ballast")

    def close(self) -> None:
        subprocess.run(["umount", "-l", self.place], check=False, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    try:
        made = Disk(tmp_path / "disk")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a disk")
    yield made
    made.close()


def export(kind: Format, target: str = "") -> Callable[[], bool]:
    profile = exports.save_profile(None, name="Accounts", what=What.LICENSES, chosen=["license_id", "user_name", "tariff"], format=kind, deleted_too=False,
                                   schedule=Schedule.NEVER, hour=5, target=target, secret=None, active=True)
    run_id = exports.start(profile).id

    def work() -> bool:
        run = exports.perform(run_id)
        assert run.state is RunState.DONE or (run.state is RunState.FAILED and run.error)
        return run.state is RunState.DONE

    return work


def upload() -> bool:
    data = message(*[entry("7.00", f"Danke {n}", ref=f"A{n}") for n in range(60)])
    try:
        take_file("statement.xml", data)
    except DomainError as error:
        assert "full" in str(error) or "cannot be written" in str(error)
        assert db.session.scalar(select(func.count()).select_from(BankFile)) == 0
        return False
    return True


def copy() -> bool:
    try:
        backup.make_and_verify()
    except BackupError as error:
        assert "full" in str(error)
        assert backup.backups() == []
        return False
    return True


@pytest.mark.parametrize("what", ["export to a folder", "export to the documents", "export as a sheet", "temporary files of an export", "temporary files of a sheet", "upload", "backup"])
def test_the_disk_is_full(app, disk, monkeypatch, what):
    make_provider(customers=10, licenses=4)
    place = disk.place
    if "temporary" in what:
        monkeypatch.setattr(tempfile, "tempdir", str(place))
    elif what == "backup":
        app.config.update(PTT_BACKUP_KEYS=BACKUP_KEYS, BACKUP_URL=f"file://{place}")
    elif what == "export to a folder":
        app.config["EXPORT_FOLDER"] = str(place)
    else:
        app.config["DOCUMENTS_URL"] = f"file://{place}"
    work: Callable[[], bool] = {"upload": lambda: upload, "backup": lambda: copy}.get(
        what, lambda: export(Format.XLSX if "sheet" in what else Format.CSV, f"file://{place}" if "folder" in what else ""))()
    done = False
    for part in range(4):
        disk.room(4 * part if what != "backup" else 200 * part)
        if done := work():
            assert part, "something fits on a full disk"
            break
        db.session.rollback()
        assert disk.files() == [], f"left behind with {part} parts of room"
        assert broken() == []
    disk.room(ROOMY)
    assert done or work()
    assert broken() == []
    if "export" in what or "sheet" in what:
        assert db.session.scalars(select(ExportRun.state)).all() == [RunState.DONE]
    if what not in ("backup", "export to a folder") and "temporary" not in what:
        assert len(disk.files()) == db.session.scalar(select(func.count()).select_from(Document)) == 1
