"""Forms: errors beside their field, nothing lost, nothing half stored, and nobody overwrites another one's change."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.catalog.models import Article
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.system.models import ProtocolEntry
from tests.admin.staff import Desk, errors

NEW = {"number": "N-1", "name_en": "Radio", "unit": "C62", "net_price": "12.50", "tax_class": "standard", "active": "y", "commissionable": "y"}


def stored(number: str) -> Article | None:
    return db.session.scalar(select(Article).where(Article.number == number))


def view_of(app, endpoint: str):
    return next(view for view in app.appbuilder.baseviews if view.endpoint == endpoint)


def test_add_edit_and_what_the_protocol_says(admin):
    answer = admin.post("/admin/articles/add", NEW)
    assert answer.status_code == 303, errors(answer.text)
    row = stored("N-1")
    assert row.net_price == Decimal("12.5000") and answer.headers["Location"].endswith(f"/articles/show/{row.id}")
    assert "N-1" in admin.get(answer.headers["Location"]).text
    page = f"/admin/articles/edit/{row.id}"
    assert admin.post(page, {**NEW, "name_en": "Handset", "row_version": admin.marker(page)}).status_code == 303
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "article", ProtocolEntry.subject_id == row.id).order_by(ProtocolEntry.id.desc())).first()
    assert entry.changes["name_en"] == ["Radio", "Handset"] and entry.actor_name == admin.name


@pytest.mark.parametrize(("field", "value", "message"), [
    ("net_price", "abc", "Enter a number, for example 1,234.50."), ("net_price", "1.23456", "Enter at most 4 decimals."), ("net_price", "9" * 30, "This number is too large."),
    ("number", "", "Fill this in."), ("number", "x" * 21, "At most 20 characters."), ("tax_class", "free", "Choose one of the list."), ("name_en", "a\x07b", "cannot be stored"),
])
def test_bad_input_is_told_beside_its_field_and_nothing_is_stored(admin, field, value, message):
    answer = admin.post("/admin/articles/add", {**NEW, field: value})
    assert answer.status_code == 422
    assert any(message in error for error in errors(answer.text)), errors(answer.text)
    assert 'value="Radio"' in answer.text or field == "name_en", "what was typed is still there"
    assert stored("N-1") is None
    assert "nothing was saved" in answer.text


def test_numbers_are_read_in_the_readers_language(admin):
    admin.get("/admin/language/de")
    assert admin.post("/admin/articles/add", {**NEW, "net_price": "1.234,5"}).status_code == 303
    assert stored("N-1").net_price == Decimal("1234.5")
    answer = admin.post("/admin/articles/add", {**NEW, "number": "N-2", "net_price": "12.5"})
    assert answer.status_code == 422 and stored("N-2") is None, "“12.5” is no German number: better asked than guessed"


def test_twice_the_same_number_is_told_at_its_field(admin):
    admin.post("/admin/articles/add", NEW)
    answer = admin.post("/admin/articles/add", {**NEW, "name_en": "Second"})
    assert answer.status_code == 422 and len(errors(answer.text)) == 1
    assert stored("N-1").name_en == "Radio"


def test_a_rule_of_the_service_stands_beside_its_field(app, admin, monkeypatch):
    def refuse(form):
        with transaction() as session:
            session.add(Article(number="half", name_en="half"))
            session.flush()
            raise InvalidInput("The account does not exist. Choose 8400.", field="revenue_account")

    monkeypatch.setattr(view_of(app, "ArticleView"), "do_add", refuse)
    answer = admin.post("/admin/articles/add", {**NEW, "revenue_account": "1"})
    assert answer.status_code == 422 and "Choose 8400" in answer.text
    assert stored("half") is None and stored("N-1") is None


def test_the_second_editor_is_told_and_overwrites_nothing(app, admin, desk):
    admin.post("/admin/articles/add", NEW)
    page = f"/admin/articles/edit/{stored('N-1').id}"
    other = desk("Administrator", name="second")
    first, second = admin.marker(page), other.marker(page)
    assert admin.post(page, {**NEW, "name_en": "First", "row_version": first}).status_code == 303
    answer = other.post(page, {**NEW, "name_en": "Second", "row_version": second})
    assert answer.status_code == 409 and "Somebody else changed this meanwhile" in answer.text and 'value="Second"' in answer.text
    assert stored("N-1").name_en == "First"
    assert other.post(page, {**NEW, "name_en": "Second", "row_version": other.marker(page)}).status_code == 303
    assert stored("N-1").name_en == "Second"


@pytest.mark.parametrize("marker", ["", "0", "made-up"])
def test_a_form_without_its_marker_changes_nothing(admin, marker):
    admin.post("/admin/articles/add", NEW)
    answer = admin.post(f"/admin/articles/edit/{stored('N-1').id}", {**NEW, "name_en": "Blind", "row_version": marker})
    assert answer.status_code == 409 and stored("N-1").name_en == "Radio"


def test_two_editors_at_the_same_instant(app, admin, desk):
    """Both have the same marker; a barrier lets them save together: one wins, the other is told."""
    admin.post("/admin/articles/add", NEW)
    page = f"/admin/articles/edit/{stored('N-1').id}"
    desks = [admin, desk("Administrator", name="second")]
    sent = [{**NEW, "name_en": f"Editor {i}", "row_version": one.marker(page), "csrf_token": one.token()} for i, one in enumerate(desks)]
    barrier, answers = threading.Barrier(2), [0, 0]
    db.session.rollback()

    def save(i: int) -> None:
        with app.app_context():
            barrier.wait()
            answers[i] = desks[i].http.post(page, data=sent[i]).status_code

    threads = [threading.Thread(target=save, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()
    assert sorted(answers) == [303, 409], answers
    assert stored("N-1").name_en == f"Editor {answers.index(303)}"


def test_unknown_fields_are_ignored(admin):
    """Mass assignment: only the columns that the view names can be set."""
    admin.post("/admin/articles/add", {**NEW, "id": "777", "name": "x"})
    assert stored("N-1").id != 777


def test_a_list_where_a_value_is_meant(admin):
    answer = admin.post("/admin/articles/add", {**NEW, "number": ["N-1", "N-2"]})
    assert answer.status_code in (303, 422) and stored("N-2") is None


def test_an_action_with_a_form(app, admin, desk):
    sales = desk("Sales")
    user = app.appbuilder.sm.find_user(sales.name)
    page = f"/admin/users/act/set_password?rowid={user.id}"
    assert sales.get(page).status_code == 403
    assert admin.post(f"/admin/users/action/set_password/{user.id}").headers["Location"].startswith("/admin/users/act/set_password?rowid=")
    assert "Set password: Sales Test" in admin.get(page).text
    answer = admin.post(page, {"password": "short"})
    assert answer.status_code == 422 and "at least 12" in answer.text
    assert admin.post(page, {"password": "lantern-moss-orchid-71"}).status_code == 303
    assert Desk(app).sign_in("sales", "lantern-moss-orchid-71").status_code == 303
    assert admin.get("/admin/users/act/set_password?rowid=999999").status_code == 404
    assert admin.get("/admin/users/act/set_password").status_code == 404
    assert admin.get("/admin/users/act/nothing?rowid=1").status_code == 404


def test_coming_back_stays_here(admin, app, desk):
    user = app.appbuilder.sm.find_user(desk("Sales").name)
    for back, expected in (("/admin/users/list/?q=sales", "/admin/users/list/?q=sales"), ("//evil.example", f"/admin/users/show/{user.id}"), ("https://evil.example", f"/admin/users/show/{user.id}")):
        answer = admin.post(f"/admin/users/action/end_sessions/{user.id}", {"back": back})
        assert answer.status_code == 303 and answer.headers["Location"] == expected


def test_settings_are_typed_and_checked(admin):
    text = admin.get("/admin/settings/").text
    assert "Hold everything outgoing" in text
    answer = admin.post("/admin/settings/system", {"system.hold_outgoing": "y", "system.time_zone": "Europe/Berlin"})
    assert answer.status_code == 303, errors(answer.text)
    assert "Everything outgoing is held" in admin.get("/admin/").text
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject == "system.hold_outgoing")).one()
    assert entry.actor_name == admin.name and entry.changes["system.hold_outgoing"] == ["False", "True"]
    assert admin.post("/admin/settings/system", {"system.time_zone": "Europe/Berlin"}).status_code == 303
    assert "Everything outgoing is held" not in admin.get("/admin/").text
    assert admin.get("/admin/settings/nothing").status_code == 404
