"""Versions of the layout: the one of a day, a new one, one that has not begun withdrawn."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.billing.layout import USUAL, Layout, parse
from app.billing.layout_models import InvoiceLayout
from app.core import clock
from app.core.actor import current_actor
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.system.models import ProtocolKind
from app.system.protocol import record

log = logging.getLogger(__name__)


def version_of(session: Session, day: date) -> InvoiceLayout | None:
    """The version of documents issued on `day`."""
    query = select(InvoiceLayout).where(InvoiceLayout.valid_from <= day).order_by(InvoiceLayout.valid_from.desc(), InvoiceLayout.id.desc()).limit(1)
    found: InvoiceLayout | None = session.scalar(query)
    return found


def layout_of(day: date) -> Layout:
    """How documents issued on `day` look. A version that cannot be read counts as none: an invoice is made in any case."""
    version = version_of(db.session(), day)
    if version is None:
        return USUAL
    try:
        return parse(version.data)
    except (InvalidInput, TypeError, AttributeError) as error:
        log.error("layout %s is not used: %s", version.id, error)
        return USUAL


def broken(version: InvoiceLayout) -> str:
    """Why a stored version is not used; empty when it is."""
    try:
        parse(version.data)
    except (InvalidInput, TypeError, AttributeError) as error:
        return str(error)
    return ""


def save(data: dict[str, Any], valid_from: date, note: str = "") -> InvoiceLayout:
    """A new version from that day on, today at the earliest. The same again gives the stored one. Raises InvalidInput with the field."""
    layout, note = parse(data), " ".join(note.split())
    if valid_from < clock.today():
        raise InvalidInput(_("A layout begins today at the earliest: what was issued before stays as it is."), "valid_from")
    if len(note) > 200:
        raise InvalidInput(_("At most %(n)s characters.", n=200), "note")
    with transaction() as session:
        last = session.scalar(select(InvoiceLayout).where(InvoiceLayout.valid_from == valid_from).order_by(InvoiceLayout.id.desc()).limit(1))
        if last is not None and last.data == layout.stored():
            return last
        version = InvoiceLayout(valid_from=valid_from, data=layout.stored(), note=note, created_by=current_actor().name[:80])
        session.add(version)
        session.flush()
        record(ProtocolKind.SETTINGS, "created", subject_type="invoice_layout", subject_id=version.id, subject=str(version), changes={"data": ["", str(version.data)]}, note=note)
        return version


def withdraw(version: InvoiceLayout) -> None:
    """One that has not begun yet. Raises InvalidInput for another."""
    with transaction() as session:
        session.refresh(version, with_for_update=True)
        if version.valid_from <= clock.today():
            raise InvalidInput(_("This layout has begun: invoices may be made with it. Save another one instead."))
        record(ProtocolKind.SETTINGS, "deleted", subject_type="invoice_layout", subject_id=version.id, subject=str(version), changes={"data": [str(version.data), ""]})
        session.delete(version)
