"""Plugins that are wrong on purpose: each is reported with its fault, and the installation runs on (E03)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from flask_appbuilder import Model
from sqlalchemy import select

from app.admin.plugin_state import drop_data, idle_jobs, without_plugin
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.plugin_api import registry as registry_module
from app.plugin_api.registry import GROUP, Registry
from app.receivables.intakes import too_old
from app.receivables.payments import record_payment
from app.system import settings as system
from app.system.models import EventFailure, JobRun, RunState, SettingValue
from tests import factories as make
from tests.admin.conftest import desk, quick_hashes  # noqa: F401

LEFT_OUT = {
    "import_error": "a_module_that_is_not_there", "wrong_version": "speaks contract 99", "raising_answer": "no jobs today",
    "wrong_answer": "'cash', which is no PaymentMethod", "bare_table": "table thing_of_nobody lacks the prefix", "bare_setting": "setting system.surprise lacks the prefix",
    "odd_setting": "no such kind", "wrong_target": "is no origin such as",
}


def points(*names: str) -> list[EntryPoint]:
    return [EntryPoint(name, f"tests.broken_plugins.{name}{'' if name == 'import_error' else ':Broken'}", GROUP) for name in names]


@pytest.fixture
def with_plugins(make_app, monkeypatch) -> Any:
    def build(*names: str) -> Any:
        real = registry_module.entry_points
        monkeypatch.setattr(registry_module, "entry_points", lambda **asked: [*real(**asked), *points(*names)])
        return make_app()

    return build


def test_each_fault_is_named_and_nothing_of_it_is_taken(with_plugins, app):
    broken = with_plugins(*LEFT_OUT)
    registry = broken.extensions["ptt_plugins"]
    assert set(registry.broken) == set(LEFT_OUT), registry.broken
    assert not set(LEFT_OUT) & set(registry.loaded) and set(app.extensions["ptt_plugins"].loaded) == set(registry.loaded)
    for name, words in LEFT_OUT.items():
        assert words in registry.broken[name], (name, registry.broken[name])
    assert "system.surprise" not in system._declared
    assert broken.test_client().get("/healthz").status_code == 200


@pytest.mark.sqlite_only
def test_timed_jobs_of_a_plugin_that_is_gone_are_told(app):
    with transaction() as session:
        session.add_all([JobRun(job=job, period="2026-11-24", requested_by=by, state=RunState.DONE) for job, by in (
            ("gone.collect", ""), ("gone.by_hand", "maren"), ("put_away.nightly", ""), ("datev.post", ""))])
    app.extensions["ptt_plugins"].off.append("put_away")
    try:
        assert idle_jobs() == {"gone": ["gone.collect"]}
        assert without_plugin() == ["1 timed job of “gone” does not run; what it misses is made up for when the plugin is back: gone.collect"]
    finally:
        app.extensions["ptt_plugins"].off.remove("put_away")


def test_staff_see_it_on_the_dashboard_and_on_the_page(app, desk):  # noqa: F811
    app.extensions["ptt_plugins"].broken["odd"] = "RuntimeError: <no> luck"
    try:
        admin = desk("Administrator")
        assert "Plugins that could not be loaded" in (text := admin.get("/admin/").text) and "odd" in text
        text = admin.get("/admin/plugins/").text
        assert "Not loaded" in text and "&lt;no&gt; luck" in text and "SEPA" in text
    finally:
        app.extensions["ptt_plugins"].broken.pop("odd")


def test_a_page_that_cannot_be_made_leaves_the_others(with_plugins):
    broken = with_plugins("broken_page")
    assert "no page today" in broken.extensions["ptt_plugins"].broken["broken_page"]
    assert "CustomerView.list" in broken.view_functions


def test_operations_that_flask_would_not_take_leave_the_others(with_plugins):
    broken = with_plugins("odd_routes")
    rules = {rule.rule for rule in broken.url_map.iter_rules() if "odd_routes" in rule.rule}
    assert rules == {"/api/v1/plugins/odd_routes/a-b"} and "colour" in broken.extensions["ptt_plugins"].broken["odd_routes"]


def test_a_reaction_that_raises_undoes_nothing_and_is_kept(with_plugins):
    with with_plugins("raising_reaction").app_context():
        customer = make.customer()
        payment = record_payment(key="t:1", customer=customer, amount=Decimal("10.00"), currency="EUR", method="transfer", received_on=date(2026, 11, 2))
        failure = db.session.scalars(select(EventFailure)).one()
        assert failure.plugin == "raising_reaction" and "is not liked" in failure.error and failure.payload["payment_id"] == payment.id


def test_two_plugins_with_one_code_or_name_are_not_both_taken():
    registry = Registry().load(None, points("raising_payment"))
    assert list(registry.loaded) == ["raising_payment"]
    with pytest.raises(ValueError, match="already"):
        registry.add(registry.loaded["raising_payment"].plugin)


def test_nobody_is_locked_while_the_plugin_of_his_payment_method_is_away(app):
    assert not [name for name in too_old() if name.startswith("method:")]
    customer = make.customer()
    with transaction():
        customer.payment_method = "pigeon"
    assert "pigeon" in str(too_old()["method:pigeon"])
    from app.admin.plugin_state import without_plugin

    assert any("pigeon" in sentence and "held" in sentence for sentence in without_plugin())


def test_a_way_to_pay_is_refused_for_another_currency(app):
    from app.customers.services import change_customer

    customer = make.customer(currency="BRL")
    with pytest.raises(InvalidInput) as caught:
        change_customer(customer, customer.version, payment_method="sepa")
    assert caught.value.field == "payment_method" and customer.payment_method == "transfer"


@pytest.fixture(autouse=True, scope="module")
def no_trace_of_the_bare_table():
    yield
    from flask_appbuilder import Model

    table = Model.metadata.tables.get("thing_of_nobody")
    if table is not None:
        Model.metadata.remove(table)


def test_a_way_to_pay_that_fails_holds_that_invoice_with_the_reason(with_plugins):
    from types import SimpleNamespace

    from app.billing.invoice_view import payment_of
    from app.billing.models import InvoiceKind

    with with_plugins("raising_payment").app_context():
        head = SimpleNamespace(id=1, number="R-1", kind=InvoiceKind.INVOICE, customer_id=1, issued_on=date(2026, 11, 2), due_on=date(2026, 11, 16), currency="EUR",
                               gross=Decimal("10.00"), language="en", payment_method="raising_payment")
        with pytest.raises(InvalidInput, match="Raising payment.*no sentence today"):
            payment_of(head)


@pytest.mark.sqlite_only
def test_no_plugin_can_be_called_as_something_of_the_core(app):
    """Its settings and tables begin with its name, so what begins with it must be its own."""
    words = [mapper.local_table.name.split("_") for mapper in Model.registry.mappers if mapper.class_.__module__.startswith(("app.", "flask_appbuilder."))]
    heads = {"_".join(parts[:number]) for parts in words for number in range(1, len(parts))}
    sections = {spec.key.split(".")[0] for spec in system.declared()} - set(app.extensions["ptt_plugins"].loaded)
    assert heads | sections <= registry_module.RESERVED, "add what is missing to RESERVED"


@pytest.mark.sqlite_only
def test_data_of_a_plugin_is_dropped_and_nothing_else(app):
    own = app.extensions["ptt_plugins"].loaded["datev"].answers["settings"][0].key
    with transaction() as session:
        session.add_all([SettingValue(key=own, value="1"), SettingValue(key="datev.of_somebody_else", value="1")])
    assert "datev_export" in drop_data("datev")
    assert db.session.scalars(select(SettingValue.key).where(SettingValue.key.like("datev.%"))).all() == ["datev.of_somebody_else"]
