"""The janitor: asks PayPal what became of everything that is not settled, and shows what stays so."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, exists, select

from app.customers.events import CurrencyChanging
from app.plugin_api import DomainError, InvalidInput, JobContext, clock, db, transaction
from app.system.models import ProtocolKind
from app.system.protocol import record
from app.system.settings import setting
from plugins.paypal import messages, refunding
from plugins.paypal.api import PayPalError, configured
from plugins.paypal.capturing import ask
from plugins.paypal.cases import open_case
from plugins.paypal.meaning import PENDING_WORDS
from plugins.paypal.models import (
    LOOSE,
    RUNNING,
    Attempt,
    AttemptState,
    Capture,
    Case,
    CaseKind,
    MessageState,
    PayPalMessage,
)

MOST = 500                              # attempts that one run asks for
STUCK_AFTER = {AttemptState.CAPTURING: timedelta(hours=24), AttemptState.PENDING: timedelta(days=14)}
KEPT = timedelta(days=180)
LOOKED_FOR = timedelta(days=30)         # so long a payment is looked for of which nothing was heard


def take_in(ctx: JobContext) -> None:
    """Before anybody is locked: whatever may be paid is settled. Raises when PayPal cannot be asked, then nobody is locked who may have paid."""
    if not configured():
        if in_use():
            raise InvalidInput(_("Payments by PayPal are not settled, and PayPal is not set up: enter client id and secret in the settings."))
        return
    problems = [*work_messages(), *ask_running(), *ask_recent()]
    if problems:
        raise InvalidInput(_("PayPal could not be asked: %(why)s", why=problems[0]))
    for problem in refunding.ask_all():         # says nothing of who has paid: no lock waits for it
        ctx.note("failed", "PayPal", problem)


def in_use() -> bool:
    """Something is on its way of which only PayPal knows."""
    return db.session.scalar(select(Attempt.id).where(Attempt.state.in_(RUNNING)).limit(1)) is not None


def keep_currency(event: CurrencyChanging) -> None:
    """Reaction: money that PayPal was asked for, or holds, comes in the old currency."""
    found = db.session.scalar(select(Attempt.invoice_id).where(Attempt.customer_id == event.customer_id, Attempt.state.in_((*RUNNING, AttemptState.HELD))).limit(1))
    if found is not None:
        raise InvalidInput(_("The currency cannot change while a payment is on its way at PayPal (%(name)s).", name=found), "currency")


def work_messages() -> list[str]:
    """Messages that could not be worked through when they came."""
    found = db.session.scalars(select(PayPalMessage.id).where(PayPalMessage.state == MessageState.OPEN).order_by(PayPalMessage.id).limit(MOST)).all()
    for ident in found:
        messages.work(ident)
    left = db.session.scalars(select(PayPalMessage.problem).where(PayPalMessage.state == MessageState.OPEN, PayPalMessage.id.in_(found))).all() if found else []
    return [problem for problem in left if problem]


def ask_running() -> list[str]:
    """Attempts whose money was asked for. Returns the problems of asking, in words."""
    ids = db.session.scalars(select(Attempt.id).where(Attempt.state.in_(RUNNING)).order_by(Attempt.asked_at.is_not(None), Attempt.asked_at, Attempt.id).limit(MOST)).all()
    problems = _ask(ids)
    for ident in ids:
        show_if_stuck(ident)
    return problems


def ask_recent() -> list[str]:
    """Payers who were sent to PayPal in the last hours and did not come back may have agreed there."""
    since, now = clock.now() - timedelta(hours=8), clock.now()
    waiting = Attempt.state.in_((AttemptState.BEGUN, AttemptState.SENT)) & (Attempt.mode == setting("paypal.mode"))
    return _ask(db.session.scalars(select(Attempt.id).where(waiting, Attempt.created_at > since, Attempt.created_at < now - timedelta(minutes=10)).order_by(Attempt.id).limit(MOST)).all())


def look_for_missed(ctx: JobContext) -> None:
    """Once a day: everything of the last month that was never paid, in case that neither the payer nor PayPal's message came back."""
    if not configured():
        return
    query = select(Attempt.id).where(Attempt.state.in_((*LOOSE, AttemptState.FAILED)), Attempt.order_id.is_not(None), Attempt.created_at > clock.now() - LOOKED_FOR,
                                     Attempt.mode == setting("paypal.mode"))
    ids = db.session.scalars(query.order_by(Attempt.id)).all()
    ctx.count("asked", len(ids))
    if ctx.dry_run:
        return
    failed = 0
    for done, ident in enumerate(ids, 1):
        problems = _ask([ident])
        failed = failed + 1 if problems else 0
        for problem in problems:
            ctx.note("failed", str(db.session.get_one(Attempt, ident)), problem)
        if failed >= 5:
            break               # it does not answer: tomorrow again
        if db.session.get_one(Attempt, ident, populate_existing=True).state in (AttemptState.PAID, AttemptState.PENDING, AttemptState.HELD):
            ctx.count("found")
        ctx.progress(done, len(ids))
    if gone := tidy():
        ctx.count("removed", gone)


def tidy() -> int:
    """Messages name payers, and attempts that were never paid tell nothing any more: both go after half a year. A message that is played
    again later is older than what is believed, so nothing rests on remembering it. Returns how many rows went."""
    before = clock.now() - KEPT
    never = select(Attempt.id).where(Attempt.state.in_((*LOOSE, AttemptState.FAILED)), Attempt.created_at < before, ~Attempt.captures.any(), ~exists().where(Case.attempt_id == Attempt.id))
    with transaction() as session:
        gone = session.execute(delete(PayPalMessage).where(PayPalMessage.received_at < before, PayPalMessage.state != MessageState.OPEN).execution_options(synchronize_session=False))
        also = session.execute(delete(Attempt).where(Attempt.id.in_(never)).execution_options(synchronize_session=False))
        return int(gone.rowcount + also.rowcount)      # type: ignore[attr-defined]


def _ask(ids: object) -> list[str]:
    problems = []
    for ident in ids:       # type: ignore[attr-defined]
        try:
            ask(ident)
        except PayPalError as error:
            problems.append(f"{db.session.get_one(Attempt, ident)}: {error.words}")
            if error.status is None:
                break                   # it does not answer: not five hundred times
        except DomainError as error:
            problems.append(f"{db.session.get_one(Attempt, ident)}: {error}")
    return problems


def show_if_stuck(attempt_id: int) -> None:
    """What has had no answer for too long is shown to staff, who may ask again or settle it by hand."""
    with transaction() as session:
        row = session.get_one(Attempt, attempt_id, populate_existing=True)
        limit = STUCK_AFTER.get(row.state)
        if limit is None or (row.request_at or row.created_at) > clock.now() - limit:
            return
        capture = session.scalar(select(Capture).where(Capture.attempt_id == row.id).order_by(Capture.id.desc()).limit(1))
        why = PENDING_WORDS.get(capture.reason, capture.reason) if capture is not None and capture.reason else row.problem
        text = _l("PayPal has not said what became of %(name)s: %(why)s", name=row, why=why or "–") if row.state is AttemptState.CAPTURING else \
            _l("PayPal still holds the money of %(name)s: %(why)s", name=row, why=why or "–")
        open_case(session, f"stuck:{row.id}", CaseKind.STUCK, text, attempt=row, capture=capture, goes_on=True)


def give_up(row: Attempt, note: str) -> None:
    """Staff has looked in the PayPal account: nothing was paid. Should PayPal say otherwise later, it is booked all the same."""
    note = " ".join(note.split())
    if not 3 <= len(note) <= 500:
        raise InvalidInput(_("Say in 3 to 500 characters what you found in the PayPal account."), "note")
    with transaction() as session:
        session.refresh(row, with_for_update=True)
        row.move_to(AttemptState.FAILED)
        row.problem = _("Our staff has looked at PayPal: nothing was paid.")
        record(ProtocolKind.BILLING, "given_up", subject_type="paypal_attempt", subject_id=row.id, subject=str(row), customer_id=row.customer_id, note=note)
