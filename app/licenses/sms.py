"""SMS to the user of a license: which kinds its PTT mode has, how the text looks, and putting it into the outbox."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update

from app.catalog.models import PttMode
from app.core import formats
from app.core.db import db, transaction
from app.core.errors import DomainError, InvalidInput
from app.customers.models import Customer
from app.customers.partners import voice
from app.licenses import setup_links
from app.licenses.models import License, LicenseState, PttGroup, group_member
from app.system.models import ProtocolKind
from app.system.outbox import OutboxState
from app.system.protocol import record
from app.system.settings import setting
from app.system.sms import queue_sms, retry_sms
from app.system.sms_gateways import offered
from app.system.sms_models import Sms, SmsOutcome
from app.system.sms_numbers import check_number
from app.system.sms_parts import Size, measure, simplify
from app.system.sms_templates import body_of, compose, put_in_secrets, template

CONFIGURATION, INVITATION, DOWNLOAD, TEST = "configuration", "group_invitation", "download", "test"
KINDS = {CONFIGURATION: _l("Configuration"), INVITATION: _l("Group invitation"), DOWNLOAD: _l("Download of the app")}
HELP = {CONFIGURATION: _l("A link to the settings of the license. It works once; an older one ends."), INVITATION: _l("Tells that the license is a member of a group."),
        DOWNLOAD: _l("The address where the app is downloaded.")}
NONCE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Draft:
    """One SMS as it would be; `problem` says why it cannot be sent, and text and size are empty then."""

    license: License
    text: str = ""
    size: Size | None = None
    problem: str = ""


def kinds_of(mode: PttMode) -> list[str]:
    """The SMS that make sense for users of this PTT mode."""
    has = {CONFIGURATION: mode.configuration_sms, INVITATION: mode.group_invitation, DOWNLOAD: bool(mode.download_url)}
    return [kind for kind in KINDS if has[kind]]


def kinds_for(licenses: Sequence[License]) -> list[str]:
    """Those that at least one of the licenses can be sent; none while no gateway is chosen."""
    found = {kind for license in licenses for kind in kinds_of(license.tariff.mode)} if offered() else set()
    return [kind for kind in KINDS if kind in found]


def drafts(kind: str, licenses: Sequence[License], group: PttGroup | None = None) -> list[Draft]:
    """For the preview of many: what is the same for all is read once."""
    shared: dict[Any, Any] = {}
    if group is not None:
        shared["members"] = set(db.session.scalars(select(group_member.c.license_id).where(group_member.c.group_id == group.id)))
    return [draft(kind, license, group, shared) for license in licenses]


def draft(kind: str, license: License, group: PttGroup | None = None, shared: dict[Any, Any] | None = None) -> Draft:
    """For the preview; links are samples of the right length."""
    try:
        spec, text = _write(kind, license, group, setup_links.life(), {} if shared is None else shared)
    except DomainError as error:
        return Draft(license, problem=str(error))
    shown = put_in_secrets(spec, text, {"link": setup_links.sample_address()})
    shown = simplify(shown) if setting("sms.simplify") else shown
    return Draft(license, shown.replace("x" * 43, "…"), measure(shown))


def send(kind: str, license: License, nonce: str, group: PttGroup | None = None) -> bool:
    """Put it into the outbox; False when it is there already (`nonce`: 32 hex digits of one form). Raises InvalidInput with the reason."""
    if not NONCE.fullmatch(nonce):
        raise InvalidInput(_("This form is no longer valid. Load the page again."))
    key = f"{kind}:{license.id}:{group.id if group is not None else 0}:{nonce}"
    with transaction() as session:
        session.refresh(license.customer, with_for_update=True)     # so that two at once do not both find the day's last place
        session.refresh(license)
        if session.scalar(select(Sms.id).where(Sms.key == key)):
            return False
        until = setup_links.life() if kind == CONFIGURATION else None
        spec, text = _write(kind, license, group, until, {})
        if until is not None:       # their links end now: what was not sent yet would be charged for nothing
            session.execute(update(Sms).where(Sms.license_id == license.id, Sms.kind == CONFIGURATION, Sms.state.in_((OutboxState.WAITING, OutboxState.HELD, OutboxState.UNSURE)))
                            .values(state=OutboxState.CANCELLED, sealed=None))
        sealed = {"link": setup_links.address_of(setup_links.make_link(license, until))} if until is not None else None
        record(ProtocolKind.LICENSE, "sms_queued", subject_type="license", subject_id=license.id, subject=str(license), customer_id=license.customer_id,
               note=f"{spec.purpose} → {license.phone}")
        return queue_sms(key, kind, license.phone, text, subject=str(license), customer_id=license.customer_id, license_id=license.id, sealed=sealed, expires_at=until)


def retry(row: Sms) -> None:
    """Staff: send it again; the customer is locked, so that two at once do not both find the day's last place."""
    with transaction() as session:
        if row.customer_id is not None:
            session.get(Customer, row.customer_id, with_for_update=True)
        retry_sms(row.id)


def _write(kind: str, license: License, group: PttGroup | None, until: datetime | None, shared: dict[Any, Any]) -> tuple[Any, str]:
    """Template and text, links of secrets still open. Raises InvalidInput when this license cannot be sent it. `shared` remembers what was read."""
    mode, customer = license.tariff.mode, license.customer
    if not offered():
        raise InvalidInput(_("SMS are not sent here: no gateway is chosen in the settings."))
    if kind not in kinds_of(mode):
        raise InvalidInput(_("For %(mode)s there is no such SMS.", mode=mode.name))
    if license.state is LicenseState.DELETED:
        raise InvalidInput(_("This license is deleted."))
    if license.lock_reasons and kind == CONFIGURATION:
        raise InvalidInput(_("This license is locked."))
    if not license.phone:
        raise InvalidInput(_("This license has no phone number."))
    check_number(license.phone)
    values = {"user": str(license), "login": license.user_name, "customer": customer.company, "mode": mode.name}
    with force_locale(customer.language):
        if kind == CONFIGURATION:
            values["until"] = formats.instant(until).replace("\u202f", " ").replace("\u00a0", " ")
        elif kind == DOWNLOAD:
            values["link"] = mode.download_url
        else:
            values["group"] = _group_name(license, group, shared.get("members"))
        if ("voice", customer.id) not in shared:
            shared["voice", customer.id] = voice("sms", customer.id)
        if (speaks := shared["voice", customer.id]) is not None:
            values |= {"company": speaks.name, "company_email": speaks.reply_to, "company_phone": "", "company_website": ""}
        spec, which = template(kind), ("body", mode.code, customer.language)
        if which not in shared:
            shared[which] = body_of(spec, mode.code, customer.language)
        return spec, compose(spec, shared[which], values)


def _group_name(license: License, group: PttGroup | None, members: set[int] | None) -> str:
    if group is None:
        raise InvalidInput(_("Choose the group."), "group")
    if members is None:
        members = set(db.session.scalars(select(group_member.c.license_id).where(group_member.c.group_id == group.id, group_member.c.license_id == license.id)))
    if group.deleted or license.id not in members:
        raise InvalidInput(_("It is no member of “%(group)s”.", group=group.name))
    return group.name


def recent(license_id: int, most: int = 10) -> list[Sms]:
    """The last SMS of a license."""
    return list(db.session.scalars(select(Sms).where(Sms.license_id == license_id).order_by(Sms.created_at.desc(), Sms.id.desc()).limit(most)))


def state_badge(row: Sms) -> Any:
    """One word for a message: how far it came."""
    return formats.pill(row.outcome if row.outcome is not None and row.outcome is not SmsOutcome.UNKNOWN else row.state)


def kind_word(kind: str) -> str:
    return str({**KINDS, TEST: _("Test")}.get(kind, kind))
