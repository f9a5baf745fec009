"""Demo data: plans of the representatives, the entries of four months, statements of the months that are over; the last is to be released."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import select

from app.catalog.models import Article
from app.customers.models import Customer, Representative
from app.plugin_api import clock, db, transaction
from plugins.commission.entries import enter_missing
from plugins.commission.letters import make_letters, without_letter
from plugins.commission.models import Statement
from plugins.commission.plans import save_plan
from plugins.commission.statements import month_before, prepare, release


def load() -> None:
    used = select(Customer.representative_id).where(Customer.representative_id.is_not(None))
    people = db.session.scalars(select(Representative).where(Representative.id.in_(used)).order_by(Representative.id)).all()
    rental = db.session.scalar(select(Article).where(Article.number == "2000"))
    first = date(clock.today().year - 1, 1, 1)
    for number, person in enumerate(people):
        with transaction():
            person.iban = person.iban or "DE02120300000000202051"
            person.email = person.email or f"{person.number.lower()}@example.org"
            person.small_business, person.tax_number = number % 2 == 1, person.tax_number or f"22/815/0815{number}"
        save_plan(None, representative=person, percent=Decimal(8) + 2 * number, valid_from=first)
        if rental is not None and number == 0:
            save_plan(None, representative=person, article=rental, fixed=Decimal("1.50"), currency="EUR", valid_from=first)
    enter_missing(_nothing)
    last = month_before(clock.today())
    before = month_before(date.fromisoformat(f"{last}-01"))
    prepare(before, _nothing)
    for statement in db.session.scalars(select(Statement).order_by(Statement.id)).all():
        release(statement)
    make_letters(without_letter(db.session()), _nothing)
    prepare(last, _nothing)


def _nothing(_subject: str, _reason: str) -> None:
    """The demo's data is whole."""
