"""The protocol tells what was stored, and nothing of what was not."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.catalog.models import Article
from app.core.db import db, transaction
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
