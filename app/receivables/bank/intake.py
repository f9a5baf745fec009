"""Takes files of banks in: archived, every line stored once, nothing booked before a person has seen it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.billing.invoice_settings import iban as iban_rules
from app.core import clock
from app.core.actor import current_actor
from app.core.db import db, transaction
from app.core.errors import Conflict, InvalidInput
from app.core.formats import instant
from app.receivables.bank import camt
from app.receivables.bank.lines import Known, Line, News, groups_of, news, storable
from app.receivables.bank.xml import MOST_BYTES
from app.receivables.bank_models import BankAccount, BankFile, BankLine, BankStatement, LineState
from app.system import documents
from app.system.models import DocumentKind
from app.system.retention import BOOKS, retain_until
from app.system.settings import setting
from app.system.uploads import BAD_ZIP, shown_name

MOST_FILES = 200                    # in one archive


def unpack(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """The file, or the XML files of a ZIP archive, which is what many banks offer. Raises InvalidInput."""
    if not data.startswith(b"PK\x03\x04"):
        yield name, data
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST_FILES or sum(member.file_size for member in members) > 5 * MOST_BYTES:
                raise InvalidInput(_("The archive “%(name)s” is too large: at most %(n)s files, together %(mb)s MB.", name=name, n=MOST_FILES, mb=5 * MOST_BYTES // 1024 // 1024), "file")
            for member in members:
                with archive.open(member) as handle:
                    content = handle.read(MOST_BYTES + 1)
                yield member.filename, content
    except BAD_ZIP as error:
        raise InvalidInput(_("The archive “%(name)s” is damaged or has a password.", name=name), "file") from error


def take_file(name: str, data: bytes) -> BankFile:
    """Store a file and those of its lines that no other file brought before. Raises InvalidInput, Conflict (the same file
    was taken in) or StoreError; then nothing is kept."""
    message = camt.read(data)
    if message.kind == "camt.052":
        raise InvalidInput(_("This is an intraday report (camt.052): its lines may still change. Use the statement (camt.053) or the notification (camt.054)."), "file")
    checksum = hashlib.sha256(data).hexdigest()
    _refuse_known(db.session(), checksum)
    own = _accounts(db.session())
    for report in message.reports:
        _account_of(own, report)        # before anything is written
    shown = shown_name(name)
    db.session.rollback()
    stored = documents.put(data, "application/xml")
    try:
        with transaction() as session:
            _refuse_known(session, checksum)
            today = clock.today()
            document = documents.add(stored, DocumentKind.UPLOAD, f"Bank/{today:%Y}", f"{message.kind} {message.id}", shown, "application/xml", retain_until=retain_until(BOOKS, today))
            file = BankFile(sha256=checksum, file_name=shown, message=message.name[:20], message_id=message.id[:70], document=document, by=current_actor().name[:80])
            session.add(file)
            session.flush()
            own = _accounts(session, create=True)
            for report in message.reports:
                _take_report(session, file, message, report, _account_of(own, report))
            return file
    except IntegrityError as error:
        documents.discard(stored)
        raise Conflict(_("This file is being taken in already."), "file") from error
    except BaseException:
        documents.discard(stored)
        raise


def _refuse_known(session: Session, checksum: str) -> None:
    if (known := session.scalar(select(BankFile).where(BankFile.sha256 == checksum))) is not None:
        raise Conflict(_("This file was taken in on %(when)s. Nothing was changed.", when=instant(known.at)), "file")


def _accounts(session: Session, create: bool = False) -> dict[str, BankAccount]:
    """Own accounts by number; that of the company's settings is one of them."""
    found = {account.number: account for account in session.scalars(select(BankAccount).where(BankAccount.active))}
    number = iban_rules.compact(setting("company.iban"))
    if number and number not in found and session.scalar(select(BankAccount.id).where(BankAccount.number == number)) is None:
        found[number] = BankAccount(title=(setting("company.bank") or _("Main account"))[:50] + f" …{number[-4:]}", number=number)
        if create:
            session.add(found[number])
            session.flush()
    return found


def _account_of(own: dict[str, BankAccount], report: camt.Report) -> BankAccount:
    if (account := own.get(report.account.upper())) is None:
        raise InvalidInput(_("The file is about the account %(number)s, which is none of yours. Add it under “Bank accounts” first.", number=report.account or "?"), "file")
    return account


def _take_report(session: Session, file: BankFile, message: camt.Message, report: camt.Report, account: BankAccount) -> None:
    groups = groups_of(message, report)
    session.execute(select(BankAccount.id).where(BankAccount.id == account.id).with_for_update())      # two files at once tell the same lines
    lines = [line for group in groups for line in group]
    found = news(groups, _stored(session, account, lines))
    _write(session, file, account, found)
    file.seen += len(lines)
    file.known += len(found.known)
    opening, closing, sums = report.opening, report.closing, report.difference
    adds_up = None if sums is None else sums[0] == sums[1]
    session.add(BankStatement(
        file=file, account=account, number=report.number[:40], currency=report.currency or (closing.currency if closing else ""),
        opening=_signed(opening), closing=_signed(closing), closing_on=closing.at.day if closing else None, adds_up=adds_up,
        complete_to=_complete_to(message, report) if message.kind == "camt.053" and adds_up is not False else None))
    session.flush()


def _signed(balance: camt.Balance | None) -> Decimal | None:
    if balance is None:
        return None
    storable(balance.amount)
    return balance.signed


def _complete_to(message: camt.Message, report: camt.Report) -> datetime | None:
    """Up to when a statement tells everything: when it was made, at the latest the end of the day of its closing balance."""
    made = report.created.text or message.created.text
    try:
        moment = datetime.fromisoformat(made) if made else None
    except ValueError:
        moment = None
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=clock.zone())
    if report.closing is not None and report.closing.at.day is not None:
        end = datetime.combine(report.closing.at.day, time(23, 59, 59), tzinfo=clock.zone())
        moment = end if moment is None else min(moment, end)
    try:
        return None if moment is None else min(moment.astimezone(UTC), clock.now())
    except OverflowError as error:
        raise InvalidInput(_("“%(text)s” is no day (%(where)s).", text=made[:30], where="CreDtTm"), "file") from error


def _stored(session: Session, account: BankAccount, lines: list[Line]) -> list[Known]:
    if not lines:
        return []
    days = [line.booked_on for line in lines]
    rows = session.execute(select(BankLine.id, BankLine.checksum, BankLine.occurrence, BankLine.source, BankLine.bank_reference, BankLine.entry_amount, BankLine.parts,
                                  BankLine.booked_on, BankLine.amount, BankLine.currency)
                           .where(BankLine.account_id == account.id, BankLine.booked_on.between(min(days), max(days))).order_by(BankLine.id))
    return [Known(*row) for row in rows]      # type: ignore[call-arg]


def _write(session: Session, file: BankFile, account: BankAccount, found: News) -> None:
    fresh = list(found.fresh)
    for row, parts in found.told_as_sum:
        line = session.get_one(BankLine, row.id, with_for_update=True, populate_existing=True)
        if line.state in (LineState.NEW, LineState.OPEN) or (line.state is LineState.NOTED and not any(part.returned for part in parts)):
            line.state, line.replaced_by_id, line.note = LineState.REPLACED, file.id, ""
            fresh += [(part, _occurrence(session, account, part, [n for other, n in fresh if other.checksum == part.checksum])) for part in parts]
        else:
            file.known += len(parts)        # the sum is booked already
    for part, occurrence in fresh:
        values = {name: getattr(part, name) for name in part.__slots__}
        session.add(BankLine(file=file, account=account, checksum=part.checksum, occurrence=occurrence, state=LineState.NEW, **values))
    session.flush()


def _occurrence(session: Session, account: BankAccount, part: Line, taken: list[int]) -> int:
    used = list(session.scalars(select(BankLine.occurrence).where(BankLine.account_id == account.id, BankLine.checksum == part.checksum)))
    return max([*used, *taken], default=-1) + 1


def discard_pending() -> int:
    """Forget the files that nobody released: their lines, too. The archived files stay."""
    with transaction() as session:
        ids = list(session.scalars(select(BankFile.id).where(BankFile.released_at.is_(None)).with_for_update()))
        if ids:
            gone = select(BankLine.id).where(BankLine.file_id.in_(ids))
            if session.scalar(gone.where(BankLine.state.not_in((LineState.NEW, LineState.REPLACED))).limit(1)) is not None:
                raise Conflict(_("Some of these lines are booked already. Book the rest."))
            session.execute(delete(BankLine).where(BankLine.file_id.in_(ids)))
            session.execute(update(BankLine).where(BankLine.replaced_by_id.in_(ids)).values(state=LineState.NEW, replaced_by_id=None))
            session.execute(delete(BankStatement).where(BankStatement.file_id.in_(ids)))
            session.execute(delete(BankFile).where(BankFile.id.in_(ids)))
        return len(ids)
