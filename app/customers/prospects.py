"""Registrations: checked, confirmed by a link in an e-mail, looked at by staff, rejected or imported (`prospect_import`)."""

from __future__ import annotations

import logging
import secrets
import unicodedata
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import String, func, select

from app.core import clock, formats
from app.core.actor import Actor, acting
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers import checks
from app.customers.account_models import TermsVersion
from app.customers.accounts import digest
from app.customers.models import CustomerKind
from app.customers.prospect_models import Prospect, ProspectState
from app.system.mail_templates import queue_template
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from app.system.throttle import place, take

log = logging.getLogger(__name__)
FIELDS = frozenset({"company", "contact", "street", "address_extra", "postcode", "city", "region", "country", "phone", "email", "vat_id", "tax_number", "devices", "message"})
PER_ADDRESS, PER_EMAIL, LINKS = 5, 3, 20     # an hour
MESSAGE = 2000
LURES = ("://", "www.", "<", ">", "{{", "}}")  # a name with an address in it would make our e-mail an advertisement


def register_prospect(kind: CustomerKind, *, origin: str = "website", language: str = "en", terms_id: int | None = None, address: str = "", trap: str = "",
                      seconds: float | None = None, confirm: bool = True, **fields: Any) -> Prospect | None:
    """Check and store a registration; with `confirm` the person gets an e-mail with a link, without it counts as confirmed.

    Guards against robots: `trap` is a field that people do not see and leave empty, `seconds` how long the form was open.
    Who falls into one gets None: answer as if all were well. `address` is the sender's network address: with it, there are limits per hour (call outside of transactions).
    Raises InvalidInput with the field, TooManyTries beyond the limits. Whether the e-mail is known is never told.
    """
    if address:
        take("registration", place(address), PER_ADDRESS)
    if trap or (seconds is not None and seconds < setting("prospects.least_seconds")):
        log.warning("a registration by a robot was refused")
        with transaction():
            record(ProtocolKind.SECURITY, "registration_refused", subject_type="prospect", note="trap" if trap else "too fast")
        return None
    values = _checked(kind, fields)
    language = checks.language(language)
    if address:
        take("registration-email", values["email"].lower(), PER_EMAIL)
    with transaction() as session:
        if terms_id is not None and session.get(TermsVersion, terms_id) is None:
            raise InvalidInput(_("These terms are not there. Load the page again."), "terms")
        prospect = Prospect(kind=kind, origin=origin[:20], language=language, terms_id=terms_id, network_address=address[:45], **values)
        session.add(prospect)
        session.flush()
        if confirm:
            _ask(prospect)
        else:
            _confirm(prospect)
        return prospect


def _checked(kind: CustomerKind, fields: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(kind, CustomerKind):
        raise InvalidInput(_("Choose one of the list."), "kind")
    if unknown := set(fields) - FIELDS:
        raise InvalidInput(_("Unknown field: %(names)s", names=", ".join(sorted(unknown))))
    values: dict[str, Any] = {}
    for name in FIELDS - {"devices", "message"}:
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidInput(_("Enter one text."), name)
        values[name] = _line(name, value or "")
    values["message"] = _message(fields.get("message"))
    values["devices"] = _devices(fields.get("devices"))
    if kind is CustomerKind.CLOSED and not values["company"]:
        raise InvalidInput(_("Enter the name of the company."), "company")
    if not values["contact"]:
        raise InvalidInput(_("Enter your name."), "contact")
    if not values["email"]:
        raise InvalidInput(_("Enter your e-mail address: we send the confirmation there."), "email")
    values["email"] = checks.email(values["email"])
    values["country"] = checks.country(values["country"] or "DE")
    values["phone"] = checks.phone(values["phone"], values["country"])
    values["vat_id"] = checks.vat_id(values["vat_id"])
    if values["tax_number"] and values["country"] == "BR":
        values["tax_number"] = checks.brazilian_tax_number(values["tax_number"])
    return values


def _line(name: str, value: str) -> str:
    """One line of text that fits its column. Line breaks are refused, not mended: no form of ours sends one."""
    value = unicodedata.normalize("NFC", value).strip()
    if any(unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cs") for char in value):
        raise InvalidInput(_("This text has characters that cannot be stored. Type it instead of pasting it."), name)
    if name in ("company", "contact", "street", "address_extra", "city", "region", "postcode") and any(lure in value.lower() for lure in LURES):
        raise InvalidInput(_("Enter this without web addresses and angle brackets."), name)
    kind = Prospect.__table__.c[name].type
    if isinstance(kind, String) and kind.length and len(value) > kind.length:
        raise InvalidInput(_("At most %(n)d characters.", n=kind.length), name)
    return value


def _message(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise InvalidInput(_("Enter one text."), "message")
    text = (value or "").replace("\r\n", "\n").strip()
    if len(text) > MESSAGE:
        raise InvalidInput(_("At most %(n)d characters.", n=MESSAGE), "message")
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in text):
        raise InvalidInput(_("This text has characters that cannot be stored. Type it instead of pasting it."), "message")
    return text


def _devices(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100_000:
        raise InvalidInput(_("Enter a number between 1 and 100,000."), "devices")
    return value


# the confirmation ---------------------------------------------------------------------------------------------------


def _ask(prospect: Prospect) -> None:
    """Send the link; an older one no longer works. Call inside `transaction()`."""
    token = secrets.token_urlsafe(32)
    prospect.confirm_hash, prospect.confirm_until = digest(token), clock.now() + timedelta(days=setting("prospects.confirm_days"))
    db.session.flush()
    with force_locale(prospect.language):
        until = formats.instant(prospect.confirm_until)
    link = f"{current_app.config['BASE_URL'].rstrip('/')}/portal/confirm/{token}"
    queue_template(f"prospect_confirm:{prospect.id}:{prospect.confirm_hash[:16]}", "prospect_confirm", prospect.email, prospect.language,
                   {"name": prospect.contact, "customer": str(prospect), "until": until}, secrets={"link": link})


def ask_again(prospect: Prospect) -> None:
    """Staff: the confirmation e-mail once more."""
    with transaction() as session:
        session.refresh(prospect, with_for_update=True)
        if prospect.state is not ProspectState.NEW:
            raise InvalidInput(_("%(name)s needs no confirmation any more.", name=str(prospect)))
        _ask(prospect)


def _confirm(prospect: Prospect) -> None:
    prospect.move_to(ProspectState.CONFIRMED)
    prospect.confirmed_at, prospect.confirm_hash, prospect.confirm_until = clock.now(), None, None
    db.session.flush()


def confirm_by_hand(prospect: Prospect) -> None:
    """Staff knows that the registration is meant, for example by telephone."""
    with transaction() as session:
        session.refresh(prospect, with_for_update=True)
        _confirm(prospect)


def to_confirm(token: Any, address: str) -> Prospect:
    """The registration of a link that may be used now. Changes nothing; InvalidInput when there is none."""
    found = _of_token(token)
    if found is None:
        take("link", place(address), LINKS)
        raise InvalidInput(_("This link is no longer valid. It works once and for some days. Register again if you still want to."))
    return found


def confirm(token: Any, address: str) -> Prospect:
    """Use the link of the confirmation e-mail."""
    take("link", place(address), LINKS)
    to_confirm(token, address)
    with acting(Actor("portal", "visitor", origin=address)), transaction():
        prospect = _of_token(token, lock=True)
        if prospect is None:
            raise InvalidInput(_("This link is no longer valid. It works once and for some days. Register again if you still want to."))
        _confirm(prospect)
        return prospect


def _of_token(token: Any, lock: bool = False) -> Prospect | None:
    if not isinstance(token, str) or not 20 <= len(token) <= 100:
        return None
    query = select(Prospect).where(Prospect.confirm_hash == digest(token), Prospect.confirm_until > clock.now(), Prospect.state == ProspectState.NEW)
    return db.session.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)


# the staff's answer -------------------------------------------------------------------------------------------------


def reject_prospect(prospect: Prospect, reason: str, mail: bool = False) -> None:
    """With `mail` the person is told, with the reason."""
    reason = " ".join(reason.split())
    if not reason or len(reason) > 500:
        raise InvalidInput(_("Write the reason in at most 500 characters."), "reason")
    with transaction() as session:
        session.refresh(prospect, with_for_update=True)
        prospect.move_to(ProspectState.REJECTED)
        prospect.reason, prospect.confirm_hash, prospect.confirm_until = reason, None, None
        session.flush()
        if mail:
            queue_template(f"prospect_rejected:{prospect.id}:{prospect.version}", "prospect_rejected", prospect.email, prospect.language,
                           {"name": prospect.contact, "customer": str(prospect), "reason": reason})


def take_back_rejection(prospect: Prospect) -> None:
    with transaction() as session:
        session.refresh(prospect, with_for_update=True)
        prospect.move_to(ProspectState.NEW)
        prospect.reason = ""
        if prospect.confirmed_at is not None:
            _confirm(prospect)


def waiting() -> int:
    """Registrations that staff has to look at."""
    return db.session.scalar(select(func.count()).select_from(Prospect).where(Prospect.state == ProspectState.CONFIRMED)) or 0
