"""The chat in the customers' portal. Everything works by posting and asking again, too: sockets only make it quick."""

from __future__ import annotations

import secrets
from typing import Any

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from sqlalchemy import select

from app.chat import identity, queries, services, wire
from app.chat.files import answer_file, file_of_request, file_url
from app.chat.models import ChatMessage, ChatState, Conversation, Side
from app.chat.settings import is_offered, opening_now
from app.chat.transcripts import mail_transcript, transcript
from app.core import clock, formats
from app.core.access import asked_by_itself
from app.core.attachments import as_file
from app.core.db import db
from app.core.errors import Conflict, DomainError
from app.customers import callbacks
from app.customers.account_models import PortalAccount
from app.customers.models import Customer
from app.plugin_api.portal import PortalVisitor, portal_page, portal_visitor
from app.system.settings import setting
from app.system.throttle import TooManyTries

chat = Blueprint("portal_chat", __name__, url_prefix="/portal/chat")


def install(flask_app: Flask) -> None:
    flask_app.register_blueprint(chat)
    flask_app.extensions["ptt_chat_offered"] = is_offered
    flask_app.extensions["ptt_chats_waiting"] = queries.count_waiting
    flask_app.context_processor(_names)


def _names() -> dict[str, Any]:
    visitor = g.get("ptt_portal_visitor")
    return {"chat_unread": lambda: queries.unread_of_customer(visitor.account_id, visitor.customer_id)} if isinstance(visitor, PortalVisitor) else {}


def _own(ident: int) -> Conversation:
    visitor = portal_visitor()
    return queries.own_conversation(ident, visitor.account_id, visitor.customer_id) or abort(404)


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _answer(work: Any) -> Any:
    """Run `work()` and answer the page's script with its dictionary, or a form with the page anew."""
    try:
        result = work()
    except DomainError as error:
        status = 429 if isinstance(error, TooManyTries) else 409 if isinstance(error, Conflict) else 422
        if _wants_json():
            return jsonify(error=str(error)), status
        flash(str(error), "danger")
        return redirect(url_for("portal_chat.index"), 303)
    return jsonify(result or {}) if _wants_json() else redirect(url_for("portal_chat.index"), 303)


@chat.route("/")
@portal_page("see")
def index() -> Any:
    """The running conversation, else the last one; outside the opening hours the call-back form, unless one is running."""
    visitor = portal_visitor()
    opening, row = opening_now(), queries.running(visitor.account_id, visitor.customer_id)
    past, writable = queries.earlier(visitor.account_id, visitor.customer_id), row is not None or opening.open
    if row is None and past and past[0].last_number > past[0].read_by_customer:
        row = past[0]           # its last words were not read yet
    if row is None and not opening.open:
        return closed_page(opening)
    return _page(row, opening, [item for item in past if row is None or item.id != row.id], writable=writable)


def _page(row: Conversation | None, opening: Any, past: Any, live: bool = True, writable: bool = True) -> Any:
    found = wire.answer(row, max(0, row.last_number - 200), Side.CUSTOMER, file_url(Side.CUSTOMER)) if row else None
    return render_template("portal_chat/index.html", title=_("Chat with support"), row=row, found=found, opening=opening, past=past, live=live, writable=writable, port=current_app.config.get("CHAT_PORT") or "",
                           client_id=secrets.token_hex(16), longest=services.LONGEST, until=formats.moment(_aware(opening.until)) if opening.until else "", closed=ChatState.CLOSED)


def _aware(local: Any) -> Any:
    return local.replace(tzinfo=clock.zone()) if local else None


def closed_page(opening: Any, status: int = 200, values: Any = None, error: DomainError | None = None) -> Any:
    customer = db.session.get_one(Customer, portal_visitor().customer_id)
    if not setting("chat.enabled"):
        abort(404)
    given = values or {"name": identity.account_name(portal_visitor().account_id), "phone": customer.phone or "", "key": secrets.token_hex(16)}
    return render_template("portal_chat/closed.html", title=_("Chat with support"), form=setting("chat.outside") == "callback", values=given, error=error,
                           next=formats.instant(_aware(opening.next)) if opening.next else "", past=queries.earlier(portal_visitor().account_id, portal_visitor().customer_id)), status


@chat.route("/<int:ident>")
@portal_page("see")
def earlier(ident: int) -> Any:
    row = _own(ident)
    if row.state is not ChatState.CLOSED:
        return redirect(url_for("portal_chat.index"), 303)
    return _page(row, opening_now(), [], live=False)


@chat.route("/send", methods=["POST"])
@portal_page("see")
def send() -> Any:
    visitor = portal_visitor()

    def work() -> dict[str, Any]:
        _must_be_open(visitor)
        message = services.write(db.session.get_one(Customer, visitor.customer_id), visitor.account_id, identity.account_name(visitor.account_id), visitor.language,
                                 request.form.get("client_id"), request.form.get("text"))
        return {"conversation": message.conversation_id, "number": message.number}

    return _answer(work)


def _must_be_open(visitor: PortalVisitor) -> None:
    """A conversation that is running may go on after closing time; a new one begins within the hours."""
    if queries.running(visitor.account_id, visitor.customer_id) is None and not opening_now().open:
        raise Conflict(_("The support is closed now. Ask for a call instead."))


@chat.route("/file", methods=["POST"])
@portal_page("see")
def file() -> Any:
    visitor = portal_visitor()

    def save(kept: Any) -> ChatMessage:
        return services.write(db.session.get_one(Customer, visitor.customer_id), visitor.account_id, identity.account_name(visitor.account_id), visitor.language, request.form.get("client_id"), stored=kept)

    def work() -> dict[str, Any]:
        _must_be_open(visitor)
        message = file_of_request(save)
        return {"conversation": message.conversation_id, "number": message.number}

    return _answer(work)


@chat.route("/<int:ident>/since")
@portal_page("see")
@asked_by_itself
def since(ident: int) -> Any:
    return jsonify(wire.answer(_own(ident), request.args.get("after", 0, int) % 2**31, Side.CUSTOMER, file_url(Side.CUSTOMER)))


@chat.route("/<int:ident>/read", methods=["POST"])
@portal_page("see")
@asked_by_itself
def read(ident: int) -> Any:
    row = _own(ident)
    return _answer(lambda: services.mark_read(row.id, Side.CUSTOMER, request.form.get("number", 0, int)))


@chat.route("/<int:ident>/close", methods=["POST"])
@portal_page("see")
def close(ident: int) -> Any:
    row, visitor = _own(ident), portal_visitor()
    return _answer(lambda: services.close(row.id, services.Speaker(Side.CUSTOMER, visitor.account_id, row.account)))


@chat.route("/<int:ident>/file/<int:number>")
@portal_page("see")
def download(ident: int, number: int) -> Any:
    return answer_file(_own(ident), number)


@chat.route("/<int:ident>/transcript")
@portal_page("see")
def text(ident: int) -> Any:
    return as_file(transcript(_own(ident)), f"chat-{ident}.txt", "text/plain; charset=utf-8")


@chat.route("/<int:ident>/mail", methods=["POST"])
@portal_page("see")
def mail(ident: int) -> Any:
    row = _own(ident)
    account = db.session.scalar(select(PortalAccount).where(PortalAccount.id == row.account_id))

    def work() -> dict[str, Any]:
        mail_transcript(row, account)
        flash(_("The conversation is on its way to your e-mail address."), "success")
        return {}

    return _answer(work)


@chat.route("/callback", methods=["POST"])
@portal_page("see")
def callback() -> Any:
    visitor, values = portal_visitor(), {name: request.form.get(name, "") for name in ("key", "name", "phone", "wished", "message")}
    customer = db.session.get_one(Customer, visitor.customer_id)
    try:
        callbacks.request_callback(**values, language=visitor.language, origin="portal", address=request.remote_addr or "", country=customer.country, customer=customer)
    except DomainError as error:
        return closed_page(opening_now(), 429 if isinstance(error, TooManyTries) else 422, values, error)
    flash(_("Thank you. We call you back."), "success")
    return redirect(url_for("portal.home"), 303)
