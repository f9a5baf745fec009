"""Lists kept under a name: own, shared, the one to begin with."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import func, select

from app.admin.saved_lists import MOST, cleaned
from app.admin.saved_lists_models import StaffListDefault, StaffListView
from app.core.db import db
from tests.admin.staff import statements

LIST = "/admin/customers/list/"


def keep(desk, name="Locked ones", query="tab=locked&order=city", shared=False, view="CustomerView"):
    return desk.post(f"/admin/saved-lists/save/{view}", {"name": name, "query": query, **({"shared": "y"} if shared else {})})


def ids():
    return list(db.session.scalars(select(StaffListView.id).order_by(StaffListView.id)))


def test_a_list_is_kept_and_offered_in_its_own_head(admin):
    assert "Keep what is shown as" not in admin.get(LIST).text
    assert "Keep what is shown as" in admin.get(f"{LIST}?tab=locked").text
    answer = keep(admin)
    assert answer.status_code == 303 and answer.headers["Location"] == f"{LIST}?tab=locked&order=city"
    page = admin.get(LIST).text
    assert "Locked ones" in page and f"{LIST}?tab=locked&amp;order=city" in page
    assert "Locked ones" not in admin.get("/admin/licenses/list/").text


def test_the_same_name_takes_the_new_filters(admin):
    keep(admin)
    keep(admin, query="tab=ending")
    assert db.session.scalars(select(StaffListView.query)).all() == ["tab=ending"]


@pytest.mark.parametrize(("name", "query"), [("", "tab=locked"), ("x" * 61, "tab=locked"), ("a\x00b", "tab=locked"), ("Empty", ""), ("Only the page", "page=3&all=1"), ("Long", "q=" + "x" * 2000)])
def test_what_cannot_be_kept_is_told(admin, name, query):
    assert keep(admin, name, query).status_code == 303
    assert not ids() and any("Enter a name" in m or "Filter or sort" in m or "too long" in m for m in admin.messages())


def test_the_address_is_kept_without_page_and_strange_things():
    assert cleaned("tab=locked&page=4&q=%3Cscript%3E&csrf_token=x&all=1") == "tab=locked&q=%3Cscript%3E"
    assert cleaned("q=a%00b&tab=x") == "tab=x"


def test_names_of_people_do_not_become_markup(admin):
    keep(admin, "<img src=x onerror=alert(1)>", "q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    page = admin.get(f"{LIST}?all=1").text
    assert "<img src=x" not in page and "<script>alert" not in page


def test_only_the_owner_changes_it_and_only_shared_ones_are_seen(admin, desk):
    other = desk("Support")
    keep(admin, "Private")
    keep(admin, "Shared", shared=True)
    private, shared = ids()
    page = other.get(LIST).text
    assert "Shared" in page and "Private" not in page
    assert other.post(f"/admin/saved-lists/delete/{shared}").status_code == 404
    assert other.post(f"/admin/saved-lists/begin/{private}").status_code == 404
    assert other.post(f"/admin/saved-lists/begin/{shared}").status_code == 303
    assert other.post("/admin/saved-lists/delete/999999").status_code == 404
    assert len(ids()) == 2
    assert admin.post(f"/admin/saved-lists/delete/{shared}").status_code == 303
    assert ids() == [private] and not db.session.scalar(select(func.count()).select_from(StaffListDefault)), "the default went with it"
    assert other.get(LIST).status_code == 200


def test_a_list_that_one_may_not_open_takes_nothing(desk):
    assert keep(desk("Sales"), view="UserView").status_code == 404
    assert keep(desk("Sales"), view="Nothing").status_code == 404


def test_the_list_begins_with_the_chosen_one_and_all_can_be_seen(admin):
    keep(admin)
    answer = admin.post(f"/admin/saved-lists/begin/{ids()[0]}")
    assert answer.status_code == 303
    answer = admin.get(LIST)
    assert answer.status_code == 302 and answer.headers["Location"] == f"{LIST}?tab=locked&order=city"
    page = admin.get(answer.headers["Location"])
    assert page.status_code == 200 and f'href="{LIST}?all=1"' in page.text
    assert admin.get(f"{LIST}?all=1").status_code == 200
    assert admin.get(f"{LIST}?tab=active").status_code == 200
    assert 'aria-pressed="true"' in page.text
    admin.post(f"/admin/saved-lists/begin/{ids()[0]}?off=1")
    assert admin.get(LIST).status_code == 200


def test_addresses_alone_change_nothing(admin):
    keep(admin)
    for path in (f"/admin/saved-lists/delete/{ids()[0]}", f"/admin/saved-lists/begin/{ids()[0]}", "/admin/saved-lists/save/CustomerView"):
        assert admin.get(path).status_code == 405
    assert admin.http.post(f"/admin/saved-lists/delete/{ids()[0]}").status_code == 400


def test_there_is_a_limit_and_one_statement(admin):
    from app.core.db import transaction

    keep(admin)
    user = db.session.scalar(select(StaffListView.user_id))
    with transaction() as session:
        session.add_all([StaffListView(user_id=user, view="CustomerView", name=f"n{i}", query="tab=locked") for i in range(MOST - 1)])
    keep(admin, "One more")
    assert len(ids()) == MOST
    admin.get(LIST)
    with statements() as seen:
        assert admin.get(LIST).status_code == 200
    assert sum("staff_list_view" in line for line in seen) == 1


def test_a_locked_license_says_so_in_its_list(admin):
    from datetime import date

    from app.customers.locks import LockReason
    from app.licenses.locks import lock_license
    from tests import factories as make

    make.memory_driver()
    tariff, server = make.tariff(), make.server()
    owner = make.customer(tariff, server=server)
    item = make.license(owner, tariff, date(2026, 1, 1), server=server, phone="+491714402118")
    lock_license(item, LockReason.MANUAL, "lost")
    page = admin.get("/admin/licenses/list/").text
    cells = re.findall(r'<td class="[^"]*" data-label="State">(.*?)</td>', page)
    assert len(cells) == 1 and "Locked" in cells[0] and "Active" not in cells[0]
    assert re.search(r'<td class="nowrap" data-label="Phone[^"]*">\+49', page)
