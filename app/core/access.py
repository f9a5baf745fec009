"""Who may: the decorator of every route of the staff interface, addresses to come back to, and actions."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import abort, current_app, g, redirect, request, url_for
from flask_login import current_user

log = logging.getLogger(__name__)


def local_path(target: str | None) -> str | None:
    """`target` when it is a path of this site (`/admin/…?…`), else None. Never another host, scheme or login."""
    if not target or len(target) > 2000 or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if any(ord(char) < 33 or char == "\\" for char in target):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target


def to_login() -> Any:
    """Send a visitor to the login; a GET comes back to where it wanted to go."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    login = current_app.appbuilder.sm.auth_view.endpoint  # type: ignore[attr-defined]
    return redirect(url_for(f"{login}.login", next=local_path(wanted)))


def denied() -> Any:
    """403 for staff without the right, the login for visitors."""
    if not current_user.is_authenticated:
        return to_login()
    log.warning("refused: %s for %s", request.endpoint, current_user.get_id())
    abort(403)


def may(view: Any, permission: str) -> bool:
    """Has the signed-in user `permission` ("can_list", or the name of an action) on `view`?"""
    return permission in view.base_permissions and current_app.appbuilder.sm.has_access(permission, view.class_permission_name)  # type: ignore[attr-defined]


def allowed(target: Any) -> Any:
    """Decorator of a route: `@allowed` needs the right named like the method, `@allowed("release")` another one."""
    def wrap(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not may(self, f"can_{name}"):
                return denied()
            return function(self, *args, **kwargs)

        vars(guarded)["_permission_name"] = name        # FAB collects the rights of a view by it
        return guarded

    if callable(target):
        return wrap(target, target.__name__)
    return lambda function: wrap(function, target)


def asked_by_itself(view: Any) -> Any:
    """Mark a view that a page's script asks while nobody touches anything: a session is not in use because of it."""
    view.__asked_by_itself__ = True
    return view


def nobody_asked() -> bool:
    """Whether this request is one of those. What is no request for a view (an event of a socket) says so in `g`."""
    return bool(g.get("asked_by_itself")) or bool(getattr(current_app.view_functions.get(request.endpoint or ""), "__asked_by_itself__", False))


@dataclass(frozen=True)
class ActionSpec:
    """What FAB's `action` does not know: `danger` is red and asks; `form` is asked first; `when(item)` shows the button."""

    danger: bool = False
    form: Any = None
    when: Callable[[Any], bool] | None = None
    verb: Any = None


def action(name: str, text: Any, confirm: Any = "", icon: str = "fa-bolt", *, multiple: bool = True, single: bool = True,
           danger: bool = False, form: Any = None, when: Callable[[Any], bool] | None = None, verb: Any = None) -> Any:
    """A button for one row (`single`, on its page) or ticked rows (`multiple`, in the list). Its right is called `name`.

    The method gets `items`, always a list, and `form` when a ServiceForm is given. It may return a response.
    """
    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        function._action = (name, text, confirm, icon, multiple, single)  # type: ignore[attr-defined]
        function._spec = ActionSpec(danger, form, when, verb or text)  # type: ignore[attr-defined]
        return function

    return wrap
