"""List pages: few statements, bounded counts, filters that cannot be abused, rows out of scope that are not there."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import insert

from app.admin.views_records import ProtocolView
from app.catalog.models import Article, TaxClass
from app.core import interface
from app.core.db import transaction
from app.core.interface import AdminInterface
from app.core.secrets import SecretType
from app.core.views import AdminView
from app.customers.models import Customer
from app.system.models import Document, DocumentKind, ProtocolEntry, ProtocolKind
from tests.admin.staff import statements

CAP = 8


def articles(number: int, **fields) -> None:
    with transaction() as session:
        session.execute(insert(Article), [{"number": f"X{i:05d}", "name_en": f"Thing {i}", "unit": "C62", "net_price": Decimal(i) / 4, "tax_class": TaxClass.STANDARD,
                                           "active": i % 3 != 0, "commissionable": True, "revenue_account": "", "name_de": "", "name_pt_br": "", **fields} for i in range(number)])


def names(answer) -> list[str]:
    return re.findall(r'class="cell-main[^"]*"[^>]*>(?:<a[^>]*>)?([^<]+)', answer.text)


def test_no_list_needs_more_than_eight_statements(app, admin):
    articles(60)
    with transaction() as session:
        for i in range(60):
            owner = Customer(number=f"K{i}", company=f"Customer {i}", article=session.get(Article, i % 5 + 1))
            session.add(owner)
            session.flush()
            session.add(Document(kind=DocumentKind.UPLOAD, title=f"D{i}", file_name="d.pdf", media_type="application/pdf", path=f"p{i}", size=1, sha256="0" * 64, customer_id=owner.id))
    admin.get("/admin/")                     # marks the session as seen, once a minute
    seen = {}
    for view in app.appbuilder.baseviews:
        if not isinstance(view, AdminView):
            continue
        with statements() as sent:
            assert admin.get(f"{view.route_base}/list/").status_code == 200
        seen[view.endpoint] = len(sent)
    assert len(seen) > 12
    assert {name: n for name, n in seen.items() if n > CAP} == {}, seen


def test_a_page_of_a_big_list_costs_what_a_page_of_a_small_one_costs(admin):
    articles(30)
    admin.get("/admin/articles/list/")
    counts = []
    for more in (0, 300):
        if more:
            with transaction() as session:
                session.execute(insert(Customer), [{"number": f"B{i}", "company": f"Big {i}", "article_id": i % 20 + 1} for i in range(more)])
        with statements() as sent:
            assert admin.get("/admin/customers/list/?size=100").status_code == 200
        counts.append(len(sent))
    assert counts[1] - counts[0] <= 3, counts


def test_counts_are_bounded(admin, monkeypatch):
    monkeypatch.setattr(interface, "COUNT_LIMIT", 40)
    monkeypatch.setattr("app.core.listing.COUNT_LIMIT", 40)
    articles(90)
    with transaction() as session:
        session.execute(insert(ProtocolEntry), [{"kind": ProtocolKind.SETTINGS, "action": "tried", "subject_type": "x", "subject": f"s{i}", "actor_kind": "job",
                                                 "actor_name": "robot", "changes": {}, "note": ""} for i in range(70)])
    text = admin.get("/admin/protocol/list/?actor_name=robot").text
    assert "1–25 of 40+" in text
    assert "page=1" in text and "page=2" not in text
    last = admin.get("/admin/protocol/list/?actor_name=robot&page=99999")
    assert last.status_code == 200 and "26–" in last.text


@pytest.mark.postgres_only
def test_a_big_table_is_estimated(app, admin, monkeypatch):
    from sqlalchemy import text

    from app.core.db import db

    monkeypatch.setattr(interface, "COUNT_LIMIT", 40)
    monkeypatch.setattr("app.core.listing.COUNT_LIMIT", 40)
    articles(90)
    db.session.commit()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE article"))
    rows = db.session.scalar(text("SELECT count(*) FROM article"))
    with statements() as sent:
        answer = admin.get("/admin/articles/list/")
    assert f"of about {rows}" in answer.text
    assert len([s for s in sent if "FROM article" in s]) == 2, "the rows, and all counts in one statement"
    assert "LIMIT" in next(s for s in sent if "reltuples" in s), "more was counted than is shown"


def test_tabs_beyond_the_bound_are_not_counted_again_at_once(app, admin, monkeypatch):
    monkeypatch.setattr(interface, "COUNT_LIMIT", 40)
    monkeypatch.setattr("app.core.listing.COUNT_LIMIT", 40)
    articles(90)                                     # two of three are active
    def counts() -> list[str]:
        return re.findall(r'class="n">([^<]+)<', admin.get("/admin/articles/list/").text)

    view = next(v for v in app.appbuilder.baseviews if v.endpoint == "ArticleView")
    monkeypatch.setattr(view, "list_tabs", [("all", "All", None), ("some", "Some", Article.number.like("X0000%"))])
    with statements() as first:
        assert counts() == ["40+", "10"]
    with transaction() as session:
        session.execute(insert(Article), [{"number": "X0000Z", "name_en": "New", "unit": "C62", "net_price": Decimal(1), "tax_class": TaxClass.STANDARD, "active": True,
                                           "commissionable": True, "revenue_account": "", "name_de": "", "name_pt_br": ""}])
    with statements() as second:
        assert counts() == ["40+", "11"], "what is counted is counted anew each time"
    assert sum(s.count("FROM article") for s in second) < sum(s.count("FROM article") for s in first)


@pytest.mark.parametrize(("text", "found"), [("th", 9), ("TH", 9), ("in", 0), ("ing", 9), ("thing 4", 1), ("x", 9), ("%", 0), ("00004", 1)])
def test_lookups_find_parts_of_words_and_short_texts_at_the_beginning(admin, text, found):
    articles(9)
    results = admin.get("/admin/articles/lookup", query_string={"q": text}).json["results"]
    assert len([row for row in results if "Thing" in row["text"]]) == found


@pytest.mark.parametrize(("query", "expected"), [
    ("q=thing+1", 11), ("q=THING+1", 11), ("q=X00004", 1), ("q=%25", 0), ("q=_", 0), ("q=nothing", 0), ("active=yes&q=Thing", 13), ("active=no&q=Thing", 7),
    ("net_price__from=4&q=Thing", 4), ("net_price__from=1&net_price__to=1.25&q=Thing", 2), ("number=X0001", 10), ("number__is=X00010", 1), ("tax_class=zero&q=Thing", 0),
])
def test_filters(app, admin, monkeypatch, query, expected):
    view = next(v for v in app.appbuilder.baseviews if v.endpoint == "ArticleView")
    monkeypatch.setattr(view, "search_columns", ["number", "net_price", "tax_class", "active"])
    articles(20)
    answer = admin.get(f"/admin/articles/list/?{query}")
    assert answer.status_code == 200
    assert len([name for name in names(answer) if "X0" in name or "Thing" in name]) == expected, names(answer)


@pytest.mark.parametrize("query", [
    "tax_class=nonsense", "active=maybe", "net_price__from=abc", "net_price__from=1e400", "at__from=2026-13-99", "customer=abc", "customer=99999999999999999999999",
    "page=abc", "page=-5", "page=99999999999999999999", "size=7", "size=1000000", "order=password", "order=nothing", "order=number&down=abc", "tab=nonsense", "q=%00",
    "_flt_0_password=scrypt", "password=scrypt", "number=%00", "order=number;drop", "net_price__from=" + "9" * 60, "due_on__from=0000-00-00",
])
def test_bad_addresses_are_told_and_harm_nothing(app, admin, query):
    names_ = ("ArticleView", "ProtocolView", "CustomerView", "LicenseView", "OpenItemView", "UserView")
    for view in app.appbuilder.baseviews:
        if view.endpoint in names_:
            answer = admin.get(f"{view.route_base}/list/?{query}")
            assert answer.status_code == 200, (view.endpoint, answer.text[:200])
    assert admin.get(f"/admin/customers/lookup?{query}").status_code == 200


def test_a_wrong_filter_is_told(admin):
    assert "could not be understood" in admin.get("/admin/protocol/list/?kind=nonsense").text


def test_secrets_can_be_neither_searched_nor_sorted_nor_shown(app):
    for view in app.appbuilder.baseviews:
        if isinstance(view, AdminView):
            columns = view.datamodel.obj.__mapper__.columns
            secret = {column.key for column in columns if isinstance(column.type, SecretType)} | {"password", "token_hash"}
            named = {*view.search_columns, *view.order_columns, *view.list_columns, *view.show_columns, *view.quick_columns()}
            assert not named & secret, view.endpoint


def test_forms_never_hold_states_balances_or_owners_of_money(app):
    forbidden = {"state", "lock_reasons", "open", "free", "paid_until", "version", "sync_state", "observed", "id"}
    for view in app.appbuilder.baseviews:
        if isinstance(view, AdminView):
            guard = view.datamodel.obj.__mapper__.version_id_col        # a column that is only called so is none
            mine = forbidden if guard is not None and guard.key == "version" else forbidden - {"version"}
            assert not mine & {*view.add_columns, *view.edit_columns}, view.endpoint


def test_order_is_stable_and_only_by_named_columns(admin):
    articles(60, net_price=Decimal(1))
    pages = [names(admin.get(f"/admin/articles/list/?order=net_price&page={n}&q=Thing")) for n in (0, 1, 2)]
    found = [name for page in pages for name in page]
    assert len(found) == len(set(found)) == 60


def test_columns_must_be_named():
    with pytest.raises(TypeError, match="search_columns"):
        type("Careless", (AdminView,), {"datamodel": AdminInterface(Article), "list_columns": ["number"], "show_columns": [], "add_columns": [], "edit_columns": [],
                                        "order_columns": []})


def test_rows_out_of_scope_do_not_exist(app, admin, monkeypatch):
    """For the list, its counts, the page, the form, lookups, deletes and every action."""
    articles(4)
    view = next(v for v in app.appbuilder.baseviews if v.endpoint == "ArticleView")
    monkeypatch.setattr(view.datamodel, "scope", lambda: (Article.number != "X00002",))
    with transaction() as session:
        hidden = session.query(Article).filter_by(number="X00002").one().id
        seen = session.query(Article).filter_by(number="X00001").one().id
    assert "X00002" not in admin.get("/admin/articles/list/?q=Thing").text
    assert "X00002" not in admin.get("/admin/articles/lookup?q=X0000").text
    for path in (f"show/{hidden}", f"edit/{hidden}"):
        assert admin.get(f"/admin/articles/{path}").status_code == 404
    assert admin.post(f"/admin/articles/edit/{hidden}", {"number": "stolen"}).status_code == 404
    assert admin.post(f"/admin/articles/delete/{hidden}").status_code in (404, 405)
    for name in view.actions:
        assert admin.post(f"/admin/articles/action/{name}/{hidden}").status_code == 404
        assert admin.post("/admin/articles/action_post", {"action": name, "rowid": [str(hidden)]}).status_code == 303
        assert "no longer there" in admin.messages()[0]
    with transaction() as session:
        assert session.get(Article, hidden).number == "X00002" and session.get(Article, hidden).active == (2 % 3 != 0)
    assert admin.get(f"/admin/articles/show/{seen}").status_code == 200


def test_the_protocol_of_a_customer_is_a_tab_of_its_page(admin):
    with transaction() as session:
        one, other = Customer(number="K1", company="One"), Customer(number="K2", company="Other")
        session.add_all([one, other])
        session.flush()
        key = one.id
    text = admin.get(f"/admin/customers/show/{key}?tab={ProtocolView.__name__}").text
    assert "K1" in text or "One" in text
    assert "Other" not in text


def test_lookup_gives_a_few_rows_by_name(admin):
    with transaction() as session:
        session.execute(insert(Customer), [{"number": f"B{i}", "company": f"Big {i}"} for i in range(40)])
    found = admin.get("/admin/customers/lookup?q=big").json["results"]
    assert len(found) == 20 and all(row["text"].startswith("Big") for row in found)
    assert admin.get("/admin/customers/lookup?q=Big+39").json["results"][0]["text"].startswith("Big 39")


@pytest.mark.parametrize(("locale", "day", "amount"), [("en", "Nov 24, 2026", "€1,234.50"), ("de", "24.11.2026", "1.234,50\xa0€"), ("pt_BR", "24 de nov. de 2026", "€\xa01.234,50")])
def test_values_are_written_in_the_readers_language(app, locale, day, amount):
    from flask import session as cookie

    from app.core import formats

    with app.test_request_context():
        cookie["locale"] = locale
        assert formats.day(date(2026, 11, 24)) == day
        assert formats.money(Decimal("1234.5"), "EUR") == amount
        assert formats.money(Decimal("-5"), "EUR").count("\u2212") == 1 and "-" not in formats.money(Decimal("-5"), "EUR")
        assert formats.money(None) == "–"
        assert formats.price(Decimal("4.9000"), "EUR").replace("\xa0", "").strip("€") in ("4.90", "4,90")
        assert "4" in formats.price(Decimal("4.1234"), "EUR") and "1234" in formats.price(Decimal("4.1234"), "EUR")
