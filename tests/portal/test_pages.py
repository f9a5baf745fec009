"""What customers do at the portal, page by page; each change reaches what it should reach."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.catalog.services import remove_tariff_service, save_tariff_service
from app.chat.services import write
from app.core import clock
from app.core.db import db, transaction
from app.customers import accounts
from app.customers.account_models import AccountCustomer, AccountRole, AccountState, PortalAccount
from app.customers.callbacks import request_callback
from app.customers.locks import LockReason
from app.customers.models import Customer, CustomerKind
from app.customers.partners import partner_of, save_partner, set_price
from app.licenses.groups import create_group, set_members
from app.licenses.locks import lock_accounts, lock_license, unlock_license
from app.licenses.models import License, LicenseService, PttGroup, SyncState
from app.licenses.orders import want_licenses
from app.plugin_api.contracts import PayAction, PaymentMethod
from app.plugin_api.registry import plugins
from app.portal.data_copies import answer_deletion, make_copies, remove_expired
from app.portal.models import DataExport, DeletionRequest, RequestState
from app.receivables.models import OpenItem
from app.receivables.open_items import add_demand
from app.system.documents import read
from app.system.mail import deliver_mail
from app.system.models import Document, MailMessage, ProtocolEntry
from app.system.outbox import OutboxState
from app.system.settings import change_settings
from tests import factories as make
from tests.admin.staff import statements
from tests.portal.logins import Login, add_login, enter
from tests.portal.visitors import PASSWORD, path_in, text_of
from tests.portal.world import SCRIPT, build

TODAY = "2026-01-01"


@pytest.fixture
def customer(app: Flask) -> Customer:
    make.memory_driver()
    gps, chat = make.service("gps", name_en="GPS tracking"), make.service("chat", name_en="Chat")
    tariff = make.tariff(tiers={1: "8.0000", 3: "7.0000"}, services={gps: None, chat: "0.9000"})
    return make.customer(tariff, server=make.server(), company="Hafenlotsen Emden")


def form(customer: Customer, **fields: Any) -> dict[str, Any]:
    return {"alias": "Lotse 08", "phone": "", "tariff": str(customer.assignments[0].tariff_id), "active_from": clock.today().isoformat(), "user_name": "", "device": "", **fields}


# licenses ---------------------------------------------------------------------------------------------------------------


def test_a_license_is_created_with_its_price_said_before(app: Flask, customer: Customer) -> None:
    login = enter(app, customer)
    make.license(customer, customer.assignments[0].tariff, clock.today())
    page = login.get("/portal/licenses/new").text
    assert "+€8.00" in page and "€16.00" in page and "Chat" in page and "+€0.90" in page and "GPS tracking" not in page
    chat = next(offer.service_id for offer in customer.assignments[0].tariff.services if not offer.included)
    answer = login.post("/portal/licenses/new", form(customer, phone="+49 171 4402118", services=[str(chat)]))
    assert answer.status_code == 303, answer.text
    row = db.session.scalars(select(License).order_by(License.id.desc())).first()
    assert (row.alias, row.phone, row.user_name, row.customer_id, row.sync_state) == ("Lotse 08", "+491714402118", f"{customer.number.lower()}-01", customer.id, SyncState.PENDING)
    assert [span.service_id for span in row.services] == [chat]
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "license", ProtocolEntry.action == "created").order_by(ProtocolEntry.id.desc())).first()
    assert (entry.actor_kind, entry.actor_name) == ("portal", customer.number)
    assert "Being set up" in login.get(f"/portal/licenses/{row.id}").text


def test_sent_twice_makes_one(app: Flask, customer: Customer) -> None:
    login = enter(app, customer)
    proposed = {"proposed": f"{customer.number.lower()}-01"}
    answers = [login.send("/portal/licenses/new", form(customer, **proposed)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303] and answers[0].headers["Location"] == answers[1].headers["Location"]
    assert login.send("/portal/licenses/new", form(customer, alias="Lotse 09", **proposed)).status_code == 303      # a colleague's form
    assert login.send("/portal/licenses/new", form(customer, alias="Lotse 10", proposed="root")).status_code == 303
    assert sorted(db.session.scalars(select(License.user_name))) == [f"{customer.number.lower()}-0{n}" for n in (1, 2, 3)]
    save_partner(customer)
    fields = {"company": "Winzer", "street": "Weg 1", "postcode": "55116", "city": "Mainz", "country": "DE", "email": "winzer@example.org"}
    assert [login.send("/portal/customers/new", fields).status_code for _ in range(2)] == [303, 303]
    assert db.session.scalar(select(func.count(Customer.id)).where(Customer.partner_id == customer.id)) == 1
    assert db.session.scalars(select(MailMessage.kind)).all() == ["welcome"]
    missing = login.get("/portal/nothing")
    assert missing.status_code == 404 and "portal.css" in missing.text


@pytest.mark.parametrize("fields", [{"tariff": "999"}, {"tariff": "x"}, {"active_from": "2020-01-01"}, {"active_from": "never"}, {"user_name": "a b"}, {"phone": "12"}, {"alias": "x" * 61}, {"services": ["77"]},
                                    {"alias": ["a", "b"]}])
def test_what_cannot_be_is_refused(app: Flask, customer: Customer, fields: dict[str, Any]) -> None:
    login = enter(app, customer)
    answer = login.post("/portal/licenses/new", form(customer, **fields))
    assert answer.status_code == 422 and db.session.scalar(select(func.count(License.id))) == 0


def test_a_taken_name_does_not_tell_whose_it_is(app: Flask, customer: Customer) -> None:
    tariff = customer.assignments[0].tariff
    other = make.customer(tariff, server=customer.server, company="Secret Services")
    make.license(other, tariff, clock.today(), user_name="wagen04")
    login = enter(app, customer)
    answer = login.post("/portal/licenses/new", form(customer, user_name="wagen04"))
    assert answer.status_code == 422 and "is taken" in answer.text and "Secret" not in answer.text
    full = make.server(user_limit=1)
    with transaction():
        customer.server = full
    make.license(other, tariff, clock.today(), server=full)
    answer = login.post("/portal/licenses/new", form(customer))
    assert answer.status_code == 422 and "cannot be set up" in answer.text and full.name not in answer.text


def test_only_the_customers_own_tariffs_and_where_it_is_allowed(app: Flask, customer: Customer) -> None:
    login = enter(app, customer)
    foreign = make.tariff("1.0000")
    assert login.post("/portal/licenses/new", form(customer, tariff=str(foreign.id))).status_code == 422
    change_settings({"portal.customers_order": False})
    assert login.get("/portal/licenses/new").status_code == 403 and "New license" not in login.get("/portal/licenses").text
    change_settings({"portal.customers_order": True})
    with transaction():
        customer.kind = CustomerKind.PUBLIC
    assert login.get("/portal/licenses/new").status_code == 403 and login.get("/portal/groups/new").status_code == 403


def test_edit_reaches_the_server_and_keeps_what_others_saved(app: Flask, customer: Customer) -> None:
    row = make.license(customer, customer.assignments[0].tariff, clock.today(), alias="Old")
    login = enter(app, customer)
    old = str(row.version)
    assert login.post(f"/portal/licenses/{row.id}/edit", {"alias": "New", "phone": "", "device": "XP8", "network": "", "row_version": old, "user_name": "stolen"}).status_code == 303
    db.session.refresh(row)
    assert (row.alias, row.device, row.user_name != "stolen", row.sync_state) == ("New", "XP8", True, SyncState.PENDING)
    assert login.post(f"/portal/licenses/{row.id}/edit", {"alias": "Newer", "phone": "", "device": "", "network": "", "row_version": old}).status_code == 409
    assert db.session.scalar(select(License.alias)) == "New"


def test_a_new_name_takes_no_service_away(app: Flask, customer: Customer) -> None:
    """Not one that begins with the license next week, nor one that is offered no more, nor one that its tariff dropped."""
    tariff = customer.assignments[0].tariff
    chat = next(offer.service for offer in tariff.services if not offer.included)
    alarm = make.service("alarm", name_en="Alarm")
    dropped = save_tariff_service(tariff, alarm, unit_price="1.00")
    row = make.license(customer, tariff, clock.today() + timedelta(days=7), services=[chat, alarm])
    login, path = enter(app, customer), f"/portal/licenses/{row.id}/edit"
    with transaction():
        chat.active = False
    remove_tariff_service(dropped)
    page = login.get(path).text
    ticked = re.findall(r'<input[^>]*\bchecked[^>]*name="services"[^>]*value="([0-9]+)"', page)
    assert sorted(ticked) == sorted([str(chat.id), str(alarm.id)]) and "Chat (no longer offered)" in page and "Alarm (no longer offered)" in page
    assert login.post(path, {"alias": "New", "phone": "", "device": "", "network": "", "row_version": str(row.version), "services": ticked}).status_code == 303
    db.session.expire_all()
    assert row.alias == "New" and {(span.service_id, span.valid_to) for span in row.services} == {(chat.id, None), (alarm.id, None)}
    assert login.post(path, {"alias": "New", "phone": "", "device": "", "network": "", "row_version": str(row.version), "services": ticked[:1]}).status_code == 303
    db.session.expire_all()
    assert [str(span.service_id) for span in row.services] == ticked[:1], "who takes the tick away ends it"


def test_several_at_once(app: Flask, customer: Customer) -> None:
    rows = [make.license(customer, customer.assignments[0].tariff, clock.today(), alias=f"Lotse {n}") for n in range(3)]
    ids = [str(row.id) for row in rows[:2]]
    login = enter(app, customer)
    assert login.send("/portal/licenses/several", {"license": ids, "act": "edit"}).headers["Location"] == f"/portal/licenses/edit?id={ids[0]}&id={ids[1]}"
    assert login.send(f"/portal/licenses/edit?id={ids[0]}&id={ids[1]}", {"device": "Sonim XP8", "network": ""}).status_code == 303
    assert list(db.session.scalars(select(License.device).order_by(License.id))) == ["Sonim XP8", "Sonim XP8", ""]
    assert login.send(f"/portal/licenses/edit?id={ids[0]}", {"device": "", "network": ""}).status_code == 422
    lock_license(rows[1], LockReason.MANUAL, "by staff")
    login.send("/portal/licenses/several", {"license": ids, "act": "lock"})
    assert list(db.session.scalars(select(License.lock_reasons).order_by(License.id))) == [32, 4, 0]
    login.send("/portal/licenses/several", {"license": ids, "act": "unlock"})
    assert list(db.session.scalars(select(License.lock_reasons).order_by(License.id))) == [0, 4, 0], "the lock of staff stays"
    for bad in ({"license": ids, "act": "delete"}, {"license": ["x"], "act": "lock"}):
        assert login.send("/portal/licenses/several", bad).status_code == 400


def test_only_an_own_lock_is_taken_off(app: Flask, customer: Customer) -> None:
    row = make.license(customer, customer.assignments[0].tariff, clock.today())
    login = enter(app, customer)
    for act, reasons in (("lock", 32), ("unlock", 0)):
        assert login.send(f"/portal/licenses/{row.id}/{act}").status_code == 303
        db.session.refresh(row)
        assert row.lock_reasons == reasons
    lock_license(row, LockReason.MANUAL, "by staff")
    login.send(f"/portal/licenses/{row.id}/unlock")
    assert db.session.scalar(select(License.lock_reasons)) == 4 and "Unlock" not in login.get(f"/portal/licenses/{row.id}").text
    other = make.license(customer, customer.assignments[0].tariff, clock.today())
    login.send(f"/portal/licenses/{other.id}/lock")
    assert lock_license(other, LockReason.MANUAL, "lost"), "what the customer locked, staff can lock too"
    assert "Your own lock is off" in login.send(f"/portal/licenses/{other.id}/unlock", follow_redirects=True).text
    assert db.session.scalar(select(License.lock_reasons).where(License.id == other.id)) == 4
    change_settings({"portal.customers_lock": False})
    other = make.license(customer, customer.assignments[0].tariff, clock.today())
    login.send(f"/portal/licenses/{other.id}/lock")
    assert db.session.scalar(select(License.lock_reasons).where(License.id == other.id)) == 0


def test_a_locked_account_says_why_and_cannot_be_unlocked(app: Flask, customer: Customer) -> None:
    row = make.license(customer, customer.assignments[0].tariff, clock.today())
    lock_accounts([customer.id], LockReason.UNPAID)
    login = enter(app, customer)
    assert "unpaid" in login.get("/portal/").text and "unpaid" in login.get(f"/portal/licenses/{row.id}").text
    login.send(f"/portal/licenses/{row.id}/unlock")
    assert db.session.scalar(select(License.lock_reasons)) == 1


def test_search_and_filters(app: Flask, customer: Customer) -> None:
    tariff = customer.assignments[0].tariff
    one, two = make.license(customer, tariff, clock.today(), alias="Lotse 100%"), make.license(customer, tariff, clock.today(), alias="Leitstelle", phone="+491714402117")
    lock_license(one, LockReason.MANUAL, "")
    login = enter(app, customer)

    def found(query: str) -> set[str]:
        text = login.get(f"/portal/licenses?{query}").text
        return {row.alias for row in (one, two) if row.alias in text}

    assert found("q=lotse") == {"Lotse 100%"} and found("q=100%25") == {"Lotse 100%"} and found("q=0171%204402") == {"Leitstelle"} and found("state=locked") == {"Lotse 100%"}
    assert found("state=working") == {"Leitstelle"} and found(f"tariff={tariff.id}") == {"Lotse 100%", "Leitstelle"} and found("tariff=0") == set() and found("state=x&page=99&tariff=x") == {"Lotse 100%", "Leitstelle"}


# groups -----------------------------------------------------------------------------------------------------------------


def test_groups(app: Flask, customer: Customer) -> None:
    rows = [make.license(customer, customer.assignments[0].tariff, clock.today(), alias=f"Lotse {n}") for n in range(3)]
    login = enter(app, customer)
    assert login.post("/portal/groups/new", {"name": "  Harbour   north "}).status_code == 303
    group = db.session.scalars(select(PttGroup)).one()
    assert (group.name, group.customer_id) == ("Harbour north", customer.id)
    ids = [str(row.id) for row in rows]
    assert login.send(f"/portal/groups/{group.id}/members", {"shown": ids, "member": ids[:2]}).status_code == 303
    set_members(group, [rows[0].id])                                        # a colleague removes the second …
    login.send(f"/portal/groups/{group.id}/members", {"shown": ids, "was": ids[:2], "member": ids})
    db.session.expire_all()
    assert {row.id for row in group.members} == {rows[0].id, rows[2].id}    # … and only what was ticked anew comes in
    assert login.send(f"/portal/groups/{group.id}/members", {"shown": ["x"]}).status_code == 400
    assert login.post(f"/portal/groups/{group.id}/rename", {"name": ""}).status_code == 422
    assert login.post(f"/portal/groups/{group.id}/rename", {"name": SCRIPT}).status_code == 303
    assert login.post(f"/portal/groups/{group.id}/delete").status_code == 303 and login.get(f"/portal/groups/{group.id}").status_code == 404


# money ------------------------------------------------------------------------------------------------------------------


class Broken(PaymentMethod):
    code, title = "broken", "Broken"

    def payment_lines(self, invoice: Any) -> list[str]:
        return []

    def portal_actions(self, demand: Any) -> list[PayAction]:
        raise RuntimeError("not today")


class Mandated(PaymentMethod):
    code, title = "mandated", "Mandated"

    def payment_lines(self, invoice: Any) -> list[str]:
        return []

    def missing_for(self, payer: Any) -> list[str]:
        return ["A mandate first."]


class Later(PaymentMethod):
    code, title, currencies = "later", "Later", frozenset({"EUR"})

    def payment_lines(self, invoice: Any) -> list[str]:
        return []

    def portal_actions(self, demand: Any) -> list[PayAction]:
        return [PayAction(f"Pay {demand.amount} {demand.reference}", f"/portal/later/{demand.item_id}", post=True, primary=True)]


def test_open_items_with_the_buttons_of_the_payment_methods(app: Flask, customer: Customer) -> None:
    item = add_demand(customer, "Fee <b>", Decimal("12.50"), clock.today() - timedelta(days=30))
    loaded = plugins().loaded["memory"]
    loaded.answers["payment_methods"] = [Broken(), Later()]
    page = enter(app, customer).get("/portal/invoices").text
    assert "€12.50" in page and "Overdue" in page and "Fee &lt;b&gt;" in page
    assert f'action="/portal/later/{item.id}"' in page and "Pay 12.50 Fee &lt;b&gt;" in page
    assert "/portal/later/" not in enter(app, customer, AccountRole.READER).get("/portal/invoices").text
    assert enter(app, customer, AccountRole.MANAGER).get("/portal/invoices").status_code == 403


def test_an_invoices_file_is_what_was_stored(app: Flask) -> None:
    world = build()
    login = Login(app, world.one.owner)
    answer = login.get(f"/portal/invoices/{world.one.invoice.id}/pdf")
    assert answer.status_code == 200 and answer.data == b"%PDF-1.7 of " + world.one.invoice.number.encode()
    assert answer.headers["Content-Disposition"].startswith("attachment") and answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox" and answer.headers["X-Content-Type-Options"] == "nosniff"
    for kind in ("xml", "../pdf", "exe"):
        assert login.get(f"/portal/invoices/{world.one.invoice.id}/{kind}").status_code == 404
    for path in ("/portal/", "/portal/licenses", f"/portal/licenses/{world.one.license.id}", "/portal/licenses/new", "/portal/groups", f"/portal/groups/{world.one.group.id}", f"/portal/groups/{world.shared.id}",
                 "/portal/invoices", "/portal/account", "/portal/logins", "/portal/data", "/portal/account/address"):
        login.get(path)             # the settings are read once a process
        with statements() as sent:
            assert login.get(path).status_code == 200
        assert len(sent) <= (12 if path == "/portal/invoices" else 11), f"{path}: {len(sent)}\n" + "\n".join(statement[:110] for statement in sent)


def test_paying_in_advance(app: Flask) -> None:
    from app.catalog.models import Billing

    make.memory_driver()
    build_world = build()
    tariff = make.tariff("10.0000", billing=Billing.PREPAID, article=build_world.one.license.tariff.article)
    person = make.customer(tariff, server=make.server(), kind=CustomerKind.PUBLIC, business=False)
    row = make.license(person, tariff, clock.today(), alias="Karl")
    login = enter(app, person)
    assert "/portal/prepaid" in login.get("/portal/invoices").text
    page = login.get("/portal/prepaid").text
    assert "€11.90" in page and person.number in page
    want_licenses(db.session(), License.id == row.id)
    assert login.post(f"/portal/licenses/{row.id}/edit", {"alias": "Karl O.", "phone": "+49 171 4402118", "row_version": str(row.version), "device": "x"}).status_code == 303
    db.session.refresh(row)
    assert (row.alias, row.phone, row.device, row.sync_state) == ("Karl O.", "+491714402118", "", SyncState.PENDING)


# logins -----------------------------------------------------------------------------------------------------------------


def test_an_invitation_gives_a_login_in_its_role(app: Flask, customer: Customer, mailbox: Any) -> None:
    login = enter(app, customer)
    assert login.post("/portal/logins/invite", {"email": "Tech@Example.org", "name": "Tina", "role": "manager"}).status_code == 303
    assert login.post("/portal/logins/invite", {"email": "tech@example.org", "name": "", "role": "owner"}).status_code == 422
    assert login.post("/portal/logins/invite", {"email": "no address", "name": "", "role": "owner"}).status_code == 422
    deliver_mail()
    mail = mailbox.messages[-1]
    assert mail["To"] == "tech@example.org" and "Hafenlotsen Emden" in text_of(mail)
    tina = db.session.scalars(select(PortalAccount).where(PortalAccount.login == "tech@example.org")).one()
    assert tina.state is AccountState.INVITED and tina.links[0].role is AccountRole.MANAGER
    from tests.portal.visitors import Visitor

    visitor = Visitor(app)
    assert visitor.post(path_in(mail), {"password": PASSWORD, "again": PASSWORD}).status_code == 303
    other = Login(app, tina)
    assert other.get("/portal/licenses/new").status_code == 200 and other.get("/portal/invoices").status_code == 403
    link = tina.links[0].id
    assert login.send(f"/portal/logins/{link}/role", {"role": "reader"}).status_code == 303
    assert other.get("/portal/licenses/new").status_code == 403, "a role counts at once"
    login.send(f"/portal/logins/{link}/remove")
    assert other.get("/portal/").status_code == 303
    assert "was taken away" in login.post("/portal/logins/invite", {"email": "tech@example.org", "name": "", "role": "reader"}).text
    assert login.send(f"/portal/logins/{link}/role", {"role": "king"}).status_code == 400


def test_the_owner_keeps_his_login(app: Flask, customer: Customer) -> None:
    login = enter(app, customer)
    second = add_login(customer, AccountRole.OWNER, "second@example.org")
    own = db.session.scalars(select(AccountCustomer).where(AccountCustomer.account_id == accounts.main_account(customer).id)).one()
    for who in (login, Login(app, second)):
        who.send(f"/portal/logins/{own.id}/remove")
        who.send(f"/portal/logins/{own.id}/role", {"role": "reader"})
    db.session.expire_all()
    assert (own.role, own.account.state) == (AccountRole.OWNER, AccountState.ACTIVE)


def test_a_login_that_is_there_gets_the_access(app: Flask, customer: Customer) -> None:
    other = make.customer()
    add_login(other, AccountRole.OWNER, "both@example.org")
    assert enter(app, customer).post("/portal/logins/invite", {"email": "both@example.org", "name": "", "role": "billing"}).status_code == 303
    both = db.session.scalars(select(PortalAccount).where(PortalAccount.login == "both@example.org")).one()
    assert {(link.customer_id, link.role) for link in both.links} == {(other.id, AccountRole.OWNER), (customer.id, AccountRole.BILLING)}
    assert db.session.scalars(select(MailMessage.kind)).all() == ["portal_access"]


# sales partners -----------------------------------------------------------------------------------------------------------


def test_a_partner_registers_a_customer_and_works_for_him(app: Flask, customer: Customer, mailbox: Any) -> None:
    plugins().loaded["memory"].answers["payment_methods"] = [Mandated()]
    with transaction():
        customer.payment_method = "mandated"
    partner = save_partner(customer, "Funkhaus Weser", "service@funkhaus.example")
    login = enter(app, customer)
    tariff = customer.assignments[0].tariff
    fields = {"company": f"Winzer {SCRIPT}", "street": "Weg 1", "postcode": "55116", "city": "Mainz", "country": "DE", "email": "winzer@example.org", "tariffs": [str(tariff.id)]}
    assert login.post("/portal/customers/new", {**fields, "tariffs": ["999"]}).status_code == 422
    assert login.post("/portal/customers/new", {**fields, "partner_id": "1", "number": "K1"}).status_code == 303
    new = db.session.scalars(select(Customer).where(Customer.email == "winzer@example.org")).one()
    assert (new.partner_id, new.server_id, new.payment_method, [a.tariff_id for a in new.assignments]) == (customer.id, customer.server_id, "transfer", [tariff.id])
    assert login.post("/portal/customers/prices", {f"price_{tariff.id}": "9.95"}).status_code == 303
    assert login.post("/portal/customers/prices", {f"price_{tariff.id}": "-1"}).status_code == 422
    assert login.send(f"/portal/switch/{new.id}").status_code == 303
    page = login.get("/portal/licenses/new").text
    assert "+€9.95" in page and "€8.00" not in page
    assert login.post("/portal/licenses/new", form(customer, alias="Wingert")).status_code == 303
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "license").order_by(ProtocolEntry.id.desc())).first()
    assert (entry.customer_id, entry.actor_name, entry.on_behalf) == (new.id, customer.number, new.number)
    assert login.get("/portal/invoices").status_code == 403 and login.get("/portal/logins").status_code == 403
    deliver_mail()
    [mail] = mailbox.messages
    assert (mail["To"], accounts.main_account(new).state) == ("winzer@example.org", AccountState.INVITED) and "/portal/password/" in text_of(mail)
    assert "Funkhaus Weser" in str(mail["From"]) and "office@nordfunk.example" in str(mail["From"]) and mail["Reply-To"] == "service@funkhaus.example"
    assert "Funkhaus Weser" in text_of(mail) and "Nordfunk" not in text_of(mail)
    his = enter(app, new)
    text = his.get("/portal/licenses/new").text
    assert "Funkhaus Weser" in text and "+€9.95" in text and "€8.00" not in text
    save_partner(customer, active=False)
    assert f"<dd>{customer.number}</dd>" in login.get("/portal/account").text and login.get("/portal/customers").status_code == 403
    assert partner_of(new) is None and partner.active is False


def test_a_price_of_a_partner(app: Flask, customer: Customer) -> None:
    partner = save_partner(customer)
    tariff = customer.assignments[0].tariff
    set_price(partner, tariff, Decimal("5.0001"))
    set_price(partner, tariff, None)
    assert partner.prices == []
    buyer = make.customer(tariff, server=customer.server)
    with transaction():
        buyer.partner_id = customer.id
    assert "as agreed" in enter(app, buyer).get("/portal/licenses/new").text


# data ---------------------------------------------------------------------------------------------------------------------


def test_a_copy_has_all_that_is_his_and_goes_by_itself(app: Flask) -> None:
    world = build()
    with transaction():
        world.one.customer.note, world.one.license.device = "only for staff", "=HYPERLINK(1)"
        world.one.license.services.append(LicenseService(service=make.service("gps", name_en="GPS tracking"), valid_from=clock.today()))
        item = db.session.scalars(select(OpenItem).where(OpenItem.customer_id == world.one.customer.id)).first()
        item.dispute_note, item.with_lawyer = "only for staff", True
    lock_license(world.one.license, LockReason.MANUAL, "only for staff")
    unlock_license(world.one.license, LockReason.MANUAL, "only for staff")
    second = add_login(world.one.customer, AccountRole.OWNER, "second@example.org")
    for account in (world.one.owner, second):
        write(world.one.customer, account.id, str(account), "en", "first-message", f"Written by {account.id}")
    request_callback(key="wish", name="Jan", phone="+491714402118", message="Ring at noon", customer=world.one.customer)
    login = Login(app, world.one.owner)
    assert login.send("/portal/data/copy").status_code == 303
    login.send("/portal/data/copy")
    rows = db.session.scalars(select(DataExport).where(DataExport.customer_id == world.one.customer.id).order_by(DataExport.id)).all()
    assert [row.state for row in rows] == [OutboxState.DONE, OutboxState.WAITING], "one at a time"
    with transaction():
        rows[1].state, rows[1].lease_until = OutboxState.CLAIMED, clock.now() - timedelta(minutes=1)      # a worker was killed
    assert make_copies() == 1 and make_copies() == 0
    db.session.expire_all()
    answer = login.get(f"/portal/data/copy/{rows[1].id}")
    assert answer.status_code == 200 and answer.data == read(rows[1].document)
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    content = json.loads(archive.read("data.json"))
    assert content["customer"][0]["company"] == world.one.customer.company and content["invoices"][0]["number"] == world.one.invoice.number
    whole = b"".join(archive.read(name) for name in archive.namelist()).decode()
    assert [content[name][0][key] for name, key in (("license_services", "service"), ("locks", "reason"), ("callbacks", "message"), ("chat_messages", "text"))] == ["GPS tracking", "manual", "Ring at noon", f"Written by {world.one.owner.id}"]
    assert f"Written by {second.id}" not in whole and Login(app, second).get(f"/portal/data/copy/{rows[1].id}").status_code == 404, "nobody else at the customer reads it"
    assert not {"with_lawyer", "revenue_account"} & {key for row in (*content["open_items"], *content["invoice_lines"]) for key in row}
    assert "only for staff" not in whole and "argon2" not in whole and world.other.customer.company not in whole and world.other.license.user_name not in whole
    assert "'=HYPERLINK(1)" in archive.read("licenses.csv").decode()
    with clock.frozen(clock.now() + timedelta(days=8)):
        assert remove_expired() >= 1 and remove_expired() == 0
    assert login.get(f"/portal/data/copy/{rows[1].id}").status_code == 404
    assert db.session.scalar(select(func.count()).select_from(Document).where(Document.media_type == "application/zip")) == 0


def test_deletion_is_asked_for_with_the_password_and_answered_by_staff(app: Flask, customer: Customer) -> None:
    login = enter(app, customer)
    assert login.post("/portal/data/delete", {"note": "please", "current": "wrong"}).status_code == 422
    assert login.post("/portal/data/delete", {"note": SCRIPT, "current": PASSWORD}).status_code == 303
    assert login.post("/portal/data/delete", {"note": "again", "current": PASSWORD}).status_code == 422
    row = db.session.scalars(select(DeletionRequest)).one()
    from app.core.errors import InvalidInput

    with pytest.raises(InvalidInput):
        answer_deletion(row, RequestState.DONE, "")       # the customer is active
    with pytest.raises(InvalidInput):
        answer_deletion(row, RequestState.REFUSED, " ")
    answer_deletion(row, RequestState.REFUSED, "The contract runs.")
    assert "The contract runs." in login.get("/portal/data").text


def test_a_group_of_somebody_else_takes_no_license(app: Flask, customer: Customer) -> None:
    other = make.customer(customer.assignments[0].tariff, server=customer.server)
    theirs = make.license(other, customer.assignments[0].tariff, clock.today())
    group = create_group("Mine", customer)
    assert enter(app, customer).send(f"/portal/groups/{group.id}/members", {"shown": str(theirs.id), "member": str(theirs.id)}).status_code == 404
    assert group.members == []
