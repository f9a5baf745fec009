"""Bulk actions from the list: a few at once, many as a run with a page, all that a filter finds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from app.core.db import db
from app.licenses import bulk
from app.licenses.bulk_models import LicenseBulkLine
from app.licenses.models import License, LockPeriod
from app.licenses.views_bulk import AT_ONCE
from app.system import job_runs
from app.system.models import JobRun
from tests import factories as make

pytestmark = pytest.mark.sqlite_only        # the queries beneath run on both in the tests of their services and lists

BASE = "/admin/licenses"


@pytest.fixture
def fleet(app) -> list[License]:
    make.memory_driver()
    tariff, server = make.tariff(), make.server()
    owner = make.customer(tariff, server=server)
    return [make.license(owner, tariff, date(2026, 1, 1), server=server, alias=f"Truck {number:02}") for number in range(AT_ONCE + 5)]


def runs() -> list[JobRun]:
    db.session.expire_all()
    return list(db.session.scalars(select(JobRun).where(JobRun.job == bulk.JOB).order_by(JobRun.id)))


def locked() -> int:
    return db.session.scalar(select(func.count()).select_from(LockPeriod)) or 0


def test_a_few_are_done_at_once(admin, fleet):
    rows = [str(row.id) for row in fleet[:AT_ONCE]]
    assert admin.post(f"{BASE}/act/lock?" + "&".join(f"rowid={r}" for r in rows), {"note": "x"}).status_code == 303
    assert locked() == AT_ONCE and not runs()


def test_many_become_a_run_with_a_page_that_follows_it(admin, fleet):
    rows = [str(row.id) for row in fleet]
    answer = admin.post(f"{BASE}/action_post", {"action": "lock", "rowid": rows})
    assert answer.status_code == 303 and "/act/lock" in answer.headers["Location"]
    page = admin.get(answer.headers["Location"])
    assert f"({len(fleet)})" in page.text
    assert admin.post(answer.headers["Location"], {"note": ""}).status_code == 422 and not runs()
    answer = admin.post(answer.headers["Location"], {"note": "<b>stolen</b>"})
    assert answer.status_code == 303
    run = runs()[0]
    page = admin.get(answer.headers["Location"]).text
    assert f'data-progress="/admin/license-bulk/{run.id}/progress"' in page and "Waiting for a free worker" in page and "Truck 01" in page
    assert admin.get(f"/admin/license-bulk/{run.id}/progress").json == {"going": True, "text": "Waiting for a free worker.", "percent": 0}
    job_runs.execute(run.id)
    page = admin.get(answer.headers["Location"]).text
    assert "at once. Look at the list below" in page and "Approve" in page
    assert admin.post(f"/admin/license-bulk/{run.id}/approve").status_code == 303
    job_runs.execute(run.id)
    assert locked() == len(fleet)
    state = admin.get(f"/admin/license-bulk/{run.id}/progress").json
    assert state == {"going": False, "text": f"{len(fleet)} of {len(fleet)} licenses.", "percent": 100}
    assert "Lock licenses" in admin.get("/admin/license-bulk/").text


def test_all_that_a_filter_finds(admin, fleet):
    page = admin.get(f"{BASE}/list/?alias=Truck+2").text
    assert "data-bulk-found" not in page, "they all fit on the page"
    assert "data-bulk-found" in admin.get(f"{BASE}/list/").text
    wanted = db.session.scalar(select(func.count()).select_from(License).where(License.alias.contains("Truck 2")))
    data = {"action": "reprovision", "found": "1", "query": "alias=Truck+2&page=4", "n": str(wanted)}
    answer = admin.post(f"{BASE}/action_post", data)
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/admin/license-bulk/")
    names = set(db.session.scalars(select(License.alias).join(LicenseBulkLine, LicenseBulkLine.license_id == License.id)))
    assert len(names) == wanted and all("Truck 2" in name for name in names)


def test_a_filter_that_finds_others_meanwhile_is_asked_again(admin, fleet):
    admin.post(f"{BASE}/action_post", {"action": "remove", "found": "1", "query": "", "n": "7"})
    assert not runs() and any("Meanwhile the filter finds" in message for message in admin.messages())
    answer = admin.post(f"{BASE}/act/lock?found=1&query=&n=7", {"note": "x"})
    assert answer.status_code == 409 and not runs()
    assert admin.post(f"{BASE}/act/lock?found=1&query=&n={len(fleet)}", {"note": "x"}).status_code == 303 and len(runs()) == 1


def test_windows_and_tabs_limit_what_is_found(admin, fleet):
    admin.post(f"{BASE}-public/action_post", {"action": "reprovision", "found": "1", "query": "", "n": str(len(fleet))})
    assert not runs(), "there is no public license"
    admin.post(f"{BASE}/action_post", {"action": "reprovision", "found": "1", "query": "tab=locked", "n": str(len(fleet))})
    assert not runs()


def test_a_filter_that_is_not_understood_acts_on_nothing(admin, fleet):
    answer = admin.post(f"{BASE}/action_post", {"action": "remove", "found": "1", "query": "state=nonsense", "n": str(len(fleet))})
    assert answer.status_code == 303 and not runs() and any("Nothing was done" in message for message in admin.messages())


def test_failed_ones_are_told_and_tried_again(admin, fleet):
    other: Any = make.tariff("9.0000", name="Elsewhere")
    rows = "&".join(f"rowid={row.id}" for row in fleet)
    admin.post(f"{BASE}/act/change_tariff?{rows}", {"tariff": str(other.id), "from_day": str(date(2030, 1, 1))})
    run = runs()[0]
    job_runs.execute(run.id)
    page = admin.get(f"/admin/license-bulk/{run.id}?state=failed").text
    assert "Not done" in page and "Elsewhere" in page and f"Try {len(fleet)} again" in page
    answer = admin.post(f"/admin/license-bulk/{run.id}/again")
    assert answer.status_code == 303 and len(runs()) == 2
    assert runs()[1].params["action"] == "change_tariff" and runs()[1].params["values"] == run.params["values"]


def test_who_may_not_lock_may_not_lock_many(desk, fleet):
    rows = [str(row.id) for row in fleet]
    reader = desk("Read only")
    assert reader.post(f"{BASE}/action_post", {"action": "lock", "rowid": rows}).status_code == 403
    assert reader.post(f"{BASE}/action_post", {"action": "lock", "found": "1", "n": "30"}).status_code == 403
    assert reader.post("/admin/license-bulk/1/approve").status_code == 403
    assert reader.get("/admin/license-bulk/999").status_code == 404
