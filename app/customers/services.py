"""What happens to customers: the only place that changes them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.catalog.models import Tariff, TariffState
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import Conflict, InUse, InvalidInput
from app.core.events import publish
from app.core.period import overlaps
from app.customers import checks
from app.customers.e_invoice import e_invoice
from app.customers.events import CurrencyChanging
from app.customers.models import (
    Association,
    AssociationMember,
    Customer,
    CustomerKind,
    CustomerState,
    MemberState,
    TariffAssignment,
)
from app.plugin_api.payment import PayerFacts
from app.system.settings import setting

FIELDS = frozenset({
    "kind", "number", "company", "contact", "street", "address_extra", "postcode", "city", "region", "country", "phone", "email",
    "invoice_email", "business", "vat_id", "tax_number", "buyer_reference", "e_invoice", "language", "currency", "payment_method", "terms_days",
    "invoice_by_mail", "article", "server", "representative", "partner", "article_id", "server_id", "representative_id",
    "partner_id", "reminder_block", "note",
})


def create_customer(**fields: Any) -> Customer:
    """Check and store a new customer; raises InvalidInput with the field. Without `number` the next one is given."""
    with transaction() as session:
        customer = Customer(**_checked(fields, None))
        given = fields.get("terms_days")
        customer.terms_days = setting("customers.terms_days") if given is None else given
        if not customer.number:
            customer.number = next_number(session)
        _check_number_is_free(session, customer.number, None)
        session.add(customer)
        session.flush()
        return customer


def change_customer(customer: Customer, expected_version: int | None = None, **fields: Any) -> Customer:
    """Change named fields. With `expected_version`: Conflict when somebody else saved meanwhile; nothing is overwritten."""
    try:
        with transaction() as session:
            _current(session, customer, expected_version)
            values = _checked(fields, customer)
            if "currency" in values and values["currency"] != customer.currency:
                if customer.assignments:
                    raise InvalidInput(_("The currency cannot change while the customer has tariffs in %(currency)s.", currency=customer.currency), "currency")
                publish(CurrencyChanging(customer.id, customer.currency, values["currency"]))
            if "number" in values:
                _check_number_is_free(session, values["number"], customer.id)
            if (values.get("partner_id") or (values.get("partner") and values["partner"].id)) == customer.id:
                raise InvalidInput(_("A customer cannot be his own sales partner."), "partner")
            for name, value in values.items():
                setattr(customer, name, value)
            session.flush()
    except StaleDataError as error:
        raise _changed_meanwhile() from error
    return customer


def _current(session: Session, customer: Customer, expected_version: int | None) -> None:
    session.refresh(customer, with_for_update=True)
    if expected_version is not None and customer.version != expected_version:
        raise _changed_meanwhile()
    if customer.state is CustomerState.DELETED:
        raise InvalidInput(_("This customer is deleted."))


def _changed_meanwhile() -> Conflict:
    return Conflict(_("Somebody else has saved this customer meanwhile. Your changes were not stored: look at the new state and enter them again."))


def _checked(fields: dict[str, Any], customer: Customer | None) -> dict[str, Any]:
    if unknown := set(fields) - FIELDS:
        raise InvalidInput(_("Unknown field: %(names)s", names=", ".join(sorted(unknown))))
    values = {k: v.strip() if isinstance(v, str) else v for k, v in fields.items() if v is not None or k.endswith("_id") or k in ("article", "server", "representative", "partner")}
    if customer is None or "company" in values:
        if not values.get("company"):
            raise InvalidInput(_("Enter the company's or the person's name."), "company")
    if customer is None or "country" in values:
        values["country"] = checks.country(values.get("country") or "DE")
    land = values.get("country") or (customer.country if customer else "DE")
    for name, check in (("email", checks.email), ("invoice_email", checks.email)):
        if name in values:
            values[name] = check(values[name], name)
    if "phone" in values:
        values["phone"] = checks.phone(values["phone"], land)
    if values.get("vat_id"):
        values["vat_id"] = checks.vat_id(values["vat_id"])
    if values.get("tax_number") and land == "BR":
        values["tax_number"] = checks.brazilian_tax_number(values["tax_number"])
    if "e_invoice" in values or "buyer_reference" in values:
        chosen = values.get("e_invoice", customer.e_invoice if customer is not None else "")
        values["e_invoice"] = e_invoice(chosen, values.get("buyer_reference", customer.buyer_reference if customer is not None else ""))
    if "language" in values:
        values["language"] = checks.language(values["language"])
    if "currency" in values:
        values["currency"] = checks.currency(values["currency"])
    now = customer.payment_method if customer is not None else None
    if "payment_method" in values and values["payment_method"] != now:
        values["payment_method"] = checks.payment_method(values["payment_method"], payer=_payer(customer, values, land))
    elif customer is not None and values.get("currency", customer.currency) != customer.currency and now in checks.payment_methods():
        checks.payment_method(customer.payment_method, "currency", _payer(customer, values, land))
    terms: Any = values.get("terms_days")
    if terms is not None and not 0 <= terms <= 365:
        raise InvalidInput(_("Terms of payment: between 0 and 365 days."), "terms_days")
    return values


def _payer(customer: Customer | None, values: dict[str, Any], land: str) -> PayerFacts:
    """The customer as he will be."""
    def value(name: str, default: Any) -> Any:
        return values[name] if name in values else getattr(customer, name) if customer is not None else default

    return PayerFacts(customer.id if customer is not None else None, value("currency", "EUR"), land, bool(value("business", True)),
                      value("vat_id", "") or "", value("tax_number", "") or "")


def next_number(session: Session) -> str:
    """The highest number given so far plus one."""
    prefix, number = setting("customers.number_prefix"), setting("customers.first_number")
    digits = func.substr(Customer.number, len(prefix) + 1)
    last = session.scalar(select(Customer.number).where(Customer.number.startswith(prefix, autoescape=True), func.length(digits) >= len(str(number)))
                          .order_by(func.length(Customer.number).desc(), Customer.number.desc()).limit(1))
    if last is not None and last[len(prefix):].isdigit():
        number = max(number, int(last[len(prefix):]) + 1)
    return f"{prefix}{number}"


def _check_number_is_free(session: Session, number: str, own_id: int | None) -> None:
    other = session.scalar(select(Customer.company).where(Customer.number == number, Customer.id != (own_id or 0)))
    if other is not None:
        raise InvalidInput(_("The number %(number)s belongs to %(other)s.", number=number, other=other), "number")


# ---- tariffs -----------------------------------------------------------------------------------------------------


def assign_tariff(customer: Customer, tariff: Tariff, valid_from: date, valid_to: date | None = None) -> TariffAssignment:
    """The customer may use the tariff in these days. Spans of one tariff do not overlap; the tariff must hold in them."""
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        _check_span(customer, tariff, valid_from, valid_to, None)
        assignment = TariffAssignment(customer=customer, tariff=tariff, valid_from=valid_from, valid_to=valid_to)
        session.add(assignment)
        session.flush()
        return assignment


def change_assignment(assignment: TariffAssignment, valid_from: date, valid_to: date | None) -> None:
    with transaction() as session:
        session.refresh(assignment.customer, with_for_update=True)
        _check_span(assignment.customer, assignment.tariff, valid_from, valid_to, assignment.id)
        assignment.valid_from, assignment.valid_to = valid_from, valid_to


def _check_span(customer: Customer, tariff: Tariff, valid_from: date, valid_to: date | None, own_id: int | None) -> None:
    if valid_to is not None and valid_to < valid_from:
        raise InvalidInput(_("The last day is before the first."), "valid_to")
    if own_id is None and tariff.state is not TariffState.ACTIVE:       # who has a retired tariff keeps it
        raise InvalidInput(_("The tariff “%(name)s” is not active. Give it price tiers and activate it first.", name=tariff.name), "tariff")
    if tariff.currency != customer.currency:
        raise InvalidInput(_("The tariff is in %(one)s, the customer is billed in %(two)s.", one=tariff.currency, two=customer.currency), "tariff")
    if valid_from < tariff.valid_from or (tariff.valid_to is not None and (valid_to is None or valid_to > tariff.valid_to)):
        raise InvalidInput(_("The tariff “%(name)s” holds from %(first)s to %(last)s; the assignment must lie within.",
                             name=tariff.name, first=tariff.valid_from, last=tariff.valid_to or "…"), "valid_from")
    for other in customer.assignments:
        if other.id != own_id and other.tariff_id == tariff.id and overlaps(other.valid_from, other.valid_to, valid_from, valid_to):
            raise InvalidInput(_("The customer has this tariff already from %(first)s to %(last)s: the spans would overlap.",
                                 first=other.valid_from, last=other.valid_to or "…"), "valid_from")


def assigned_tariffs(customer: Customer, day: date, *options: Any) -> list[Tariff]:
    """Tariffs that the customer may use on `day`; `options`: what is loaded with them."""
    holds = (TariffAssignment.customer_id == customer.id, TariffAssignment.valid_from <= day, or_(TariffAssignment.valid_to.is_(None), TariffAssignment.valid_to >= day))
    query = select(Tariff).join(TariffAssignment, TariffAssignment.tariff_id == Tariff.id).where(*holds).order_by(TariffAssignment.valid_from, TariffAssignment.id)
    return list(db.session.scalars(query.options(*options)).unique())


# ---- life --------------------------------------------------------------------------------------------------------


def set_termination(customer: Customer, last_day: date | None) -> None:
    """Let the customer end on `last_day`, or (None) not end after all. The daily job does the rest when the day is over."""
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        if last_day is None:
            if customer.state is CustomerState.TERMINATED:
                customer.move_to(CustomerState.ACTIVE)
            customer.termination_date = None
            return
        if last_day < clock.today():
            raise InvalidInput(_("The last day of service cannot lie in the past."), "termination_date")
        if customer.state is CustomerState.ACTIVE:
            customer.move_to(CustomerState.TERMINATED)
        elif customer.state is CustomerState.DELETED:
            raise InvalidInput(_("This customer is deleted."))
        customer.termination_date = last_day


def set_lock_hold(customer: Customer, until: date | None) -> None:
    """Staff: until this day (included) the customer is not locked for unpaid demands."""
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        if until is not None and not clock.today() <= until <= clock.today() + timedelta(days=365):
            raise InvalidInput(_("Choose a day from today on, at most a year ahead."), "lock_hold_until")
        customer.lock_hold_until = until


def delete_unused_customer(customer: Customer) -> None:
    """Only a customer that nothing refers to; the message says what does."""
    from app.customers.queries import uses_of_customer

    with transaction() as session:
        uses = uses_of_customer(session, customer.id)
        if uses:
            raise InUse(_("%(name)s cannot be deleted: %(uses)s. Terminate the customer instead.", name=customer.company, uses=", ".join(uses)))
        session.delete(customer)


# ---- associations ------------------------------------------------------------------------------------------------


def request_membership(association: Association, customer: Customer) -> AssociationMember:
    """Joining needs acceptance (`accept_membership`)."""
    with transaction() as session:
        if customer.kind is not CustomerKind.CLOSED:
            raise InvalidInput(_("Only customers with closed user groups can join an association."), "customer")
        member = session.scalar(select(AssociationMember).where(AssociationMember.association_id == association.id,
                                                                AssociationMember.customer_id == customer.id).with_for_update())
        if member is None:
            member = AssociationMember(association=association, customer=customer)
            session.add(member)
            session.flush()
        else:
            member.move_to(MemberState.REQUESTED)
        return member


def accept_membership(member: AssociationMember) -> None:
    with transaction():
        member.move_to(MemberState.ACCEPTED)
        member.since = clock.today()
