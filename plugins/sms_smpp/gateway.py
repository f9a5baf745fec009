"""The gateway: a message becomes parts, each part a submit_sm; receipts are stored before they are answered."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from itertools import count
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from smpplib import consts

from app.plugin_api import Refused, SmsGateway, SmsMessage, SmsReceipt, SmsReport, TryLater, Unknown, clock, db
from app.plugin_api.network import configured_policy
from app.system.settings import setting
from app.system.sms_parts import GSM7, encode_gsm7, split
from app.system.sms_reports import take_reports
from plugins.sms_smpp.codes import LATER, THROTTLED, plain_id, read_receipt, same_id, status_words
from plugins.sms_smpp.session import Access, Lost, Session

PATIENCE = 5            # times that a later part of a message is offered again when the message centre is busy
PAUSE = 1.0             # seconds in between
RECEIPT = 0x04          # esm_class, bits 5 to 2: a receipt


class SmppGateway(SmsGateway):
    code = "smpp"
    title = _l("SMPP message centre")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._made_for: Any = None
        self._references, self._next = count(int.from_bytes(os.urandom(1), "big")), 0.0

    def problems(self) -> list[str]:
        found = []
        if not setting("sms_smpp.host"):
            found.append(_("The message centre (SMPP) is missing."))
        if not setting("sms_smpp.system_id") or not setting("sms_smpp.password"):
            found.append(_("System id or password of the message centre (SMPP) are missing."))
        return found

    def reports(self) -> Iterable[SmsReport]:
        """Receipts are stored as they come in; for that somebody has to be connected."""
        with self._lock:
            self._connected()
        return ()

    def send(self, message: SmsMessage) -> SmsReceipt:
        encoding, parts = split(message.text)
        fields = {**_source(message.sender or setting("sms_smpp.sender")), "dest_addr_ton": consts.SMPP_TON_INTL, "dest_addr_npi": consts.SMPP_NPI_ISDN, "destination_addr": message.to.lstrip("+"),
                  "data_coding": consts.SMPP_ENCODING_DEFAULT if encoding == GSM7 else consts.SMPP_ENCODING_ISO10646, "registered_delivery": 1,
                  "esm_class": consts.SMPP_GSMFEAT_UDHI if len(parts) > 1 else 0}
        how, reference, ids = setting("sms_smpp.receipt_ids"), next(self._references) % 256, []
        with self._lock:            # the parts of one message follow each other
            session = self._connected()
            for number, part in enumerate(parts, 1):
                header = bytes((5, 0, 3, reference, len(parts), number)) if len(parts) > 1 else b""
                content = encode_gsm7(part) if encoding == GSM7 else part.encode("utf-16-be")
                ids.append(same_id(self._submit(session, {**fields, "short_message": header + content}, number, len(parts)), how))
        return SmsReceipt(tuple(ident for ident in ids if ident), len(parts))

    def close(self) -> None:
        with self._lock:
            if self._session is not None:
                self._session.close()
            self._session = None

    def _submit(self, session: Session, fields: dict[str, Any], number: int, of: int) -> str:
        """The id that the message centre gave. After the first part, what goes wrong makes the whole message unclear."""
        for attempt in range(PATIENCE + 1):
            self._pace()
            try:
                answer = session.submit(**fields)
            except Lost:
                session.drop()
                raise Unknown(_("The message centre took part %(n)d of %(of)d, and gave no answer.", n=number, of=of)) from None
            status = int(answer.status or 0) or (0xFF if answer.command == "generic_nack" else 0)
            if not status:
                return _text(getattr(answer, "message_id", b"") or b"")
            if number > 1 and status in THROTTLED and attempt < PATIENCE:
                time.sleep(PAUSE)
                continue
            words = status_words(status)
            if status == consts.SMPP_ESME_RINVBNDSTS:
                session.drop()
            if number > 1:
                raise Unknown(_("Only %(n)d of %(of)d parts were taken: %(reason)s", n=number - 1, of=of, reason=words))
            raise TryLater(words) if status in LATER else Refused(words)
        raise AssertionError("unreachable")

    def _pace(self) -> None:
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(self._next, now) + 1 / setting("sms_smpp.per_second")

    def _connected(self) -> Session:
        """The bound connection of this process, made anew when it broke, when the settings changed, and after a fork. TryLater."""
        access = Access(setting("sms_smpp.host"), setting("sms_smpp.port"), setting("sms_smpp.tls"), setting("sms_smpp.system_id"), setting("sms_smpp.password"), setting("sms_smpp.system_type"))
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        wanted = (access, os.getpid(), app.config["SQLALCHEMY_DATABASE_URI"])
        if self._session is not None and self._made_for[1] != os.getpid():
            self._session = None            # the parent's: not ours to close
        if self._session is not None and (self._made_for != wanted or not self._session.is_there()):
            self._session.close()
            self._session = None
        if self._session is None:
            self._session, self._made_for = Session(access, configured_policy(), lambda pdu: self._delivered(app, pdu)), wanted
        return self._session

    def _delivered(self, app: Flask, pdu: Any) -> int:
        """A receipt is stored, in the thread of the connection. What people answer to an SMS is nobody's."""
        with app.app_context():
            try:
                report = report_of(pdu, setting("sms_smpp.receipt_ids"))
                if report is not None:
                    take_reports(self.code, [report])
            finally:
                db.session.remove()
        return int(consts.SMPP_ESME_ROK)


def report_of(pdu: Any, how: str) -> SmsReport | None:
    """What a deliver_sm tells of a message of ours; None when it is no receipt, or one of a message that is still on its way."""
    kind = int(getattr(pdu, "esm_class", 0) or 0)
    if kind & 0x3C != RECEIPT:
        return None
    text = bytes(getattr(pdu, "short_message", b"") or getattr(pdu, "message_payload", b"") or b"").decode("latin-1")      # ASCII, whatever the alphabet
    state = getattr(pdu, "message_state", None)
    found = read_receipt(text, _text(getattr(pdu, "receipted_message_id", b"") or b""), int(state) if state is not None else None)
    if found is None or not found[0].isprintable():
        return None
    return SmsReport(plain_id(found[0], how), found[1], clock.now(), "".join(char if char.isprintable() else " " for char in found[2]))


def _text(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode("ascii", "replace").strip()


def _source(sender: str) -> dict[str, Any]:
    """Kind of number and numbering plan by what the sender looks like."""
    digits = sender.lstrip("+")
    if not digits.isdecimal():
        ton, npi = (consts.SMPP_TON_ALNUM, consts.SMPP_NPI_UNK) if sender else (consts.SMPP_TON_UNK, consts.SMPP_NPI_UNK)
        return {"source_addr_ton": ton, "source_addr_npi": npi, "source_addr": sender}
    if len(digits) <= 6:        # a short number of the network
        return {"source_addr_ton": consts.SMPP_TON_NWSPEC, "source_addr_npi": consts.SMPP_NPI_UNK, "source_addr": digits}
    return {"source_addr_ton": consts.SMPP_TON_INTL, "source_addr_npi": consts.SMPP_NPI_ISDN, "source_addr": digits}
