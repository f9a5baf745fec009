"""Tables that every slice writes to: protocol, settings, job runs, mail, documents."""

from __future__ import annotations

import enum
from datetime import date, datetime
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.secrets import SecretType
from app.core.states import name_states
from app.core.types import BigId, Json, UTCDateTime, words
from app.system.outbox import OutboxRow


class ProtocolKind(enum.Enum):
    CUSTOMER_MAIL = "customer_mail"
    CUSTOMER = "customer"
    LICENSE = "license"
    BILLING = "billing"
    JOB_ERROR = "job_error"
    SETTINGS = "settings"
    SECURITY = "security"


class ProtocolEntry(Model):
    """Append-only: who did what, on whose behalf, old and new, when, from where."""

    __tablename__ = "protocol_entry"
    __table_args__ = (Index(None, "subject_type", "subject_id"), Index(None, "customer_id", "at"), Index(None, "kind", "at"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    kind: Mapped[ProtocolKind] = mapped_column(words(ProtocolKind))
    action: Mapped[str] = mapped_column(String(40))
    subject_type: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    subject: Mapped[str] = mapped_column(String(160), default="")
    customer_id: Mapped[int | None] = mapped_column(BigInteger)      # no key: the protocol outlives what it tells of
    actor_kind: Mapped[str] = mapped_column(String(12))
    actor_name: Mapped[str] = mapped_column(String(80))
    on_behalf: Mapped[str | None] = mapped_column(String(80))
    origin: Mapped[str | None] = mapped_column(String(45))
    changes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)   # field → [old, new]
    note: Mapped[str] = mapped_column(Text, default="")


class SettingValue(Model):
    """One setting that differs from its default; what may stand here is declared in `settings.py`."""

    __tablename__ = "setting_value"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[Any] = mapped_column(Json)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, onupdate=clock.now)


class RunState(enum.Enum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    HELD = "held"
    CANCELLED = "cancelled"


class Claimable:
    """A row that one worker works on at a time. `claim` rises with each take-over: every commit checks it."""

    state: Mapped[RunState] = mapped_column(words(RunState), default=RunState.WAITING)
    claim: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    error: Mapped[str] = mapped_column(Text, default="")


class JobRun(Claimable, Model):
    """One run of a job for a period; runs by hand add `+2`, `+3` … to the period. Dry runs add `?`."""

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("job", "period"), Index(None, "state"))

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(String(80))
    period: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    requested_by: Mapped[str] = mapped_column(String(80), default="")
    dry_run: Mapped[bool] = mapped_column(default=False)
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    planned: Mapped[bool] = mapped_column(default=False)
    done: Mapped[int] = mapped_column(default=0)
    of: Mapped[int] = mapped_column(default=0)
    held_because: Mapped[str] = mapped_column(Text, default="")
    approved_by: Mapped[str | None] = mapped_column(String(80))

    parts: Mapped[list[JobPart]] = relationship(back_populates="run", cascade="all, delete-orphan", passive_deletes=True)

    def __str__(self) -> str:
        return f"{self.job} {self.period}"


class JobPart(Claimable, Model):
    __tablename__ = "job_part"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("job_run.id", ondelete="CASCADE"))
    number: Mapped[int]
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)

    run: Mapped[JobRun] = relationship(back_populates="parts")


class JobNote(Model):
    """What a run could not do, or would do in a dry run, line by line: never skipped in silence."""

    __tablename__ = "job_note"
    __table_args__ = (Index(None, "run_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("job_run.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))          # "failed", "would", "held"
    subject: Mapped[str] = mapped_column(String(160))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)


class Mark(Model):
    """Small facts of the installation: the clock's high-water mark, the last intake of payments, the instance id."""

    __tablename__ = "mark"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, onupdate=clock.now)


class EventFailure(Model):
    """A plugin's reaction that raised: what it should have heard, kept until somebody repeats it."""

    __tablename__ = "event_failure"

    id: Mapped[int] = mapped_column(primary_key=True)
    plugin: Mapped[str] = mapped_column(String(40))
    event: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    error: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    repeated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class DocumentKind(enum.Enum):
    INVOICE = "invoice"
    E_INVOICE = "e_invoice"
    REMINDER = "reminder"
    STATEMENT = "statement"
    UPLOAD = "upload"
    DATA_COPY = "data_copy"     # of a customer's data, for him; goes by itself


class Document(Model):
    """A stored file: its bytes lie in the document store under `path`, never change, and have this SHA-256."""

    __tablename__ = "document"
    __table_args__ = (Index(None, "customer_id"), Index(None, "folder"))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(words(DocumentKind))
    folder: Mapped[str] = mapped_column(String(200), default="")
    title: Mapped[str] = mapped_column(String(200))
    file_name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(80))
    path: Mapped[str] = mapped_column(String(250), unique=True)
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    retain_until: Mapped[date | None]

    def __str__(self) -> str:
        return self.title


class MailMessage(OutboxRow, Model):
    """Mail outbox: at most one row per purpose, at least one attempt, unclear deliveries shown."""

    __tablename__ = "mail_message"
    __table_args__ = (Index(None, "customer_id"), Index("ix_mail_message_waiting", "due_at", postgresql_where=text("state = 'waiting'")))

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)        # the purpose: the same one is written once
    kind: Mapped[str] = mapped_column(String(40))                     # "invoice", "welcome", "reminder" …
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    sealed: Mapped[str | None] = mapped_column(SecretType)            # values of {{names}} in the body, put in while it is sent
    message_id: Mapped[str] = mapped_column(String(120))
    customer_id: Mapped[int | None] = mapped_column(BigInteger)
    document_ids: Mapped[list[int]] = mapped_column(Json, default=list)
    resend_when_unsure: Mapped[bool] = mapped_column(default=True)    # a reminder is not: staff is asked

    def __str__(self) -> str:
        return self.subject


name_states({
    RunState.WAITING: (_l("Waiting"), "info"), RunState.RUNNING: (_l("Running"), "info"), RunState.DONE: (_l("Done"), "ok"),
    RunState.FAILED: (_l("Failed"), "bad"), RunState.HELD: (_l("Waits for you"), "warn"), RunState.CANCELLED: (_l("Cancelled"), ""),
    ProtocolKind.CUSTOMER_MAIL: (_l("Customer e-mail"), ""), ProtocolKind.CUSTOMER: (_l("Customer"), ""),
    ProtocolKind.LICENSE: (_l("License"), ""), ProtocolKind.BILLING: (_l("Billing"), ""), ProtocolKind.JOB_ERROR: (_l("Job error"), "bad"),
    ProtocolKind.SETTINGS: (_l("Settings"), ""), ProtocolKind.SECURITY: (_l("Security"), ""),
    DocumentKind.INVOICE: (_l("Invoice"), ""), DocumentKind.E_INVOICE: (_l("E-invoice"), ""), DocumentKind.REMINDER: (_l("Reminder"), ""),
    DocumentKind.STATEMENT: (_l("Statement"), ""), DocumentKind.UPLOAD: (_l("Upload"), ""), DocumentKind.DATA_COPY: (_l("Copy of data"), ""),
})
