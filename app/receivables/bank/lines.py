"""From the messages of banks to lines with a checksum each, and which of them are told for the second time. Pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from app.core.errors import InvalidInput
from app.core.money import LIMIT, to_cents
from app.receivables.bank.camt import CREDIT, Entry, Message, Report, Transaction

NOT_GIVEN = {"", "NOTPROVIDED", "NONREF", "NOTAVAILABLE"}
TEXT_COMPARED = 60


@dataclass(frozen=True, slots=True)
class Line:
    """A booked line or a part of one. `amount` is positive for money that came. `parts` 0: the bank told no parts at all."""

    source: str
    bank_reference: str
    entry_amount: Decimal
    parts: int
    booked_on: date
    amount: Decimal
    currency: str
    fee: Decimal = Decimal(0)
    original: Decimal | None = None
    party: str = ""
    party_iban: str = ""
    text: str = ""
    end_to_end_id: str = ""
    mandate_id: str = ""
    instruction_id: str = ""
    collection_id: str = ""
    bank_code: str = ""
    returned: bool = False
    reversal: bool = False
    reason_code: str = ""
    reason_text: str = ""

    @property
    def is_sum(self) -> bool:
        """Several bookings in one amount, or nothing told that would say which."""
        return self.parts == 0

    @property
    def checksum(self) -> str:
        """Of what the same booking says in every file: day, amount, both ends; the text when there is no id of the payer."""
        by = self.end_to_end_id if self.end_to_end_id else "".join(c for c in self.text.upper() if c.isalnum())[:TEXT_COMPARED]
        said = (self.booked_on.isoformat(), f"{self.amount:.2f}", self.currency, self.party_iban, by, self.reason_code)
        return hashlib.sha256("\x1f".join(said).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Known:
    """A line that is stored."""

    id: int
    checksum: str
    occurrence: int
    source: str
    bank_reference: str
    entry_amount: Decimal
    parts: int
    booked_on: date
    amount: Decimal
    currency: str


@dataclass(slots=True)
class News:
    """`fresh`: (line, occurrence); `known`: told before; `told_as_sum`: (stored sum, the parts that it consists of)."""

    fresh: list[tuple[Line, int]] = field(default_factory=list)
    known: list[Line] = field(default_factory=list)
    told_as_sum: list[tuple[Known, list[Line]]] = field(default_factory=list)


def groups_of(message: Message, report: Report) -> list[list[Line]]:
    """Per booked entry its parts. Entries that are expected or only information are left out: they may still change.

    Raises InvalidInput where an entry cannot be stored.
    """
    return [_parts(message.kind, entry) for entry in report.entries if entry.is_booked and entry.amount]


def _parts(kind: str, entry: Entry) -> list[Line]:
    if entry.booked.day is None:
        raise InvalidInput(_l("A booked line of %(amount)s has no booking day.", amount=f"{entry.amount} {entry.currency}"), "file")
    sign = 1 if entry.sign == CREDIT else -1
    whole = sign * storable(entry.amount)
    found = entry.transactions
    if len(found) > 1 and not _told(entry, sum((t.amount.amount * (-1 if (t.sign or entry.sign) != entry.sign else 1) for t in found if t.amount), Decimal(0))):
        found = ()      # the parts do not make up the sum, or are in another currency: only the sum is certain
    if not found:
        return [_line(kind, entry, Transaction(), whole, whole, 0)]
    if len(found) == 1:
        return [_line(kind, entry, found[0], whole, whole, 1)]
    return [_line(kind, entry, t, (sign if (t.sign or entry.sign) == entry.sign else -sign) * storable(t.amount.amount), whole, len(found)) for t in found if t.amount and t.amount.amount]


def _told(entry: Entry, parts: Decimal) -> bool:
    return parts == entry.amount and all(t.amount is not None and t.amount.currency == entry.currency for t in entry.transactions)


def storable(amount: Decimal) -> Decimal:
    """The amount itself. Raises InvalidInput when the database has no place for it."""
    try:
        to_cents(amount)
    except ValueError as error:
        raise InvalidInput(_l("An amount has more than two decimals: %(amount)s.", amount=str(amount)), "file") from error
    if amount > LIMIT:
        raise InvalidInput(_l("An amount is too large to be stored: %(amount)s.", amount=str(amount)), "file")
    return amount


def _line(kind: str, entry: Entry, part: Transaction, amount: Decimal, whole: Decimal, parts: int) -> Line:
    assert entry.booked.day is not None
    came = amount > 0
    returned = entry.is_returned_debit(part)
    # A debit of ours that comes back names us as creditor: the other side is the debtor then, too.
    by_debtor = came or (returned and bool(part.debtor or part.debtor_iban))
    party, iban = (part.debtor, part.debtor_iban) if by_debtor else (part.creditor, part.creditor_iban)
    end_to_end = "" if part.end_to_end_id.upper() in NOT_GIVEN else part.end_to_end_id
    text = " ".join(" ".join((part.remittance, part.creditor_reference)).split()) or entry.info
    original = part.original_amount
    return Line(
        source=kind, bank_reference=(part.bank_reference or entry.bank_reference)[:140], entry_amount=whole, parts=parts, booked_on=entry.booked.day, amount=amount,
        currency=entry.currency, fee=storable(part.fee), original=storable(original) if original is not None else None, party=" ".join(party.split())[:140], party_iban=iban[:34],
        text=text[:1000], end_to_end_id=end_to_end[:70], mandate_id=part.mandate_id[:70], instruction_id=part.instruction_id[:70],
        collection_id=(part.collection_id or entry.collection_id)[:70], bank_code=entry.bank_code[:40], returned=returned, reversal=bool(entry.reversal),
        reason_code=part.return_reason[:40], reason_text=part.return_text[:500])


def news(groups: Sequence[Sequence[Line]], stored: Iterable[Known]) -> News:
    """What of the groups (one per entry) is not stored yet.

    Two lines with the same checksum are one booking, unless one file holds both, or files of one kind give them different
    references of the bank. A sum and its parts, told by different files, are one booking as well: same day and amount.
    """
    left: dict[str, list[Known]] = defaultdict(list)
    used: dict[str, int] = defaultdict(int)
    sums: dict[tuple[date, Decimal, str], list[Known]] = defaultdict(list)
    whole: dict[tuple[date, Decimal, str], dict[str, list[Known]]] = defaultdict(lambda: defaultdict(list))
    for row in stored:
        left[row.checksum].append(row)
        used[row.checksum] = max(used[row.checksum], row.occurrence + 1)
        if row.parts == 0:
            sums[row.booked_on, row.amount, row.currency].append(row)
        else:
            whole[row.booked_on, row.entry_amount, row.currency][row.bank_reference if row.parts == 1 else ""].append(row)
    found = News()
    waiting: list[Sequence[Line]] = []
    for group in groups:        # first what is known for certain, so that nothing else takes its counterpart
        twins: list[Known] = []
        for line in group:
            if (twin := _twin(line, [row for row in left[line.checksum] if row not in twins])) is not None:
                twins.append(twin)
        if len(twins) < len(group):
            waiting.append(group)
            continue
        for line, row in zip(group, twins, strict=True):
            left[line.checksum].remove(row)
            _forget(sums, whole, row)
            found.known.append(line)
    for group in waiting:
        if not group:
            continue
        head = group[0]
        key = (head.booked_on, head.entry_amount, head.currency)
        if head.is_sum and _take_parts(whole[key], head):
            found.known.append(head)
        elif not head.is_sum and (same := [s for s in sums[key] if s.source != head.source or not s.bank_reference or s.bank_reference == head.bank_reference]):
            sums[key].remove(same[0])
            found.told_as_sum.append((same[0], list(group)))
        else:
            for line in group:
                twin = _twin(line, left[line.checksum])
                if twin is not None:
                    left[line.checksum].remove(twin)
                    found.known.append(line)
                    continue
                found.fresh.append((line, used[line.checksum]))
                used[line.checksum] += 1
    return found


def _twin(line: Line, rows: list[Known]) -> Known | None:
    """The stored line that is the same booking."""
    if (same := next((row for row in rows if row.bank_reference and row.bank_reference == line.bank_reference), None)) is not None:
        return same
    return next((row for row in rows if not (row.source == line.source and row.bank_reference and line.bank_reference)), None)


def _forget(sums: dict[tuple[date, Decimal, str], list[Known]], whole: dict[tuple[date, Decimal, str], dict[str, list[Known]]], row: Known) -> None:
    for rows in (sums[row.booked_on, row.amount, row.currency], *whole[row.booked_on, row.entry_amount, row.currency].values()):
        if row in rows:
            rows.remove(row)


def _take_parts(rows: dict[str, list[Known]], head: Line) -> bool:
    """The stored parts of a line that this file tells as a sum; taken once. Of another kind of file only: within one kind a bank tells alike."""
    for found in rows.values():
        other = [row for row in found if row.source != head.source or (row.bank_reference and row.bank_reference == head.bank_reference)]
        if not other:
            continue
        need = other[0].parts
        for row in other[:need]:
            found.remove(row)
        return True
    return False
