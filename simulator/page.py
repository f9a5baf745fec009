"""The page that shows what the server holds, what was asked of it, and its switches."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from simulator.rules import FAULT_CODES
from simulator.store import Store
from simulator.switches import OUTAGES, Panel, Switches

PAGE = 25
TABS = {"users": "Users", "groups": "Groups", "log": "Last calls", "switches": "Switches"}
DONE = {"set": "The switches are set.", "cleared": "All users, groups and counters are gone. The switches are off."}
OUTAGE_WORDS = {"": "none", "503": "answers 503", "html500": "answers 500 with a web page",
                "refuse": "cuts every connection"}

_templates = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
                         undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _number(text: str, top: int) -> int:
    return min(int(text), top) if text.isascii() and text.isdigit() and len(text) < 10 and int(text) else 1


def render(store: Store, panel: Panel, query: dict[str, str], *, token: str, message: str = "",
           problem: str = "") -> str:
    """HTML of one tab; `query` are the values of the address, none of them trusted."""
    tab = query.get("tab", "users")
    tab = "switches" if problem else tab if tab in TABS else "users"
    search = query.get("q", "")[:100]
    wanted = _number(query.get("page", "1"), 10_000_000)
    rows: list[Any] = []
    total = 0
    if tab in ("users", "groups"):
        read = store.users if tab == "users" else store.groups
        total, rows = read((wanted - 1) * PAGE, PAGE, search)
        if not rows and total:
            wanted = (total + PAGE - 1) // PAGE
            total, rows = read((wanted - 1) * PAGE, PAGE, search)
    pages = max(1, (total + PAGE - 1) // PAGE)

    def address(**changes: Any) -> str:
        values = {"tab": tab, "q": search, "page": wanted, **changes}
        return "/?" + urlencode({k: v for k, v in values.items() if v not in ("", 1)})

    totals = store.totals()
    return _templates.get_template("page.html").render(
        tab=tab, tabs=TABS, search=search, rows=rows, total=total, page=wanted, pages=pages, address=address,
        first=(wanted - 1) * PAGE + 1, totals=totals, panel=panel, state=panel.state, log=list(panel.log),
        calls=sum(panel.calls.values()), operations=panel.calls.most_common(), outcomes=panel.outcomes.most_common(),
        uptime=int(time.monotonic() - panel.started), fault_codes=FAULT_CODES, outages=OUTAGES,
        outage_words=OUTAGE_WORDS, token=token, message=message or DONE.get(query.get("done", ""), ""),
        problem=problem, disturbed=panel.state != Switches())
