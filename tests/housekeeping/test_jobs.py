"""The daily clean-up: what goes, what stays, told in a dry run, once."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, text

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.customers.models import Customer, CustomerKind, CustomerState
from app.customers.services import assign_tariff
from app.housekeeping import public as housekeeping_public
from app.housekeeping.models import PurgedCustomer
from app.housekeeping.protocols import kept_since, kept_until
from app.licenses.models import License, LicenseState
from app.licenses.services import create_license, delete
from app.receivables.bank_models import PayerAccount
from app.receivables.models import Payment
from app.system.job_runs import approve, execute, run_now
from app.system.models import Document, DocumentKind, JobRun, MailMessage, ProtocolEntry, ProtocolKind, RunState
from app.system.outbox import OutboxState
from app.system.protocol import record
from app.system.retention import kept_from, retain_until, years
from app.system.settings import change_settings, setting
from tests import factories as make
from tests.receivables.books import account, at, demand, notes, on_server, ordered, pay, prepaid_tariff

DAY = date(2026, 6, 1)


def run(name: str, day: date = DAY, **more: Any) -> JobRun:
    with at(day):
        result = run_now(f"housekeeping.{name}", **more)
    db.session.expire_all()
    return result


def protocol(*where: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(ProtocolEntry).where(*where)) or 0


def end(customer: Customer, day: date, followed: bool = True) -> None:
    """As the daily job does when the last day of the customer is over; life goes on with another customer."""
    with at(day), transaction() as session:
        for license in session.scalars(select(License).where(License.customer_id == customer.id)).all():
            delete(license)
        session.refresh(customer)
        customer.move_to(CustomerState.DELETED)
        customer.changed_at = clock.now()
    if followed:
        account(1, first=day)


def billed(month_run: str = "2026-06") -> None:
    """As if the fee run of the month had been done for everybody."""
    with transaction() as session:
        session.add(JobRun(job="billing.fee_run", period=month_run, state=RunState.DONE))


# ---- retention ---------------------------------------------------------------------------------------------------


def test_less_than_the_law_is_refused_in_its_words(app: Any) -> None:
    with pytest.raises(InvalidInput, match="eight years from the end of the calendar year"):
        change_settings({"retention.invoices": "7"})
    with pytest.raises(InvalidInput, match="ten years"):
        change_settings({"retention.books": "9"})
    with pytest.raises(InvalidInput, match="six years"):
        change_settings({"retention.letters": "5"})
    change_settings({"company.country": "BR"})
    change_settings({"retention.invoices": "5"})
    assert years("invoices") == 5
    with pytest.raises(InvalidInput, match="5 years"):
        change_settings({"retention.invoices": "4"})
    change_settings({"company.country": "DE"})
    assert years("invoices") == 8 and setting("retention.invoices") == 5          # what was stored elsewhere is not used here
    assert retain_until("invoices", date(2025, 3, 1)) == date(2033, 12, 31)
    assert kept_from("invoices", date(2033, 12, 31)) == date(2025, 1, 1) and kept_from("invoices", date(2034, 1, 1)) == date(2026, 1, 1)


# ---- protocols ---------------------------------------------------------------------------------------------------


def test_protocols_go_after_the_period_of_their_class(app: Any) -> None:
    with at(date(2015, 12, 31)), transaction():
        record(ProtocolKind.BILLING, "old", subject_type="x")
    with at(date(2016, 1, 1)), transaction():
        record(ProtocolKind.BILLING, "kept", subject_type="x")
    with at(DAY - timedelta(days=366)), transaction():
        record(ProtocolKind.JOB_ERROR, "old", subject_type="x")
        record(ProtocolKind.CUSTOMER, "kept", subject_type="x")
    old = (ProtocolEntry.action == "old",)
    dry = run("protocols", dry_run=True)
    assert protocol(*old) == 2 and len(notes(dry, "would")) >= 2
    assert run("protocols").counts["protocol_entry"] >= 2
    assert protocol(*old) == 0 and protocol(ProtocolEntry.action == "kept") == 2
    assert protocol(ProtocolEntry.action == "cleaned_up") >= 2
    assert run("protocols").counts == {}


def test_an_entry_says_until_when_it_is_kept(app: Any) -> None:
    for kind in ProtocolKind:
        with at(DAY), transaction():
            record(kind, "timed", subject_type="x")
        entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.action == "timed", ProtocolEntry.kind == kind)).one()
        last = kept_until(kind, entry.at)
        assert last is not None and kept_since(kind, last) <= DAY < kept_since(kind, last + timedelta(days=1)), kind
    change_settings({"housekeeping.protocol_security": 0})
    assert kept_until(ProtocolKind.SECURITY, clock.now()) is None and kept_since(ProtocolKind.SECURITY, DAY) is None


def test_only_mails_that_are_over_go(app: Any) -> None:
    with at(date(2020, 1, 1)), transaction() as session:
        for number, state in enumerate((OutboxState.DONE, OutboxState.UNSURE)):
            session.add(MailMessage(key=f"k{number}", kind="x", recipient="a@example.org", subject="s", body="b", message_id="<1>", state=state))
    run("protocols")
    assert [mail.state for mail in db.session.scalars(select(MailMessage))] == [OutboxState.UNSURE]


# ---- public ------------------------------------------------------------------------------------------------------


def public(paid: bool = False) -> Customer:
    owner = account(1, first=date(2026, 1, 10), tariff=prepaid_tariff(), kind=CustomerKind.PUBLIC)
    if paid:
        with at(date(2026, 1, 11)):
            pay(owner, "10.00", date(2026, 1, 11))
    return owner


def test_registrations_that_never_bought_go_from_the_server_too(app: Any) -> None:
    never, bought, closed = public(), public(paid=True), account(1, first=date(2026, 1, 10))
    assert len(notes(run("never_bought", dry_run=True), "would")) == 1 and never.state is CustomerState.ACTIVE
    assert run("never_bought").counts == {"registrations deleted": 1}
    assert never.state is CustomerState.DELETED and ordered(never) == 1
    assert (bought.state, closed.state) == (CustomerState.ACTIVE, CustomerState.ACTIVE) and ordered(closed) == 0
    assert run("never_bought").counts == {}
    assert run("never_bought", date(2026, 1, 20)).counts == {}


def test_who_is_billed_later_or_on_trial_has_not_failed_to_buy(app: Any) -> None:
    """A quarterly tariff that is billed afterwards charges for the first time when its three months end; a free trial of 90 days bills nothing yet."""
    later = account(1, first=date(2026, 1, 2), tariff=make.tariff(period_months=3), kind=CustomerKind.PUBLIC)
    trial = account(1, first=date(2026, 1, 2), tariff=prepaid_tariff(trial_days=90), kind=CustomerKind.PUBLIC)
    assert run("never_bought", date(2026, 3, 20)).counts == {} and run("never_bought", date(2026, 4, 10)).counts == {}
    assert (later.state, trial.state) == (CustomerState.ACTIVE, CustomerState.ACTIVE)
    assert run("never_bought").counts == {"registrations deleted": 1} and trial.state is CustomerState.DELETED


def test_more_than_usual_waits_for_a_person(app: Any) -> None:
    tariff, server = prepaid_tariff(), make.server()
    with at(date(2026, 1, 10)):
        owners = [make.customer(tariff, server=server, kind=CustomerKind.PUBLIC) for _n in range(21)]
    held = run("never_bought")
    assert held.state is RunState.HELD and len(notes(held, "held")) == 21 and all(o.state is CustomerState.ACTIVE for o in owners)
    other = run("never_bought", params={"approved": True})          # approved because the clock jumped: nobody saw the list
    assert other.state is RunState.HELD and other.params == {"asked": 21}
    with at(DAY):
        approve(other.id, "Ada")
        execute(other.id)
    db.session.expire_all()
    assert other.counts == {"registrations deleted": 21}


def test_what_fails_with_one_stops_no_other(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = public(), public()
    real = housekeeping_public.delete
    monkeypatch.setattr(housekeeping_public, "delete", lambda license, day: 1 / 0 if license.customer_id == first.id else real(license, day))
    result = run("never_bought")
    assert result.counts == {"registrations deleted": 1, "left": 1} and "ZeroDivisionError" in notes(result, "failed")[0]
    assert (first.state, second.state) == (CustomerState.ACTIVE, CustomerState.DELETED)


def test_public_licenses_that_are_not_used_go(app: Any) -> None:
    idle, busy = public(paid=True), public(paid=True)
    with transaction():
        idle.paid_until, busy.paid_until = date(2025, 5, 1), date(2026, 5, 1)
        for license in db.session.scalars(select(License)):
            license.active_from = date(2024, 1, 1)
    with transaction():         # nothing waits for the next period
        for row in db.session.scalars(select(Payment)):
            row.free = Decimal(0)
    assert run("unused").counts == {"licenses deleted": 1}
    assert [row.state for row in db.session.scalars(select(License).where(License.customer_id == idle.id))] == [LicenseState.DELETED] and ordered(idle) == 1
    assert ordered(busy) == 0 and run("unused").counts == {}


# ---- tariffs -----------------------------------------------------------------------------------------------------


def test_expiring_tariffs_are_told_once_before_and_once_after(app: Any) -> None:
    owner = make.customer(company="Taxi Nord")
    assign_tariff(owner, make.tariff(), date(2026, 1, 1), DAY + timedelta(days=10))
    assign_tariff(owner, make.tariff(), date(2026, 1, 1), DAY + timedelta(days=100))
    told = (ProtocolEntry.kind == ProtocolKind.JOB_ERROR, ProtocolEntry.subject_type == "tariff_assignment")
    assert "Taxi Nord" in notes(run("tariffs", dry_run=True), "would")[0] and protocol(*told) == 0
    assert run("tariffs").counts == {"expiring": 1}
    assert run("tariffs", DAY + timedelta(days=1)).counts == {}
    assert run("tariffs", DAY + timedelta(days=11)).counts == {"expired": 1}
    assert run("tariffs", DAY + timedelta(days=12)).counts == {} and protocol(*told) == 2


# ---- licenses ----------------------------------------------------------------------------------------------------


def test_deleted_licenses_go_when_off_the_server_and_billed(app: Any) -> None:
    owner = account(2, first=date(2026, 1, 1))
    gone, stays = db.session.scalars(select(License).order_by(License.id)).all()
    name, ident, tariff, server = gone.user_name, gone.id, gone.tariff, gone.server
    with at(date(2026, 2, 10)):
        delete(gone)
    assert run("licenses").counts == {}                     # the server does not know yet
    on_server()
    assert run("licenses").counts == {}                     # February is not billed
    billed()
    assert run("licenses", date(2026, 3, 1)).counts == {}   # too early
    assert len(notes(run("licenses", dry_run=True), "would")) == 1
    assert run("licenses").counts == {"licenses removed": 1}
    assert db.session.get(License, ident) is None and stays.state is LicenseState.ACTIVE
    with at(DAY), pytest.raises(InvalidInput, match="never given twice"):
        create_license(owner, tariff, name, DAY, server=server)
    assert run("licenses").counts == {}


# ---- customers ---------------------------------------------------------------------------------------------------


def test_a_customer_without_amounts_is_deleted(app: Any) -> None:
    owner = account(1, first=date(2025, 1, 1))
    ident = owner.id
    end(owner, date(2025, 6, 1))
    billed()
    assert run("customers").counts == {}                    # its license is still there
    run("licenses")
    assert run("customers", date(2025, 7, 1)).counts == {}  # too early
    assert run("customers").counts == {"customers purged": 1}
    assert db.session.get(Customer, ident) is None and db.session.get_one(PurgedCustomer, ident).anonymised is False
    assert run("customers").counts == {}


def test_no_id_is_given_twice(app: Any) -> None:
    owner = account(1, first=date(2025, 1, 1))
    end(owner, date(2025, 6, 1), followed=False)
    billed()
    assert run("licenses").counts == {}
    account(1, first=date(2025, 6, 2))
    with at(date(2025, 7, 1)), transaction():
        newest = make.customer(company="Erika Mustermann")
        newest.move_to(CustomerState.DELETED)
    ident = newest.id
    assert run("licenses").counts == {"licenses removed": 1} and run("customers").counts == {"customers purged": 2}
    assert not db.session.get_one(PurgedCustomer, ident).anonymised and db.session.get(Customer, ident) is None
    assert make.customer().id > ident


def test_a_customer_with_amounts_is_anonymised_and_they_stay(app: Any) -> None:
    owner = account(1, first=date(2025, 1, 1), company="Erika Mustermann", contact="Erika", email="erika@example.org")
    with at(date(2025, 2, 1)):
        item = demand(owner, "119.00", date(2025, 2, 1), date(2025, 1, 15))
    end(owner, date(2025, 6, 1))
    billed()
    run("licenses")
    assert run("customers").counts == {}                    # he owes something
    with at(date(2025, 6, 2)):
        pay(owner, "119.00", date(2025, 6, 2), reference=item.reference)
    with at(date(2026, 5, 31)), transaction() as session:
        session.add(PayerAccount(iban="DE02500105170137075030", customer_id=owner.id, last_on=date(2025, 6, 2)))
        mail = MailMessage(key="invoice:RE-1", kind="invoice", recipient="erika@example.org", subject="s", body="Dear Erika", message_id="<1>", customer_id=owner.id)
        session.add(mail)
    assert run("customers").counts == {}                    # his last invoice is still to be sent
    with transaction():
        mail.state = OutboxState.DONE
    with transaction() as session:
        session.add(Document(kind=DocumentKind.UPLOAD, title="contract", file_name="c.pdf", media_type="application/pdf", path="2025/01/" + "a" * 32, size=1, sha256="0" * 64, customer_id=owner.id,
                             retain_until=date(2031, 12, 31)))
    assert "anonymised" in notes(run("customers", dry_run=True), "would")[0]
    assert run("customers").counts == {"customers purged": 1}
    assert (owner.email, owner.street, owner.contact) == ("", "", "") and "Erika" not in owner.company and owner.number in owner.company
    assert (item.amount, item.open) == (Decimal("119.00"), 0) and db.session.scalar(select(func.count()).select_from(Document)) == 1
    assert (mail.key, mail.state, mail.recipient, mail.body) == ("invoice:RE-1", OutboxState.DONE, "", "") and db.session.scalar(select(func.count()).select_from(PayerAccount)) == 0
    texts = [f"{row.subject}{row.changes}{row.note}" for row in db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.customer_id == owner.id))]
    assert not any("Erika" in text or "erika" in text for text in texts)
    assert run("customers").counts == {}


def test_an_upload_stays_while_a_plugin_that_is_switched_off_refers_to_it(app: Any) -> None:
    with at(date(2025, 7, 1)), transaction() as session:
        owner = make.customer()
        owner.move_to(CustomerState.DELETED)
        files = [Document(kind=DocumentKind.UPLOAD, title="contract", file_name="c.pdf", media_type="application/pdf", path=f"2025/01/{n:032}", size=1, sha256="0" * 64, customer_id=owner.id) for n in range(2)]
        session.add_all(files)
    kept = files[0].id
    try:
        with transaction() as session:
            session.execute(text("CREATE TABLE away_file (id INTEGER PRIMARY KEY, document_id BIGINT NOT NULL REFERENCES document(id))"))
            session.execute(text("INSERT INTO away_file VALUES (1, :file)"), {"file": kept})
        assert run("customers").counts == {"customers purged": 1}
        assert db.session.scalars(select(Document.id)).all() == [kept]
    finally:
        db.session.rollback()
        with transaction() as session:
            session.execute(text("DROP TABLE away_file"))


def test_prepaid_customers_go_at_once(app: Any) -> None:
    owner = public()
    ident = owner.id
    end(owner, date(2026, 2, 1))
    billed()
    run("licenses")
    assert run("customers", date(2027, 1, 1)).counts == {}
    assert run("prepaid_customers").counts == {"customers purged": 1} and db.session.get(Customer, ident) is None
