"""What the system wrote down: the protocol, the e-mails, the documents. Nothing here can be changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup

from app.admin.record_export import CsvExport
from app.core import formats
from app.core.views import AdminInterface, AdminView, action, with_row
from app.customers.models import Customer
from app.licenses.models import License
from app.system import mail, mail_templates
from app.system.models import MailMessage, ProtocolEntry
from app.system.outbox import OutboxState


def changes_html(changes: dict[str, list[Any]] | None, limit: int = 1000) -> Markup | str:
    """Field: old → new, one a line; at most `limit` lines."""
    if not changes:
        return formats.NOTHING
    shown = list(changes.items())[:limit]
    more = len(changes) - len(shown)
    lines = Markup("").join(
        Markup('<li><span class="k">{}:</span> {}<ins>{}</ins></li>').format(
            name.replace("_", " "), Markup("<del>{}</del> → ").format(_short(old)) if old not in (None, "") else "", _short(new))
        for name, (old, new) in shown)
    if more:
        lines += Markup('<li class="k">{}</li>').format(ngettext("and %(num)d more", "and %(num)d more", more))
    return Markup('<ul class="diff">{}</ul>').format(lines)


def _short(value: Any) -> str:
    if value is None or value == "":
        return formats.NOTHING
    text = formats.yes_no(value) if isinstance(value, bool) else str(value)
    return text if len(text) <= 200 else text[:200] + "…"


def changes_text(changes: dict[str, list[Any]] | None) -> str:
    """`field: old → new; …` for a file."""
    return "; ".join(f"{name}: {'' if old is None else old} → {'' if new is None else new}" for name, (old, new) in (changes or {}).items())


class ProtocolView(CsvExport, AdminView):
    datamodel = AdminInterface(ProtocolEntry)
    route_base = "/protocol"
    list_title = _l("Protocol")
    list_help = _l("Who did what, only ever added. Each kind is kept as long as the settings say (“Daily clean-up”), that of billing as long as books are.")
    list_columns = ["subject", "action", "summary", "actor_name", "at"]
    show_fieldsets = [(_l("What"), {"fields": ["kind", "action", "subject_type", "subject", "changes", "note"]}),
                      (_l("Who"), {"fields": ["actor_name", "actor_kind", "on_behalf", "origin", "at"]})]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["kind", "action", "subject_type", "subject_id", "actor_name", "origin", "at"]
    order_columns: list[str] = []
    base_order = ("", "desc")
    quick_search = ("subject", "note")
    tab_of = (Customer, License)
    tab_rank = 90
    label_columns = {"action": _l("What happened"), "subject": _l("Entry"), "changes": _l("Changes"), "summary": _l("Changes"), "actor_name": _l("Who"), "subject_type": _l("Kind of entry"),
                     "subject_id": _l("Id of the entry"), "actor_kind": _l("Acts as"), "on_behalf": _l("On behalf of"), "origin": _l("Address")}
    formatters_columns = {"changes": changes_html, "action": lambda text: text.replace("_", " "), "subject_type": lambda text: text.replace("_", " "),
                          "subject": with_row(lambda text, entry: text or entry.subject_type.replace("_", " ")), "at": lambda at: formats.instant(at, seconds=True)}

    export_columns = ("at", "kind", "action", "subject_type", "subject", "customer_id", "changes", "note", "actor_name", "actor_kind", "on_behalf", "origin")

    def export_value(self, item: Any, column: str) -> Any:
        return changes_text(item.changes) if column == "changes" else super().export_value(item, column)

    def raw(self, item: Any, column: str) -> Any:
        return changes_html(item.changes, 4) if column == "summary" else super().raw(item, column)

    def head_title(self, item: Any) -> str:
        return f"{item.subject or item.subject_type.replace('_', ' ')}: {item.action.replace('_', ' ')}"

    def where_parent(self, parent: Any) -> Any:
        if isinstance(parent, Customer):
            return ProtocolEntry.customer_id == parent.id
        return (ProtocolEntry.subject_type == parent.__tablename__) & (ProtocolEntry.subject_id == parent.id)


def mail_kind(purpose: str) -> str:
    """The title of a purpose, as under “E-mail texts”."""
    try:
        return str(mail_templates.mail(purpose).title)
    except KeyError:
        return {"test": _("Test")}.get(purpose, purpose)


def mail_body(text: str) -> Markup:
    """The text with its lines. Links that were put in while it was sent are shown to nobody."""
    return Markup('<div class="plain-text">{}</div>').format(text.replace("{{link}}", _("(the link is only in the e-mail itself)")))


class MailView(CsvExport, AdminView):
    datamodel = AdminInterface(MailMessage)
    route_base = "/mails"
    list_title = _l("E-mails")
    list_columns = ["subject", "recipient", "kind", "state", "error", "created_at", "done_at"]
    show_fieldsets = [(_l("E-mail"), {"fields": ["recipient", "subject", "body"]}),
                      (_l("Delivery"), {"fields": ["kind", "state", "attempts", "created_at", "due_at", "done_at", "message_id", "error"]})]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["state", "kind", "recipient", "created_at"]
    order_columns = ["created_at", "done_at"]
    base_order = ("", "desc")
    quick_search = ("recipient", "subject")
    list_tabs = [("all", _l("All"), None), ("failed", _l("Failed"), MailMessage.state == OutboxState.HELD), ("unsure", _l("Unclear"), MailMessage.state == OutboxState.UNSURE),
                 ("waiting", _l("Waiting"), MailMessage.state.in_((OutboxState.WAITING, OutboxState.CLAIMED))),
                 ("sent", _l("Sent"), MailMessage.state == OutboxState.DONE), ("given_up", _l("Given up"), MailMessage.state == OutboxState.CANCELLED)]
    tab_of = (Customer,)
    tab_rank = 80
    label_columns = {"body": _l("Text"), "done_at": _l("Sent"), "message_id": _l("Message id"), "error": _l("Reason")}
    formatters_columns = {"kind": mail_kind, "error": lambda text: text[:300] or formats.NOTHING, "body": mail_body}

    export_columns = ("created_at", "recipient", "subject", "kind", "state", "attempts", "done_at", "error")

    def where_parent(self, parent: Any) -> Any:
        return MailMessage.customer_id == parent.id

    @action("retry", _l("Send again"), _l("The e-mail is sent once more. When it is unclear whether it arrived, the recipient may get it twice."), "fa-rotate-right",
            when=lambda row: row.state in (OutboxState.HELD, OutboxState.UNSURE, OutboxState.CANCELLED))
    def retry(self, items: Sequence[Any]) -> None:
        self.each(list(items), lambda row: mail.retry_mail(row.id), lambda n: ngettext("%(num)d e-mail is sent again.", "%(num)d e-mails are sent again.", n))

    @action("give_up", _l("Give up"), _l("The e-mail is not sent."), "fa-ban", danger=True,
            when=lambda row: row.state in (OutboxState.WAITING, OutboxState.HELD, OutboxState.UNSURE))
    def give_up(self, items: Sequence[Any]) -> None:
        self.each(list(items), lambda row: mail.give_up_mail(row.id), lambda n: ngettext("%(num)d e-mail given up.", "%(num)d e-mails given up.", n))
