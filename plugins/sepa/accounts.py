"""Our own bank accounts."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.plugin_api import InvalidInput, transaction
from plugins.sepa import ids
from plugins.sepa.mandate_models import CreditorAccount
from plugins.sepa.pain008 import VERSIONS
from plugins.sepa.text import sepa_text


def save_account(account: CreditorAccount | None, *, title: str, holder: str, iban: str, bic: str | None = "", creditor_id: str, version: str = VERSIONS[0], lead_days: int = 1,
                 cut_off: str = "14:00", batch_booking: bool = True, active: bool = True) -> CreditorAccount:
    """A new one, or a change. Raises InvalidInput."""
    title, holder, cut_off = " ".join((title or "").split()), " ".join((holder or "").split()), (cut_off or "").strip()
    if not 1 <= len(title) <= 60:
        raise InvalidInput(_("Enter a name of 1 to 60 characters."), "title")
    if not sepa_text(holder) or len(holder) > 70:
        raise InvalidInput(_("Enter the account holder, at most 70 characters."), "holder")
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", cut_off):
        raise InvalidInput(_("Enter a time such as 14:00."), "cut_off")
    if lead_days is None or not 1 <= lead_days <= 14:
        raise InvalidInput(_("The bank wants the file 1 to 14 bank days before."), "lead_days")
    if version not in VERSIONS:
        raise InvalidInput(_("Choose one of the file formats."), "version")
    values: dict[str, Any] = {"title": title, "holder": holder, "iban": ids.iban(iban or ""), "bic": ids.bic(bic or ""), "creditor_id": ids.creditor_id(creditor_id or ""), "version": version,
                              "lead_days": lead_days, "cut_off": cut_off, "batch_booking": batch_booking, "active": active}
    with transaction() as session:
        if session.scalar(select(CreditorAccount.id).where(CreditorAccount.title == title, CreditorAccount.id != (account.id if account is not None else 0))) is not None:
            raise InvalidInput(_("There is an account with this name already."), "title")
        row = account or CreditorAccount()
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        session.flush()
        return row
