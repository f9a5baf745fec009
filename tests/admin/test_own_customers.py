"""Who sees only his own customers finds nothing of others: every list, page, action, form, lookup, download and REST route."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import inspect, select, text

from app.admin.own_customers import closed_views
from app.api.tokens import SCOPES, create_token
from app.billing.documents import add_manual_line
from app.billing.models import BillingDocument, Charge, ManualLine, RecurringLine
from app.core import clock
from app.core.db import db, transaction
from app.core.own_rows import is_open
from app.core.period import Month
from app.core.views import AdminView
from app.customers.accounts import send_welcome
from app.customers.models import Customer, CustomerKind, Representative
from app.customers.prospects import register_prospect
from app.customers.representatives import save_representative
from app.licenses.groups import create_group
from app.licenses.models import License
from app.receivables.payments import record_payment
from app.system import archive
from app.system.models import Document
from app.system.settings import change_settings
from tests.admin import billing_world
from tests.admin.staff import Desk, add_user

FOREIGN, OWN = "Fremdfunk Werke", "Eigenfunk Betriebe"
IGNORED = {"staff_session", "login_failure", "throttle", "protocol_entry", "alembic_version"}


@pytest.fixture
def world(app):
    built = billing_world.build(2)
    built.issue()
    own, foreign = built.customers
    with transaction() as session:
        for row, name in ((own, OWN), (foreign, FOREIGN)):
            session.get(Customer, row.id).company = name
    everything = app.appbuilder.sm.role_named("Administrator").permissions
    with transaction() as session:
        session.add(app.appbuilder.sm.role_model(name="Field sales", permissions=list(everything)))
    user = add_user(app, "vera", "Field sales")
    mine = save_representative(number="V01", name="Vera Voss", country="DE", language="de", user=user)
    other = save_representative(number="V02", name="Otto Fremdmann", country="DE", language="de")
    for row, who in ((own, mine), (foreign, other)):
        with transaction() as session:
            session.get(Customer, row.id).representative_id = who.id
        owner = db.session.get(Customer, row.id)
        tag = owner.company.split()[0].lower()
        send_welcome(owner) if owner.email else None
        record_payment(f"test:{tag}", owner, Decimal("3.00"), "EUR", clock.today(), method="cash")
        create_group(f"group-{tag}", owner)
        archive.upload("note.txt", f"note of {tag}".encode(), f"Note {tag}", "Notes", owner.id)
        add_manual_line(owner, str(Month.of(clock.today())), built.article, f"Line {tag}", Decimal(1), Decimal("5.00"))
        with transaction() as session:
            session.add(RecurringLine(customer_id=owner.id, article_id=built.article.id, text=f"Hosting {tag}", quantity=Decimal(1), unit_price=Decimal("4.00"),
                                      first_period=str(Month.of(clock.today())), every_months=1))
        prospect = register_prospect(CustomerKind.CLOSED, origin="staff", company=f"Prospect {tag}", contact="A", email=f"{tag}@example.org", country="DE", language="de", confirm=False)
        with transaction() as session:
            session.merge(prospect).customer_id = owner.id
    change_settings({"staff.own_customers_roles": ["Field sales"]})
    return {"own": own.id, "foreign": foreign.id, "user": user.id}


@pytest.fixture
def vera(app, world):
    return Desk(app, "vera")


def owner_of(row: Any) -> int | None:
    if isinstance(row, Customer):
        return row.id
    if hasattr(row, "customer_id"):
        return row.customer_id
    if isinstance(row, Representative):
        return db.session.scalar(select(Customer.id).where(Customer.representative_id == row.id))
    if isinstance(row, Charge | ManualLine):
        return db.session.get(BillingDocument, row.document_id).customer_id
    return None


def everything_stored() -> dict[str, list[Any]]:
    names = [name for name in inspect(db.engine).get_table_names() if name not in IGNORED]
    found = {name: sorted(map(str, db.session.execute(text(f'SELECT * FROM "{name}"')))) for name in names}
    db.session.rollback()
    return found


def open_views(app: Any) -> list[AdminView]:
    return [view for view in app.appbuilder.baseviews if isinstance(view, AdminView) and is_open(view.datamodel.obj)]


def addresses(app: Any, view: Any, row: Any, foreign: int) -> list[tuple[str, str]]:
    """(method, address) of all routes of the view that name a row."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] != view.endpoint or "<" not in rule.rule:
            continue
        if "run_id" in rule.rule:           # the progress of a job: numbers only
            continue
        path = re.sub(r"<(?:int:)?customer_id>", str(foreign), rule.rule)
        path = re.sub(r"<(?:int:|string:)?(?:pk|\w*id|number)>", str(view.datamodel.get_pk_value(row)), path)
        names = list(view.actions) if "<string:name>" in path else [""]
        for name in names:
            full = path.replace("<string:name>", name)
            if "<" in full:
                continue
            found += [(method, full) for method in sorted((rule.methods or set()) & {"GET", "POST"})]
    return found


def test_every_route_of_every_view_with_a_foreign_id(app, world, vera):
    token = vera.token()
    before = everything_stored()
    walked, kinds = 0, set()
    for view in open_views(app):
        rows = [row for row in db.session.scalars(select(view.datamodel.obj)) if owner_of(row) == world["foreign"]]
        for row in rows[:1]:
            kinds.add(type(row).__name__)
            for method, address in addresses(app, view, row, world["foreign"]):
                answer = vera.http.open(address, method=method, data={"csrf_token": token} if method == "POST" else None)
                assert answer.status_code in (403, 404), (method, address, answer.status_code)
                walked += 1
            key = str(view.datamodel.get_pk_value(row))
            for name in view.actions:
                assert vera.http.post(f"{view.route_base}/action_post", data={"csrf_token": token, "action": name, "rowid": [key]}).status_code in (302, 303, 403, 404)
                if "act" not in view.exclude_route_methods:
                    assert vera.http.get(f"{view.route_base}/act/{name}", query_string={"rowid": key}).status_code in (302, 303, 403, 404)
                    vera.http.post(f"{view.route_base}/act/{name}", query_string={"rowid": key}, data={"csrf_token": token, "note": "x", "reason": "x", "last_day": str(clock.today())})
    assert everything_stored() == before, "nothing of a stranger's was changed"
    assert {"Customer", "License", "PttGroup", "Invoice", "OpenItem", "Payment", "BillingDocument", "Charge", "ManualLine", "RecurringLine", "Document", "TariffAssignment",
            "Prospect", "Representative"} <= kinds and walked > 80


def test_own_rows_are_all_there(app, world, vera):
    for view in open_views(app):
        for row in [row for row in db.session.scalars(select(view.datamodel.obj)) if owner_of(row) == world["own"]][:1]:
            if "show" not in view.exclude_route_methods:
                address = f"{view.route_base}/show/{view.datamodel.get_pk_value(row)}"
                answer = vera.get(address)
                if not view.scope():                    # else the row may be one that this window does not show to anybody
                    assert answer.status_code == 200, address
                assert FOREIGN not in answer.text, address


def test_lists_lookups_and_filters_name_no_stranger(app, world, vera):
    for view in open_views(app):
        for address in (f"{view.route_base}/list/", f"{view.route_base}/list/?tab=all", f"{view.route_base}/list/?customer={world['foreign']}&tab=all",
                        f"{view.route_base}/list/?q=Fremdfunk&tab=all", f"{view.route_base}/lookup?q=Fremdfunk", f"{view.route_base}/add", f"{view.route_base}/add?customer={world['foreign']}"):
            answer = vera.get(address, follow_redirects=True)
            assert answer.status_code in (200, 403, 404), address
            assert FOREIGN not in answer.text and "fremdfunk@" not in answer.text and "Otto Fremdmann" not in answer.text, address
    assert FOREIGN not in vera.get("/admin/search/?q=Fremdfunk", follow_redirects=True).text
    assert OWN in vera.get("/admin/search/?q=Eigenfunk", follow_redirects=True).text
    text_ = vera.get("/admin/").text
    assert FOREIGN not in text_ and "of your own customers" in text_ and "Revenue" not in text_


def test_forms_do_not_take_a_stranger(app, world, vera):
    before = everything_stored()
    token = vera.token()
    for view in open_views(app):
        if "add" not in view.exclude_route_methods:
            answer = vera.http.post(f"{view.route_base}/add", data={"csrf_token": token, "customer": str(world["foreign"]), "text": "x", "quantity": "1", "unit_price": "1"})
            assert answer.status_code in (403, 404, 422), (view.route_base, answer.status_code)
    assert everything_stored() == before


def test_work_screens_and_rows_without_a_rule_are_closed(app, world, vera):
    closed = closed_views()
    assert {"BillingRunPage", "ClearingPage", "LockPage", "SettingsPage", "JobsPage", "UserView", "RoleView", "TokenView", "ProvisioningView", "AssociationView"} <= closed
    assert not {"CustomerView", "LicenseView", "InvoiceView", "OpenItemView", "SearchPage", "ProspectView", "TariffView"} & closed
    for view in app.appbuilder.baseviews:
        if view.class_permission_name in closed:
            for rule in app.url_map.iter_rules():
                if rule.endpoint.partition(".")[0] == view.endpoint and "GET" in rule.methods and "<" not in rule.rule:
                    assert vera.get(rule.rule).status_code in (403, 404), rule
    text_ = vera.get("/admin/").text
    assert "/admin/customers/list/" in text_ and "/admin/settings/" not in text_


def test_a_download_of_a_stranger_is_not_found(app, world, vera):
    for row in db.session.scalars(select(Document)).all():
        assert vera.get(f"/admin/documents/download/{row.id}").status_code == (200 if row.customer_id == world["own"] else 404)


def test_rest_acts_within_the_same_limits(app, world):
    from tests.api.conftest import Api

    user = app.appbuilder.sm.find_user("vera")
    _row, token = create_token("sales app", user, list(SCOPES), 30)
    api = Api(app, token)
    before = everything_stored()
    foreign = world["foreign"]
    license_id = db.session.scalar(select(License.id).where(License.customer_id == foreign))
    from app.billing.models import Invoice

    invoice_id = db.session.scalar(select(Invoice.id).where(Invoice.customer_id == foreign))
    for method, path, body in (("GET", f"/customers/{foreign}", None), ("PATCH", f"/customers/{foreign}", {"version": 1, "company": "x"}), ("GET", f"/licenses/{license_id}", None),
                               ("PATCH", f"/licenses/{license_id}", {"version": 1, "alias": "x"}), ("DELETE", f"/licenses/{license_id}", None),
                               ("POST", f"/licenses/{license_id}/termination", {"last_day": str(clock.today())}), ("GET", f"/invoices/{invoice_id}", None), ("GET", f"/invoices/{invoice_id}/pdf", None)):
        assert api(method, path, body).status_code == 404, path
    for path in ("/customers", "/licenses", "/invoices", "/open-items", "/payments"):
        answer = api("GET", path)
        assert answer.status_code == 200
        owners = {item.get("customer_id", item["id"]) for item in answer.json["items"]}
        assert owners == {world["own"]}, path
    row = db.session.get(License, license_id)
    answer = api("POST", "/locks", {"server": row.server.name, "lock": [row.user_name]})
    assert answer.json["items"][0]["result"] == "unknown"
    assert api("POST", "/payments", {"customer_id": foreign, "amount": "1.00", "currency": "EUR", "received_on": str(clock.today())}, key="a").status_code == 422
    now = everything_stored()
    assert {name: rows for name, rows in now.items() if name not in ("api_token", "idempotency_record")} == {
        name: rows for name, rows in before.items() if name not in ("api_token", "idempotency_record")}
    made = api("POST", "/customers", {"company": "Neukunde", "country": "DE"})
    assert made.status_code == 201
    assert db.session.get(Customer, made.json["id"]).representative.user_id == world["user"]


def test_new_customers_are_his_own_and_stay_so(app, world, vera):
    fields = {"company": "Neufunk", "kind": "closed", "language": "de", "country": "DE", "currency": "EUR", "payment_method": "transfer", "terms_days": "14", "business": "y"}
    answer = vera.post("/admin/customers/add", fields)
    assert answer.status_code == 303, answer.text[:2000]
    made = db.session.scalar(select(Customer).where(Customer.company == "Neufunk"))
    assert made.representative.user_id == world["user"]
    page = f"/admin/customers/edit/{made.id}"
    answer = vera.post(page, {**fields, "company": "Neufunk 2", "representative": "", "row_version": vera.marker(page)})
    assert answer.status_code == 303
    db.session.expire_all()
    assert db.session.get(Customer, made.id).representative.user_id == world["user"], "he cannot give him away"


def test_a_foreign_sales_partner_may_stay(app, world, vera):
    with transaction() as session:
        session.get(Customer, world["own"]).partner_id = world["foreign"]
    page = f"/admin/customers/edit/{world['own']}"
    row = db.session.get(Customer, world["own"])
    fields = {"company": "Eigen", "kind": row.kind.value, "language": row.language, "country": row.country, "currency": row.currency, "payment_method": row.payment_method,
              "terms_days": "14", "business": "y", "partner": str(world["foreign"]), "representative": str(row.representative_id), "row_version": vera.marker(page)}
    if row.server_id:
        fields["server"] = str(row.server_id)
    answer = vera.post(page, fields)
    assert answer.status_code == 303, re.findall(r'field-error.*?</p>', answer.text, re.S)


def test_a_second_role_or_no_setting_lifts_the_limit(app, world, vera):
    assert vera.get(f"/admin/customers/show/{world['foreign']}").status_code == 404
    with transaction():
        user = app.appbuilder.sm.find_user("vera")
        user.roles = [*user.roles, app.appbuilder.sm.role_named("Support")]
    assert vera.get(f"/admin/customers/show/{world['foreign']}").status_code == 200
    with transaction():
        user = app.appbuilder.sm.find_user("vera")
        user.roles = [app.appbuilder.sm.role_named("Field sales")]
    assert vera.get(f"/admin/customers/show/{world['foreign']}").status_code == 404
    change_settings({"staff.own_customers_roles": []})
    assert vera.get(f"/admin/customers/show/{world['foreign']}").status_code == 200


def test_without_a_representative_there_is_nothing(app, world, vera):
    with transaction() as session:
        for row in session.scalars(select(Representative)):
            row.user_id = None
    assert vera.get(f"/admin/customers/show/{world['own']}").status_code == 404
    answer = vera.post("/admin/customers/add", {"company": "Neu", "kind": "closed", "language": "de", "country": "DE", "currency": "EUR", "payment_method": "transfer", "terms_days": "14"})
    assert answer.status_code == 422 and "no representative is linked" in answer.text


def test_an_unlimited_reader_pays_no_statement(app, world, admin):
    from tests.admin.staff import statements

    change_settings({"staff.own_customers_roles": []})
    admin.get("/admin/customers/list/")
    with statements() as seen:
        assert admin.get("/admin/customers/list/").status_code == 200
    assert not any("representative.user_id" in line.lower() and "where" in line.lower().split("representative.user_id")[0] and "ab_role.name" in line for line in seen)


def test_the_setting_takes_roles_that_exist_and_never_the_administrator(app):
    from app.core.errors import InvalidInput

    for names in (["Administrator"], ["Nobody has this"]):
        with pytest.raises(InvalidInput):
            change_settings({"staff.own_customers_roles": names})
