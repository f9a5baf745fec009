"""Pages that a plugin adds to the customers' portal.

`Plugin.portal_blueprint` gives a Flask blueprint; it is mounted at /portal/<name of the plugin>/. Every view of it needs a
sign-in and names the right that it asks for: `@portal_page("pay")`. A view without the mark is refused to everybody.
Templates extend `portal/shell.html` and set `title`. What belongs to the visitor is looked up by his `customer_id` and by
nothing that came with the request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import abort, g, has_request_context

View = TypeVar("View", bound=Callable[..., Any])

RIGHTS = frozenset({"see", "licenses", "order", "groups", "money", "pay", "address", "logins", "data", "partner"})


@dataclass(frozen=True, slots=True)
class PortalVisitor:
    """Who is signed in to the portal, and for which customer he acts at the moment."""

    account_id: int
    account: str                    # what he signs in with
    customer_id: int
    currency: str
    language: str
    rights: frozenset[str]          # of RIGHTS

    def may(self, right: str) -> bool:
        return right in self.rights


@dataclass(frozen=True, slots=True)
class PortalEntry:
    """An entry of the portal's menu. `right`: who sees it; `icon`: a name of `templates/portal/icons.html`."""

    endpoint: str                   # "myplugin.index"
    title: Any
    right: str = "see"
    icon: str = "plug"
    rank: int = 50                  # licenses 20, groups 30, invoices 40, account 90


def portal_visitor() -> PortalVisitor:
    """Of this request; 404 where nobody is signed in to the portal."""
    visitor = getattr(g, "ptt_portal_visitor", None) if has_request_context() else None
    if not isinstance(visitor, PortalVisitor):
        abort(404)
    return visitor


def portal_page(right: str) -> Callable[[View], View]:
    """Mark a view function: whoever has `right` may open it."""
    if right not in RIGHTS:
        raise ValueError(f"{right} is no right of the portal: {', '.join(sorted(RIGHTS))}")

    def mark(view: View) -> View:
        view.__portal_right__ = right  # type: ignore[attr-defined]
        return view

    return mark
