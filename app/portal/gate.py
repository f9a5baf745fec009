"""Who is at the portal, and what he may open. Closed by default: a page without a right is refused to everybody.

The cookie holds the token of a session row. For which customer the login acts stands in the signed cookie of the visit and
is checked at each request against the rows: an access that was taken away counts at once.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask import abort, current_app, g, redirect, request, session, url_for
from flask_babel import refresh
from sqlalchemy import exists, select
from sqlalchemy.orm import contains_eager

from app.core import clock
from app.core.access import nobody_asked
from app.core.actor import Actor, acting
from app.core.db import db
from app.customers import account_sessions
from app.customers.account_models import (
    AccountCustomer,
    AccountRole,
    PortalAccount,
    PortalSession,
    TermsState,
    TermsVersion,
)
from app.customers.models import Customer, CustomerState
from app.customers.partner_models import SalesPartner
from app.plugin_api.portal import PortalVisitor, portal_page
from app.portal.rights import rights_of

ROOT = "/portal"
CHOSEN = "portal_customer"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
right = portal_page


@dataclass
class Visit:
    """`customer`: for whom the login acts now; `partner`: set when that is a customer of the sales partner whose login it is."""

    row: PortalSession
    account: PortalAccount
    customer: Customer
    role: AccountRole
    rights: frozenset[str]
    partner: Customer | None = None
    links: list[AccountCustomer] = field(default_factory=list)

    def may(self, right: str) -> bool:
        return right in self.rights


def public(view: Any) -> Any:
    """Mark a view that needs no sign-in."""
    view.__portal_public__ = True
    return view


def cookie_name() -> str:
    return "__Host-ptt-portal" if current_app.config.get("SESSION_COOKIE_SECURE") else "ptt-portal"


def give_cookie(response: Any, token: str) -> Any:
    """It ends with the browser at the latest; the row says when it really does."""
    response.set_cookie(cookie_name(), token, httponly=True, samesite="Lax", secure=bool(current_app.config.get("SESSION_COOKIE_SECURE")), path="/")
    return response


def take_cookie(response: Any) -> Any:
    response.delete_cookie(cookie_name(), path="/", httponly=True, samesite="Lax", secure=bool(current_app.config.get("SESSION_COOKIE_SECURE")))
    return response


def is_portal() -> bool:
    return request.path == ROOT or request.path.startswith(ROOT + "/")


def visit() -> Visit:
    """The signed-in visitor of this request."""
    found = g.get("ptt_portal_visit")
    if not isinstance(found, Visit):
        abort(404)
    return found


def guard() -> Any:
    """Before each request below /portal, those of plugins too."""
    if not is_portal() or request.endpoint is None:
        return None
    if request.method == "POST" and request.mimetype not in FORMS:
        abort(415)
    if (wanted := request.args.get("lang")) in current_app.config["LANGUAGES"]:
        session["locale"] = wanted
        refresh()
    view = current_app.view_functions[request.endpoint]
    if getattr(view, "__portal_public__", False):
        return None
    asked = getattr(view, "__portal_right__", None)
    if (token := request.cookies.get(cookie_name())) is None or (found := _find(token)) is None:
        return to_sign_in()
    g.ptt_portal_visit = found
    g.ptt_portal_visitor = _visitor(found)
    g.ptt_portal_stack = stack = ExitStack()
    stack.enter_context(acting(Actor("portal", str(found.account), found.account.id, on_behalf=found.customer.number if found.partner else None, origin=request.remote_addr)))
    if asked is None or not found.may(asked):
        abort(403)
    if request.method == "POST" and request.form.get("acts_for", str(found.customer.id)) != str(found.customer.id):
        abort(409)      # the page was made for another customer of the login: in a second window, it was switched
    return None


def _visitor(found: Visit) -> PortalVisitor:
    return PortalVisitor(found.account.id, str(found.account), found.customer.id, found.customer.currency, found.account.language, found.rights)


def of_cookie() -> tuple[int, PortalVisitor] | None:
    """Session row and visitor of this request's cookies, for what is not a page below /portal: the chat's sockets. The same rules as for pages."""
    token = request.cookies.get(cookie_name())
    found = _find(token) if token is not None else None
    return (found.row.id, _visitor(found)) if found is not None else None


def leave(error: BaseException | None = None) -> None:
    stack = g.pop("ptt_portal_stack", None)
    if stack is not None:
        stack.close()


def to_sign_in() -> Any:
    """The way back is kept for pages that were only looked at."""
    if request.method not in ("GET", "HEAD"):
        return redirect(url_for("portal.sign_in"), 303)
    back = request.full_path.rstrip("?")
    place = url_for("portal.sign_in", next=back) if back.rstrip("/") != ROOT else url_for("portal.sign_in")
    return take_cookie(redirect(place, 303))


def safe_path(path: str | None) -> str | None:
    """A path of the portal, or nothing: never another host."""
    if not path or not path.startswith(ROOT + "/") or len(path) > 500 or "\\" in path or not path.isprintable():
        return None
    parts = urlsplit(path)
    return path if not parts.scheme and not parts.netloc and "//" not in parts.path and ".." not in parts.path else None


def _find(token: str) -> Visit | None:
    running = account_sessions.running(token, touch=not nobody_asked())
    if running is None:
        return None
    row, account = running
    has_terms = exists().where(TermsVersion.state == TermsState.PUBLISHED, TermsVersion.valid_from <= clock.today())
    found = db.session.execute(select(AccountCustomer, SalesPartner.id, has_terms).join(AccountCustomer.customer).outerjoin(SalesPartner, (SalesPartner.customer_id == Customer.id) & SalesPartner.active)
                               .where(AccountCustomer.account_id == account.id, Customer.state != CustomerState.DELETED).options(contains_eager(AccountCustomer.customer))
                               .order_by(Customer.company, Customer.id)).all()
    if not found:
        return None
    links, partners = [link for link, _partner, _terms in found], {link.customer_id for link, partner, _terms in found if partner is not None}
    g.ptt_portal_terms = bool(found[0][2])
    chosen = session.get(CHOSEN)
    link = next((link for link in links if link.customer_id == chosen), None)
    if link is None and isinstance(chosen, int) and partners:
        theirs = db.session.scalar(select(Customer).where(Customer.id == chosen, Customer.partner_id.in_(partners), Customer.state != CustomerState.DELETED))
        link = next((link for link in links if theirs is not None and link.customer_id == theirs.partner_id and "partner" in rights_of(link.role, link.customer, True, False)), None)
        if theirs is not None and link is not None:
            return Visit(row, account, theirs, link.role, rights_of(link.role, theirs, False, True), link.customer, links)
    link = link or next((link for link in links if link.customer_id == account.customer_id), links[0])
    return Visit(row, account, link.customer, link.role, rights_of(link.role, link.customer, link.customer_id in partners, False), None, links)
