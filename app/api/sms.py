"""/licenses/<id>/sms."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

from flask_babel import gettext as _
from sqlalchemy import select

from app.api.guard import operation
from app.api.licenses import find
from app.api.paging import AFTER, LIMIT, page
from app.api.shapes import F, write
from app.core import own_rows
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.licenses import sms
from app.licenses.models import PttGroup
from app.system.outbox import OutboxState
from app.system.sms_models import Sms, SmsOutcome

SHOWN = (F("id", int), F("kind"), F("recipient"), F("parts", int), F("state", of=OutboxState), F("error", help="Why it was refused, or is unclear."), F("outcome", of=SmsOutcome, help="What the gateway reported."),
         F("created_at", datetime), F("done_at", datetime))


@operation("GET", "/licenses/<int:license_id>/sms", "licenses:read", "List the SMS of a license", SHOWN, many=True, parameters=(LIMIT, AFTER))
def list_sms(values: dict[str, Any], license_id: int) -> Any:
    return page(Sms, SHOWN, values, [Sms.license_id == find(license_id).id], ())


@operation("POST", "/licenses/<int:license_id>/sms", "sms:write", "Send an SMS to the user of a license; send an Idempotency-Key, so that a repeated request is not charged again", SHOWN, status=201,
           body=(F("kind", help="configuration, group_invitation or download, as the PTT mode allows.", required=True, most=40), F("group_id", int, "Of an invitation.")))
def send_sms(values: dict[str, Any], license_id: int) -> Any:
    row, nonce, group = find(license_id), uuid4().hex, None
    if values["kind"] not in sms.KINDS:
        raise InvalidInput(_("Choose one of the list."), "kind")
    if values.get("group_id") is not None and (group := own_rows.get(PttGroup, values["group_id"])) is None:
        raise InvalidInput(_("There is no such group."), "group_id")
    with transaction():
        sms.send(values["kind"], row, nonce, group)
        return write(db.session.scalars(select(Sms).where(Sms.license_id == row.id).order_by(Sms.id.desc()).limit(1)).one(), SHOWN)
