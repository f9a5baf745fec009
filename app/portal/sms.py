"""SMS to the users of licenses: choose which, see the text and what it takes, send. For one license, ticked ones, or the members of a group."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.catalog.models import Tariff
from app.core.db import db
from app.core.errors import DomainError
from app.licenses import sms
from app.licenses.models import License, PttGroup, group_member
from app.portal import paging
from app.portal.gate import right, visit
from app.portal.pages import page, portal
from app.portal.scope import get, scoped

MOST = 200              # at once, of a group


def offers(rows: list[License]) -> bool:
    """Whether there is anything to send to these."""
    return visit().may("licenses") and bool(sms.kinds_for(rows))


@portal.route("/licenses/sms", methods=["GET", "POST"])
@right("licenses")
def sms_new() -> Any:
    group = get(PttGroup, ident) if (ident := paging.number("group")) is not None else None
    rows = _rows(group)
    kinds = sms.kinds_for(rows)
    if not kinds:
        return page("message", 409, title=_("Nothing can be sent"), text=_("For these licenses there are no SMS."), again=url_for("portal.licenses"), verb=_("Licenses"))
    asked = request.args.get("kind")
    kind = asked if asked in kinds else sms.INVITATION if group is not None and sms.INVITATION in kinds else kinds[0]
    if request.method == "POST":
        return _send(kind, rows, group)
    drafts = sms.drafts(kind, rows, group)
    good = [draft for draft in drafts if not draft.problem]
    ids = request.args.getlist("id")
    return page("sms", title=_("Send SMS"), kinds=[(code, sms.KINDS[code]) for code in kinds], kind=kind, help=sms.HELP[kind], ids=ids, group=group, drafts=drafts, good=good,
                groups=_groups(rows) if sms.INVITATION in kinds else [], parts=sum(draft.size.parts for draft in good if draft.size), nonce=uuid4().hex, cancel=_back(rows, group),
                needs_group=kind == sms.INVITATION, crumb=(_("Licenses"), url_for("portal.licenses")))


def _rows(group: PttGroup | None) -> list[License]:
    """Those named in the address, else the own members of the group. 404 for others'."""
    query = scoped(License).options(joinedload(License.tariff).joinedload(Tariff.mode), joinedload(License.customer)).order_by(License.alias, License.user_name, License.id)
    texts = request.args.getlist("id")
    if not texts:
        if group is None:
            abort(404)
        rows = list(db.session.scalars(query.join(group_member, group_member.c.license_id == License.id).where(group_member.c.group_id == group.id).limit(MOST)))
    else:
        if len(texts) > paging.SIZE or any(not (text.isascii() and text.isdecimal() and len(text) < 19) for text in texts):
            abort(404)
        ids = {int(text) for text in texts}
        rows = list(db.session.scalars(query.where(License.id.in_(ids))))
        if len(rows) != len(ids):
            abort(404)
    return rows


def _groups(rows: list[License]) -> list[PttGroup]:
    """In which at least one of them is."""
    member = select(group_member.c.group_id).where(group_member.c.license_id.in_([row.id for row in rows]))
    return list(db.session.scalars(scoped(PttGroup).where(PttGroup.id.in_(member)).order_by(PttGroup.name).limit(MOST)))


def _send(kind: str, rows: list[License], group: PttGroup | None) -> Any:
    nonce, done, problems = request.form.get("nonce", ""), 0, []
    back = _back(rows, group)
    for row in rows:
        name = str(row)
        try:
            sms.send(kind, row, nonce, group)
            done += 1
        except DomainError as error:
            problems.append(f"{name}: {error}")
    if done:
        flash(ngettext("%(num)d SMS is on its way.", "%(num)d SMS are on their way.", done), "success")
    for text in problems[:5]:
        flash(text, "danger")
    if len(problems) > 5:
        flash(ngettext("%(num)d more could not be sent.", "%(num)d more could not be sent.", len(problems) - 5), "danger")
    return redirect(back, 303)


def _back(rows: list[License], group: PttGroup | None) -> str:
    if not request.args.getlist("id") and group is not None:
        return url_for("portal.group", group_id=group.id)
    return url_for("portal.license", license_id=rows[0].id) if len(rows) == 1 else url_for("portal.licenses")
