"""Files for the bank: everything that is to be told goes into one, once."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, selectinload

from app.plugin_api import InvalidInput, among, clock, current_actor, db, transaction
from app.receivables.models import OpenItem
from app.receivables.queries import lock_accounts_in_order
from app.system.models import ProtocolKind
from app.system.protocol import record
from plugins.boleto import slips
from plugins.boleto.banks import bank
from plugins.boleto.cnab import remittance as files
from plugins.boleto.cnab.writing import CANCEL, DUE, ENTRY, Company, Title, TooLong
from plugins.boleto.models import (
    Agreement,
    Order,
    OrderKind,
    OrderState,
    Remittance,
    RemittanceFile,
    Slip,
    SlipState,
)

MOST = 5000         # boletos in a file
MOVEMENTS = {OrderKind.ENTRY: ENTRY, OrderKind.CANCEL: CANCEL, OrderKind.DUE: DUE}


@dataclass(slots=True)
class Made:
    """`held`: (boleto, why) of what a bank would refuse; it waits. `dropped`: what needs no boleto any more."""

    remittance: Remittance | None = None
    held: list[tuple[str, str]] = field(default_factory=list)
    dropped: int = 0


def planned(agreement_id: int) -> Sequence[Order]:
    """What the bank is to be told next, with its boletos."""
    query = (select(Order).join(Order.slip).where(Order.state == OrderState.PLANNED, Slip.agreement_id == agreement_id).order_by(Order.id).limit(MOST)
             .options(contains_eager(Order.slip)))
    return db.session.scalars(query).all()


def _lock_slips(session: Session, orders: Sequence[Order]) -> Sequence[Slip]:
    """The boletos of the orders as they are now, locked, with their customers. While the caller keeps them, `order.slip` is one of them."""
    query = select(Slip).where(among(Slip.id, {order.slip_id for order in orders})).order_by(Slip.id).options(selectinload(Slip.customer), selectinload(Slip.open_item))
    return session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()


def remit(agreement: Agreement) -> Made:
    """Write the next file of an agreement. Raises InvalidInput when there is nothing to tell."""
    with transaction() as session:
        lock_accounts_in_order(session, {order.slip.customer_id for order in planned(agreement.id)})
        row = slips.lock_agreement(session, agreement.id)
        orders, made = planned(row.id), Made()
        locked = _lock_slips(session, orders)
        owed: dict[int, Decimal] = dict(session.execute(select(OpenItem.id, OpenItem.open).where(among(OpenItem.id, {slip.open_item_id for slip in locked}))).all())
        go: list[tuple[Order, Title]] = []
        for order in orders:
            if _stale(order, owed[order.slip.open_item_id]):
                made.dropped += 1
            elif problem := payer_problem(order.slip):
                made.held.append((str(order.slip), problem))
            else:
                go.append((order, _title(order)))
        if go:
            made.remittance = _write(session, row, go)
        elif not made.held and not made.dropped:
            raise InvalidInput(_("There is nothing to tell the bank."))
        return made


def _stale(order: Order, owed: Decimal) -> bool:
    """An entry whose demand is settled goes with its boleto; instructions for a boleto that is not open any more go alone."""
    slip = order.slip
    if order.kind is OrderKind.ENTRY and slip.state is SlipState.NEW and owed > 0:
        return False
    if order.kind is not OrderKind.ENTRY and slip.state in (SlipState.SENT, SlipState.REGISTERED) and (order.kind is OrderKind.CANCEL or owed > 0):
        return False
    order.state = OrderState.WITHDRAWN
    if order.kind is OrderKind.ENTRY and slip.state is SlipState.NEW:
        slip.move_to(SlipState.VOID)
    return True


def payer_problem(slip: Slip) -> str:
    """What a bank refuses, said before: facts of the customer as they are now; empty: nothing."""
    if slip.state is SlipState.NEW:
        slip.payer = slips.payer_facts(slip.customer)
    payer = slip.payer
    if len(payer["tax_id"]) not in (11, 14):
        return _("the customer's CPF or CNPJ is missing")
    if len(payer["postcode"]) != 8:
        return _("the customer's CEP does not have 8 digits")
    if not payer["street"] or not payer["city"] or len(payer["region"]) != 2:
        return _("street, city or state of the customer is missing")
    if slip.state is SlipState.NEW and slip.is_part_paid:
        return _("its demand was paid in part: make a new boleto over the rest")
    if slip.state is SlipState.NEW and slip.due_on < clock.today():
        return _("it is overdue: change its due date first")
    return ""


def company(row: Agreement) -> Company:
    return Company(row.bank, bank(row.bank).name, row.tax_id, row.beneficiary, row.agency, row.agency_digit, row.account, row.account_digit, row.wallet, row.agreement,
                   row.transmission, row.post, row.kind)


def _title(order: Order) -> Title:
    slip, payer = order.slip, order.slip.payer
    return Title(MOVEMENTS[order.kind], slip.body, slip.full[len(slip.body):], slip.document[-10:], str(slip.id), order.due_on or slip.due_on, slip.issued_on, slip.amount, slip.fine_percent,
                 slip.interest_percent, payer["tax_id"], payer["name"], payer["street"], payer["postcode"], payer["city"], payer["region"], slip.agreement.species)


def _write(session: Session, row: Agreement, go: list[tuple[Order, Title]]) -> Remittance:
    titles, us, number = [title for _order, title in go], company(row), row.next_file
    made_at = clock.local()
    try:
        data = files.write(row.layout, us, titles, number, made_at)
    except (TooLong, KeyError) as problem:
        raise InvalidInput(_("The file cannot be written: %(why)s.", why=problem)) from problem
    if not files.says(data, us, titles):
        raise InvalidInput(_("The file does not say what was to be told. It was not made; please report this."))
    row.next_file = number + 1
    made = Remittance(agreement=row, number=number, count=len(go), total=sum((title.amount for title in titles if title.movement == ENTRY), Decimal(0)), made_at=clock.now(),
                      made_by=current_actor().name[:80])
    session.add(made)
    session.flush()
    digest = hashlib.sha256(data).hexdigest()
    session.add(RemittanceFile(remittance_id=made.id, data=zlib.compress(data), sha256=digest))
    for order, _title_of in go:
        order.remittance_id, order.state = made.id, OrderState.SENT
        if order.kind is OrderKind.ENTRY:
            order.slip.move_to(SlipState.SENT)
    record(ProtocolKind.BILLING, "exported", subject_type="boleto_remittance", subject_id=made.id, subject=str(made), note=f"{made.count} / {made.total} BRL, SHA-256 {digest}")
    session.flush()
    return made


def download(made: Remittance, reason: str = "") -> bytes:
    """The stored file. Once as it is; again only with a reason, which is kept."""
    with transaction() as session:
        session.refresh(made, with_for_update=True)
        found = session.get_one(RemittanceFile, made.id)
        reason = " ".join(reason.split())
        if made.downloads and not 5 <= len(reason) <= 500:
            raise InvalidInput(_("The file was downloaded before. Say in 5 to 500 characters why it is needed again, and make sure that the bank does not get it twice."), "reason")
        data = zlib.decompress(found.data)
        if hashlib.sha256(data).hexdigest() != found.sha256:
            raise InvalidInput(_("The stored file was changed. Restore it from a backup; do not hand it to the bank."))
        made.downloads += 1
        record(ProtocolKind.BILLING, "downloaded", subject_type="boleto_remittance", subject_id=made.id, subject=str(made), note=reason)
    return data
