"""Export profiles with their runs, and lock lists that were taken in with a result for each line."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.secrets import SecretType
from app.core.states import name_states
from app.core.types import BigId, Json, UTCDateTime, words
from app.system.models import Document


class What(enum.Enum):
    LICENSES = "licenses"
    CUSTOMERS = "customers"


class Format(enum.Enum):
    CSV = "csv"
    XLSX = "xlsx"
    JSON = "json"


class Schedule(enum.Enum):
    NEVER = "never"
    DAILY = "daily"
    WEEKLY = "weekly"           # on Mondays
    MONTHLY = "monthly"         # on the first


class ExportProfile(Model):
    """What is exported, how, when and where to. `target`: empty is the document manager, else a folder's address for fsspec."""

    __tablename__ = "export_profile"
    __protocol__ = "settings"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    what: Mapped[What] = mapped_column(words(What))
    columns: Mapped[list[str]] = mapped_column(Json)
    format: Mapped[Format] = mapped_column(words(Format), default=Format.CSV)
    deleted_too: Mapped[bool] = mapped_column(default=False)
    schedule: Mapped[Schedule] = mapped_column(words(Schedule), default=Schedule.NEVER)
    hour: Mapped[int] = mapped_column(default=5)                        # in the company's zone
    target: Mapped[str] = mapped_column(String(300), default="")
    secret: Mapped[str | None] = mapped_column(SecretType)              # password, or secret key
    active: Mapped[bool] = mapped_column(default=True)

    def __str__(self) -> str:
        return self.name


class RunState(enum.Enum):
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


class ExportRun(Model):
    """One file of a profile. `period` names what it is for: a day of the schedule, or the moment it was asked for by hand."""

    __tablename__ = "export_run"
    __table_args__ = (UniqueConstraint("profile_id", "period"), Index(None, "state"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    profile_id: Mapped[int] = mapped_column(ForeignKey("export_profile.id", ondelete="CASCADE"))
    period: Mapped[str] = mapped_column(String(30))
    state: Mapped[RunState] = mapped_column(words(RunState), default=RunState.WAITING)
    rows: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    file_name: Mapped[str] = mapped_column(String(120), default="")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_by: Mapped[str] = mapped_column(String(80), default="")

    profile: Mapped[ExportProfile] = relationship()
    document: Mapped[Document | None] = relationship()

    def __str__(self) -> str:
        return f"{self.profile} {self.period}"


class ImportState(enum.Enum):
    SEEN = "seen"               # shown to a person, nothing done
    TAKEN = "taken"             # a worker has it, or had
    DONE = "done"


class LineState(enum.Enum):
    WAITING = "waiting"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    WRONG = "wrong"


class LockImport(Model):
    """A list of licenses to lock or unlock for the external billing system. `repeats_id`: the same file, taken in again with a reason."""

    __tablename__ = "lock_import"
    __table_args__ = (Index(None, "sha256"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    file_name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[ImportState] = mapped_column(words(ImportState), default=ImportState.SEEN)
    lines: Mapped[int] = mapped_column(default=0)
    repeats_id: Mapped[int | None] = mapped_column(ForeignKey("lock_import.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    job_run_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    created_by: Mapped[str] = mapped_column(String(80), default="")
    actor: Mapped[dict[str, Any]] = mapped_column(Json)

    def __str__(self) -> str:
        return self.file_name


class LockLine(Model):
    """One line: whom it names, what is wanted, what came of it."""

    __tablename__ = "lock_line"
    __table_args__ = (UniqueConstraint("import_id", "number"), Index(None, "import_id", "state"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("lock_import.id", ondelete="CASCADE"))
    number: Mapped[int]                                                 # of the line in the file
    named: Mapped[str] = mapped_column(String(120), default="")
    lock: Mapped[bool] = mapped_column(default=True)
    note: Mapped[str] = mapped_column(String(200), default="")
    license_id: Mapped[int | None] = mapped_column(ForeignKey("license.id", ondelete="SET NULL"))
    state: Mapped[LineState] = mapped_column(words(LineState), default=LineState.WAITING)
    reason: Mapped[str] = mapped_column(String(200), default="")


name_states({
    What.LICENSES: (_l("Licenses"), ""), What.CUSTOMERS: (_l("Customers"), ""), Format.CSV: (_l("CSV"), ""), Format.XLSX: (_l("Excel (XLSX)"), ""), Format.JSON: (_l("JSON"), ""),
    Schedule.NEVER: (_l("By hand"), ""), Schedule.DAILY: (_l("Every day"), ""), Schedule.WEEKLY: (_l("Every Monday"), ""), Schedule.MONTHLY: (_l("On the first of the month"), ""),
    RunState.WAITING: (_l("Waiting"), "info"), RunState.DONE: (_l("Done"), "ok"), RunState.FAILED: (_l("Failed"), "bad"),
    ImportState.SEEN: (_l("Not taken in"), "warn"), ImportState.TAKEN: (_l("Being done"), "info"), ImportState.DONE: (_l("Done"), "ok"),
    LineState.WAITING: (_l("Waiting"), "info"), LineState.CHANGED: (_l("Changed"), "ok"), LineState.UNCHANGED: (_l("Was so already"), ""), LineState.WRONG: (_l("Not done"), "bad"),
})
