"""Figures: printed one a line, each with the target it is held against."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`what` and value as they are printed: `fee-run one process ratio 1.27`. Met when `at_most` / `at_least` holds."""

    what: str
    value: float
    digits: int = 2
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool:
        shown = round(self.value, self.digits)
        return (self.at_most is None or shown <= self.at_most) and (self.at_least is None or shown >= self.at_least)

    def __str__(self) -> str:
        return f"{self.what} {self.value:.{self.digits}f}{' ' + self.unit if self.unit else ''}"

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}" if self.at_least is not None else "no target"


def say(text: str) -> None:
    """A remark beside the figures."""
    print(f"# {text}", flush=True)


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def median(values: Iterable[float]) -> float:
    return statistics.median(values)
