"""The services of this slice, broken off at their n-th statement for every n: all or nothing, and a repeat gets through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select

from app.core import clock
from app.core.db import db, transaction
from app.customers import account_changes, accounts, terms
from app.customers.account_models import (
    AccountRole,
    AccountState,
    LinkPurpose,
    PasswordLink,
    PasswordRequest,
    PortalAccount,
    TermsAcceptance,
)
from app.customers.account_passwords import hash_password
from app.customers.models import Customer, CustomerKind
from app.customers.partners import register_customer, save_partner
from app.customers.password_links import use_link
from app.customers.password_requests import answer_requests, request_password
from app.customers.prospect_import import import_prospect
from app.customers.prospect_models import Prospect, ProspectState
from app.customers.prospects import register_prospect
from app.portal import login_service
from app.portal.data_copies import make_copies, request_copy, request_deletion
from app.portal.models import DataExport, DeletionRequest
from app.system.models import Document, MailMessage, ProtocolEntry
from app.system.outbox import OutboxState
from tests import factories as make
from tests.portal.visitors import OTHER, PASSWORD, set_sender

TABLES = (Customer, PortalAccount, PasswordLink, TermsAcceptance, Prospect, MailMessage, ProtocolEntry, DeletionRequest, DataExport, Document)


class Broken(BaseException):
    """Like a killed process: nothing catches it."""


def stored() -> list[Any]:
    db.session.rollback()
    with db.engine.connect() as connection:
        return [connection.execute(select(model.__table__).order_by(model.__table__.c.id)).all() for model in TABLES]


def break_off(work: Callable[[], Any], number: int) -> bool:
    """Let the `number`-th statement fail; False when there were fewer."""
    seen = 0

    def count(*_more: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            raise Broken

    event.listen(db.engine, "before_cursor_execute", count)
    try:
        work()
        return False
    except Broken:
        return True
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
        db.session.rollback()


@pytest.fixture
def world(app) -> dict[str, Any]:
    set_sender()
    terms.publish(terms.save_terms(name="1", valid_from=clock.today(), text_en="Be kind."))
    customer = make.customer()
    account = accounts.create_account(customer)
    with transaction():
        _link, token = accounts.make_link(account, LinkPurpose.RESET)
    prospect = register_prospect(CustomerKind.CLOSED, confirm=False, company="Hafenlotsen Emden", contact="Jan", email="jan@example.org", country="DE")
    other = make.customer()
    mine = accounts.create_account(make.customer())
    with transaction():
        mine.password_hash, mine.state = hash_password(OTHER), AccountState.ACTIVE
    save_partner(other)
    return {"mine": mine, "token": token, "terms": terms.current().id, "prospect": prospect, "tariff": make.tariff(), "customer": other}


SERVICES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "use_link": lambda w: use_link(w["token"], PASSWORD, "", w["terms"]),
    "send_welcome": lambda w: accounts.send_welcome(w["customer"]),
    "import_prospect": lambda w: import_prospect(w["prospect"], currency="EUR", tariff=w["tariff"]),
    "register_prospect": lambda w: register_prospect(CustomerKind.PUBLIC, contact="Karla", email="karla@example.org", country="DE"),
    "change_password": lambda w: account_changes.change_password(w["mine"], 0, OTHER, PASSWORD),
    "invite": lambda w: login_service.invite(w["mine"], w["mine"].customer, "tina@example.org", "Tina", AccountRole.MANAGER),
    "register_customer": lambda w: register_customer(w["customer"], [], clock.today(), company="Winzer", street="Weg 1", city="Mainz", country="DE", email="winzer@example.org"),
    "request_deletion": lambda w: request_deletion(w["mine"], w["mine"].customer, "please"),
}


@pytest.mark.parametrize("service", SERVICES)
def test_broken_off_anywhere_it_leaves_nothing(world, service, monkeypatch):
    for limit in ("app.customers.password_links.TRIES", "app.customers.account_changes.TRIES", "app.portal.login_service.INVITATIONS"):
        monkeypatch.setattr(limit, 1000)
    before, number = stored(), 1
    while break_off(lambda: SERVICES[service](world), number):
        assert stored() == before, f"statement {number} of {service}"
        number += 1
        assert number < 200
    after = stored()
    assert after != before and number > 4
    if service == "import_prospect":
        assert db.session.scalars(select(Prospect.state).where(Prospect.company != "")).one() is ProspectState.IMPORTED


def test_a_request_is_answered_once_wherever_its_worker_dies(world):
    """Claimed, then broken off: after the lease another worker takes it, and there is one link and one e-mail."""
    def mails() -> int:
        db.session.rollback()
        return db.session.scalar(select(func.count()).select_from(MailMessage).where(MailMessage.kind == "password")) or 0

    number, done, hours = 1, 0, 0
    while True:
        hours += 2
        with clock.frozen(clock.now() + timedelta(hours=hours)):
            request_password(world["customer"].number, "198.51.100.7")
            broke = break_off(answer_requests, number)
        with clock.frozen(clock.now() + timedelta(hours=hours, minutes=30)):
            answer_requests()
            done += 1
            assert mails() == done, f"statement {number}"
            assert not db.session.scalar(select(func.count()).select_from(PasswordRequest))
        if not broke:
            break
        number += 1
        assert number < 200
    assert number > 8


def test_a_copy_of_data_is_made_once_wherever_its_worker_dies(world):
    """A file without a row may be left over for the sweep; there is one document for each copy."""
    number = 1
    while True:
        with clock.frozen(clock.now() + timedelta(days=2 * number)):
            row = request_copy(world["mine"], world["mine"].customer)
            broke = break_off(make_copies, number)
            with clock.frozen(clock.now() + timedelta(minutes=30)):
                make_copies()
            db.session.refresh(row)
            assert row.state is OutboxState.DONE and row.document_id is not None, f"statement {number}"
            assert db.session.scalar(select(func.count()).select_from(Document)) == number
        if not broke:
            break
        number += 1
        assert number < 200
    assert number > 15
