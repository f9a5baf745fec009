"""Staff pages of the chat: the desk, the history, and the answers kept ready."""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import select

from app.chat import identity, queries, services, wire
from app.chat.canned import CannedAnswerView, answers_for
from app.chat.files import answer_file, file_of_request, file_url
from app.chat.models import ChatState, Conversation, Side
from app.chat.services import Speaker
from app.chat.settings import opening_now
from app.chat.transcripts import mail_transcript, transcript
from app.core import clock, formats
from app.core.access import asked_by_itself, may
from app.core.attachments import as_file
from app.core.db import db
from app.core.errors import Conflict, DomainError
from app.core.fields import LARGEST_ID
from app.core.page_parts import safe_url_for
from app.core.views import AdminEntry, AdminPage, allowed, expose
from app.customers.account_models import PortalAccount


class ChatPage(AdminPage):
    route_base = "/chat"
    title = _l("Chat desk")

    # reading

    @expose("/")
    @allowed
    def index(self) -> Any:
        """`c`: the conversation that is shown."""
        ident = request.args.get("c", 0, int)
        row = queries.conversation(ident) if ident else None
        if ident and row is None:
            abort(404)
        opening = opening_now()
        until = formats.moment(opening.until.replace(tzinfo=clock.zone())) if opening.until else ""
        after = formats.instant(opening.next.replace(tzinfo=clock.zone())) if opening.next else ""
        items_url = safe_url_for("OpenItemView.list", customer=row.customer_id) if row else None
        return self.page("chat/desk.html", **self._queue(row), row=row, opening=opening, until=until, next_opening=after, port=current_app.config.get("CHAT_PORT") or "",
                         found=wire.answer(row, max(0, row.last_number - 200), Side.STAFF, file_url(Side.STAFF)) if row else None, context=queries.context(row.customer, money=items_url is not None) if row else None,
                         others=queries.of_customer(row.customer_id, row.id) if row else [], canned=answers_for(row.language) if row else [], may_send=may(self, "can_send"),
                         states=ChatState, longest=services.LONGEST, customer_url=safe_url_for("CustomerView.show", pk=row.customer_id) if row else None,
                         licenses_url=safe_url_for("LicenseView.list", customer=row.customer_id) if row else None, items_url=items_url,
                         settings_url=safe_url_for("SettingsPage.section", key="support-chat"))

    def _queue(self, row: Conversation | None) -> dict[str, Any]:
        taken = queries.active()
        return {"waiting": queries.waiting(), "mine": [item for item in taken if item.staff_id == current_user.id], "theirs": [item for item in taken if item.staff_id != current_user.id],
                "chosen": row.id if row else 0, "unread": queries.unread_of_staff, "ago": formats.since}

    @expose("/queue")
    @allowed("index")
    @asked_by_itself
    def queue(self) -> Any:
        """Only the list at the left, for the page's script."""
        return self.page("chat/queue.html", **self._queue(queries.conversation(request.args.get("c", 0, int))))

    @expose("/history")
    @allowed("index")
    def history(self) -> Any:
        words = " ".join(request.args.get("q", "").replace("\0", "").split())[:100]
        before = request.args.get("before", LARGEST_ID, int)
        rows = queries.search(words, before if 0 < before <= LARGEST_ID else LARGEST_ID, queries.FOUND + 1)
        return self.page("chat/history.html", title=_("Conversations"), rows=rows[:queries.FOUND], words=words, more=rows[queries.FOUND - 1].id if len(rows) > queries.FOUND else None)

    @expose("/<int:pk>/since")
    @allowed("index")
    @asked_by_itself
    def since(self, pk: int) -> Any:
        return jsonify(wire.answer(self._row(pk), request.args.get("after", 0, int) % 2**31, Side.STAFF, file_url(Side.STAFF)))

    @expose("/<int:pk>/file/<int:number>")
    @allowed("index")
    def file(self, pk: int, number: int) -> Any:
        return answer_file(self._row(pk), number)

    @expose("/<int:pk>/transcript")
    @allowed("index")
    def text(self, pk: int) -> Any:
        return as_file(transcript(self._row(pk)), f"chat-{pk}.txt", "text/plain; charset=utf-8")

    # writing

    @expose("/<int:pk>/send", methods=["POST"])
    @allowed
    def send(self, pk: int) -> Any:
        row = self._row(pk)
        return self._answer(row, lambda: {"number": services.reply(row.id, self._me(), request.form.get("client_id"), request.form.get("text")).number})

    @expose("/<int:pk>/upload", methods=["POST"])
    @allowed("send")
    def upload(self, pk: int) -> Any:
        row = self._row(pk)
        return self._answer(row, lambda: {"number": file_of_request(lambda kept: services.reply(row.id, self._me(), request.form.get("client_id"), stored=kept)).number})

    @expose("/<int:pk>/read", methods=["POST"])
    @allowed("send")
    @asked_by_itself
    def read(self, pk: int) -> Any:
        row = self._row(pk)
        return self._answer(row, lambda: services.mark_read(row.id, Side.STAFF, request.form.get("number", 0, int)))

    @expose("/<int:pk>/take", methods=["POST"])
    @allowed("send")
    def take(self, pk: int) -> Any:
        row = self._row(pk)
        return self._answer(row, lambda: services.take(row.id, self._me(), over=request.form.get("over") == "1"))

    @expose("/<int:pk>/hand", methods=["POST"])
    @allowed("send")
    def hand(self, pk: int) -> Any:
        """To the colleague `to`, or back to those who wait."""
        row, to = self._row(pk), request.form.get("to", 0, int)
        colleague = next((user for user in colleagues() if user.id == to), None)
        if to and colleague is None:
            abort(404)
        return self._answer(row, lambda: services.hand_over(row.id, Speaker(Side.STAFF, colleague.id, identity.staff_name(colleague)) if colleague else None))

    @expose("/<int:pk>/close", methods=["POST"])
    @allowed("send")
    def close(self, pk: int) -> Any:
        row = self._row(pk)
        return self._answer(row, lambda: services.close(row.id, self._me()))

    @expose("/<int:pk>/mail", methods=["POST"])
    @allowed("send")
    def mail(self, pk: int) -> Any:
        row = self._row(pk)
        account = db.session.scalar(select(PortalAccount).where(PortalAccount.id == row.account_id))

        def work() -> dict[str, Any]:
            sent = mail_transcript(row, account)
            flash(_("The conversation is on its way to the customer.") if sent else _("The customer has it already."), "success")
            return {}

        return self._answer(row, work)

    def _row(self, pk: int) -> Conversation:
        return queries.conversation(pk) or abort(404)

    def _me(self) -> Speaker:
        return Speaker(Side.STAFF, current_user.id, identity.staff_name(current_user))

    def _answer(self, row: Conversation, work: Any) -> Any:
        ident, script = row.id, request.accept_mimetypes.best == "application/json"
        try:
            result = work()
        except DomainError as error:
            if script:
                return jsonify(error=str(error)), 409 if isinstance(error, Conflict) else 422
            flash(str(error), "danger")
        else:
            if script:
                return jsonify(result or {})
        return redirect(url_for("ChatPage.index", c=ident), 303)

    def colleagues(self) -> list[Any]:
        return [user for user in colleagues() if user.id != current_user.id]


def colleagues() -> list[Any]:
    """Who may answer customers."""
    manager = current_app.extensions["appbuilder"].sm
    users = db.session.scalars(select(manager.user_model).where(manager.user_model.active).order_by(manager.user_model.first_name, manager.user_model.last_name).limit(100)).all()
    return [user for user in users if ("can_send", identity.PAGE) in manager.rights_of(user.id)]


VIEWS = [
    AdminEntry(ChatPage, _l("Chat desk"), "support", "fa-comments", count=queries.count_waiting, rank=70),
    AdminEntry(CannedAnswerView, _l("Canned answers"), "support", "fa-comment-dots", rank=72),
]
