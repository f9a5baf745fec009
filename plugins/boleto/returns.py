"""Takes in return files: each file once, each event once; what nobody knows into the list to be cleared."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.plugin_api import Conflict, InvalidInput, clock, db, from_cents, transaction
from app.receivables.intakes import mark_read
from app.system import documents
from app.system.models import DocumentKind
from app.system.uploads import shown_name
from plugins.boleto.agreements import of_account
from plugins.boleto.booking import book
from plugins.boleto.cnab import reading
from plugins.boleto.cnab.reading import BadCnab, CnabFile, paid_cents
from plugins.boleto.models import EventState, ReturnEvent, ReturnFile

KEYED = ("conta", "nosso_numero", "carteira", "ocorrencia", "data_ocorrencia", "data_credito", "valor_titulo", "valor_pago", "valor_principal", "tarifa", "motivos", "banco_cobrador", "agencia_cobradora")


@dataclass
class Taken:
    booked: int = 0
    look: int = 0
    to_clear: int = 0
    known: int = 0
    paid: Decimal = Decimal(0)


def take_in(name: str, data: bytes) -> Taken:
    """Raises InvalidInput for what is no whole return of a bank that we have an agreement with, Conflict for a file that was read
    before. A file that stops half way can be handed in again: it is marked as read at the end, and its events are booked once."""
    found = check(data)
    digest = hashlib.sha256(data).hexdigest()
    known = db.session.scalar(select(ReturnFile).where(ReturnFile.sha256 == digest))
    if known is not None:
        raise Conflict(_("This file was read before, as “%(name)s”. Nothing was booked again.", name=known.file_name), "file")
    taken, seen = Taken(), Counter[str]()
    source = shown_name(name)[:120]
    for record in found.records:
        facts = "|".join(str(record.get(field, "")) for field in KEYED)
        seen[facts] += 1        # two equal lines of one file are two events
        key = f"cnab:{found.bank}:{hashlib.sha256(f'{facts}|{seen[facts]}'.encode()).hexdigest()[:40]}"
        row, new = store(key, source, found, record)
        if not new and row.state is not EventState.OPEN:
            taken.known += 1
            continue
        row = book(row.id)
        taken.paid += row.paid if new and row.payment_id else Decimal(0)
        taken.booked += row.state is EventState.DONE
        taken.look += row.state is EventState.LOOK
        taken.to_clear += row.state is EventState.OPEN
    _mark_read(source, data, digest, found)
    mark_read("boleto")
    return taken


def check(data: bytes) -> CnabFile:
    """A whole return of one of our banks, or InvalidInput that says what it is instead."""
    try:
        found = reading.read(data)
    except BadCnab as problem:
        raise InvalidInput({"empty": _("The file is empty."), "large": _("The file is too large."), "text": _("This is no text file."),
                            "bank": _("Returns in CNAB 400 of bank %(bank)s cannot be read; ask it for CNAB 240.", bank=problem.detail)}.get(
                                problem.why, _("This is no return file: CNAB has lines of 240 or 400 characters.")), "file") from problem
    if found.kind != reading.RETURN:
        raise InvalidInput(_("This is a remittance (a file to the bank), not a return."), "file")
    if not of_account(found.bank, ""):
        raise InvalidInput(_("The file is of bank %(bank)s; there is no agreement with it.", bank=found.bank), "file")
    if not found.complete:
        raise InvalidInput({"trailer": _("The file is cut off: its last record is missing. Fetch it again; nothing was booked."),
                            "count": _("The file is not whole: its trailer counts other records than are there. Nothing was booked.")}.get(
                                found.problem, _("The file is not whole: to a record of a boleto its second part is missing. Nothing was booked.")), "file")
    accounts = {str(record.get("conta", "")).lstrip("0") for record in found.records}
    if found.records and not any(account and of_account(found.bank, account) for account in accounts):
        raise InvalidInput(_("The file is of another account (%(accounts)s).", accounts=", ".join(sorted(accounts))[:60]), "file")
    return found


def store(key: str, source: str, found: CnabFile, record: dict[str, Any]) -> tuple[ReturnEvent, bool]:
    """The row of an event, and whether it is new."""
    on = record.get("data_ocorrencia") or record.get("data_credito") or found.made_on or clock.today()
    values = {"source": source, "bank": found.bank, "account": str(record.get("conta", ""))[:20], "width": found.width, "movement": str(record.get("ocorrencia", ""))[:2], "reasons": str(record.get("motivos", ""))[:20],
              "number": str(record.get("nosso_numero", ""))[:30], "document": str(record.get("seu_numero", ""))[:30], "on": min(on, clock.today()), "credited_on": record.get("data_credito"),
              "amount": from_cents(record.get("valor_titulo", 0)), "paid": from_cents(paid_cents(record)), "fee": from_cents(record.get("tarifa", 0)), "raw": str(record["raw"])}
    known = db.session.scalar(select(ReturnEvent).where(ReturnEvent.key == key))
    if known is not None:
        return known, False
    try:
        with transaction() as session:
            row = ReturnEvent(key=key, **values)
            session.add(row)
            session.flush()
            return row, True
    except IntegrityError:      # handed in twice at the same moment
        return db.session.scalars(select(ReturnEvent).where(ReturnEvent.key == key)).one(), False


def _mark_read(name: str, data: bytes, digest: str, found: CnabFile) -> None:
    db.session.commit()
    stored = documents.put(data, "text/plain")
    made_on: date | None = found.made_on
    try:
        with transaction() as session:
            document = documents.add(stored, DocumentKind.UPLOAD, f"boleto/{clock.today():%Y-%m}", _("Return of bank %(bank)s", bank=found.bank), name, "text/plain")
            session.add(ReturnFile(sha256=digest, file_name=name, bank=found.bank, made_on=made_on, document_id=document.id))
    except IntegrityError:
        documents.discard(stored)
