"""Licenses: the list with search and filters, one license, lock and unlock, several at once."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.catalog.models import Tariff, WhileLocked
from app.core import clock
from app.core.db import db
from app.core.errors import DomainError
from app.customers.locks import LockReason
from app.licenses.models import License, LicenseState, PttGroup, SyncState, group_member
from app.licenses.sms import kind_word, recent, state_badge
from app.licenses.words import permission_words
from app.portal import license_locks, paging
from app.portal.gate import right, visit
from app.portal.pages import page, portal
from app.portal.scope import get, scoped
from app.portal.sms import offers
from app.portal.words import license_badge, server_words, why_locked
from app.system.sms_gateways import offered

STATES: dict[str, tuple[Any, Any]] = {
    "working": (_l("Working"), lambda: License.lock_reasons == 0), "locked": (_l("Locked"), lambda: License.lock_reasons != 0),
    "pending": (_l("Being set up"), lambda: License.sync_state == SyncState.PENDING), "failed": (_l("Set-up is delayed"), lambda: License.sync_state == SyncState.FAILED),
    "ending": (_l("Ending"), lambda: License.state == LicenseState.ENDING),
}


@portal.route("/licenses")
@right("see")
def licenses() -> Any:
    wanted, state, tariff_id = paging.text("q"), request.args.get("state", ""), paging.number("tariff")
    query = scoped(License)
    if wanted:
        digits = "".join(letter for letter in wanted if letter.isdigit() or letter == "+")
        parts = [License.alias.icontains(wanted, autoescape=True), License.user_name.icontains(wanted, autoescape=True)]
        if len(digits) > 2:
            parts.append(License.phone.contains(digits.lstrip("0") or digits, autoescape=True))
        query = query.where(parts[0] | parts[1] | parts[2] if len(parts) > 2 else parts[0] | parts[1])
    if state in STATES:
        query = query.where(STATES[state][1]())
    if tariff_id is not None:
        query = query.where(License.tariff_id == tariff_id)
    found = paging.found(query, joinedload(License.tariff), order=(License.alias, License.user_name, License.id), q=wanted, state=state if state in STATES else "", tariff=tariff_id)
    tariffs = db.session.execute(select(Tariff.id, Tariff.name).where(Tariff.id.in_(select(License.tariff_id).where(License.customer_id == visit().customer.id))).order_by(Tariff.name)).all()
    return page("licenses", title=_("Licenses"), found=found, badge=license_badge, states=[(code, word) for code, (word, _where) in STATES.items()], state=state, q=wanted,
                tariffs=tariffs, tariff_id=tariff_id, has_sms=offered(), narrowed=bool(wanted or state in STATES or tariff_id))


@portal.route("/licenses/<int:license_id>")
@right("see")
def license(license_id: int) -> Any:
    row = get(License, license_id, joinedload(License.tariff), joinedload(License.server), selectinload(License.services))
    groups = db.session.scalars(select(PttGroup).join(group_member, group_member.c.group_id == PttGroup.id).where(group_member.c.license_id == row.id, ~PttGroup.deleted).order_by(PttGroup.name)).all()
    today = clock.today()
    services = [span.service for span in row.services if span.valid_from <= today and (span.valid_to is None or span.valid_to >= today)]
    return page("license", title=str(row), row=row, badge=license_badge(row), server_words=server_words(row), permissions=permission_words(row.permissions), groups=groups, services=services,
                why=why_locked(row.lock_reasons), can_sms=offers([row]), messages=recent(row.id), kind_word=kind_word, state_badge=state_badge, lock=license_locks.possible(row) if visit().may("licenses") else "", crumb=(_("Licenses"), url_for("portal.licenses")))


@portal.route("/licenses/<int:license_id>/lock", methods=["POST"])
@right("licenses")
def license_lock(license_id: int) -> Any:
    row = get(License, license_id)
    billed = row.tariff.while_locked is WhileLocked.BILL
    return _locked(row, license_locks.lock, _("“%(name)s” is locked. It is still billed.", name=str(row)) if billed else _("“%(name)s” is locked.", name=str(row)))


@portal.route("/licenses/<int:license_id>/unlock", methods=["POST"])
@right("licenses")
def license_unlock(license_id: int) -> Any:
    row = get(License, license_id)
    return _locked(row, license_locks.unlock, _("“%(name)s” works again in a moment.", name=str(row)))


def _locked(row: License, act: Any, done: str) -> Any:
    ident = row.id
    try:
        act(row)
        still = row.lock_reasons & ~LockReason.CUSTOMER
        flash(done if not still else _("Your own lock is off. %(why)s", why=why_locked(still)), "success")
    except DomainError as error:
        flash(str(error), "danger")
    return redirect(url_for("portal.license", license_id=ident), 303)


@portal.route("/licenses/several", methods=["POST"])
@right("licenses")
def licenses_several() -> Any:
    """Of the ticked ones: edit them, lock them, unlock them. What cannot be done is said by name."""
    texts = request.form.getlist("license")
    if not texts:
        flash(_("Tick the licenses first."), "warning")
        return redirect(url_for("portal.licenses"), 303)
    if len(texts) > paging.SIZE or any(not (text.isascii() and text.isdecimal() and len(text) < 19) for text in texts):
        abort(400)
    ids = sorted({int(text) for text in texts})
    rows = list(db.session.scalars(scoped(License).where(License.id.in_(ids)).order_by(License.id)))
    if len(rows) != len(ids):
        abort(404)
    what = request.form.get("act")
    if what == "edit":
        return redirect(url_for("portal.licenses_edit", id=ids), 303)
    if what == "sms":
        return redirect(url_for("portal.sms_new", id=ids), 303)
    if what not in ("lock", "unlock"):
        abort(400)
    done, problems = 0, []
    for row in rows:
        name = str(row)
        try:
            (license_locks.lock if what == "lock" else license_locks.unlock)(row)
            done += 1
        except DomainError as error:
            problems.append(f"{name}: {error}")
    if done:
        flash(ngettext("%(num)d license locked.", "%(num)d licenses locked.", done) if what == "lock" else ngettext("%(num)d license unlocked.", "%(num)d licenses unlocked.", done), "success")
    for text in problems[:5]:
        flash(text, "danger")
    return redirect(url_for("portal.licenses"), 303)

