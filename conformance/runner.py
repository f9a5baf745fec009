"""Reads topic files, hands each case to the adapter of its topic, judges what comes back.

A topic file is `{"topic": …, "cases": [{"id", "kind", "input", "expect", …}]}`. The adapter is the module
`conformance.topics.<topic>` with `check(case, files) -> {key of expect: Verdict}`. A key of `expect` without a verdict
makes the case fail as not understood; a topic without a module is not yet applicable.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import re
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAX_SHOWN = 400         # characters of a value in the report
Check = Callable[[dict[str, Any], Path], "dict[str, Verdict]"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the product did what one key of `expect` asks, and what it did."""

    ok: bool
    got: Any


class NotUnderstood(Exception):
    """The case describes something that the adapter cannot build or judge. Counts as a failure."""


@dataclass(slots=True)
class Report:
    """One topic. `failures` are (id, key, expected, got)."""

    topic: str
    cases: int
    passed: list[str] = field(default_factory=list)
    failures: list[tuple[str, str, Any, Any]] = field(default_factory=list)
    applicable: bool = True
    seconds: float = 0.0

    @property
    def failed(self) -> list[str]:
        return list(dict.fromkeys(failure[0] for failure in self.failures))


def adapter(topic: str) -> Check | None:
    """The topic's `check`, None when the product has no such feature yet."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", topic):
        return None
    name = f"conformance.topics.{topic}"
    if importlib.util.find_spec(name) is None:
        return None
    found: Check = importlib.import_module(name).check
    return found


def judge(case: dict[str, Any], check: Check, files: Path) -> list[tuple[str, str, Any, Any]]:
    """Failures of one case; none means passed."""
    case_id = str(case.get("id", "?"))
    expect = case.get("expect")
    if not isinstance(expect, dict) or not expect:
        return [(case_id, "expect", "an object with at least one key", expect)]
    try:
        verdicts = check(case, files)
    except NotUnderstood as problem:
        return [(case_id, "(case)", expect, f"not understood: {problem}")]
    except Exception as problem:
        where = traceback.extract_tb(problem.__traceback__)[-1]
        return [(case_id, "(case)", expect,
                 f"{type(problem).__name__}: {problem} ({Path(where.filename).name}:{where.lineno})")]
    failures = []
    for key, expected in expect.items():
        verdict = verdicts.get(key)
        if verdict is None:
            failures.append((case_id, key, expected, "not understood: nothing judges this key"))
        elif not verdict.ok:
            failures.append((case_id, key, expected, verdict.got))
    return failures


def run_topic(data: dict[str, Any], files: Path, only: str = "") -> Report:
    topic = str(data["topic"])
    cases = [case for case in data["cases"] if only in str(case.get("id", ""))]
    report = Report(topic, len(cases))
    try:
        check = adapter(topic)
    except Exception as problem:
        report.failures = [(str(case.get("id", "?")), "(adapter)", "an adapter that loads", f"{type(problem).__name__}: {problem}")
                           for case in cases]
        return report
    if check is None:
        report.applicable = False
        return report
    facts = getattr(importlib.import_module(check.__module__), "expected", None)
    if facts is not None:       # cases of this topic may tell what they expect elsewhere
        cases = [case if "expect" in case else {**case, "expect": facts(case)} for case in cases]
    began = time.perf_counter()
    for case in cases:
        failures = judge(case, check, files)
        report.failures += failures
        if not failures:
            report.passed.append(str(case.get("id", "?")))
    report.seconds = time.perf_counter() - began
    return report


def read_topics(folder: Path) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """(topics, names of JSON files that hold no cases, problems)"""
    topics, others, problems = [], [], []
    for path in sorted(folder.glob("*.json")):
        try:
            data = json.loads(path.read_text("utf-8"))
        except ValueError as problem:
            problems.append(f"{path.name} is no JSON: {problem}")
            continue
        if isinstance(data, dict) and "topic" in data and isinstance(data.get("cases"), list):
            topics.append(data)
        else:
            others.append(path.name)
    return topics, others, problems


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def write(report: Report) -> str:
    if not report.applicable:
        return f"{report.topic}: not yet applicable ({report.cases} cases)"
    lines = [f"{report.topic}: {len(report.passed)} passed, {len(report.failed)} failed"
             f" ({report.cases} cases, {report.seconds:.1f} s)"]
    for case_id, key, expected, got in report.failures:
        lines += [f"  FAILED {case_id}  {key}", f"    expected  {_shown(expected)}", f"    got       {_shown(got)}"]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """0: all passed. 1: a case failed or a file is broken. 2: there is nothing to run."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder with topic files and files/")
    parser.add_argument("--topic", default="", help="only this topic")
    parser.add_argument("--id", default="", help="only cases whose id contains this")
    arguments = parser.parse_args(argv)
    topics, others, problems = read_topics(arguments.folder)
    topics = [t for t in topics if arguments.topic in ("", t["topic"])]
    if not topics and not problems:
        print(f"There is no topic file in {arguments.folder}.")
        return 2
    reports = []
    for data in topics:
        report = run_topic(data, arguments.folder / "files", arguments.id)
        reports.append(report)
        print(write(report), flush=True)
    for name in others:
        print(f"{name}: a table, no cases")
    for problem in problems:
        print(f"FAILED {problem}")
    passed, failed = sum(len(r.passed) for r in reports), sum(len(r.failed) for r in reports)
    waiting = [r.topic for r in reports if not r.applicable]
    print(f"total: {passed} passed, {failed} failed, {len(waiting)} topics not yet applicable")
    return 1 if failed or problems else 0
