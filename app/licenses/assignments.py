"""End of a customer's tariff, seen with the licenses that are in it."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from sqlalchemy import func, or_, select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InUse, InvalidInput
from app.customers.models import TariffAssignment
from app.licenses.models import License, LicenseState, LicenseTariff


def end_assignment(assignment: TariffAssignment, last_day: date) -> None:
    """The customer may use the tariff up to `last_day` (today or later). Licenses in it keep it: see `licenses_left`."""
    with transaction() as session:
        session.refresh(assignment.customer, with_for_update=True)
        session.refresh(assignment, with_for_update=True)
        if last_day < clock.today():
            raise InvalidInput(_("The last day cannot lie in the past."), "last_day")
        if last_day < assignment.valid_from:
            raise InvalidInput(_("The last day is before the first, %(day)s.", day=assignment.valid_from), "last_day")
        if assignment.valid_to is not None and last_day > assignment.valid_to:
            raise InvalidInput(_("It ends on %(day)s already. Change the assignment to make it longer.", day=assignment.valid_to), "last_day")
        assignment.valid_to = last_day


def remove_assignment(assignment: TariffAssignment) -> None:
    """Only one that no license ever used; else it is ended."""
    with transaction() as session:
        session.refresh(assignment.customer, with_for_update=True)
        used = _in_tariff(assignment, assignment.valid_from, assignment.valid_to, deleted=True)
        if used:
            raise InUse(_("%(n)s licenses are or were in this tariff. End the assignment instead.", n=used))
        session.delete(assignment)
        session.flush()


def licenses_left(assignment: TariffAssignment, last_day: date | None) -> int:
    """How many licenses are in the tariff after `last_day`."""
    return 0 if last_day is None else _in_tariff(assignment, date.fromordinal(last_day.toordinal() + 1), None)


def _in_tariff(assignment: TariffAssignment, first: date, last: date | None, deleted: bool = False) -> int:
    span = LicenseTariff
    query = select(func.count(License.id.distinct())).join(span, span.license_id == License.id).where(
        License.customer_id == assignment.customer_id, span.tariff_id == assignment.tariff_id,
        or_(span.valid_to.is_(None), span.valid_to >= first))
    if not deleted:
        query = query.where(License.state != LicenseState.DELETED)
    if last is not None:
        query = query.where(span.valid_from <= last)
    return db.session.scalar(query) or 0
