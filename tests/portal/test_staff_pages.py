"""What staff see of the portal: sales partners, requests for deletion."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.customers.partner_models import SalesPartner
from app.customers.services import set_termination
from app.portal.data_copies import request_deletion
from app.portal.models import DeletionRequest, RequestState
from tests import factories as make
from tests.admin.staff import Desk, add_user
from tests.portal.logins import add_login


def test_staff_makes_a_partner_and_answers_a_request(app: Flask) -> None:
    customer = make.customer(company="Funkhaus <b>Weser")
    add_user(app, "sabine", "Support")
    desk = Desk(app, "sabine")
    assert desk.post("/admin/sales-partners/add", {"customer": str(customer.id), "brand": "Funkhaus", "reply_to": "nobody"}).status_code in (200, 422)
    assert desk.post("/admin/sales-partners/add", {"customer": str(customer.id), "brand": "Funkhaus", "reply_to": "a@example.org"}).status_code == 303
    row = db.session.scalars(select(SalesPartner)).one()
    assert (row.customer_id, row.brand, row.active) == (customer.id, "Funkhaus", True)
    assert "Funkhaus &lt;b&gt;Weser" in desk.get("/admin/sales-partners/list/").text
    marker = desk.marker(f"/admin/sales-partners/edit/{row.id}")
    assert desk.post(f"/admin/sales-partners/edit/{row.id}", {"brand": "Funkhaus", "reply_to": "", "row_version": marker}).status_code == 303
    db.session.expire_all()
    assert (row.active, row.reply_to) == (False, "")

    request_deletion(add_login(customer), customer, "please <b>")
    asked = db.session.scalars(select(DeletionRequest)).one()
    assert "please &lt;b&gt;" in desk.get(f"/admin/deletion-requests/show/{asked.id}").text
    desk.post(f"/admin/deletion-requests/act/done?rowid={asked.id}", {"answer": ""})
    db.session.expire_all()
    assert asked.state is RequestState.OPEN, "the customer is active"
    set_termination(customer, clock.today())
    assert desk.post(f"/admin/deletion-requests/act/done?rowid={asked.id}", {"answer": "Done."}).status_code == 303
    db.session.expire_all()
    assert (asked.state, asked.answer) == (RequestState.DONE, "Done.")
    assert desk.get("/admin/deletion-requests/list/").status_code == 200
