"""Demo data of SMS: a gateway that sends nothing, and some messages: delivered, not reached, unclear, refused."""

from __future__ import annotations

from datetime import timedelta
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import select, update

from app.catalog.models import PttMode, Tariff
from app.core import clock
from app.core.db import db, transaction
from app.customers.models import Customer
from app.licenses import sms
from app.licenses.models import License, LicenseState, PttGroup, group_member
from app.plugin_api.sms import SmsReport
from app.system.outbox import OutboxState
from app.system.settings import change_settings
from app.system.sms import deliver_sms
from app.system.sms_models import Sms, SmsPart
from app.system.sms_reports import take_reports

APPS = {"npoc": "https://ptt.nordfunk.example/npoc", "talkip": "https://ptt.nordfunk.example/app"}

NOT_YET = {"outcome": None, "outcome_at": None, "outcome_reason": ""}


def load(customers: list[Customer]) -> None:
    change_settings({"sms.gateway": "demo", "sms.sender": "Nordfunk"})
    with transaction() as session:
        for mode in session.scalars(select(PttMode).where(PttMode.code.in_(APPS))):
            mode.download_url = APPS[mode.code]
    with clock.frozen(clock.now() - timedelta(hours=3)):
        for number, row in enumerate(_radios("talkip", 5)):
            sms.send(sms.DOWNLOAD if number % 2 else sms.CONFIGURATION, row, _nonce(number))
        for group, row in _members(3):
            sms.send(sms.INVITATION, row, _nonce(row.id), group)
        deliver_sms()
    _mishaps()
    for number, row in enumerate(_radios("talkip", 2, skip=8)):
        sms.send(sms.DOWNLOAD, row, _nonce(100 + number))
    db.session.rollback()


def _nonce(number: int) -> str:
    return uuid5(NAMESPACE_OID, f"demo:{number}").hex


def _radios(mode: str, most: int, skip: int = 0) -> list[License]:
    return list(db.session.scalars(select(License).join(Tariff, Tariff.id == License.tariff_id).join(PttMode, PttMode.id == Tariff.mode_id)
                                   .where(PttMode.code == mode, License.phone != "", License.state == LicenseState.ACTIVE, License.lock_reasons == 0)
                                   .order_by(License.id).offset(skip).limit(most)))


def _members(most: int) -> list[tuple[PttGroup, License]]:
    rows = db.session.execute(select(PttGroup, License).join(group_member, group_member.c.group_id == PttGroup.id).join(License, License.id == group_member.c.license_id)
                              .join(Tariff, Tariff.id == License.tariff_id).join(PttMode, PttMode.id == Tariff.mode_id)
                              .where(PttMode.group_invitation, ~PttGroup.deleted, License.phone != "", License.state == LicenseState.ACTIVE).order_by(PttGroup.id, License.id).limit(most))
    return [(group, license) for group, license in rows]


def _mishaps() -> None:
    """What the demonstration's gateway does not do by itself: one was not reached, one is unclear, one was refused."""
    rows = list(db.session.scalars(select(Sms).order_by(Sms.id)))
    if len(rows) < 3:
        return
    with transaction() as session:
        session.execute(update(SmsPart).where(SmsPart.sms_id == rows[0].id).values(outcome=None))
        session.execute(update(Sms).where(Sms.id == rows[1].id).values(state=OutboxState.UNSURE, unsure=True, done_at=None, **NOT_YET, error="The answer of the gateway was lost."))
        session.execute(update(Sms).where(Sms.id == rows[2].id).values(state=OutboxState.HELD, done_at=None, **NOT_YET, error="The number of the recipient is not valid. (0x0B)"))
    part = db.session.scalars(select(SmsPart).where(SmsPart.sms_id == rows[0].id)).one()
    take_reports("demo", [SmsReport(part.gateway_id, "expired", clock.now(), "EXPIRED")])
