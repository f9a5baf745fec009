"""The table of all routes × who may call them, made from the application itself: `python -m tests.operations.route_table --write`.

`routes.csv` is its reviewed state. A new route, or another right for an old one, makes `test_routes.py` fail until somebody has
looked at the difference and stored it. "?" is a route of which nobody can say who may call it: never stored.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

FILE = Path(__file__).with_name("routes.csv")
ROLES = ("Administrator", "Billing", "Support", "Sales", "Read only")
HEAD = ("methods", "route", "anonymous", *ROLES, "portal")
BOX = ("boleto", "commission", "datev", "paypal", "ptt_soap", "sepa", "sms_http", "sms_smpp")        # plugins that come with the product
ACTIONS = ("action", "action_post", "act")

# Open to everybody, and why.
OPEN = {
    "static": "files of the pages", "appbuilder.static": "files of the pages", "healthz": "says ok", "readyz": "says ready or not; the proxy keeps it from the public",
    "metrics": "asks for its own token or network (test_metrics.py)", "api.openapi": "describes the interface, knows no data", "front": "leads to the sign-in", "login": "leads to the sign-in",
    "paypal_hook.webhook": "PayPal's messages, proved by their signature",
    "LoginView.login": "the sign-in", "LoginView.code": "its second step", "LoginView.logout": "ends the own session", "LanguageView.index": "the visitor's language",
    "sms_http.report": "asks for the secret of its settings (tests/sms/test_http.py)",
    **{f"website.{name}": "the public website" for name in ("show", "media", "captions", "theme_css", "robots", "sitemap", "register", "register_public", "contact", "sent", "password", "portal")},
}
# Of the signed-in member of staff, whatever the role.
OWN = ("Overview.index", "ProfilePage.", "SecondFactorPage.", "SavedListPage.")


def signed_in(endpoint: str) -> bool:
    return any(endpoint == name or (name.endswith(".") and endpoint.startswith(name)) for name in OWN)


def rules(app: Flask) -> list[Rule]:
    return sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ())))


def methods(rule: Rule) -> str:
    return " ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))


def right(app: Any, rule: Rule) -> tuple[str, str] | None:
    """(right, view) of a staff route."""
    name, _dot, function = rule.endpoint.partition(".")
    view = next((v for v in app.appbuilder.baseviews if v.endpoint == name), None)
    if view is None or not getattr(getattr(view, function, None), "_permission_name", None):
        return None
    return f"can_{view.get_method_permission(function)}", view.class_permission_name


def _staff(has: dict[str, set[tuple[str, str]]], pair: tuple[str, str]) -> list[str]:
    return ["yes" if role == "Administrator" or pair in has[role] else "" for role in ROLES]


def rows(app: Any) -> list[list[str]]:
    """Without the head; in the order of the addresses. In an application context."""
    from app.admin.roles import wanted_rights
    from app.api.guard import OPERATIONS
    from app.api.tokens import SCOPES

    has = wanted_rights()
    scopes = {(spec.method, spec.path): spec.scope for spec, _function in OPERATIONS}
    found = []
    for rule in rules(app):
        view = app.view_functions[rule.endpoint]
        head = [methods(rule), rule.rule]
        pair = right(app, rule)
        api = next((scopes[method, rule.rule.removeprefix("/api/v1")] for method in rule.methods or () if (method, rule.rule.removeprefix("/api/v1")) in scopes), None)
        if rule.endpoint in OPEN or getattr(view, "__portal_public__", False):
            found.append([*head, "yes", *(["yes"] * len(ROLES)), "yes"])
        elif (asked := getattr(view, "__portal_right__", None)) is not None:
            found.append([*head, "", *([""] * len(ROLES)), asked])
        elif api is not None and rule.rule.startswith("/api/"):
            found.append([*head, "", *(f"token {api}" if may else "" for may in _staff(has, SCOPES[api][1])), ""])
        elif rule.rule.startswith("/admin") and pair is not None:
            found.append([*head, "", *_staff(has, pair), ""])
        elif rule.rule.startswith("/admin") and signed_in(rule.endpoint):
            found.append([*head, "", *(["yes"] * len(ROLES)), ""])
        elif rule.rule.startswith("/admin") and rule.endpoint.partition(".")[2] in ACTIONS:
            found.append([*head, "", *(["by action"] * len(ROLES)), ""])
        else:
            found.append([*head, "?", *([""] * len(ROLES)), ""])
    for view in sorted(app.appbuilder.baseviews, key=lambda v: v.endpoint):
        for name in sorted(getattr(view, "actions", None) or ()):
            found.append(["POST", f"{view.route_base}/action/{name}", "", *_staff(has, (name, view.class_permission_name)), ""])
    return found


def text(app: Flask) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="\n").writerows([HEAD, *rows(app)])
    return target.getvalue()


def main() -> None:
    from app.factory import create_app

    app = create_app(SECRET_KEY="only-to-look-at-the-routes-0123456789", PLUGINS=[name for name in BOX if (Path("plugins") / name).is_dir()])
    with app.app_context():
        made = text(app)
    if "--write" in sys.argv:
        FILE.write_text(made)
    else:
        sys.stdout.write(made)


if __name__ == "__main__":
    main()
