"""Copies of personal data: asked for in the portal, made by a worker, gone after some days; and requests for deletion."""

from __future__ import annotations

import logging
from datetime import timedelta

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import or_, select, update

from app.core import clock
from app.core.db import after_commit, db, transaction
from app.core.errors import InvalidInput
from app.customers.account_models import PortalAccount
from app.customers.models import Customer, CustomerState
from app.portal.data_content import as_zip, tables
from app.portal.models import DataExport, DeletionRequest, RequestState
from app.system import documents
from app.system.models import Document, DocumentKind, ProtocolKind
from app.system.outbox import OutboxState, claim_batch, try_again
from app.system.protocol import record
from app.system.settings import setting
from app.system.throttle import take
from app.system.wake import wake

log = logging.getLogger(__name__)
LEASE = 600
COPIES = 3          # a day and customer
NOTE = 2000
DAY = timedelta(days=1)


def request_copy(account: PortalAccount, customer: Customer) -> DataExport:
    """One at a time for each login. Raises InvalidInput, or TooManyTries."""
    db.session.rollback()
    take("data_copy", str(customer.id), COPIES, DAY)
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        if session.scalar(select(DataExport.id).where(DataExport.customer_id == customer.id, DataExport.account_id == account.id, DataExport.state.in_([OutboxState.WAITING, OutboxState.CLAIMED])).limit(1)) is not None:
            raise InvalidInput(_("A copy is being made already."))
        row = DataExport(customer_id=customer.id, account_id=account.id, language=account.language)
        session.add(row)
        session.flush()
        record(ProtocolKind.SECURITY, "data_copy_requested", subject_type="customer", subject_id=customer.id, subject=customer.company, customer_id=customer.id)
        after_commit(lambda: wake("data_copies"))
        return row


def copies_are_due() -> bool:
    now = clock.now()
    due = or_((DataExport.state == OutboxState.WAITING) & (DataExport.due_at <= now), (DataExport.state == OutboxState.CLAIMED) & (DataExport.lease_until < now))
    return db.session.scalar(select(DataExport.id).where(due).limit(1)) is not None


def make_copies(limit: int = 5) -> int:
    """Make what is due; returns how many were settled. Killed at any line it begins anew: a file without a row is swept away."""
    with transaction() as session:
        rows = claim_batch(session, DataExport, limit, LEASE, columns=[DataExport.customer_id, DataExport.account_id, DataExport.language])
    for row in rows:
        mine = (DataExport.id == row.id, DataExport.claim == row.claim + 1, DataExport.state == OutboxState.CLAIMED)
        try:
            with force_locale(row.language):
                data = as_zip(tables(db.session(), row.customer_id, row.account_id))
            db.session.rollback()
            stored = documents.put(data, "application/zip")
            with transaction() as session:
                if session.scalar(select(DataExport.id).where(*mine).with_for_update()) is None:
                    continue        # another worker has taken it over; the sweep removes the file
                now = clock.now()
                document = documents.add(stored, DocumentKind.DATA_COPY, "", f"data-{row.customer_id}", f"data-{now:%Y-%m-%d}.zip", "application/zip", row.customer_id)
                session.execute(update(DataExport).where(*mine).values(state=OutboxState.DONE, done_at=now, lease_until=None, error="", document_id=document.id,
                                                                       expires_at=now + timedelta(days=setting("portal.export_days"))).execution_options(synchronize_session=False))
        except Exception as error:
            log.exception("copy of data %s", row.id)
            with transaction() as session:
                session.execute(update(DataExport).where(*mine).values(**try_again(row.attempts + 1, type(error).__name__, False)).execution_options(synchronize_session=False))
    return len(rows)


def remove_expired() -> int:
    """The rows of files whose time is over; the sweep removes the bytes."""
    count = 0
    for ident in db.session.scalars(select(DataExport.id).where(DataExport.document_id.is_not(None), DataExport.expires_at < clock.now())).all():
        with transaction() as session:
            row = session.get(DataExport, ident, with_for_update=True, populate_existing=True)
            document = session.get(Document, row.document_id) if row is not None and row.document_id is not None else None
            if row is None or document is None:
                continue
            row.document_id = None
            session.flush()
            session.delete(document)
            count += 1
    return count


# deletion -----------------------------------------------------------------------------------------------------------


def request_deletion(account: PortalAccount, customer: Customer, note: str) -> DeletionRequest:
    """Staff see it; nothing is deleted by it."""
    if len(note) > NOTE:
        raise InvalidInput(_("At most %(n)d characters.", n=NOTE), "note")
    with transaction() as session:
        session.refresh(customer, with_for_update=True)
        if session.scalar(select(DeletionRequest.id).where(DeletionRequest.customer_id == customer.id, DeletionRequest.state == RequestState.OPEN).limit(1)) is not None:
            raise InvalidInput(_("There is a request already. We answer it by e-mail."))
        row = DeletionRequest(customer_id=customer.id, account=str(account), note=note.strip())
        session.add(row)
        session.flush()
        return row


def answer_deletion(row: DeletionRequest, state: RequestState, answer: str) -> None:
    """Staff: done (the customer is deleted, or his data are), or refused with a reason that the customer sees."""
    answer = answer.strip()
    if state is RequestState.REFUSED and not answer:
        raise InvalidInput(_("Say why: the customer sees it."), "answer")
    with transaction() as session:
        session.refresh(row, with_for_update=True)
        customer = session.get_one(Customer, row.customer_id)
        if state is RequestState.DONE and customer.state is CustomerState.ACTIVE:
            raise InvalidInput(_("The customer is active. Terminate him first: what the law keeps (invoices, payments) stays until its time is over."))
        row.move_to(state)
        row.answer, row.answered_at = answer[:NOTE], clock.now()
        session.flush()
