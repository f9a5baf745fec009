"""One target under atheris, in a process of its own that `tests/fuzz/__main__.py` forks.

Each input is measured: more than a second of one core, or a peak of memory of more than 256 MB beyond that of the first inputs, is a finding
like an error. A finding is written to `FOLDER/found/` once for each place in the code, and the run goes on.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

SECONDS, MEGABYTES = 1.0, 256
WARM = 200              # inputs until caches are filled
REPORT = 2.0            # seconds between two notes of where we are
# Modules whose branches the fuzzer sees: those that read; all of the product would take a minute to start.
FOLLOWED = ["app.receivables.bank", "app.exchange.lock_files", "app.system.uploads", "app.system.backup_stream", "app.system.mail_templates", "app.system.rich_text", "app.system.sms_parts", "app.system.passwords",
            "app.core.fields", "app.core.money", "app.customers.checks", "plugins.sepa.pain002", "plugins.sepa.xml", "plugins.boleto.barcode", "plugins.boleto.pix", "plugins.boleto.check_digits", "plugins.boleto.cnab",
            "plugins.ptt_soap", "plugins.paypal", "plugins.sms_http", "plugins.sms_smpp", "smpplib", "zipfile", "openpyxl.reader", "openpyxl.worksheet", "openpyxl.packaging", "openpyxl.cell"]


class TooSlow(AssertionError):
    """It took longer than a parser may."""


class TooLarge(AssertionError):
    """It took more memory than a parser may."""


class Run:
    """Counts, limits and findings of one target."""

    def __init__(self, name: str, target: Any, folder: Path):
        from tests.fuzz.target import outcome

        self.name, self.target, self.outcome, self.folder = name, target, outcome, folder
        self.counts = {"taken": 0, "refused": 0, "failed": 0}
        self.slowest, self.base, self.peak, self.noted = 0.0, 0.0, 0.0, 0.0
        self.places: set[str] = set()
        self.begin = time.monotonic()

    def one(self, data: bytes) -> None:
        begin = time.process_time()
        try:
            self.counts[self.outcome(self.target, data)] += 1
            self.measure(time.process_time() - begin)
        except Exception as error:
            self.counts["failed"] += 1
            self.keep(error, data)
        if time.monotonic() - self.noted > REPORT:
            self.note()

    def measure(self, took: float) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        done = sum(self.counts.values())
        if done < WARM:
            return
        if done == WARM:
            Path("/proc/self/clear_refs").write_text("5")       # forget the peak of the start
            self.base = self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            return
        grown, self.peak = peak - self.peak, max(self.peak, peak)
        if took > SECONDS:
            raise TooSlow(f"{took:.1f} s")
        self.slowest = max(self.slowest, took)
        if grown > MEGABYTES:
            raise TooLarge(f"{grown:.0f} MB")

    def keep(self, error: Exception, data: bytes) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        last = next((frame for frame in reversed(frames) if any(part in frame.filename for part in ("/app/", "/plugins/", "/tests/fuzz/"))), frames[-1])
        place = f"{type(error).__name__} {Path(last.filename).name}:{last.lineno}"
        if place in self.places or len(self.places) >= 50:
            return
        self.places.add(place)
        held = self.folder / "found"
        held.mkdir(exist_ok=True)
        name = hashlib.sha256(data).hexdigest()[:12]
        (held / f"{name}.bin").write_bytes(data)
        (held / f"{name}.txt").write_text("".join(traceback.format_exception(error))[-6000:])
        print(f"{self.name}: {place}: {str(error)[:160]} ({held / name}.bin)", flush=True)

    def note(self) -> None:
        self.noted = time.monotonic()
        (self.folder / "figures.json").write_text(json.dumps({
            **self.counts, "seconds": round(self.noted - self.begin, 1), "slowest": round(self.slowest, 3), "megabytes": round(self.peak - self.base, 1), "places": sorted(self.places)}))


def prepare() -> dict[str, Any]:
    """All targets, their parsers instrumented, in an application; once for all, then each target has a fork of it."""
    import atheris

    kept = os.dup(2)
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 2)        # it names every module
    try:
        with atheris.instrument_imports(include=FOLLOWED):
            from tests.fuzz.targets import TARGETS
            from tests.fuzz.world import build
    finally:
        os.dup2(kept, 2)
    app = build()
    app.app_context().push()
    app.test_request_context("/").push()
    return dict(TARGETS)


def fuzz(name: str, target: Any, folder: Path, seconds: int, runs: int) -> None:
    """Does not return: libFuzzer ends the process."""
    import atheris

    os.nice(15)
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / f"seed-{hashlib.sha256(seed).hexdigest()[:12]}").write_bytes(seed)
    (folder / "words.txt").write_text("".join('"' + "".join(f"\\x{octet:02x}" for octet in word) + '"\n' for word in target.words))
    run = Run(name, target, folder)

    def one(data: bytes) -> None:
        run.one(bytes(data))

    words = [f"-dict={folder / 'words.txt'}"] if target.words else []
    atheris.Setup([sys.argv[0], str(corpus), f"-max_total_time={seconds}", f"-runs={runs}", f"-max_len={target.longest}", "-timeout=60", "-rss_limit_mb=4096", f"-artifact_prefix={folder}/", "-print_final_stats=0", "-verbosity=0",
                   "-reload=0", *words], one)
    atheris.Fuzz()
