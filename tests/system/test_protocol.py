"""The protocol tells what was stored, and nothing of what was not."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from app.catalog.models import Article
from app.core.db import db, transaction
from app.customers.models import Customer
from app.customers.services import delete_unused_customer
from app.system.models import ProtocolEntry
from tests import factories as make


def told() -> list[tuple[str, str]]:
    return [(row.action, row.subject) for row in db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "article").order_by(ProtocolEntry.id))]


def test_what_a_failed_flush_would_have_created_is_not_told(app):
    """In the same session, by the next unit of work: neither a row for it, nor an error because it is gone."""
    make.article(number="A-1", name_en="One")
    before = told()
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(Article(number="A-1", name_en="Double"))
    with transaction() as session:
        with pytest.raises(IntegrityError), transaction():
            session.add(Article(number="A-1", name_en="Double again"))
            session.flush()
        session.add(Article(number="A-2", name_en="Two"))
    assert [action for action, _subject in told()] == [action for action, _subject in before] + ["created"] and "Two" in told()[-1][1]


def test_the_id_of_a_customer_that_is_gone_is_not_given_again(app):
    """Deleted by staff or by hand in the database: what the protocol and his mails tell of him is not the next one's."""
    first, last = make.customer(), make.customer()
    gone = last.id
    delete_unused_customer(last)
    with transaction() as session:
        session.execute(delete(Customer).where(Customer.id == first.id))        # by hand: nothing tells of it
    db.session.remove()
    db.engine.dispose()                 # another process
    with transaction() as session:
        rows = [Customer(number=f"N{n}", company="New") for n in range(2)]
        session.add_all(rows)
    assert [row.id for row in rows] == [gone + 1, gone + 2]
    assert {row.action for row in db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.customer_id == rows[0].id))} == {"created"}
