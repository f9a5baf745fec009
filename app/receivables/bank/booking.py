"""Books the lines of released files: money that came becomes a payment, what banks say of direct debits is announced.

Each line is a transaction of its own and names its payment: a run that is killed goes on where it stood.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import clock
from app.core.apart import apart
from app.core.db import db, transaction
from app.core.errors import DomainError, InvalidInput
from app.core.events import publish
from app.core.formats import day
from app.customers.models import Customer
from app.receivables.bank.gaps import complete_to, told
from app.receivables.bank.payers import Payer, payer_of, remember_account
from app.receivables.bank.refunded import confirm, refunds_of
from app.receivables.bank_models import BankAccount, BankFile, BankLine, LineState
from app.receivables.events import DebitReturned, DebitsCredited
from app.receivables.intakes import mark_read
from app.receivables.payments import record_payment
from app.receivables.refund_models import Refund

METHOD = "bank"
INTAKE = "bank"
AT_ONCE = 1000          # lines that a person waits for; the hourly run books the rest


@dataclass(frozen=True, slots=True)
class Plan:
    """What a line will become. `kind`: "payment", "return", "collection", "refund" (that was recorded), "look" (a person has to) or "nothing"."""

    kind: str
    payer: Payer | None = None
    why: Any = ""
    refund: Refund | None = None


def plan(session: Session, line: BankLine) -> Plan:
    """Nothing is changed."""
    if line.amount < 0:
        if line.returned:
            return Plan("return")
        return Plan("look", why=_("The bank takes an earlier credit back.")) if line.reversal else _went(session, line)
    if line.reason_code or line.reversal:
        return Plan("look", why=_("Money of yours that came back: no payment of a customer."))
    if line.bank_code.startswith("PMNT/IDDT/"):
        return Plan("collection")
    if line.parts == 0 and line.bank_code.startswith("PMNT/RCDT/") and not line.party:
        return Plan("look", why=_("Several payments in one sum. Take the file in that tells its parts (camt.054), or book it as a payment."))
    return Plan("payment", payer_of(session, line.amount, line.currency, line.booked_on, f"{line.text} {line.end_to_end_id}", line.party_iban))


def _went(session: Session, line: BankLine) -> Plan:
    """Money that went: a refund that was recorded, else nothing of a customer's."""
    found = refunds_of(session, line)
    if len({refund.customer_id for refund in found}) > 1:
        return Plan("look", why=_("Refunds of several customers fit: %(names)s.", names=", ".join(str(refund.customer) for refund in found[:5])))
    return Plan("refund", refund=found[0]) if found else Plan("nothing")


def release() -> int:
    """A person has seen what waits: from now on it may be booked."""
    with transaction() as session:
        files = session.scalars(select(BankFile).where(BankFile.released_at.is_(None)).with_for_update()).all()
        for file in files:
            file.released_at = clock.now()
        session.flush()
        tell_age(session)
        return len(files)


def tell_age(session: Session) -> None:
    """The hourly chain hears how old the bank data is: of the account that is furthest behind. What comes after a missing statement does not count."""
    newest = {ident: complete_to(rows) for ident, rows in told(session, released=True).items()}
    ages = [newest.get(ident) for ident in session.scalars(select(BankAccount.id).where(BankAccount.active))]
    if ages and all(age is not None for age in ages):
        mark_read(INTAKE, min(age for age in ages if age is not None))


def book_new(most: int | None = None) -> dict[str, int]:
    """Book what was released and is new, oldest first. Returns how many lines became what; those that "failed" stay new with the
    reason, and are tried again by the next run."""
    query = (select(BankLine.id).join(BankFile, BankFile.id == BankLine.file_id)
             .where(BankLine.state == LineState.NEW, BankFile.released_at.is_not(None)).order_by(BankLine.booked_on, BankLine.id))
    counts: dict[str, int] = {}
    for ident in db.session.scalars(query if most is None else query.limit(most)).all():
        became = ["failed"]
        with apart(f"bank line {ident}", partial(_not_booked, ident)):
            became.append(book_line(ident).value)
        counts[became[-1]] = counts.get(became[-1], 0) + 1
    return counts


def _not_booked(ident: int, why: str) -> None:
    with transaction() as session:
        session.execute(update(BankLine).where(BankLine.id == ident, BankLine.state == LineState.NEW).values(note=why))


def book_line(ident: int) -> LineState:
    """One line, once. What cannot be booked waits with the reason."""
    with transaction() as session:
        line = session.get_one(BankLine, ident, with_for_update=True, populate_existing=True)
        if line.state is not LineState.NEW:
            return line.state
        _carry_out(session, line, plan(session, line))
        return line.state


def _carry_out(session: Session, line: BankLine, planned: Plan) -> None:
    line.state, line.note = LineState.OPEN, str(planned.why)
    if planned.kind == "nothing":
        line.state = LineState.NOTED
    elif planned.refund is not None:
        confirm(session, line, planned.refund)
    elif planned.kind in ("return", "collection"):
        hand_over(session, line)
    elif planned.kind == "payment":
        try:
            with transaction():
                _pay(session, line, planned.payer)
        except DomainError as error:
            session.refresh(line)
            line.state, line.note = LineState.OPEN, str(error)
    session.flush()


def _pay(session: Session, line: BankLine, payer: Payer | None) -> None:
    customer = session.get_one(Customer, payer.customer_id) if payer else None
    payment = record_payment(
        f"bank:{line.account_id}:{line.checksum}:{line.occurrence}", customer, line.amount, line.currency, line.booked_on, METHOD, payment_text(line), line.party[:120],
        for_prepaid=payer.for_prepaid if payer else False)
    line.state, line.payment_id, line.note = LineState.PAYMENT, payment.id, ""
    session.flush()
    if payer and line.party_iban:
        remember_account(session, payer.customer_id, line.party_iban, line.booked_on)


def payment_text(line: BankLine) -> str:
    """The payer's text, and the id he gave where it says more than that."""
    text = line.text if line.end_to_end_id in line.text else f"{line.text} {line.end_to_end_id}"
    return " ".join(text.split())[:200]


def hand_over(session: Session, line: BankLine) -> bool:
    """Announce what the line says of direct debits; True when somebody took it. What he refuses is kept as the reason."""
    line.state = LineState.OPEN
    session.flush()
    try:
        with transaction():
            publish(_event(line))
    except DomainError as error:
        session.refresh(line)
        line.note = str(error)
    session.refresh(line)
    return line.state is LineState.TAKEN


def _event(line: BankLine) -> DebitReturned | DebitsCredited:
    key, source = f"bank:{line.account_id}:{line.checksum}:{line.occurrence}", f"{line.source} {line.file.message_id}"[:120]
    if line.amount > 0:
        return DebitsCredited(line.id, key, source, line.account.number, line.collection_id, line.end_to_end_id, line.mandate_id, line.amount, line.currency, line.booked_on)
    original = line.original if line.original is not None else -line.amount - line.fee if -line.amount > line.fee else -line.amount
    return DebitReturned(line.id, key, source, line.account.number, line.end_to_end_id, line.mandate_id, line.instruction_id, line.party, line.party_iban, original, line.fee,
                         line.currency, line.reason_code, line.reason_text, line.booked_on)


# ---- what others and people say of a line ------------------------------------------------------------------------


def take(line_id: int, note: str = "", payment_id: int | None = None) -> None:
    """Of the reaction to `DebitReturned` or `DebitsCredited`: it is booked, nobody has to look. `payment_id`: the payment it is about."""
    with transaction() as session:
        line = session.get_one(BankLine, line_id, with_for_update=True)
        if line.state not in (LineState.OPEN, LineState.NEW):
            return
        line.state, line.note, line.payment_id = LineState.TAKEN, note[:1000], payment_id or line.payment_id
        session.flush()


def settle(line: BankLine, note: str) -> None:
    """A person has dealt with it elsewhere and says how."""
    note = " ".join(note.split())
    if not 1 <= len(note) <= 1000:
        raise InvalidInput(_("Say in 1 to 1000 characters what the line is."), "note")
    with transaction() as session:
        _open_one(session, line)
        line.state, line.note = LineState.CLEARED, note


def book_as_payment(line: BankLine) -> None:
    """A person says that it is a payment after all; it goes to its customer, or waits under “Clearing”."""
    with transaction() as session:
        _open_one(session, line)
        if line.amount <= 0:
            raise InvalidInput(_("No money came in here."))
        _pay(session, line, payer_of(session, line.amount, line.currency, line.booked_on, f"{line.text} {line.end_to_end_id}", line.party_iban))


def announce_again(line: BankLine) -> None:
    """Once more to whoever knows direct debits, for example after a plugin was switched on. Raises InvalidInput when nobody took it."""
    with transaction() as session:
        _open_one(session, line)
        if not hand_over(session, line):
            raise InvalidInput(line.note or _("Nobody knows this direct debit of %(day)s.", day=day(line.booked_on)))


def is_debit(line: BankLine) -> bool:
    return line.returned or (line.amount > Decimal(0) and line.bank_code.startswith("PMNT/IDDT/"))


def _open_one(session: Session, line: BankLine) -> None:
    session.refresh(line, with_for_update=True)
    if line.state is not LineState.OPEN:
        raise InvalidInput(_("This line was dealt with already."))
