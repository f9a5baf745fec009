"""Files of plugins that go with an invoice: made with its PDF, stored beside it, sent with it.

A plugin's fault never holds an invoice: the PDF is stored without the file, what failed is kept with its reason, shown on the
invoice's page and tried again by the hourly run. The e-mail waits a day for it, then goes without.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session, joinedload

from app.billing.extra_models import MissingExtra
from app.billing.models import Invoice, InvoiceFile
from app.core import clock
from app.core.apart import ends_all, reason_of
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.plugin_api.contracts import InvoiceExtra, InvoiceFacts
from app.plugin_api.registry import plugins
from app.system.documents import clean_name

log = logging.getLogger(__name__)
TYPES = {"application/pdf": b"%PDF-", "image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "text/csv": b"", "text/plain": b"", "application/xml": b""}
MOST_FILES, MOST_BYTES = 9, 5 << 20
MOST_ATTEMPTS = 72              # hourly: three days, then a person has to mend it and press the button
PATIENCE = timedelta(days=1)    # of the e-mail
OWN = ("pdf", "xml")


class File(NamedTuple):
    """`kind`: as it stands in `InvoiceFile`, the extra's code and a number."""

    kind: str
    name: str
    media_type: str
    data: bytes


class Made(NamedTuple):
    files: list[File]
    failed: dict[str, str]      # code of the extra → reason


def make_extras(head: Any, codes: Iterable[str] | None = None) -> Made:
    """Ask the extras (`codes`: only these) for the files of an invoice. Never raises for a plugin's fault. Call outside a transaction."""
    made, wanted = Made([], {}), None if codes is None else set(codes)
    known: dict[str, InvoiceExtra] = plugins().by_code("invoice_extras")
    for code, extra in known.items():
        if wanted is not None and code not in wanted:
            continue
        try:
            made.files.extend(_of(extra, head))
        except Exception as error:
            if ends_all(error):
                raise
            log.exception("extra %s of invoice %s", code, head.number)
            made.failed[code] = reason_of(error)
        finally:
            db.session.rollback()
    made.failed.update({code: _("The plugin that makes it is not running.") for code in (wanted or set()) - set(known)})
    return made


def _of(extra: InvoiceExtra, head: Any) -> list[File]:
    facts = InvoiceFacts(head.id, head.number, head.customer_id, head.issued_on, head.due_on, head.currency, head.gross, head.language)
    with force_locale(head.language):
        given = list(extra.attachments(facts))
    if len(given) > MOST_FILES:
        raise InvalidInput(_("These are more than %(n)s files.", n=MOST_FILES))
    found = []
    for number, (name, media_type, data) in enumerate(given, 1):
        if media_type not in TYPES or not data or len(data) > MOST_BYTES or not data.startswith(TYPES[media_type]):
            raise InvalidInput(_("“%(name)s” is empty, too large, or no file of the type %(type)s.", name=str(name)[:80], type=str(media_type)[:80]))
        found.append(File(f"{extra.code}-{number}", clean_name(str(name)) or f"{extra.code}-{number}", media_type, bytes(data)))
    return found


def note_missing(session: Session, invoice_id: int, failed: dict[str, str]) -> None:
    """Inside `transaction()`: what could not be made is written down, with how often it was tried."""
    for code, reason in failed.items():
        row = session.get(MissingExtra, (invoice_id, code), with_for_update=True)
        if row is None:
            session.add(MissingExtra(invoice_id=invoice_id, code=code, reason=reason))
        else:
            row.reason, row.attempts = reason, row.attempts + 1
    session.flush()


def missing(session: Session, invoice_id: int) -> list[tuple[str, str]]:
    """(code, reason) of what the invoice still lacks."""
    rows = session.execute(select(MissingExtra.code, MissingExtra.reason).where(MissingExtra.invoice_id == invoice_id).order_by(MissingExtra.code))
    return [(row.code, row.reason) for row in rows]


def files(session: Session, invoice_id: int) -> list[InvoiceFile]:
    """What goes with the invoice beside its PDF and XML."""
    query = select(InvoiceFile).where(InvoiceFile.invoice_id == invoice_id, InvoiceFile.kind.not_in(OWN)).options(joinedload(InvoiceFile.document)).order_by(InvoiceFile.kind)
    return list(session.scalars(query))


def to_try_again(session: Session, anew: bool = False) -> list[int]:
    """Invoices that lack a file and were not tried too often; `anew`: a person asks, all of them."""
    query = select(MissingExtra.invoice_id).distinct().order_by(MissingExtra.invoice_id)
    return list(session.scalars(query if anew else query.where(MissingExtra.attempts < MOST_ATTEMPTS)))


def try_again(invoice_ids: Sequence[int], put: Callable[[Any, list[File]], Any], keep: Callable[[Any], Any], failed: Callable[[str, str], Any]) -> int:
    """Make what is lacking of these invoices; returns how many lack nothing any more. `put(head, files)` stores the bytes, `keep` of that their rows."""
    session, whole = db.session(), 0
    lacking: dict[int, list[str]] = {}
    for row in session.execute(select(MissingExtra.invoice_id, MissingExtra.code).where(MissingExtra.invoice_id.in_(invoice_ids))):
        lacking.setdefault(row.invoice_id, []).append(row.code)
    heads = session.execute(select(*Invoice.__table__.columns).where(Invoice.id.in_(list(lacking))).order_by(Invoice.id)).all()
    session.rollback()
    for head in heads:
        made = make_extras(head, lacking[head.id])
        ready = put(head, made.files)
        with transaction() as inner:
            keep(ready)
            inner.execute(delete(MissingExtra).where(MissingExtra.invoice_id == head.id, MissingExtra.code.in_([c for c in lacking[head.id] if c not in made.failed])))
            note_missing(inner, head.id, made.failed)
        for code, reason in made.failed.items():
            failed(head.number, f"{code}: {reason}")
        whole += not made.failed
    return whole


def awaited() -> Any:
    """SQL: the e-mail of `Invoice` still waits for a file."""
    return exists().where(MissingExtra.invoice_id == Invoice.id, MissingExtra.since > clock.now() - PATIENCE)


def sent_along(session: Session, invoice_ids: Sequence[int]) -> dict[int, list[int]]:
    """Invoice → documents of its extras."""
    found: dict[int, list[int]] = {}
    query = select(InvoiceFile.invoice_id, InvoiceFile.document_id).where(InvoiceFile.invoice_id.in_(invoice_ids), InvoiceFile.kind.not_in(OWN)).order_by(InvoiceFile.kind)
    for row in session.execute(query):
        found.setdefault(row.invoice_id, []).append(row.document_id)
    return found
