"""Direct debit and the rest of the house: the invoice announces, statements credit and return, the hourly run books before it locks."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from app.billing.issue import issue_documents
from app.core.db import db, transaction
from app.core.events import publish
from app.plugin_api import InvoiceFacts, PayerFacts
from app.receivables.events import DebitReturned, DebitsCredited
from app.system.job_runs import run_now
from app.system.settings import change_settings
from plugins.sepa import batches, statements
from plugins.sepa.method import SepaMethod
from plugins.sepa.models import DebitReturn, DebitState, PreNotification, ReturnState
from tests import factories as make
from tests.billing.invoice_data import invoices
from tests.billing.invoice_fixtures import shop  # noqa: F401
from tests.sepa.books import DAY, announced, at, bank, collected, debits, exported, fresh, mandate, payer


def test_an_invoice_announces_its_collection_on_itself(shop):   # noqa: F811
    account = bank()
    customer, other = [shop.customer(payment_method="sepa", terms_days=10, language="en") for _n in range(2)]
    signed = mandate(customer, account)
    issue_documents([shop.document(owner, ("Business", "100.00", 1)).id for owner in (customer, other)], DAY)
    mine, others = invoices()
    (notice,) = db.session.scalars(select(PreNotification)).all()
    assert (notice.open_item.invoice_id, notice.kind, notice.mandate_id, notice.amount) == (mine.id, "invoice", signed.id, Decimal("119.00"))
    assert notice.collect_on == DAY + timedelta(days=14) == fresh(notice.open_item).due_on > mine.due_on      # not overdue before we come
    facts = InvoiceFacts(mine.id, mine.number, customer.id, DAY, mine.due_on, "EUR", mine.gross, "en")
    lines = SepaMethod().payment_lines(facts)
    assert signed.reference in lines[1] and "DE98ZZZ09999999999" in lines[1] and "16" in lines[0] and signed.iban not in " ".join(lines)
    means = SepaMethod().means(facts)
    assert (means.code, means.mandate, means.creditor_id, means.debited_iban) == ("59", signed.reference, "DE98ZZZ09999999999", signed.iban)
    strange = InvoiceFacts(others.id, others.number, other.id, DAY, others.due_on, "EUR", others.gross, "en")
    assert SepaMethod().means(strange) is None and "DE89 3704" in SepaMethod().payment_lines(strange)[1]


def test_direct_debit_is_chosen_by_a_signature(app):
    customer, account = make.customer(), bank()
    assert SepaMethod().missing_for(PayerFacts(customer.id, "EUR", "DE")) and SepaMethod().missing_for(PayerFacts(None, "EUR", "DE"))
    with at(DAY):
        mandate(customer, account, one_off=True)
        assert fresh(customer).payment_method == "transfer"
        mandate(customer, account)
        assert fresh(customer).payment_method == "sepa" and SepaMethod().missing_for(PayerFacts(customer.id, "EUR", "DE")) == []


def returned(debit, **more):
    return DebitReturned(**{"line_id": 1, "key": "bank:1", "source": "camt.054 X", "account": "DE89370400440532013000", "end_to_end_id": debit.end_to_end_id, "mandate_id": debit.mandate_reference,
                            "instruction_id": "", "payer": "Anna", "payer_iban": debit.iban, "amount": debit.amount, "fee": Decimal("3.00"), "currency": "EUR", "reason_code": "AM04",
                            "reason_text": "", "returned_on": DAY + timedelta(days=4), **more})


def credited(batch, **more):
    return DebitsCredited(**{"line_id": 2, "key": "bank:2", "source": "camt.053 X", "account": "DE89 3704 0044 0532 0130 00", "collection_id": f"{batch.message_id}-1", "end_to_end_id": "",
                             "mandate_id": "", "amount": batch.total, "currency": "EUR", "booked_on": batch.last_day, **more})


@pytest.fixture
def lines(monkeypatch):
    taken = []
    monkeypatch.setattr(statements, "take_line", lambda line_id, note="", payment_id=None: taken.append((line_id, note, payment_id)))
    return taken


def test_a_statement_returns_what_it_knows_and_leaves_the_rest_to_others(app, lines):
    account = bank()
    announced(payer(), account)
    (debit,) = debits(collected(account))
    with at(DAY + timedelta(days=4)), transaction():
        publish(returned(debit, end_to_end_id="STRANGE"))
        assert lines == []
        publish(returned(debit, amount=Decimal("1.00"), key="bank:9"))
        publish(returned(debit))
    assert [line[0] for line in lines] == [1, 1] and lines[1][2] == fresh(debit).payment_id
    assert fresh(debit).state is DebitState.RETURNED
    assert [row.state for row in db.session.scalars(select(DebitReturn).order_by(DebitReturn.id))] == [ReturnState.OPEN, ReturnState.BOOKED]


def test_a_statement_credits_a_file_once_and_only_its_sum(app, lines):
    account = bank()
    announced(payer(), account)
    with at(DAY):
        change_settings({"sepa.book_on": "bank_credit"})
    batch = exported(account)
    with at(batch.last_day):
        for wrong in ({"amount": batch.total + 1}, {"account": "DE02120300000000202051"}, {"collection_id": "STRANGE-1"}, {"collection_id": f"{batch.message_id}-7"}):
            try:
                with transaction():
                    statements.credited(credited(batch, **wrong))
            except Exception as refused:
                assert "credited" in str(refused)
        assert lines == [] and fresh(batch).credited_on is None
        with transaction():
            statements.credited(credited(batch))
        with pytest.raises(Exception, match="recorded already"), transaction():
            statements.credited(credited(batch))
        assert fresh(batch).credited_on == batch.last_day and len(lines) == 1 and debits(batch)[0].state is DebitState.EXPORTED
        run_now("receivables.hourly")
    assert debits(batch)[0].state is DebitState.COLLECTED and debits(batch)[0].open_item.open == 0


def test_the_hourly_run_books_before_it_locks(app):
    account, customer = bank(), payer()
    _signed, item = announced(customer, account)
    batch = exported(account)
    with at(batch.last_day):
        run_now("receivables.hourly")
    assert fresh(item).open == 0


def test_a_demand_that_is_collected_late_locks_nobody_before(app):
    account, customer = bank(lead_days=5), payer()
    with at(DAY):
        change_settings({"locks.after_days": 3})
    announced(customer, account)
    batch = exported(account)
    assert batch.last_day == DAY + timedelta(days=7) and fresh(customer).lock_hold_until == batch.last_day + timedelta(days=3)
    assert batches.stale(db.session(), batch.id) == [] and date(2026, 11, 1) < batch.first_day
