"""The REST interface: rights, writes through the services, one effect per key, nothing of a refused write."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from app.api.models import ApiToken
from app.api.openapi import document
from app.api.tokens import authenticate, create_token, revoke_token
from app.core import clock
from app.core.db import db
from app.core.errors import InvalidInput
from app.customers.locks import LockReason
from app.customers.models import Customer
from app.licenses.models import License, LicenseState, ProvisioningOrder
from app.receivables.models import Payment
from app.system.models import ProtocolEntry
from tests import factories as make

NEW = {"company": "Hafen GmbH", "street": "Kai 1", "postcode": "20457", "city": "Hamburg", "country": "DE", "email": "hafen@example.org"}


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def test_without_a_valid_token_nothing_is_told(app, api):
    path = "/customers"
    for headers in ({}, {"Authorization": "Bearer ptt_nobody"}, {"Authorization": f"Basic {api.token}"}, {"Authorization": f"Bearer {api.token}x"}):
        answer = app.test_client().get(f"/api/v1{path}", headers=headers)
        assert answer.status_code == 401 and answer.json["error"]["code"] == "token"
    assert api("GET", path).status_code == 200


def test_a_browser_session_is_no_token(app, admin):
    assert admin.get("/admin/customers/list/").status_code == 200
    assert admin.get("/api/v1/customers").status_code == 401


def test_expired_revoked_and_inactive_end_at_once(app, api):
    row = db.session.scalar(select(ApiToken))
    assert authenticate(api.token) is not None
    with clock.frozen(clock.now() + timedelta(days=366)):
        assert authenticate(api.token) is None
    row.user.active = False
    db.session.commit()
    assert api("GET", "/customers").status_code == 401
    row.user.active = True
    db.session.commit()
    revoke_token(row)
    assert api("GET", "/customers").status_code == 401
    with pytest.raises(InvalidInput):
        revoke_token(row)


def test_scope_and_role_both_limit(token):
    reader = token("customers:read", name="reader")
    assert reader("GET", "/customers").status_code == 200
    assert reader("POST", "/customers", NEW).json["error"]["code"] == "scope"
    assert reader("GET", "/licenses").status_code == 403
    weak = token("customers:read", "customers:write", name="weak", role="Read only")
    assert weak("GET", "/customers").status_code == 200
    assert weak("POST", "/customers", NEW).json["error"]["code"] == "right"
    assert count(Customer) == 0


def test_a_customer_is_created_read_changed_and_a_lost_change_is_refused(api):
    made = api("POST", "/customers", NEW)
    assert made.status_code == 201 and made.json["number"] == "K10001"
    path = f"/customers/{made.json['id']}"
    assert api("GET", path).json == made.json
    changed = api("PATCH", path, {"city": "Bremen", "version": made.json["version"]})
    assert changed.json["city"] == "Bremen"
    late = api("PATCH", path, {"city": "Kiel", "version": made.json["version"]})
    assert late.status_code == 409 and api("GET", path).json["city"] == "Bremen"
    assert api("PATCH", path, {"city": "Kiel"}).status_code == 422
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "customer", ProtocolEntry.action == "created")).one()
    assert (entry.actor_kind, entry.on_behalf) == ("api", "program-administrator")


@pytest.mark.parametrize("body", [
    {**NEW, "state": "deleted"}, {**NEW, "lock_reasons": 0}, {**NEW, "company": ["x"]}, {**NEW, "company": ""}, {**NEW, "terms_days": "14"}, {**NEW, "terms_days": True},
    {**NEW, "email": "x"}, {**NEW, "country": "ZZ"}, {}, [], "x", {**NEW, "company": "a\x00b"}, {**NEW, "company": "x" * 121}, {**NEW, "kind": "vip"},
])
def test_bad_bodies_are_named_and_change_nothing(api, body):
    answer = api("POST", "/customers", body)
    assert answer.status_code == 422 and answer.json["error"]["message"]
    assert count(Customer) == 0


def test_bodies_that_are_not_json_objects(api):
    for data, kind, status in ((b"{", "application/json", 400), (b"<x/>", "text/xml", 415), (b"[" * 100_000, "application/json", 400), (b"x" * 300_000, "application/json", 413)):
        assert api("POST", "/customers", data=data, content_type=kind).status_code == status


def test_a_key_has_one_effect_and_gives_the_same_answer(api):
    first = api("POST", "/customers", NEW, key="a1")
    again = api("POST", "/customers", NEW, key="a1")
    assert first.status_code == again.status_code == 201 and first.json == again.json
    assert again.headers["Idempotent-Replay"] == "true" and count(Customer) == 1
    assert api("POST", "/customers", {**NEW, "company": "Other"}, key="a1").json["error"]["code"] == "key"
    assert api("POST", "/customers", {**NEW, "email": "bad"}, key="a2").status_code == 422
    assert api("POST", "/customers", {**NEW, "company": "Second"}, key="a2").status_code == 201, "a refused request frees its key"
    assert api("POST", "/customers", NEW, key="b" * 101).status_code == 422


def test_lists_page_by_key_and_refuse_unknown_parameters(api):
    ids = [make.customer(company=f"Firma {n}").id for n in range(5)]
    first = api("GET", "/customers?limit=2").json
    second = api("GET", f"/customers?limit=2&after={first['next']}").json
    assert [c["id"] for c in first["items"] + second["items"]] == ids[:4]
    assert api("GET", f"/customers?after={second['next']}").json["next"] is None
    assert [c["company"] for c in api("GET", "/customers?company=firma 3").json["items"]] == ["Firma 3"]
    for bad in ("?limit=0", "?limit=201", "?limit=x", "?color=red", "?limit=1&limit=2", "?after=-1", "?state=gone", "?changed_since=yesterday"):
        assert api("GET", f"/customers{bad}").status_code == 422, bad
    assert api("GET", "/customers/999999").status_code == 404


def test_licenses_live_through_the_interface(api):
    tariff = make.tariff()
    owner = make.customer(tariff, server=make.server())
    body = {"customer_id": owner.id, "tariff": tariff.code, "user_name": "wagen1", "phone": "0171 4402118", "permissions": ["group_call"]}
    made = api("POST", "/licenses", body)
    assert made.status_code == 201 and made.json["phone"] == "+491714402118" and made.json["on_server"] == "pending"
    assert count(ProvisioningOrder) == 1
    assert api("POST", "/licenses", body).json["error"]["field"] == "user_name"
    assert api("POST", "/licenses", {**body, "user_name": "wagen2", "tariff": "NONE"}).json["error"]["field"] == "tariff"
    path = f"/licenses/{made.json['id']}"
    changed = api("PATCH", path, {"alias": "Wagen 1", "version": made.json["version"]})
    assert changed.json["alias"] == "Wagen 1"
    last = clock.today() + timedelta(days=3)
    assert api("POST", f"{path}/termination", {"last_day": last.isoformat()}).json["active_to"] == last.isoformat()
    assert api("DELETE", path).json["state"] == LicenseState.DELETED.value
    assert api("DELETE", path).status_code == 422
    assert [row["user_name"] for row in api("GET", "/licenses?state=deleted").json["items"]] == ["wagen1"]


def test_an_external_lock_is_its_own_reason(api):
    tariff = make.tariff()
    place = make.server()
    owner = make.customer(tariff, server=place)
    license = make.license(owner, tariff, date(2026, 1, 1), user_name="wagen1")
    report = api("POST", "/locks", {"server": place.name, "lock": ["wagen1", "nobody", "wagen1"]}).json["items"]
    assert [line["result"] for line in report] == ["locked", "unknown", "unchanged"]
    assert db.session.get_one(License, license.id, populate_existing=True).lock_reasons == LockReason.EXTERNAL
    assert api("POST", "/locks", {"server": place.name, "unlock": ["wagen1"]}).json["items"][0]["result"] == "unlocked"
    assert db.session.get_one(License, license.id, populate_existing=True).lock_reasons == 0


def test_a_payment_is_booked_once(api):
    owner = make.customer()
    body = {"customer_id": owner.id, "amount": "12.50", "currency": "EUR", "received_on": clock.today().isoformat(), "reference": "RE-1"}
    assert api("POST", "/payments", body).status_code == 422
    first = api("POST", "/payments", body, key="p1")
    assert first.status_code == 201 and first.json["amount"] == "12.50" and first.json["free"] == "12.50"
    assert api("POST", "/payments", body, key="p1").json == first.json
    assert count(Payment) == 1
    for wrong in ({"amount": 12.5}, {"amount": "NaN"}, {"amount": "0"}, {"amount": "1e400"}, {"amount": "0.001"}, {"currency": "USD"}, {"received_on": "24.11.2026"}, {"customer_id": 10**9}):
        assert api("POST", "/payments", {**body, **wrong}, key="p2").status_code == 422, wrong
    assert count(Payment) == 1


def test_the_rate_is_limited_per_token(api, app):
    app.config["PTT_API_RATE"] = 3
    assert [api("GET", "/customers").status_code for _ in range(5)][-1] == 429


def test_tokens_are_named_limited_and_shown_once(app, admin):
    with pytest.raises(InvalidInput):
        create_token("x", admin, ["root"])
    page = admin.get("/admin/tokens/add")
    assert "Read customers" in page.text
    user_id = db.session.scalar(select(ApiToken.user_id)) or 1
    made = admin.post("/admin/tokens/add", {"name": "Billing", "user": str(user_id), "scopes": ["customers:read"], "days": "30"})
    assert made.status_code == 303
    listed = admin.get("/admin/tokens/list/").text
    assert "ptt_" in listed
    row = db.session.scalar(select(ApiToken).where(ApiToken.name == "Billing"))
    assert row.digest not in listed and "Read customers" in listed
    assert admin.get("/admin/api-description/").status_code == 200


def test_the_description_names_every_route_and_right(app):
    described = document()
    assert {"/customers", "/customers/{customer_id}", "/licenses", "/locks", "/payments", "/open-items", "/invoices/{invoice_id}/pdf"} <= set(described["paths"])
    for path, methods in described["paths"].items():
        for method, spec in methods.items():
            assert {"401", "403", "422"} <= set(spec["responses"]), (path, method)


def test_an_sms_is_sent_once_for_its_key(api, token):
    from tests.sms.world import gateway, radios

    gateway()
    one = radios(1, "npoc")[0]
    path = f"/licenses/{one.id}/sms"
    made = [api("POST", path, {"kind": "download"}, key="s1") for _twice in range(2)]
    assert [answer.status_code for answer in made] == [201, 201] and made[0].json == made[1].json and made[0].json["state"] == "waiting"
    assert api("POST", path, {"kind": "configuration"}).status_code == 201
    for wrong in ({"kind": "love"}, {"kind": "group_invitation"}, {"kind": "group_invitation", "group_id": 99}, {}):
        assert api("POST", path, wrong).status_code == 422
    assert [row["kind"] for row in api("GET", path).json["items"]] == ["download", "configuration"]
    assert api("POST", "/licenses/99/sms", {"kind": "download"}).status_code == 404
    assert token("licenses:read", role="Support", name="r")("POST", path, {"kind": "download"}).status_code == 403
