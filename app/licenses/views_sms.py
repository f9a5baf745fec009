"""Staff pages of SMS: the list with text and state, and the buttons on licenses and groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import func, select
from wtforms import HiddenField, SelectField

from app.catalog.models import PttMode, Tariff
from app.core import formats
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.fields import Required, ServiceForm
from app.core.views import AdminInterface, AdminView, action, pill, with_row
from app.customers.models import Customer
from app.licenses import sms
from app.licenses.models import License, PttGroup, group_member
from app.licenses.words import phone_text
from app.system import sms as outbox
from app.system.outbox import OutboxState
from app.system.sms_gateways import gateway_problems, gateways, offered
from app.system.sms_models import Sms, SmsOutcome

MOST_INVITED = 500
SHOWN = 120             # characters of a text in the list
SAMPLED = 25            # licenses that the preview looks at


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
    add_columns: list[str] = []
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
    formatters_columns = {"text": text_html, "kind": sms.kind_word, "recipient": phone_text, "error": lambda text: text or formats.NOTHING, "outcome_reason": lambda text: text or formats.NOTHING,
                          "outcome": lambda value: pill(value) if value else formats.NOTHING, "subject": with_row(lambda text, item: text or item.recipient),
                          "sender": lambda text: text or _("The gateway's own"), "gateway": lambda code: str(gateways()[code].title) if code in gateways() else code or formats.NOTHING}

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
        self.each(list(items), lambda row: outbox.retry_sms(row.id), lambda n: ngettext("%(num)d SMS is sent again.", "%(num)d SMS are sent again.", n))

    @action("give_up", _l("Give up"), _l("The SMS is not sent."), "fa-ban", danger=True,
            when=lambda row: row.state in (OutboxState.WAITING, OutboxState.HELD, OutboxState.UNSURE))
    def give_up(self, items: Sequence[Any]) -> None:
        self.each(list(items), lambda row: outbox.give_up_sms(row.id), lambda n: ngettext("%(num)d SMS given up.", "%(num)d SMS given up.", n))


class SmsForm(ServiceForm):
    """Which SMS. `nonce` makes the same form count once."""

    kind = SelectField(_l("Message"), [Required()], choices=[(kind, word) for kind, word in sms.KINDS.items() if kind != sms.INVITATION])
    nonce = HiddenField(default=lambda: uuid4().hex)


class InviteForm(ServiceForm):
    """Only asks; `nonce` makes it count once."""

    nonce = HiddenField(default=lambda: uuid4().hex)


def sample(kind: str, drafts: list[sms.Draft]) -> tuple[Any, sms.Draft, int, int]:
    """(kind, a draft, how many of them can be sent, how many SMS these are)."""
    good = [draft for draft in drafts if not draft.problem]
    return sms.KINDS[kind], good[0] if good else drafts[0], len(good), sum(draft.size.parts for draft in good if draft.size)


class LicenseSms:
    """Mixin of the license views: the button, and a preview beside its form."""

    each: Callable[..., None]

    @action("sms", _l("Send SMS"), _l("To the phone number of each license, in the language of its customer."), "fa-comment-sms", form=SmsForm,
            when=lambda item: bool(item.phone) and bool(sms.kinds_for([item])))
    def sms(self, items: list[License], form: SmsForm) -> None:
        self.each(items, lambda item: sms.send(form.kind.data, item, form.nonce.data or ""), lambda n: ngettext("%(num)d SMS is on its way.", "%(num)d SMS are on their way.", n))

    def form_page(self, form: Any, save: Any, **context: Any) -> Any:
        if isinstance(form, SmsForm):
            view: Any = self
            ids = view._found(request.args.get("query", "")) if request.args.get("found") == "1" else request.args.getlist("rowid")
            rows = view.datamodel.get_many(ids[:SAMPLED])
            context |= {"template": "licenses/sms.html", "samples": [sample(kind, sms.drafts(kind, rows)) for kind in (sms.CONFIGURATION, sms.DOWNLOAD)] if rows else []}
        return super().form_page(form, save, **context)  # type: ignore[misc]


class GroupSms:
    """Mixin of the view of groups."""

    each: Callable[..., None]

    @action("invite", _l("Invite by SMS"), _l("Each member whose PTT mode has invitations and whose number is known gets an SMS, which is charged."), "fa-comment-sms", multiple=False,
            form=InviteForm, when=lambda group: offered())
    def invite(self, items: list[PttGroup], form: InviteForm) -> None:
        group, invited = items[0], invitable(items[0])
        if len(invited) > MOST_INVITED:
            raise InvalidInput(_("This group has more than %(n)d members. Invite those who are new from the portal's page of the group.", n=MOST_INVITED))
        if not invited:
            raise InvalidInput(_("No member of this group has a PTT mode with invitations."))
        self.each(invited, lambda item: sms.send(sms.INVITATION, item, form.nonce.data or "", group), lambda n: ngettext("%(num)d SMS is on its way.", "%(num)d SMS are on their way.", n))

    def form_page(self, form: Any, save: Any, **context: Any) -> Any:
        if isinstance(form, InviteForm):
            view: Any = self
            groups = view.datamodel.get_many(request.args.getlist("rowid")[:1])
            rows = invitable(groups[0]) if groups else []
            context |= {"template": "licenses/sms.html", "samples": [sample(sms.INVITATION, sms.drafts(sms.INVITATION, rows, groups[0]))] if rows else []}
        return super().form_page(form, save, **context)  # type: ignore[misc]


def invitable(group: PttGroup) -> list[License]:
    """Members whose mode has invitations, one more than are taken at once."""
    return list(db.session.scalars(select(License).join(group_member, group_member.c.license_id == License.id).join(Tariff, Tariff.id == License.tariff_id)
                                   .join(PttMode, PttMode.id == Tariff.mode_id).where(group_member.c.group_id == group.id, PttMode.group_invitation).order_by(License.id).limit(MOST_INVITED + 1)))
