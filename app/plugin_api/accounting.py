"""Exports for financial accounting: a period in, files out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class ExportFile:
    name: str                                   # without folders
    media_type: str
    data: bytes = field(repr=False)


class AccountingExport(ABC):
    """Staff chooses it with a period under “Accounting exports” and gets its files, several as one ZIP."""

    code: ClassVar[str]
    title: ClassVar[Any]

    @abstractmethod
    def files(self, first: date, last: date) -> list[ExportFile]:
        """Everything from `first` to `last`, both included. Raises a DomainError that says what is missing."""
