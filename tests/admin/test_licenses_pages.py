"""Pages of licenses, groups and provisioning: forms, bulk actions, what the server holds against what is wanted."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app.catalog.models import Service, Tariff
from app.core import clock
from app.core.db import db, transaction
from app.customers.locks import LockReason
from app.customers.models import Association, Customer, CustomerKind
from app.customers.services import accept_membership, assign_tariff, request_membership
from app.licenses import groups, locks
from app.licenses.delivery import deliver_provisioning
from app.licenses.models import License, LicenseState, OrderKind, ProvisioningOrder, PttGroup, SyncState
from app.licenses.several import MOST_LINES
from app.plugin_api.provisioning import Refused, TryLater
from app.system.outbox import OutboxState
from tests import factories
from tests.admin.staff import Desk, errors, statements

CAP = 8
START = date(2026, 1, 1)


@pytest.fixture
def driver(app: Any) -> factories.MemoryDriver:
    return factories.memory_driver()


@pytest.fixture
def plan(driver: factories.MemoryDriver) -> Tariff:
    gps = db.session.scalars(select(Service).where(Service.code == "gps")).one()
    return factories.tariff(tiers={1: "4.90", 3: "4.50"}, services={gps: "1.50"})


@pytest.fixture
def owner(plan: Tariff) -> Customer:
    return factories.customer(plan, server=factories.server(), company="Hafenlotsen Emden")


def orders() -> list[ProvisioningOrder]:
    return list(db.session.scalars(select(ProvisioningOrder).order_by(ProvisioningOrder.id).execution_options(populate_existing=True)))


def no_orders() -> None:
    with transaction() as session:
        session.execute(ProvisioningOrder.__table__.delete())


def fresh(row: Any) -> Any:
    db.session.expire_all()
    return row


def some(owner: Customer, plan: Tariff, number: int) -> list[License]:
    return [factories.license(owner, plan, START, alias=f"Wagen {i:02d}") for i in range(number)]


def new(plan: Tariff, owner: Customer, **changes: Any) -> dict[str, Any]:
    return {"tariff": str(plan.id), "active_from": clock.today().isoformat(), "server": str(owner.server_id), "user_name": "wagen04", "alias": "Wagen 04",
            "phone": "0171 4402118", "device": "Sonim", "network": "Telekom", "permissions": ["group_call", "dispatcher"], **changes}


# ---- all pages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["licenses", "licenses-closed", "licenses-public", "groups", "provisioning"])
def test_pages_show_for_the_administrator_in_few_statements(admin: Desk, owner: Customer, plan: Tariff, name: str) -> None:
    rows = some(owner, plan, 3)
    public = factories.customer(plan, server=owner.server, kind=CustomerKind.PUBLIC)
    rows += some(public, plan, 3)
    group = groups.create_group("Harbour", customer=owner)
    admin.get(f"/admin/{name}/list/")
    with statements() as seen:
        answer = admin.get(f"/admin/{name}/list/?tab=all")
    assert answer.status_code == 200 and len(seen) <= CAP, seen
    ident = {"groups": group.id, "provisioning": orders()[0].id, "licenses-public": rows[-1].id}.get(name, rows[0].id)
    pages = [f"show/{ident}", *([] if name == "provisioning" else ["add", f"edit/{ident}"])]
    for page in pages:
        answer = admin.get(f"/admin/{name}/{page}")
        assert answer.status_code == 200, page
        assert "None" not in answer.text and "State." not in answer.text and "group_call" not in answer.text.replace('value="group_call"', "")


def test_the_windows_show_their_own_kind_only(admin: Desk, owner: Customer, plan: Tariff) -> None:
    [closed] = some(owner, plan, 1)
    [public] = some(factories.customer(plan, server=owner.server, kind=CustomerKind.PUBLIC), plan, 1)
    for window, inside, outside in (("licenses-closed", closed, public), ("licenses-public", public, closed)):
        text = admin.get(f"/admin/{window}/list/").text
        assert f"/admin/{window}/show/{inside.id}" in text and f"/admin/{window}/show/{outside.id}" not in text
        for page in ("show", "edit"):
            assert admin.get(f"/admin/{window}/{page}/{outside.id}").status_code == 404
        admin.post(f"/admin/{window}/action_post", {"action": "remove", "rowid": [str(outside.id)]})
        assert fresh(outside).state is LicenseState.ACTIVE, "an action does not reach out of its window"


def test_pages_are_refused_without_the_right(desk: Any, owner: Customer, plan: Tariff) -> None:
    [license] = some(owner, plan, 1)
    reader = desk("Read only")
    for page in (f"licenses/add?customer={owner.id}", f"licenses/several?customer={owner.id}", f"licenses/start/{owner.id}", f"licenses/edit/{license.id}", f"licenses/act/lock?rowid={license.id}", "groups/add"):
        assert reader.get(f"/admin/{page}").status_code == 403, page
    for action in ("lock", "unlock", "change_tariff", "terminate", "remove", "reprovision", "retry", "give_up"):
        assert reader.post(f"/admin/licenses/action/{action}/{license.id}").status_code == 403, action
    assert reader.post(f"/admin/provisioning/action/retry/{orders()[0].id}").status_code == 403
    group = groups.create_group("Harbour", customer=owner)
    assert reader.post(f"/admin/groups/members/{group.id}", {"do": "add", "license": str(license.id)}).status_code == 403
    text = reader.get(f"/admin/groups/show/{group.id}").text
    assert "Add selected" not in text and license.alias in text
    stranger = desk(name="stranger")
    for page in ("licenses/list/", "licenses-public/list/", f"licenses/show/{license.id}", "groups/list/", "provisioning/list/", "licenses/lookup"):
        assert stranger.get(f"/admin/{page}").status_code == 403, page


@pytest.mark.parametrize("words", ["wagen 01", "USER", "0171 4402", "+49 171 4402118"])
def test_a_license_is_found_by_alias_user_name_and_phone(admin: Desk, owner: Customer, plan: Tariff, words: str) -> None:
    wanted = factories.license(owner, plan, START, alias="Wagen 01", phone="0171 4402118", user_name="userfind")
    other = factories.license(owner, plan, START, alias="Boot", phone="0171 5500000", user_name="boot1")
    text = admin.get("/admin/licenses/list/", query_string={"q": words}).text
    assert f"/show/{wanted.id}" in text and f"/show/{other.id}" not in text


# ---- new and changed licenses ------------------------------------------------------------------------------------


def test_a_new_license_is_priced_stored_and_ordered(admin: Desk, owner: Customer, plan: Tariff) -> None:
    some(owner, plan, 2)
    no_orders()
    page = admin.get(f"/admin/licenses/add?customer={owner.id}").text
    assert "€13.50 net a month for 3 licenses in this tariff, services apart; now €9.80." in page, "the price is said before"
    gps = db.session.scalars(select(Service.id).where(Service.code == "gps")).one()
    answer = admin.post(f"/admin/licenses/add?customer={owner.id}", new(plan, owner, services=[str(gps)]))
    assert answer.status_code == 303, errors(answer.text)
    row = db.session.scalars(select(License).where(License.user_name == "wagen04")).one()
    assert (row.alias, row.phone, row.device, row.network, row.permissions) == ("Wagen 04", "+491714402118", "Sonim", "Telekom", "group_call,dispatcher")
    assert [span.service_id for span in row.services] == [gps] and [(o.kind, o.target_id) for o in orders()] == [(OrderKind.LICENSE, row.id)]
    answer = admin.post(f"/admin/licenses/add?customer={owner.id}", new(plan, owner, user_name="wagen05", then="another"))
    assert answer.headers["Location"] == f"/admin/licenses/add?customer={owner.id}"


def test_without_a_customer_the_page_asks_for_one_and_without_a_tariff_it_says_so(admin: Desk, owner: Customer, plan: Tariff) -> None:
    answer = admin.post("/admin/licenses/add", {"customer": str(owner.id)})
    assert answer.status_code == 303 and answer.headers["Location"] == f"/admin/licenses/add?customer={owner.id}"
    assert admin.get("/admin/licenses/add?customer=99999").status_code == 404
    bare = factories.customer(server=owner.server)
    answer = admin.get(f"/admin/licenses/add?customer={bare.id}")
    assert answer.status_code == 303 and any("has no tariff that holds today" in text for text in admin.messages())


def test_a_public_license_begins_with_a_public_customer(admin: Desk, owner: Customer, plan: Tariff) -> None:
    answer = admin.get("/admin/licenses-public/add")
    assert owner.company not in answer.text and "/admin/customers/add?kind=public" in answer.text
    answer = admin.post("/admin/licenses-public/add", {"customer": str(owner.id)})
    assert answer.status_code == 422 and "Choose one of the list." in errors(answer.text)[0], "a customer of another kind"
    page = admin.get("/admin/customers/add?kind=public").text
    assert '<option selected value="public">' in page and not re.search(r'<input[^>]*checked[^>]*id="business"', page)


@pytest.mark.parametrize(("changes", "field", "message"), [
    ({"user_name": ""}, "user_name", "Fill this in."), ({"user_name": "a b"}, "user_name", "cannot be a user name"), ({"user_name": "taken1"}, "user_name", "exists already on"),
    ({"phone": "12"}, "phone", "phone number"), ({"tariff": "99999"}, "tariff", "Choose one of the list."), ({"tariff": "x"}, "tariff", "Choose one of the list."), ({"permissions": ["root"]}, "permissions", "Choose one of the list."),
    ({"services": ["99999"]}, "services", "Choose one of the list."), ({"server": ""}, "server", "Fill this in."), ({"active_from": "2020-01-01"}, "active_from", "older months are billed"),
    ({"active_from": "soon"}, "active_from", "Enter a date"), ({"alias": "x" * 61}, "alias", "60"),
])
def test_a_bad_license_is_told_beside_its_field_and_not_stored(admin: Desk, owner: Customer, plan: Tariff, changes: dict[str, Any], field: str, message: str) -> None:
    factories.license(owner, plan, START, user_name="taken1")
    no_orders()
    answer = admin.post(f"/admin/licenses/add?customer={owner.id}", new(plan, owner, **{"device": "Kept device", **changes}))
    assert answer.status_code == 422 and f'id="{field}-error"' in answer.text
    assert any(message in error for error in errors(answer.text)), errors(answer.text)
    assert 'value="Kept device"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(License)) == 1 and orders() == []


def test_a_license_is_changed_and_not_overwritten(admin: Desk, owner: Customer, plan: Tariff) -> None:
    [license] = some(owner, plan, 1)
    no_orders()
    page = f"/admin/licenses/edit/{license.id}"
    old = admin.marker(page)
    gps = db.session.scalars(select(Service.id).where(Service.code == "gps")).one()
    fields = {"alias": "Boot 1", "phone": "", "device": "X", "network": "", "permissions": ["group_call"], "services": [str(gps)], "user_name": "other", "state": "deleted"}
    assert admin.post(page, {**fields, "row_version": old}).status_code == 303
    row = fresh(license)
    assert (row.alias, row.permissions, [s.service_id for s in row.services]) == ("Boot 1", "group_call", [gps])
    assert row.user_name != "other" and row.state is LicenseState.ACTIVE and len(orders()) == 1
    answer = admin.post(page, {**fields, "alias": "Third", "row_version": old})
    assert answer.status_code == 409 and fresh(license).alias == "Boot 1" and 'value="Third"' in answer.text
    foreign = factories.service("alarm")
    answer = admin.post(page, {**fields, "services": [str(foreign.id)], "row_version": admin.marker(page)})
    assert answer.status_code == 422 and "Choose one of the list." in errors(answer.text) and [s.service_id for s in fresh(license).services] == [gps]


def test_several_lines_are_checked_first_and_created_one_by_one(admin: Desk, owner: Customer, plan: Tariff) -> None:
    factories.license(owner, plan, START, user_name="taken1")
    no_orders()
    sent = {"tariff": str(plan.id), "active_from": clock.today().isoformat(), "server": str(owner.server_id),
            "lines": "leit1; Leitstelle; 0171 4402118; Sonim\ntaken1; Again\nwagen7\tWagen 7\nleit1; twice"}
    page = f"/admin/licenses/several?customer={owner.id}"
    answer = admin.post(page, sent)
    assert answer.status_code == 200 and "2 of 4 can be created" in answer.text and "Create 2 licenses" in answer.text
    assert answer.text.count("exists already on") == 2 and "€13.50" in answer.text
    assert db.session.scalar(select(func.count()).select_from(License)) == 1 and orders() == [], "a check stores nothing"
    answer = admin.post(page, {**sent, "step": "create"})
    assert answer.status_code == 303
    text = " ".join(admin.messages())
    assert "2 licenses created" in text and "Line 2: " in text and "Line 4: " in text
    assert set(db.session.scalars(select(License.user_name))) == {"taken1", "leit1", "wagen7"} and len(orders()) == 2


@pytest.mark.parametrize(("lines", "message"), [("", "Fill this in."), (" \n ", "Enter at least one line."), ("a;b;c;d;e", "more than four columns"), ("\n".join(f"u{i:04d}" for i in range(MOST_LINES + 1)), "At most 500 licenses")])
def test_bad_lines_are_told(admin: Desk, owner: Customer, plan: Tariff, lines: str, message: str) -> None:
    answer = admin.post(f"/admin/licenses/several?customer={owner.id}", {"tariff": str(plan.id), "active_from": clock.today().isoformat(), "server": str(owner.server_id), "lines": lines})
    assert answer.status_code == 422 and any(message in error for error in errors(answer.text)), errors(answer.text)


# ---- actions -----------------------------------------------------------------------------------------------------


def bulk(admin: Desk, action: str, rows: list[License], **data: Any) -> Any:
    """As the bulk bar does it: post the rows, then the form when the action has one."""
    answer = admin.post("/admin/licenses/action_post", {"action": action, "rowid": [str(row.id) for row in rows]})
    if "/act/" in answer.headers.get("Location", ""):
        page = admin.get(answer.headers["Location"])
        assert page.status_code == 200 and (len(rows) == 1 or f"({len(rows)})" in page.text), "the count is said before"
        answer = admin.post(answer.headers["Location"], data)
    return answer


def test_locking_many_tells_numbers_and_failures(admin: Desk, owner: Customer, plan: Tariff) -> None:
    rows = some(owner, plan, 3)
    locks.lock_license(rows[0], LockReason.MANUAL, "before")
    no_orders()
    assert bulk(admin, "lock", rows, note="").status_code == 422 and fresh(rows[1]).lock_reasons == 0, "a reason is needed"
    assert bulk(admin, "lock", rows, note="Stolen").status_code == 303
    text = " ".join(admin.messages())
    assert "2 licenses locked." in text and "1 could not be done:" in text and "Wagen 00: locked by staff already." in text
    assert [fresh(row).lock_reasons for row in rows] == [LockReason.MANUAL] * 3 and {o.target_id for o in orders()} == {rows[1].id, rows[2].id}
    assert bulk(admin, "unlock", rows, note="found").status_code == 303
    assert [fresh(row).lock_reasons for row in rows] == [0, 0, 0]
    locks.lock_license(rows[0], LockReason.CUSTOMER)
    assert "Locked by the customer in the portal" in admin.get(f"/admin/licenses/show/{rows[0].id}").text
    assert bulk(admin, "unlock_customers", rows[:1], note="rang us").status_code == 303 and fresh(rows[0]).lock_reasons == 0
    text = admin.get(f"/admin/licenses/show/{rows[1].id}").text
    assert "Stolen" in text and "found" in text and "Locked by staff" in text, "the history says why"


def test_tariff_change_terminate_and_delete_many(admin: Desk, owner: Customer, plan: Tariff) -> None:
    rows = some(owner, plan, 2)
    other = factories.tariff()
    today = clock.today()
    assert bulk(admin, "change_tariff", rows[:1], tariff=str(other.id), from_day=today.isoformat()).status_code == 422, "not assigned to the customer"
    assign_tariff(owner, other, START)
    assert bulk(admin, "change_tariff", rows, tariff=str(other.id), from_day=today.isoformat()).status_code == 303
    assert [fresh(row).tariff_id for row in rows] == [other.id] * 2 and "2 licenses changed" in " ".join(admin.messages())
    day = today + timedelta(days=9)
    assert bulk(admin, "terminate", rows, last_day="2020-01-01").status_code == 303 and "2 could not be done" in " ".join(admin.messages())
    assert bulk(admin, "terminate", rows, last_day=day.isoformat()).status_code == 303
    assert [(fresh(row).state, row.active_to) for row in rows] == [(LicenseState.ENDING, day)] * 2
    admin.post(f"/admin/licenses/action/keep/{rows[0].id}")
    assert fresh(rows[0]).state is LicenseState.ACTIVE and rows[0].active_to is None
    no_orders()
    assert bulk(admin, "remove", rows).status_code == 303
    assert [fresh(row).state for row in rows] == [LicenseState.DELETED] * 2 and len(orders()) == 2 and "2 licenses deleted." in " ".join(admin.messages())
    bulk(admin, "remove", rows[:1])
    assert any("This license is deleted." in text for text in admin.messages())


def test_sending_again_forgets_what_was_seen(admin: Desk, owner: Customer, plan: Tariff, driver: factories.MemoryDriver) -> None:
    rows = some(owner, plan, 2)
    deliver_provisioning()
    assert orders() == [] and fresh(rows[0]).sync_state is SyncState.SYNCED
    bulk(admin, "reprovision", rows)
    assert len(orders()) == 2 and [fresh(row).observed for row in rows] == [None, None]
    driver.calls.clear()
    deliver_provisioning()
    assert sorted(name for what, name, _unsure in driver.calls) == sorted(row.user_name for row in rows)


# ---- the server --------------------------------------------------------------------------------------------------


def test_wanted_and_seen_stand_side_by_side_with_the_error_in_words(admin: Desk, owner: Customer, plan: Tariff, driver: factories.MemoryDriver) -> None:
    [license] = some(owner, plan, 1)
    page = f"/admin/licenses/show/{license.id}"
    assert "Not seen on the server yet." in admin.get(page).text
    deliver_provisioning()
    assert "differs" not in admin.get(page).text.replace("tr.differs", "")
    edit = f"/admin/licenses/edit/{license.id}"
    admin.post(edit, {"alias": "New alias", "permissions": ["group_call", "private_call"], "row_version": admin.marker(edit)})
    driver.raises.append(Refused("The user name is reserved."))
    deliver_provisioning()
    text = admin.get(page).text
    assert "The user name is reserved." in text and "New alias" in text and "Wagen 00" in text and "(differs)" in text
    assert "Retry now" in text and "Give up" in text
    assert fresh(license).sync_state is SyncState.FAILED and "/show/" + str(license.id) in admin.get("/admin/licenses/list/?tab=failed").text
    admin.post(f"/admin/licenses/action/retry/{license.id}")
    assert fresh(license).sync_state is SyncState.PENDING
    deliver_provisioning()
    assert fresh(license).sync_state is SyncState.SYNCED and driver.users[license.user_name].alias == "New alias"


def test_giving_up_leaves_the_difference_visible_and_retry_orders_anew(admin: Desk, owner: Customer, plan: Tariff, driver: factories.MemoryDriver) -> None:
    [license] = some(owner, plan, 1)
    driver.raises.append(Refused("No more room."))
    deliver_provisioning()
    admin.post(f"/admin/licenses/action/give_up/{license.id}")
    assert orders() == [] and fresh(license).sync_state is SyncState.FAILED and license.sync_error == "No more room."
    text = admin.get(f"/admin/licenses/show/{license.id}").text
    assert "Give up" not in text and "Retry now" in text
    admin.post(f"/admin/licenses/action/retry/{license.id}")
    assert len(orders()) == 1
    deliver_provisioning()
    assert fresh(license).sync_state is SyncState.SYNCED


def test_the_list_of_orders_has_reason_attempts_retry_and_give_up(admin: Desk, owner: Customer, plan: Tariff, driver: factories.MemoryDriver) -> None:
    rows = some(owner, plan, 2)
    group = groups.create_group("Harbour", customer=owner)
    driver.raises += [Refused("Reserved.")]
    with transaction() as session:
        session.execute(update(ProvisioningOrder).where(ProvisioningOrder.target_id == rows[1].id, ProvisioningOrder.kind == OrderKind.LICENSE).values(due_at=clock.now() + timedelta(days=1)))
        session.execute(update(ProvisioningOrder).where(ProvisioningOrder.kind == OrderKind.GROUP).values(due_at=clock.now() + timedelta(days=1)))
    deliver_provisioning()
    text = admin.get("/admin/provisioning/list/").text
    assert "Reserved." in text and "Wagen 00" in text and "Wagen 01" not in text, "failed ones come first"
    text = admin.get("/admin/provisioning/list/?tab=waiting").text
    assert "Wagen 01" in text and "Harbour" in text and "Reserved." not in text
    failed = next(o.id for o in orders() if o.state is OutboxState.HELD)
    admin.post("/admin/provisioning/action_post", {"action": "retry", "rowid": [str(o.id) for o in orders()]})
    assert "3 orders are tried again." in " ".join(admin.messages()) and {o.state for o in orders()} == {OutboxState.WAITING}
    driver.raises += [TryLater("Too busy.")] * 3
    deliver_provisioning()
    assert {(o.attempts, o.error) for o in orders()} == {(1, "Too busy.")}
    text = admin.get(f"/admin/licenses/show/{rows[0].id}").text
    assert "Too busy." in text and "Attempts: 1" in text
    admin.post(f"/admin/provisioning/action/give_up/{failed}")
    assert failed not in {o.id for o in orders()} and len(orders()) == 2 and group.name in admin.get("/admin/provisioning/list/?tab=all").text


# ---- groups ------------------------------------------------------------------------------------------------------


def test_groups_are_made_renamed_and_deleted(admin: Desk, owner: Customer, plan: Tariff) -> None:
    for fields, message in (({"name": "Harbour"}, "belongs to a customer or to an association"), ({"name": "", "customer": str(owner.id)}, "Fill this in.")):
        answer = admin.post("/admin/groups/add", fields)
        assert answer.status_code == 422 and any(message in error for error in errors(answer.text)), errors(answer.text)
    assert admin.post("/admin/groups/add", {"name": "Harbour", "customer": str(owner.id)}).status_code == 303
    group = db.session.scalars(select(PttGroup)).one()
    assert [o.kind for o in orders()] == [OrderKind.GROUP]
    page = f"/admin/groups/edit/{group.id}"
    assert admin.post(page, {"name": "Port", "row_version": admin.marker(page)}).status_code == 303 and fresh(group).name == "Port"
    assert "Port" in admin.get(f"/admin/customers/show/{owner.id}?tab=GroupView").text
    admin.post(f"/admin/groups/delete/{group.id}")
    assert fresh(group).deleted and admin.get(f"/admin/groups/show/{group.id}").status_code == 404


def test_members_are_searched_added_and_taken_out(admin: Desk, owner: Customer, plan: Tariff) -> None:
    rows = some(owner, plan, 4)
    stranger = some(factories.customer(plan, server=owner.server), plan, 1)[0]
    group = groups.create_group("Harbour", customer=owner)
    no_orders()
    page = f"/admin/groups/members/{group.id}"
    admin.post(page, {"do": "add", "license": [str(rows[0].id), str(rows[1].id)]})
    assert {row.id for row in fresh(group).members} == {rows[0].id, rows[1].id} and [o.kind for o in orders()] == [OrderKind.GROUP]
    admin.post(page, {"do": "add", "license": str(stranger.id)})
    assert any("cannot be members" in text for text in admin.messages()) and len(fresh(group).members) == 2
    admin.post(page, {"do": "add"})
    assert any("Tick at least one license." in text for text in admin.messages())
    text = admin.get(f"/admin/groups/show/{group.id}?q=wagen+03").text
    assert "Wagen 03" in text and "Wagen 02" not in text and "Add all found" in text
    admin.post(page, {"do": "add_all", "q": "wagen 03"})
    assert {row.alias for row in fresh(group).members} == {"Wagen 00", "Wagen 01", "Wagen 03"}
    admin.post(page, {"do": "remove", "license": str(rows[0].id)})
    assert {row.alias for row in fresh(group).members} == {"Wagen 01", "Wagen 03"}
    admin.post(page, {"do": "add_all"})
    assert len(fresh(group).members) == 4, "only the owner's"
    admin.post(page, {"do": "remove_all", "q": "wagen"})
    assert fresh(group).members == []
    assert admin.post(page, {"do": "add", "license": "x"}).status_code == 404


def test_an_association_group_takes_licenses_of_accepted_members(admin: Desk, owner: Customer, plan: Tariff) -> None:
    other = factories.customer(plan, server=owner.server)
    mine, theirs = some(owner, plan, 1)[0], some(other, plan, 1)[0]
    with transaction() as session:
        association = Association(name="North", server=owner.server)
        session.add(association)
    accept_membership(request_membership(association, owner))
    request_membership(association, other)
    assert admin.post("/admin/groups/add", {"name": "Joint", "association": str(association.id)}).status_code == 303
    group = db.session.scalars(select(PttGroup)).one()
    admin.post(f"/admin/groups/members/{group.id}", {"do": "add_all"})
    assert [row.id for row in fresh(group).members] == [mine.id]
    admin.post(f"/admin/groups/members/{group.id}", {"do": "add", "license": str(theirs.id)})
    assert [row.id for row in fresh(group).members] == [mine.id]
