"""Exports for financial accounting: a period in, files out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class ExportFile:
    """`document_id`: the plugin has put it into the archive itself (`app.system.documents`); else the core does."""

    name: str                                   # without folders
    media_type: str
    data: bytes = field(repr=False)
    document_id: int | None = None


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """`key` names the run: asked again with the same one (the worker was killed) an export gives the same files again.
    `again`: why staff wants once more what was exported already; empty for a run that is not such a repeat."""

    key: str
    first: date
    last: date                                  # included
    again: str = ""


class AccountingExport(ABC):
    """Staff chooses it with a period under “Accounting exports”; a worker runs it, its files are kept and downloaded there, several as one ZIP.

    `months`: only whole months, one at a time. `keeps_track`: it marks what it has given, and a further run of the same period gives only
    what is new; of the others a second run is a repeat, for which staff gives a reason. Only a period that is over is exported.
    """

    code: ClassVar[str]
    title: ClassVar[Any]
    help: ClassVar[Any] = ""
    months: ClassVar[bool] = False
    keeps_track: ClassVar[bool] = False

    @abstractmethod
    def files(self, request: ExportRequest) -> list[ExportFile]:
        """Everything of the period, at least one file. Called by a worker outside of any transaction. Raises a DomainError that says what is missing."""

    def preview(self, first: date, last: date) -> list[str]:
        """Sentences for staff before it runs: how much there is, what is odd. Changes nothing."""
        return []
