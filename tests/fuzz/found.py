"""Inputs that once ended in an error, shortened: name of the target, input, what it did."""

from __future__ import annotations

import struct

from tests.fuzz.bank import archive
from tests.fuzz.files import cut_picture

FOUND: list[tuple[str, bytes, str]] = [
    ("sms_reports", b'[{"id": "\\u0000", "status": "expired"}, {"id": "\\ud800", "status": "delivered"}]', "an id that no database holds: the provider got an error and sent it again"),
    ("smpp_receipts", struct.pack(">IIII", 59, 5, 0, 7) + b"\0\1\1491701\0\1\1pt\0\4\0\0\0\0\0\0\0\0" + bytes([18]) + b"id:\0x stat:DELIVRD", "likewise from a message centre"),
    ("backups", b"i\0\0\0\x1a" + b'{"name": "a", "zip": true}' + b"\0\0\0\x05xxxxx\0\0\0\0", "a chunk that is not packed"),
    ("backups", b"i\0\0\0\x02[]", "an entry without a name"),
    ("cnab", b"02RETORNO01COBRANCA".ljust(76) + b"341BANCO ITAU".ljust(18) + b"2011".ljust(300) + b"000001\r\n", "a day of four digits"),
    ("paypal_webhooks", b'\n{"id": "W", "event_type": "\\ud800", "resource": {}}', "half of a surrogate pair"),
    ("bank_archive", archive(("", b"<x/>")), "a file without a name"),
    ("pictures", cut_picture(), "a picture that ends in its middle: accepted by its head, then an error page"),
]
