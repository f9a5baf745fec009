"""Staff pages of SMS: the list with text and state, and tests."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import func, select
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from app.core import clock, formats
from app.core.actor import current_actor
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.fields import Required, clean_text, no_control
from app.core.views import AdminInterface, AdminView, action, pill, with_row
from app.customers import checks
from app.customers.models import Customer
from app.licenses import sms
from app.licenses.forms import PHONE_HELP
from app.licenses.models import License
from app.licenses.words import phone_text
from app.system import sms as outbox
from app.system.outbox import OutboxState
from app.system.settings import setting
from app.system.sms_gateways import gateway_problems, gateways, offered
from app.system.sms_models import Sms, SmsOutcome
from app.system.sms_templates import BODY

SHOWN = 120             # characters of a text in the list


def to_decide() -> int:
    return db.session.scalar(select(func.count()).select_from(Sms).where(Sms.state.in_((OutboxState.HELD, OutboxState.UNSURE)))) or 0


def text_html(text: str) -> Markup:
    """The text; a link that was put in while it was sent is shown to nobody."""
    return Markup('<div class="plain-text">{}</div>').format(text.replace("{{link}}", _("(the link is only in the SMS itself)")))


class SmsView(AdminView):
    datamodel = AdminInterface(Sms)
    route_base = "/sms"
    list_title = _l("SMS")
    list_template = "licenses/sms_list.html"
    list_columns = ["subject", "recipient", "summary", "progress", "parts", "created_at"]
    show_fieldsets = [(_l("SMS"), {"fields": ["subject", "recipient", "kind", "text", "parts", "sender"]}),
                      (_l("Delivery"), {"fields": ["state", "error", "gateway", "attempts", "created_at", "due_at", "done_at", "outcome", "outcome_at", "outcome_reason"]})]
    add_title, add_verb = _l("Test SMS"), _l("Send")
    add_columns = ["recipient", "text"]
    edit_columns: list[str] = []
    search_columns = ["state", "outcome", "kind", "recipient", "gateway", "created_at"]
    order_columns = ["created_at"]
    base_order = ("", "desc")
    quick_search = ("recipient", "subject")
    empty_text = _l("SMS are written from the list of licenses, from a group, or by customers in the portal.")
    list_tabs = [("all", _l("All"), None), ("decide", _l("Failed or unclear"), Sms.state.in_((OutboxState.HELD, OutboxState.UNSURE))),
                 ("waiting", _l("Waiting"), Sms.state.in_((OutboxState.WAITING, OutboxState.CLAIMED))), ("sent", _l("Sent"), Sms.state == OutboxState.DONE),
                 ("not_delivered", _l("Not delivered"), Sms.outcome.in_((SmsOutcome.FAILED, SmsOutcome.EXPIRED))), ("given_up", _l("Given up"), Sms.state == OutboxState.CANCELLED)]
    tab_of = (Customer, License)
    tab_rank = 85
    label_columns = {"subject": _l("License"), "recipient": _l("Phone number"), "kind": _l("Kind"), "outcome": _l("Report"), "parts": _l("Charged SMS"), "done_at": _l("Sent"),
                     "error": _l("Reason"), "sender": _l("Sender"), "gateway": _l("Gateway"), "summary": _l("Text"), "progress": _l("State"), "outcome_at": _l("Reported"), "outcome_reason": _l("Report in words")}
    add_form_extra_fields = {"recipient": StringField(_l("Phone number"), [Required(), no_control, Length(max=40)], filters=[clean_text], description=PHONE_HELP),
                             "text": TextAreaField(_l("Text"), [Required(), Length(max=BODY)], filters=[clean_text], render_kw={"rows": 4})}
    formatters_columns = {"text": text_html, "kind": sms.kind_word, "recipient": phone_text, "error": lambda text: text or formats.NOTHING, "outcome_reason": lambda text: text or formats.NOTHING,
                          "outcome": lambda value: pill(value) if value else formats.NOTHING, "subject": with_row(lambda text, item: text or item.recipient),
                          "sender": lambda text: text or _("The gateway's own"), "gateway": lambda code: str(gateways()[code].title) if code in gateways() else code or formats.NOTHING}

    def do_add(self, form: Any) -> Sms:
        """A message to any number, to try the gateway. The same one within a minute counts once."""
        if not offered():
            raise InvalidInput(_("SMS are not sent here: no gateway is chosen in the settings."))
        number, text = checks.phone(form.recipient.data, "", "recipient"), form.text.data.replace("\r\n", "\n").strip()
        minute = clock.now().strftime("%Y%m%d%H%M")
        key = f"test:{hashlib.sha256(f'{number} {text}'.encode()).hexdigest()[:32]}:{minute}"
        if outbox.sent_today(Sms.kind == sms.TEST) >= (most := setting("sms.per_customer_day")):
            raise InvalidInput(_("Today %(n)d test SMS were sent already, which is the limit of a day. Try again tomorrow.", n=most))
        outbox.queue_sms(key, sms.TEST, number, text, subject=_("Test by %(name)s", name=current_actor().name))
        return db.session.scalars(select(Sms).where(Sms.key == key)).one()

    def why_nothing_goes_out(self) -> str:
        """Above the list."""
        if not offered():
            return _("No SMS are sent: choose a gateway in the settings.")
        problems = gateway_problems()
        return _("Nothing is sent at the moment: %(reason)s", reason=" ".join(problems)) if problems else ""

    def raw(self, item: Sms, column: str) -> Any:
        if column == "summary":
            text = item.text.replace("{{link}}", "…")
            return text if len(text) <= SHOWN else text[:SHOWN] + "…"
        if column == "progress":
            return sms.state_badge(item)
        if column == "due_at" and item.state is not OutboxState.WAITING:
            return None
        return super().raw(item, column)

    def head_title(self, item: Sms) -> str:
        return f"{item}: {sms.kind_word(item.kind)}"

    def head_state(self, item: Sms) -> Any:
        return Markup("{} {}").format(pill(item.state), pill(item.outcome) if item.outcome else "")

    def head_facts(self, item: Sms) -> list[tuple[Any, Any, str]]:
        license = db.session.get(License, item.license_id) if item.license_id else None
        facts: list[tuple[Any, Any, str]] = [] if license is None else [(_("License"), self._link(license), ""), (_("Customer"), self._link(license.customer), "")]
        return [*facts, *super().head_facts(item)]

    def _link(self, row: Any) -> Any:
        url = self.url_of_any(row)
        return Markup('<a href="{}">{}</a>').format(url, row) if url else str(row)

    def where_parent(self, parent: Any) -> Any:
        return Sms.customer_id == parent.id if isinstance(parent, Customer) else Sms.license_id == parent.id

    @action("retry", _l("Send again"), _l("The SMS is sent once more, and charged again. When it is unclear whether it arrived, the recipient may get it twice."), "fa-rotate-right",
            when=lambda row: row.state in outbox.DECIDE)
    def retry(self, items: Sequence[Any]) -> None:
        self.each(list(items), sms.retry, lambda n: ngettext("%(num)d SMS is sent again.", "%(num)d SMS are sent again.", n))

    @action("give_up", _l("Give up"), _l("The SMS is not sent."), "fa-ban", danger=True,
            when=lambda row: row.state in (OutboxState.WAITING, OutboxState.HELD, OutboxState.UNSURE))
    def give_up(self, items: Sequence[Any]) -> None:
        self.each(list(items), lambda row: outbox.give_up_sms(row.id), lambda n: ngettext("%(num)d SMS given up.", "%(num)d SMS given up.", n))
