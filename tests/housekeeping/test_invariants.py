"""The invariants hold for the demo data, and each of them sees what it is for when data is changed behind the product's back."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.admin.demo import load_demo
from app.billing.triggers import install_triggers, remove_triggers
from app.core.db import db, transaction
from app.housekeeping.invariants import broken, invariants, verify

BROKEN = {
    (3, "overlap"): "INSERT INTO charge (id, document_id, license_id, tariff_id, service_id, period_start, period_end, days, of_days, unit_price, net, text, article_id) "
                    "SELECT 999999, document_id, license_id, tariff_id, service_id, period_end, period_end, 1, 1, 1, 1, text, article_id FROM charge ORDER BY id LIMIT 1",
    (5, "days are billed"): "UPDATE charge SET days = 99 WHERE id = (SELECT min(c.id) FROM charge c JOIN tariff t ON t.id = c.tariff_id WHERE c.service_id = 0 AND t.pro_rata = 'day')",
    (6, "allocated"): "DELETE FROM allocation WHERE id = (SELECT min(a.id) FROM allocation a JOIN payment p ON p.id = a.payment_id WHERE a.reverses_id IS NULL "
                      "AND a.id NOT IN (SELECT reverses_id FROM allocation WHERE reverses_id IS NOT NULL))",
    (7, "not what was issued"): "UPDATE invoice SET due_on = issued_on WHERE id = (SELECT min(id) FROM invoice WHERE due_on <> issued_on)",
    (10, "open"): "UPDATE open_item SET open = open - 1 WHERE id = (SELECT min(id) FROM open_item WHERE open > 1)",
    (11, "free"): "UPDATE payment SET free = free - 1 WHERE id = (SELECT min(id) FROM payment WHERE free > 0)",
    (11, "its payments gave"): "UPDATE refund SET amount = amount + 1 WHERE id = (SELECT min(id) FROM refund)",
    (11, "given back 0.00"): "UPDATE refund SET state = 'refused' WHERE id = (SELECT min(id) FROM refund)",
    (11, "demanded again"): "UPDATE refund_use SET payment_id = (SELECT min(id) FROM payment WHERE customer_id IS NOT NULL AND customer_id <> (SELECT min(customer_id) FROM refund))",
    (12, "paid with"): "UPDATE prepaid_period SET amount = amount + 1 WHERE id = (SELECT min(id) FROM prepaid_period)",
    (13, "in silence"): "UPDATE prepaid_period SET reversed = true WHERE id = (SELECT min(id) FROM prepaid_period)",
    (14, "its account"): "UPDATE license SET lock_reasons = 16 WHERE id = (SELECT min(id) FROM license WHERE state = 'active' AND lock_reasons = 0)",
    (1, "nothing is ordered"): "DELETE FROM provisioning_order",
    (16, "since"): "UPDATE open_item SET due_on = '2099-01-01'",
    (20, "nothing open"): "UPDATE reminder_item SET open = 0 WHERE id = (SELECT min(id) FROM reminder_item WHERE level > 0)",
    (22, "no entry"): "DELETE FROM protocol_entry",
    (27, "without a last day"): "UPDATE license SET state = 'ending', active_to = NULL WHERE id = (SELECT min(id) FROM license)",
    (29, "job_run"): "UPDATE job_run SET state = 'running', lease_until = '2020-01-01' WHERE id = (SELECT min(id) FROM job_run)",
    (29, "its order"): "UPDATE refund SET state = 'requested' WHERE id = (SELECT min(id) FROM refund)",
    (32, "without an instant"): "UPDATE mail_message SET state = 'done', done_at = NULL WHERE id = (SELECT min(id) FROM mail_message)",
}




@pytest.mark.sqlite_only
def test_the_demo_data_and_what_is_changed_behind_its_back(app):
    """One test, because the demo takes a while: it holds; then each change is seen by the invariant that it is against, and undone."""
    load_demo()
    said: list[str] = []
    assert verify(said.append) == 0, said
    assert len({one.number for one in invariants()}) >= 19
    db.session.rollback()
    with transaction() as session:
        remove_triggers(session.connection())
    try:
        blind = []
        for (number, word), statement in BROKEN.items():
            changed = db.session.connection().execute(text(statement)).rowcount
            found = [sentence for one in invariants() if one.number == number for sentence in one.check(db.session())]
            if not changed or not any(word in sentence for sentence in found):
                blind.append((number, changed, statement, found))
            db.session.rollback()
        assert blind == []
    finally:
        db.session.rollback()
        with transaction() as session:
            install_triggers(session.connection())
    assert broken() == []
