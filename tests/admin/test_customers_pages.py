"""Pages of customers, representatives and associations."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.catalog.models import Tariff
from app.core import clock
from app.core.db import db
from app.customers.locks import LockReason
from app.customers.models import (
    Association,
    AssociationMember,
    Customer,
    CustomerState,
    MemberState,
    Representative,
    TariffAssignment,
)
from app.customers.services import accept_membership, request_membership, set_termination
from app.licenses import groups
from app.licenses.models import License, LicenseState, LockPeriod, OrderKind, ProvisioningOrder, PttGroup
from app.licenses.services import terminate
from app.system.models import ProtocolEntry
from tests import factories
from tests.admin.staff import Desk, errors, statements

CAP = 8
START = date(2026, 1, 1)


@pytest.fixture
def plan(app: Any) -> Tariff:
    factories.memory_driver()
    return factories.tariff()


def owner_with(plan: Tariff, licenses: int = 2, **fields: Any) -> Customer:
    owner = factories.customer(plan, **{"server": factories.server(), **fields})
    for _number in range(licenses):
        factories.license(owner, plan, START)
    return owner


def form(**changes: str) -> dict[str, str]:
    return {"company": "Hafenlotsen Emden", "kind": "closed", "language": "de", "country": "DE", "currency": "EUR", "payment_method": "transfer", "terms_days": "14", "business": "y", **changes}


def named(company: str = "Hafenlotsen Emden") -> Customer | None:
    return db.session.scalar(select(Customer).where(Customer.company == company).execution_options(populate_existing=True))


def fresh(row: Any) -> Any:
    db.session.expire_all()
    return row


# ---- all pages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["customers", "representatives", "associations", "association-members", "assignments"])
def test_pages_show_for_the_administrator_in_few_statements(admin: Desk, plan: Tariff, name: str) -> None:
    for _number in range(4):
        owner = owner_with(plan, 1)
    admin.post("/admin/representatives/add", {"name": "Jan Peters", "number": "V1", "country": "DE", "language": "en", "active": "y"})
    admin.post("/admin/associations/add", {"name": "Harbour", "server": str(owner.server_id)})
    request_membership(db.session.scalars(select(Association)).one(), owner)
    model: Any = {"customers": Customer, "representatives": Representative, "associations": Association, "association-members": AssociationMember, "assignments": TariffAssignment}[name]
    admin.get(f"/admin/{name}/list/")
    with statements() as seen:
        answer = admin.get(f"/admin/{name}/list/")
    assert answer.status_code == 200 and len(seen) <= CAP, seen
    ident = db.session.scalar(select(model.id).limit(1))
    for page in ("add", f"show/{ident}", *([] if name == "association-members" else [f"edit/{ident}"])):
        answer = admin.get(f"/admin/{name}/{page}")
        assert answer.status_code == 200, page
        assert not re.search(r">\s*None\s*<", answer.text) and "State." not in answer.text and "Kind." not in answer.text


def test_pages_are_refused_without_the_right(desk: Any, plan: Tariff) -> None:
    owner = owner_with(plan)
    reader, stranger = desk("Read only"), desk(name="stranger")
    for page in (f"customers/edit/{owner.id}", "customers/add", f"accounts/lock/{owner.id}", f"accounts/unlock/{owner.id}", "assignments/add", "representatives/add", "associations/add"):
        assert reader.get(f"/admin/{page}").status_code == 403, page
    for action in ("terminate", "hold_lock", "keep"):
        assert reader.post(f"/admin/customers/action/{action}/{owner.id}").status_code == 403
    text = reader.get(f"/admin/customers/show/{owner.id}").text
    assert "New license" not in text and "Terminate" not in text and "Assign tariff" not in text
    for page in ("customers/list/", f"customers/show/{owner.id}", "customers/lookup", "representatives/list/", "associations/list/", "assignments/list/"):
        assert stranger.get(f"/admin/{page}").status_code == 403, page


def test_the_page_of_a_customer_has_figures_and_tabs_that_load_on_demand(admin: Desk, plan: Tariff) -> None:
    owner = owner_with(plan, 3, company="Wachdienst Süd")
    text = admin.get(f"/admin/customers/show/{owner.id}").text
    assert "Not locked" in text and f"/admin/licenses/list/?customer={owner.id}" in text and "€0.00" in text
    assert "user0" not in text, "licenses come with their tab"
    for tab, words in (("LicenseView", "On server"), ("GroupView", "Nothing here yet"), ("AssignmentView", plan.name), ("MemberView", "An association lets"), ("InvoiceView", "<h1>"),
                       ("OpenItemView", "<h1>"), ("PaymentView", "<h1>"), ("ProtocolView", "created")):
        assert f"?tab={tab}" in text, tab
        answer = admin.get(f"/admin/customers/show/{owner.id}?tab={tab}")
        assert answer.status_code == 200 and words in answer.text, tab


# ---- forms -------------------------------------------------------------------------------------------------------


def test_a_new_customer_leads_on_to_tariff_and_first_licenses(admin: Desk, plan: Tariff) -> None:
    server = factories.server()
    answer = admin.post("/admin/customers/add", form(server=str(server.id)))
    assert answer.status_code == 303, errors(answer.text)
    owner = named()
    assert owner.number == "K10001" and answer.headers["Location"] == f"/admin/licenses/start/{owner.id}"
    text = admin.get(answer.headers["Location"]).text
    assert "Skip for now" in text and f'href="/admin/customers/show/{owner.id}"' in text
    day = clock.today().isoformat()
    start = {"tariff": str(plan.id), "valid_from": day, "lines": "leit1; Leitstelle\nbad name; X\n\nwagen2; Wagen 2; 12"}
    answer = admin.post(f"/admin/licenses/start/{owner.id}", start)
    assert answer.status_code == 422
    [problem] = errors(answer.text)
    assert "Line 2: " in problem and "cannot be a user name" in problem and "Line 4: " in problem and "phone number" in problem
    assert "leit1; Leitstelle" in answer.text and not fresh(owner).assignments and db.session.scalar(select(func.count()).select_from(License)) == 0, "all or nothing"
    answer = admin.post(f"/admin/licenses/start/{owner.id}", {**start, "lines": "leit1; Leitstelle\nwagen2; Wagen 2; 0171 4402118"})
    assert answer.status_code == 303 and answer.headers["Location"] == f"/admin/customers/show/{owner.id}"
    made = db.session.scalars(select(License).order_by(License.id)).all()
    assert [(item.user_name, item.alias, item.phone) for item in made] == [("leit1", "Leitstelle", ""), ("wagen2", "Wagen 2", "+491714402118")]
    assert db.session.scalar(select(func.count()).select_from(ProvisioningOrder)) == 2 and [a.tariff_id for a in fresh(owner).assignments] == [plan.id]


@pytest.mark.parametrize(("changes", "field", "message"), [
    ({"company": ""}, "company", "Fill this in."), ({"email": "nobody"}, "email", "is not an e-mail address"), ({"invoice_email": "a@"}, "invoice_email", "is not an e-mail address"),
    ({"phone": "12"}, "phone", "phone number"), ({"country": "ZZ"}, "country", "There is no country"), ({"vat_id": "DE123"}, "vat_id", "VAT number"),
    ({"country": "BR", "tax_number": "11111111111"}, "tax_number", "CPF"), ({"currency": "KWD"}, "currency", "not possible"), ({"terms_days": "400"}, "terms_days", "between 0 and 365"),
    ({"language": "fr"}, "language", "Choose one of the languages"), ({"payment_method": "barter"}, "payment_method", "There is no such way to pay"), ({"server": "999"}, "server", "Choose one of the list."),
    ({"number": "K1"}, "number", "belongs to Old"),
])
def test_a_bad_customer_is_told_beside_the_field_and_not_stored(admin: Desk, app: Any, changes: dict[str, str], field: str, message: str) -> None:
    factories.customer(company="Old", number="K1")
    answer = admin.post("/admin/customers/add", form(**changes, city="Emden-Ost"))
    assert answer.status_code == 422 and f'id="{field}-error"' in answer.text
    assert any(message in error for error in errors(answer.text)), errors(answer.text)
    assert 'value="Emden-Ost"' in answer.text and db.session.scalar(select(func.count()).select_from(Customer)) == 1


def test_a_change_is_stored_told_and_does_not_overwrite_another(admin: Desk, app: Any) -> None:
    owner = factories.customer(company="Old name")
    page = f"/admin/customers/edit/{owner.id}"
    old = admin.marker(page)
    assert admin.post(page, form(number=owner.number, row_version=old)).status_code == 303
    assert fresh(owner).company == "Hafenlotsen Emden" and owner.language == "de"
    answer = admin.post(page, form(company="Third", number=owner.number, row_version=old))
    assert answer.status_code == 409 and fresh(owner).company == "Hafenlotsen Emden" and 'value="Third"' in answer.text
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "customer", ProtocolEntry.action == "changed")).one()
    assert entry.changes["company"] == ["Old name", "Hafenlotsen Emden"]


def test_a_state_or_a_lock_is_in_no_form(admin: Desk, app: Any) -> None:
    owner = factories.customer()
    page = f"/admin/customers/edit/{owner.id}"
    admin.post(page, form(number=owner.number, row_version=admin.marker(page), state="deleted", lock_reasons="4", paid_until="2030-01-01", termination_date="2030-01-01"))
    owner = fresh(owner)
    assert (owner.company, owner.state, owner.lock_reasons, owner.paid_until, owner.termination_date) == ("Hafenlotsen Emden", CustomerState.ACTIVE, 0, None, None)


def test_customers_are_looked_up_by_company_and_number_twenty_at_most(admin: Desk, app: Any) -> None:
    for number in range(25):
        factories.customer(company=f"Taxi {number:02d}", number=f"T{number}")
    found = json.loads(admin.get("/admin/customers/lookup?q=taxi").text)["results"]
    assert len(found) == 20
    assert [row["text"] for row in json.loads(admin.get("/admin/customers/lookup?q=T24").text)["results"]] == ["Taxi 24"]


# ---- tariffs of a customer ---------------------------------------------------------------------------------------


def test_a_tariff_is_assigned_changed_and_ended_with_dates(admin: Desk, plan: Tariff) -> None:
    owner = factories.customer(server=factories.server())
    page = f"/admin/assignments/add?customer={owner.id}"
    assert f'<option selected value="{owner.id}">' in admin.get(page).text
    new = {"customer": str(owner.id), "tariff": str(plan.id), "valid_from": "2026-01-01"}
    answer = admin.post(page, new)
    assert answer.status_code == 303 and answer.headers["Location"] == f"/admin/customers/show/{owner.id}?tab=AssignmentView"
    answer = admin.post(page, {**new, "valid_from": "2026-06-01"})
    assert answer.status_code == 422 and "the spans would overlap" in errors(answer.text)[0] and len(fresh(owner).assignments) == 1
    answer = admin.post(page, {**new, "valid_from": "2019-01-01", "valid_to": "2019-12-31"})
    assert answer.status_code == 422 and "must lie within" in errors(answer.text)[0]
    [item] = owner.assignments
    factories.license(owner, plan, START)
    edit = f"/admin/assignments/edit/{item.id}"
    answer = admin.post(edit, {"valid_from": "2026-01-01", "valid_to": "2025-01-01", "row_version": admin.marker(edit)})
    assert answer.status_code == 422 and "before the first" in errors(answer.text)[0]
    answer = admin.post(f"/admin/assignments/act/end?rowid={item.id}", {"last_day": "2020-01-01"})
    assert answer.status_code == 422 and "cannot lie in the past" in errors(answer.text)[0] and fresh(item).valid_to is None
    day = clock.today() + timedelta(days=10)
    assert admin.post(f"/admin/assignments/act/end?rowid={item.id}", {"last_day": day.isoformat()}).status_code == 303
    assert fresh(item).valid_to == day
    assert any("1 license is still in this tariff" in text for text in admin.messages())
    admin.post(f"/admin/assignments/delete/{item.id}")
    assert any("End the assignment instead" in text for text in admin.messages()) and db.session.get(TariffAssignment, item.id) is not None


def test_an_assignment_of_a_retired_tariff_can_still_end(admin: Desk, plan: Tariff) -> None:
    owner = factories.customer(plan)
    admin.post(f"/admin/tariffs/action/retire/{plan.id}")
    [item] = fresh(owner).assignments
    day = clock.today() + timedelta(days=3)
    edit = f"/admin/assignments/edit/{item.id}"
    assert admin.post(edit, {"valid_from": item.valid_from.isoformat(), "valid_to": day.isoformat(), "row_version": admin.marker(edit)}).status_code == 303
    assert fresh(item).valid_to == day
    other = factories.customer()
    answer = admin.post("/admin/assignments/add", {"customer": str(other.id), "tariff": str(plan.id), "valid_from": "2026-01-01"})
    assert answer.status_code == 422 and not fresh(other).assignments


# ---- locks and ends ----------------------------------------------------------------------------------------------


def test_a_customer_is_locked_and_unlocked_with_a_reason_and_the_servers_are_told(admin: Desk, plan: Tariff) -> None:
    owner = owner_with(plan, 2)
    db.session.execute(ProvisioningOrder.__table__.delete())
    db.session.commit()
    answer = admin.get(f"/admin/accounts/lock/{owner.id}")
    assert f"All 2 licenses of {owner.company} are locked" in answer.text
    assert admin.post(f"/admin/accounts/lock/{owner.id}", {"note": ""}).status_code == 422 and fresh(owner).lock_reasons == 0
    assert admin.post(f"/admin/accounts/lock/{owner.id}", {"note": "Contract dispute"}).status_code == 303
    assert fresh(owner).lock_reasons == LockReason.MANUAL
    assert {item.lock_reasons for item in db.session.scalars(select(License))} == {LockReason.PARENT}
    assert db.session.scalar(select(func.count()).select_from(ProvisioningOrder)) == 2
    assert db.session.scalars(select(LockPeriod.note)).one() == "Contract dispute"
    text = admin.get(f"/admin/customers/show/{owner.id}").text
    assert "Locked by staff" in text and f"/admin/accounts/unlock/{owner.id}" in text
    assert owner.company in admin.get("/admin/customers/list/?tab=locked").text
    answer = admin.post(f"/admin/accounts/lock/{owner.id}", {"note": "again"})
    assert answer.status_code == 422 and "locked by staff already" in answer.text
    assert admin.post(f"/admin/accounts/unlock/{owner.id}", {"note": "settled"}).status_code == 303
    assert fresh(owner).lock_reasons == 0 and {item.lock_reasons for item in db.session.scalars(select(License))} == {0}


def test_hold_terminate_and_take_back(admin: Desk, plan: Tariff) -> None:
    owner = owner_with(plan)
    day = clock.today() + timedelta(days=20)
    answer = admin.post(f"/admin/customers/act/hold_lock?rowid={owner.id}", {"lock_hold_until": "2020-01-01"})
    assert answer.status_code == 422 and "Choose a day from today on" in errors(answer.text)[0]
    assert admin.post(f"/admin/customers/act/hold_lock?rowid={owner.id}", {"lock_hold_until": day.isoformat()}).status_code == 303
    assert fresh(owner).lock_hold_until == day and "No lock until" in admin.get(f"/admin/customers/show/{owner.id}").text
    assert admin.post(f"/admin/customers/act/hold_lock?rowid={owner.id}", {"lock_hold_until": ""}).status_code == 303 and fresh(owner).lock_hold_until is None
    answer = admin.post(f"/admin/customers/act/terminate?rowid={owner.id}", {"termination_date": "2020-01-01"})
    assert answer.status_code == 422 and "cannot lie in the past" in errors(answer.text)[0] and fresh(owner).state is CustomerState.ACTIVE
    assert admin.post(f"/admin/customers/act/terminate?rowid={owner.id}", {"termination_date": day.isoformat()}).status_code == 303
    assert (fresh(owner).state, owner.termination_date) == (CustomerState.TERMINATED, day)
    assert owner.company in admin.get("/admin/customers/list/?tab=ending").text
    admin.post(f"/admin/customers/action/keep/{owner.id}")
    assert (fresh(owner).state, owner.termination_date) == (CustomerState.ACTIVE, None)


def test_a_customer_with_history_is_not_deleted(admin: Desk, plan: Tariff) -> None:
    owner, unused = owner_with(plan, 1), factories.customer()
    gone = unused.id
    admin.post(f"/admin/customers/delete/{owner.id}")
    assert any("1 licenses" in text and "Terminate the customer instead" in text for text in admin.messages()) and db.session.get(Customer, owner.id) is not None
    admin.post(f"/admin/customers/delete/{gone}")
    assert db.session.get(Customer, gone) is None
    set_termination(owner, clock.today())
    terminate(db.session.scalars(select(License)).one(), clock.today())
    assert db.session.scalars(select(License.state)).one() is LicenseState.ENDING


# ---- representatives and associations ----------------------------------------------------------------------------


def test_representatives(admin: Desk, app: Any) -> None:
    new = {"name": "Jan Peters", "number": "V1", "country": "DE", "language": "de", "active": "y", "iban": "DE89 3704 0044 0532 0130 00"}
    for changes, message in (({"iban": "DE00 3704 0044 0532 0130 00"}, "is not an IBAN"), ({"email": "x"}, "is not an e-mail address"), ({"vat_id": "DE1"}, "VAT number")):
        answer = admin.post("/admin/representatives/add", {**new, **changes})
        assert answer.status_code == 422 and any(message in error for error in errors(answer.text)), changes
    assert db.session.scalar(select(func.count()).select_from(Representative)) == 0
    assert admin.post("/admin/representatives/add", new).status_code == 303
    row = db.session.scalars(select(Representative)).one()
    assert row.iban == "DE89370400440532013000"
    answer = admin.post("/admin/representatives/add", {**new, "name": "Other"})
    assert answer.status_code == 422 and "belongs to Jan Peters" in errors(answer.text)[0]
    factories.customer(representative=row)
    admin.post(f"/admin/representatives/delete/{row.id}")
    assert any("customers (1)" in text for text in admin.messages()) and db.session.get(Representative, row.id) is not None


def test_joining_needs_acceptance_and_leaving_takes_out_of_the_groups(admin: Desk, plan: Tariff) -> None:
    server = factories.server()
    first, second = owner_with(plan, 1, server=server), owner_with(plan, 1, server=server)
    assert admin.post("/admin/associations/add", {"name": "Harbour"}).status_code == 422
    assert admin.post("/admin/associations/add", {"name": "Harbour", "server": str(server.id)}).status_code == 303
    association = db.session.scalars(select(Association)).one()
    page = f"/admin/association-members/add?association={association.id}"
    for owner in (first, second):
        answer = admin.post(page, {"association": str(association.id), "customer": str(owner.id)})
        assert answer.status_code == 303 and answer.headers["Location"] == f"/admin/associations/show/{association.id}"
    member = db.session.scalars(select(AssociationMember).where(AssociationMember.customer_id == first.id)).one()
    assert member.state is MemberState.REQUESTED and "Accept" in admin.get(f"/admin/associations/show/{association.id}").text
    admin.post(f"/admin/association-members/action/accept/{member.id}")
    assert fresh(member).state is MemberState.ACCEPTED and member.since == clock.today()
    group = groups.create_group("Joint", association=association)
    [own] = db.session.scalars(select(License).where(License.customer_id == first.id))
    groups.set_members(group, [own.id])
    db.session.execute(ProvisioningOrder.__table__.delete())
    db.session.commit()
    admin.post(f"/admin/associations/delete/{association.id}")
    assert any("1 groups and 1 members" in text for text in admin.messages()) and db.session.get(Association, association.id) is not None
    edit = f"/admin/associations/edit/{association.id}"
    other = factories.server()
    answer = admin.post(edit, {"name": "Harbour", "server": str(other.id), "row_version": admin.marker(edit)})
    assert answer.status_code == 422 and "The server cannot change" in errors(answer.text)[0]
    admin.post(f"/admin/association-members/action/leave/{member.id}")
    assert fresh(member).state is MemberState.LEFT and db.session.get_one(PttGroup, group.id).members == []
    assert db.session.scalars(select(ProvisioningOrder.kind)).all() == [OrderKind.GROUP], "the server is told"
    accept_membership(db.session.scalars(select(AssociationMember).where(AssociationMember.customer_id == second.id)).one())
