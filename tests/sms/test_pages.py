"""Pages of SMS: the portal's preview and its one send, a partner's customers, the staff's list, buttons and texts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from app.core.db import db, transaction
from app.customers.partners import save_partner
from app.licenses import groups
from app.plugin_api import Refused
from app.system.outbox import OutboxState
from app.system.settings import change_settings
from app.system.sms import deliver_sms
from app.system.sms_models import Sms
from tests import factories
from tests.admin.staff import Desk, add_user
from tests.portal.logins import Login as PortalLogin
from tests.portal.logins import add_login, enter
from tests.sms.world import gateway, radios

pytestmark = pytest.mark.sqlite_only        # the queries beneath run on both in the tests of their services


def _nonce(text: str) -> str:
    return re.search(r'name="nonce"[^>]*value="([0-9a-f]{32})"', text).group(1)     # type: ignore[union-attr]


def _rows() -> list[Any]:
    db.session.expire_all()
    return list(db.session.query(Sms).order_by(Sms.id))


def test_a_customer_sends_to_his_licenses(app: Flask) -> None:
    told = gateway()
    one, two, three = radios(3)
    with transaction():
        three.phone = ""
    login = enter(app, one.customer)
    assert "Send SMS" in login.get("/portal/licenses").text
    answer = login.send("/portal/licenses/several", {"license": [one.id, two.id, three.id], "act": "sms"})
    page = login.get(answer.headers["Location"] + "&kind=download")
    assert page.text.count("download the app for Kran") == 2 and "has no phone number" in page.text and "Send 2 messages" in page.text and "2 SMS in all" in page.text
    address, nonce = answer.headers["Location"] + "&kind=download", _nonce(page.text)
    for _twice in range(2):
        assert login.send(address, {"nonce": nonce}).status_code == 303
    assert len(_rows()) == 2
    deliver_sms()
    told.raises = [Refused("no")]
    shown = login.get(f"/portal/licenses/{one.id}").text
    assert "Download of the app" in shown and ">Sent<" in shown
    change_settings({"sms.per_license_day": 1})
    login.send(f"/portal/licenses/sms?id={one.id}&kind=download", {"nonce": "1" * 32})
    assert "limit of a day" in login.get("/portal/licenses").text and len(_rows()) == 2
    change_settings({"sms.gateway": ""})
    assert "Send SMS" not in login.get("/portal/licenses").text and login.get(f"/portal/licenses/sms?id={one.id}").status_code == 409


def test_a_group_is_invited(app: Flask) -> None:
    gateway()
    one, two = radios(2, "npoc")
    group = groups.create_group("Hafen", one.customer)
    groups.set_members(group, [one.id])
    login = enter(app, one.customer)
    assert f"/portal/licenses/sms?group={group.id}" in login.get(f"/portal/groups/{group.id}").text
    page = login.get(f"/portal/licenses/sms?group={group.id}").text
    assert "group Hafen" in page and "Send 1 message" in page and str(two) not in page
    assert login.send(f"/portal/licenses/sms?group={group.id}", {"nonce": _nonce(page)}).status_code == 303
    assert [row.kind for row in _rows()] == ["group_invitation"]
    for bad in ("id=x", "id=999999999", "group=99999", "", f"id={one.id}&group=99999"):
        assert login.get(f"/portal/licenses/sms?{bad}").status_code == 404


def test_a_partner_sends_for_his_customers_only(app: Flask) -> None:
    gateway()
    his, other = radios(1)[0], radios(1)[0]
    partner = factories.customer()
    save_partner(partner, brand="Radio Meier")
    with transaction():
        his.customer.partner_id = partner.id
    login = PortalLogin(app, add_login(partner))
    assert login.send(f"/portal/licenses/sms?id={his.id}", {"nonce": "2" * 32}).status_code == 404      # not before he acts for him
    login.send(f"/portal/switch/{his.customer.id}")
    assert "Radio Meier" in login.get(f"/portal/licenses/sms?id={his.id}").text
    assert login.send(f"/portal/licenses/sms?id={his.id}", {"nonce": "2" * 32}).status_code == 303
    for ids in (f"id={other.id}", f"id={his.id}&id={other.id}"):
        assert login.send(f"/portal/licenses/sms?{ids}", {"nonce": "3" * 32}).status_code == 404
    assert [row.license_id for row in _rows()] == [his.id]


@pytest.fixture
def support(app: Flask) -> Desk:
    from tests.admin.staff import QUICK

    app.config["FAB_PASSWORD_HASH_METHOD"] = QUICK
    add_user(app, "sue", "Support")
    return Desk(app, "sue")


def test_staff_sends_and_decides(app: Flask, support: Desk) -> None:
    told = gateway()
    one, two = radios(2)
    address = f"/admin/licenses/act/sms?rowid={one.id}&rowid={two.id}"
    page = support.get(address).text
    assert "download the app for Kran 0" in page and "1 SMS" in page and "2 of those looked at can be sent it: 2 SMS in all" in page
    nonce = _nonce(page)
    told.raises = [Refused("unknown subscriber"), None]
    for _twice in range(2):
        assert support.post(address, {"kind": "download", "nonce": nonce}).status_code == 303
    assert support.post(address, {"kind": "group_invitation", "nonce": nonce}).status_code == 422
    assert len(_rows()) == 2 and deliver_sms() == 2
    listed = support.get("/admin/sms/list/?tab=decide")
    assert listed.status_code == 200 and "Kran 0" in listed.text and "Kran 1" not in listed.text
    shown = support.get(f"/admin/sms/show/{_rows()[0].id}").text
    assert "unknown subscriber" in shown and "Send again" in shown and f"/admin/licenses/show/{one.id}" in shown
    assert support.post(f"/admin/sms/action/retry/{_rows()[0].id}").status_code == 303 and _rows()[0].state is OutboxState.WAITING
    assert "Kran 1" in support.get(f"/admin/licenses/show/{two.id}?tab=SmsView").text


def test_a_test_to_any_number(app: Flask, support: Desk) -> None:
    told = gateway()
    for _twice in range(2):
        assert ">Send</button>" in support.get("/admin/sms/add").text
        assert support.post("/admin/sms/add", {"recipient": "+49 (0) 171 / 440 21 18", "text": "Grüße"}).status_code == 303
    for number, text in (("0171", "x"), ("+49 40 123456", "x"), ("+49 171 4402118", "")):
        assert support.post("/admin/sms/add", {"recipient": number, "text": text}).status_code == 422
    assert deliver_sms() == 1 and told.sent[0].to == "+491714402118" and "Test by" in support.get("/admin/sms/list/").text


def test_staff_invites_a_group(app: Flask, support: Desk) -> None:
    gateway()
    one = radios(1, "npoc")[0]
    group = groups.create_group("Hafen", one.customer)
    groups.set_members(group, [one.id])
    asked = support.post(f"/admin/groups/action/invite/{group.id}").headers["Location"]
    page = support.get(asked).text
    assert "is a member of the group Hafen" in page and not _rows()
    for _twice in range(2):
        assert support.post(asked, {"nonce": _nonce(page)}).status_code == 303
    assert [row.kind for row in _rows()] == ["group_invitation"]


def test_texts_are_changed_and_tried(app: Flask) -> None:
    add_user(app, "root", "Administrator")
    desk = Desk(app, "root")
    assert "Configuration" in desk.get("/admin/sms-texts/").text
    address = "/admin/sms-texts/download/npoc/de"
    page = desk.get(address)
    assert "Hafenlotsen" not in page.text and "1 SMS" in page.text and "ptt.example.org/app" in page.text
    assert desk.post(address, {"body": "{{nothing}} {{link}}"}).status_code == 422
    tried = desk.post(address, {"body": "Grüße – {{link}}", "step": "preview"})
    assert tried.status_code == 200 and "the long alphabet" in tried.text and "Not saved yet" in tried.text
    assert desk.post(address, {"body": "App: {{link}}"}).status_code == 303 and "Changed" in desk.get("/admin/sms-texts/").text
    assert desk.post(address + "/reset").status_code == 303 and "Changed" not in desk.get("/admin/sms-texts/").text
    for wrong in ("/admin/sms-texts/nothing/all/en", "/admin/sms-texts/download/none/en", "/admin/sms-texts/download/all/xx"):
        assert desk.get(wrong).status_code == 404


def test_a_preview_of_many_asks_no_more_than_one_of_few(app: Flask) -> None:
    from tests.admin.staff import statements

    gateway()
    rows = radios(12, "npoc")
    group = groups.create_group("Hafen", rows[0].customer)
    groups.set_members(group, [row.id for row in rows])
    login = enter(app, rows[0].customer)
    asked = []
    for ids in ([rows[0].id], [row.id for row in rows]):
        with statements() as seen:
            assert login.get("/portal/licenses/sms?" + "&".join(f"id={i}" for i in ids) + f"&group={group.id}&kind=group_invitation").text.count("group Hafen") == len(ids)
        asked.append(len(seen))
    assert asked[0] == asked[1] < 25


def test_the_demo_shows_what_can_happen(app: Flask) -> None:
    from app.licenses.demo_rows import load

    gateway()
    radios(9)
    load([])
    assert {row.state.value for row in _rows()} == {"done", "unsure", "held", "waiting"} and {row.outcome.value for row in _rows() if row.outcome} == {"delivered", "expired"}
