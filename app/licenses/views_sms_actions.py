"""Buttons of SMS on licenses and groups, each with its form and a preview."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select
from wtforms import HiddenField, SelectField

from app.catalog.models import PttMode, Tariff
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.fields import Required, ServiceForm
from app.core.views import action
from app.licenses import sms
from app.licenses.models import License, PttGroup, group_member
from app.system.sms_gateways import offered

MOST_INVITED = 500
SAMPLED = 25            # licenses that the preview looks at


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
