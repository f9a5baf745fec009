"""Sales partners: who is one, at what prices he sells, in whose name his customers are written to."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from app.catalog.models import Tariff
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers import checks
from app.customers.accounts import send_welcome
from app.customers.models import Customer, CustomerKind, CustomerState
from app.customers.partner_models import PartnerPrice, SalesPartner
from app.customers.services import assign_tariff, assigned_tariffs, create_customer
from app.system.mail_voice import Voice

VOICED = frozenset({"welcome", "password", "password_changed", "portal_invitation", "portal_access", "chat_transcript", "sms"})
AGAIN = timedelta(minutes=10)
LIMIT = Decimal("100000")
NEW = ("company", "contact", "street", "address_extra", "postcode", "city", "region", "country", "phone", "email")


def partner_of(customer: Customer) -> SalesPartner | None:
    """The sales partner who sells to this customer, while he does."""
    if customer.partner_id is None:
        return None
    return db.session.scalar(select(SalesPartner).where(SalesPartner.customer_id == customer.partner_id, SalesPartner.active))


def prices_of(customer: Customer) -> dict[int, Decimal] | None:
    """Tariff id → what the customer's sales partner takes for a license. None: he buys from us."""
    partner = partner_of(customer)
    return None if partner is None else {price.tariff_id: price.unit_price for price in partner.prices}


def voice(purpose: str, customer_id: int) -> Voice | None:
    """What concerns the login of a partner's customer, and his chats, goes out in the partner's name; invoices and reminders are ours."""
    if purpose not in VOICED:
        return None
    row = db.session.execute(select(SalesPartner, Customer.company).join(Customer, Customer.id == SalesPartner.customer_id).where(
        SalesPartner.active, SalesPartner.customer_id == select(Customer.partner_id).where(Customer.id == customer_id).scalar_subquery())).one_or_none()
    return None if row is None else Voice(row[0].brand or row[1], row[0].reply_to)


def save_partner(customer: Customer, brand: str = "", reply_to: str = "", active: bool = True) -> SalesPartner:
    """Make a customer a sales partner, or change his name and address for mail. Raises InvalidInput with the field."""
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        if customer.state is CustomerState.DELETED:
            raise InvalidInput(_("This customer is deleted."))
        if customer.partner_id is not None:
            raise InvalidInput(_("%(name)s has a sales partner himself: partners of partners are not supported.", name=customer.company), "customer")
        brand = " ".join(brand.split())
        if len(brand) > 80:
            raise InvalidInput(_("At most %(n)d characters.", n=80), "brand")
        row = session.scalar(select(SalesPartner).where(SalesPartner.customer_id == customer.id))
        if row is None:
            row = SalesPartner(customer=customer)
            session.add(row)
        row.brand, row.reply_to, row.active = brand, checks.email(reply_to, "reply_to"), active
        session.flush()
        return row


def set_price(partner: SalesPartner, tariff: Tariff, unit_price: Decimal | None) -> None:
    """What his customers see for a license in this tariff and period, net; None takes it away."""
    if unit_price is not None and not 0 <= unit_price <= LIMIT:
        raise InvalidInput(_("Enter a price from 0 to %(most)s.", most=LIMIT), "unit_price")
    with transaction() as session:
        session.refresh(partner, with_for_update=True)
        row = session.scalar(select(PartnerPrice).where(PartnerPrice.partner_id == partner.id, PartnerPrice.tariff_id == tariff.id))
        if unit_price is None:
            if row is not None:
                session.delete(row)
        elif row is None:
            session.add(PartnerPrice(partner=partner, tariff=tariff, unit_price=unit_price))
        else:
            row.unit_price = unit_price
        session.flush()
        session.expire(partner, ["prices"])


def register_customer(partner: Customer, tariffs: list[Tariff], day: Any, **fields: Any) -> Customer:
    """A new customer of the partner: assigned to him, on his server, with those of his own tariffs that he chooses; the welcome goes to his e-mail address.

    He pays by transfer at first: a mandate or what else a payment method needs is the customer's own.
    """
    if unknown := set(fields) - set(NEW):
        raise InvalidInput(_("Unknown field: %(names)s", names=", ".join(sorted(unknown))))
    with transaction() as session:
        session.refresh(partner, with_for_update=True)
        own = session.scalar(select(SalesPartner.id).where(SalesPartner.customer_id == partner.id, SalesPartner.active))
        if own is None or partner.state is not CustomerState.ACTIVE:
            raise InvalidInput(_("%(name)s is no sales partner at the moment.", name=partner.company))
        mine = assigned_tariffs(partner, day)
        if any(tariff not in mine for tariff in tariffs):
            raise InvalidInput(_("Choose one of your own tariffs."), "tariffs")
        again = select(Customer).where(Customer.partner_id == partner.id, Customer.created_at > clock.now() - AGAIN, *(getattr(Customer, name) == fields.get(name, "").strip() for name in ("company", "street", "city", "email")))
        if (made := session.scalar(again.limit(1))) is not None:
            return made         # the form was sent twice
        customer = create_customer(kind=CustomerKind.CLOSED, language=partner.language, currency=partner.currency, payment_method=checks.TRANSFER, terms_days=partner.terms_days,
                                   server_id=partner.server_id, article_id=partner.article_id, representative_id=partner.representative_id, partner_id=partner.id, **fields)
        for tariff in tariffs:
            assign_tariff(customer, tariff, day)
        if customer.email:
            send_welcome(customer)
        return customer
