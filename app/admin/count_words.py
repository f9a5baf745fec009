"""What a job counts, in the reader's language. A plugin's own words stand as the plugin wrote them."""

from __future__ import annotations

from flask_babel import lazy_pgettext as _c

from app.core import formats

WORDS = {
    "allocated": _c("count", "allocated"), "announced": _c("count", "announced"), "asked": _c("count", "asked"), "batches": _c("count", "batches"),
    "callbacks": _c("count", "callbacks"), "charges": _c("count", "charges"), "collected": _c("count", "collected"), "completed": _c("count", "completed"),
    "customers ended": _c("count", "customers ended"), "customers purged": _c("count", "customers purged"), "deleted": _c("count", "deleted"),
    "demands": _c("count", "demands"), "demands reminded": _c("count", "demands reminded"), "direct debits": _c("count", "direct debits"),
    "documents": _c("count", "documents"), "done": _c("count", "done"), "ended": _c("count", "ended"), "entries": _c("count", "entries"),
    "entries to make": _c("count", "entries to make"), "expired": _c("count", "expired"), "expiring": _c("count", "expiring"), "failed": _c("count", "failed"),
    "files": _c("count", "files"), "found": _c("count", "found"), "held": _c("count", "held"), "issued": _c("count", "issued"),
    "kilobytes": _c("count", "kilobytes"), "lawyer files": _c("count", "lawyer files"), "left": _c("count", "left"), "letters": _c("count", "letters"),
    "letters due": _c("count", "letters due"), "letters to make": _c("count", "letters to make"), "license rows": _c("count", "license rows"),
    "licenses deleted": _c("count", "licenses deleted"), "licenses locked": _c("count", "licenses locked"), "licenses removed": _c("count", "licenses removed"),
    "licenses settled": _c("count", "licenses settled"), "licenses to delete": _c("count", "licenses to delete"),
    "licenses unlocked": _c("count", "licenses unlocked"), "locked": _c("count", "locked"), "looked at": _c("count", "looked at"), "made": _c("count", "made"),
    "manual lines": _c("count", "manual lines"), "not locked": _c("count", "not locked"), "off": _c("count", "off"), "payment": _c("count", "payment"),
    "prepaid invoices": _c("count", "prepaid invoices"), "prepaid periods": _c("count", "prepaid periods"), "printed": _c("count", "printed"),
    "queued": _c("count", "queued"), "registrations deleted": _c("count", "registrations deleted"), "released": _c("count", "released"),
    "removed": _c("count", "removed"), "rendered": _c("count", "rendered"), "return": _c("count", "return"), "revenue rows": _c("count", "revenue rows"),
    "rows": _c("count", "rows"), "servers not read": _c("count", "servers not read"), "settled": _c("count", "settled"), "statements": _c("count", "statements"),
    "statements to print": _c("count", "statements to print"), "strays removed": _c("count", "strays removed"), "tariffs changed": _c("count", "tariffs changed"),
    "to review": _c("count", "to review"), "unlocked": _c("count", "unlocked"), "without a report": _c("count", "without a report"),
    "would issue": _c("count", "would issue"), "would render": _c("count", "would render"), "written off": _c("count", "written off"),
}


def counts_text(counts: dict[str, int] | None) -> str:
    """`{"licenses_locked": 3, "failed": 1}` as people read it."""
    return ", ".join(f"{WORDS.get(name := key.replace('_', ' '), name)} {formats.number(n)}" for key, n in (counts or {}).items()) or formats.NOTHING
