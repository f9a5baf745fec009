"""Every figure of the overview is right, and the list behind it has as many rows."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest

from app.admin import queries
from app.billing.models import BillingDocument, BillingState, Invoice, InvoiceKind, InvoiceSeries
from app.catalog.models import PttMode, PttServer, Tariff, TariffState
from app.core import clock
from app.core.db import transaction
from app.core.period import Month
from app.customers.models import Customer, TariffAssignment
from app.licenses.models import License, LicenseState, SyncState
from app.receivables.models import OpenItem, Payment
from app.system.models import JobRun, MailMessage, RunState
from app.system.outbox import OutboxState
from tests.admin.staff import statements


@pytest.fixture
def filled(app):
    """Two licenses of each kind, invoices of two months in two currencies, one of everything that waits."""
    today = clock.today()
    month = Month.of(today)
    with transaction() as session:
        mode = PttMode(code="dash", name="Dash")
        server = PttServer(name="Dash", driver="memory", wsdl="http://x")
        tariff = Tariff(code="DASH", name="Dash", mode=mode, valid_from=date(2020, 1, 1), state=TariffState.ACTIVE)
        owner = Customer(number="K1", company="One")
        series = InvoiceSeries(code="DSH", title="Dash", pattern="D-{number}")
        session.add_all([mode, server, tariff, owner, series])
        session.flush()
        n = 0
        for state, locks, sync, last in ((LicenseState.ACTIVE, 0, SyncState.SYNCED, None), (LicenseState.ACTIVE, 1, SyncState.FAILED, None),
                                         (LicenseState.ENDING, 0, SyncState.PENDING, today), (LicenseState.ENDING, 4, SyncState.SYNCED, today),
                                         (LicenseState.DELETED, 1, SyncState.SYNCED, today - timedelta(days=3))):
            for _ in range(2):
                n += 1
                session.add(License(customer=owner, server=server, tariff=tariff, user_name=f"u{n}", active_from=date(2025, 1, 1), active_to=last, state=state,
                                    lock_reasons=locks, sync_state=sync))
        for i, (day, currency, net, left, due) in enumerate([
                (month.start, "EUR", "100.00", "119.00", today + timedelta(days=5)), (month.start, "EUR", "50.00", "10.00", today - timedelta(days=7)),
                (month.start, "BRL", "20.00", "0.00", today), (month.previous.start, "EUR", "300.00", "357.00", today - timedelta(days=30))]):
            gross = (Decimal(net) * Decimal("1.19")).quantize(Decimal("0.01"))
            invoice = Invoice(number=f"D-{i}", series_id=series.id, chain_index=i + 1, kind=InvoiceKind.INVOICE, customer=owner, issued_on=day, due_on=due, language="en",
                              currency=currency, payment_method="transfer", net=Decimal(net), tax=gross - Decimal(net), gross=gross, buyer={}, seller={}, issued_at=clock.now(),
                              previous_hash="", hash=str(i))
            session.add(invoice)
            session.flush()
            session.add(OpenItem(customer=owner, invoice=invoice, reference=invoice.number, issued_on=day, due_on=due, currency=currency, amount=gross, open=Decimal(left)))
        session.add(OpenItem(customer=owner, reference="disputed", issued_on=today, due_on=today - timedelta(days=90), currency="EUR", amount=Decimal(7), open=Decimal(7), disputed=True))
        for i, state in enumerate((RunState.FAILED, RunState.FAILED, RunState.HELD, RunState.DONE)):
            session.add(JobRun(job=f"j{i}", period="2026-11", state=state))
        for i, state in enumerate((OutboxState.HELD, OutboxState.UNSURE, OutboxState.DONE)):
            session.add(MailMessage(key=f"m{i}", kind="invoice", recipient="a@example.org", subject="s", body="b", message_id=f"<{i}@x>", state=state))
        for i, state in enumerate((BillingState.HELD, BillingState.DRAFT, BillingState.DRAFT, BillingState.RELEASED)):
            session.add(BillingDocument(customer_id=owner.id, period="2026-10", sequence=i + 1, currency="EUR", state=state))
        for key, customer, free, prepaid in (("a", None, 5, False), ("b", owner, 5, False), ("c", owner, 5, True), ("d", owner, 0, False)):
            session.add(Payment(key=key, customer=customer, method="transfer", received_on=today, currency="EUR", amount=Decimal(5), free=Decimal(free), for_prepaid=prepaid))
        for days in (-1, 0, 30, 31):
            session.add(TariffAssignment(customer=owner, tariff=tariff, valid_from=date(2020, 1, 1) + timedelta(days=days + 5), valid_to=today + timedelta(days=days)))
    queries.forget()


def test_figures(filled, app):
    month = Month.of(clock.today())
    assert queries.revenue(month) == {"EUR": Decimal("150.00"), "BRL": Decimal("20.00")}
    assert queries.revenue_before(month.previous) == {"EUR": Decimal("300.00")}
    total, overdue = queries.open_items()
    assert total.sums == {"EUR": Decimal("493.00")} and total.rows == 4
    assert overdue.sums == {"EUR": Decimal("367.00")} and overdue.rows == 2 and overdue.oldest == clock.today() - timedelta(days=30)
    found = queries.licenses()
    assert (found.active, found.ending, found.locked, found.pending, found.failed, found.enabled) == (4, 4, 4, 2, 2, 4)
    waiting = queries.waiting()
    assert (waiting.failed_licenses, waiting.failed_runs, waiting.held_runs, waiting.failed_mails, waiting.unsure_mails) == (2, 2, 1, 1, 1)
    assert (waiting.held_documents, waiting.draft_documents, waiting.unmatched_payments, waiting.free_payments, waiting.expiring_tariffs) == (1, 2, 1, 1, 2)


def rows_behind(admin, url: str) -> int:
    text = admin.get(url).text
    found = re.search(r"\d+–\d+ of (\d+)", text)
    return int(found.group(1)) if found else 0


def test_each_line_leads_to_as_many_rows(filled, admin):
    text = admin.get("/admin/").text
    tasks = re.findall(r'<li><a class="(?:bad)?" href="([^"]+)">.*?<span class="n">([\d,]*)</span>', text, re.S)
    assert len(tasks) >= 10
    without = [url for url, number in tasks if not number]
    assert without == ["/admin/plugins/"] and "“memory”: its orders are held" in admin.get(without[0]).text      # its driver is no plugin here
    for url, number in tasks:
        if number:
            assert rows_behind(admin, url.replace("&amp;", "&")) == int(number), (url, number)


def test_each_license_figure_leads_to_as_many_rows(filled, admin):
    text = admin.get("/admin/").text
    legend = re.findall(r'<li><a href="([^"]+)"><span class="sw".*?<span class="n">([\d,]+)</span>', text, re.S)
    assert len(legend) == 5
    for url, number in legend:
        assert rows_behind(admin, url.replace("&amp;", "&")) == int(number), url
    tiles = re.findall(r'<a class="tile[^"]*" href="([^"]+)">', text)
    assert [rows_behind(admin, url.replace("&amp;", "&")) for url in tiles] == [3, 4, 2, 10]


def test_most_harmful_first(filled, admin, app):
    app.extensions["ptt_plugins"].broken["boleto"] = "ImportError: no module"
    try:
        text = admin.get("/admin/").text
    finally:
        del app.extensions["ptt_plugins"].broken["boleto"]
    order = [text.index(words) for words in ("Plugins that could not be loaded", "Licenses that failed", "Job runs that failed", "E-mails that could not be sent", "Billing data held back",
                                             "Billing data to review")]
    assert order == sorted(order) and "boleto" in text


def test_nothing_waits(admin):
    assert "All done" in admin.get("/admin/").text


def test_few_statements_and_none_when_asked_again(filled, admin):
    admin.get("/admin/profile/")
    queries.forget()
    with statements() as first:
        admin.get("/admin/")
    with statements() as again:
        admin.get("/admin/")
    assert len(first) <= 24 and len(again) <= 10, (len(first), len(again))


def test_who_may_not_see_a_list_does_not_see_its_figure(filled, app, desk):
    from app.admin.roles import seed_roles

    seed_roles()
    text = desk("Sales").get("/admin/").text
    assert "Job runs that failed" not in text and "Last jobs" not in text
    assert "Revenue in" in text and "Licenses that failed" in text
    nobody = desk(name="newcomer").get("/admin/")
    assert nobody.status_code == 200 and "Revenue" not in nobody.text and "All done" in nobody.text
