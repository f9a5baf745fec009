"""A prospect becomes a customer: duplicates first, then customer, tariff and welcome e-mail in one transaction."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.catalog.models import PttServer, Tariff
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.core.own_rows import visible
from app.customers.accounts import send_welcome
from app.customers.duplicates import Duplicate, find_duplicates
from app.customers.models import Customer, CustomerKind, CustomerState, Representative
from app.customers.prospect_models import Prospect, ProspectState
from app.customers.services import assign_tariff, create_customer


def duplicates_of(prospect: Prospect) -> list[Duplicate]:
    names = [prospect.contact] if prospect.kind is CustomerKind.PUBLIC else [prospect.company, prospect.contact]
    return find_duplicates(db.session(), names=[name for name in names if name], email=prospect.email, vat_id=prospect.vat_id, tax_number=prospect.tax_number,
                           postcode=prospect.postcode, country=prospect.country)


def other_registrations(prospect: Prospect) -> list[Prospect]:
    """Further open registrations with the same e-mail."""
    return list(db.session.scalars(select(Prospect).where(func.lower(Prospect.email) == prospect.email.lower(), Prospect.id != prospect.id,
                                                          Prospect.state.in_((ProspectState.NEW, ProspectState.CONFIRMED))).order_by(Prospect.id.desc()).limit(10)))


def import_prospect(prospect: Prospect, *, currency: str, server: PttServer | None = None, tariff: Tariff | None = None, valid_from: date | None = None,
                    number: str = "", welcome: bool = True, new_nevertheless: bool = False, representative: Representative | None = None) -> Customer:
    """The new customer. InvalidInput with the field `new_nevertheless` while somebody similar is there and the staff has not said that this is another."""
    with transaction() as session:
        session.refresh(prospect, with_for_update=True)
        _must_be_confirmed(prospect)
        if not new_nevertheless and (found := duplicates_of(prospect)):
            names = ", ".join(row.company for row in visible(Customer, [item.customer for item in found[:3]])) or _("a customer of somebody else")
            raise InvalidInput(_("Perhaps this is %(names)s. Tick the box when it is somebody else.", names=names), "new_nevertheless")
        public = prospect.kind is CustomerKind.PUBLIC
        customer = create_customer(
            kind=prospect.kind, number=number, company=prospect.contact if public else prospect.company, contact="" if public else prospect.contact,
            street=prospect.street, address_extra=prospect.address_extra, postcode=prospect.postcode, city=prospect.city, region=prospect.region,
            country=prospect.country, phone=prospect.phone, email=prospect.email, vat_id=prospect.vat_id, tax_number=prospect.tax_number,
            business=not public or bool(prospect.vat_id), language=prospect.language, currency=currency, server=server, representative=representative,
            note=prospect.message)
        if tariff is not None:
            assign_tariff(customer, tariff, valid_from or clock.today())
        prospect.move_to(ProspectState.IMPORTED)
        prospect.customer = customer
        session.flush()
        if welcome:
            send_welcome(customer)
        return customer


def link_to_customer(prospect: Prospect, customer: Customer) -> None:
    """The registration belongs to a customer who is there already: nothing of him changes."""
    with transaction() as session:
        session.refresh(prospect, with_for_update=True)
        _must_be_confirmed(prospect)
        if customer.state is CustomerState.DELETED:
            raise InvalidInput(_("This customer is deleted."))
        prospect.move_to(ProspectState.IMPORTED)
        prospect.customer = customer
        session.flush()


def _must_be_confirmed(prospect: Prospect) -> None:
    if prospect.state is ProspectState.NEW:
        raise InvalidInput(_("%(name)s has not confirmed the e-mail address yet. Confirm it by hand when you are sure.", name=str(prospect)))
    if prospect.state is not ProspectState.CONFIRMED:
        raise InvalidInput(_("This registration was dealt with already."))
