"""Pix BR Code: the text behind a Pix QR ("copia e cola"), written and read (EMV QRCPS, BCB manual of Pix initiation)."""

from __future__ import annotations

import re
import unicodedata
from binascii import crc_hqx
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

GUI = "br.gov.bcb.pix"
REAL, COUNTRY = "986", "BR"
NAME_MAX, CITY_MAX = 25, 15
TXID_STATIC = re.compile(r"[A-Za-z0-9]{1,25}|\*\*\*")
TXID_DYNAMIC = re.compile(r"[A-Za-z0-9]{26,35}")
AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,2})?")
MAX_LENGTH = 512


class BadPix(ValueError):
    """Text that is no Pix BR Code, or facts that make none."""


@dataclass(frozen=True, slots=True)
class BrCode:
    """`key` of a static code, `url` of a dynamic one; `amount` None: the payer says it."""

    merchant_name: str
    merchant_city: str
    key: str = ""
    url: str = ""
    info: str = ""
    amount: Decimal | None = None
    txid: str = "***"
    postal_code: str = ""
    mcc: str = "0000"
    initiation: str = ""            # 11 again and again, 12 once
    crc: str = ""
    amount_text: str = ""
    gui: str = GUI


def crc16(text: str) -> str:
    """CRC-16/CCITT-FALSE of the bytes, four upper-case hex digits."""
    return f"{crc_hqx(text.encode('utf-8'), 0xFFFF):04X}"


def static_txid(text: str) -> bool:
    return TXID_STATIC.fullmatch(text) is not None


def dynamic_txid(text: str) -> bool:
    return TXID_DYNAMIC.fullmatch(text) is not None


def fit(text: str, length: int) -> str:
    """Printable ASCII without accents, cut to its length, no blank at the end."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^ -~]|\s+", " ", plain).strip()[:length].rstrip()


def element(name: str, value: str) -> str:
    if len(value) > 99:
        raise BadPix(f"field {name} is longer than 99")
    return f"{name}{len(value):02d}{value}"


def write(key: str, name: str, city: str, amount: Decimal | None = None, txid: str = "***", info: str = "", postal_code: str = "") -> str:
    """A static code. Name and city are brought into shape; BadPix for a txid or amount that no bank would take."""
    if not static_txid(txid):
        raise BadPix("a txid of a static code has 1 to 25 letters and digits")
    if amount is not None and (amount <= 0 or amount != round(amount, 2) or len(f"{amount:.2f}") > 13):
        raise BadPix("the amount does not fit")
    name, city = fit(name, NAME_MAX), fit(city, CITY_MAX)
    if not (key and name and city):
        raise BadPix("key, name and city are needed")
    account = element("00", GUI) + element("01", key) + (element("02", fit(info, 72)) if info else "")
    text = element("00", "01") + element("26", account) + element("52", "0000") + element("53", REAL)
    if amount is not None:
        text += element("54", f"{amount:.2f}")
    text += element("58", COUNTRY) + element("59", name) + element("60", city)
    if postal_code:
        text += element("61", postal_code)
    text += element("62", element("05", txid)) + "6304"
    return text + crc16(text)


def elements(text: str) -> dict[str, str]:
    """{id: value}; BadPix when lengths do not add up or an id comes twice."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        name, length = text[at:at + 2], text[at + 2:at + 4]
        if not (name + length).isascii() or not (name + length).isdigit() or len(length) < 2 or at + 4 + int(length) > len(text) or name in found:
            raise BadPix("the fields do not add up")
        found[name] = text[at + 4:at + 4 + int(length)]
        at += 4 + int(length)
    return found


def _arrangement(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    for name, value in fields:
        if "26" <= name <= "51":
            inner = elements(value)
            if inner.get("00", "").lower() == GUI:
                return inner
    raise BadPix("not a Pix arrangement")


def read(text: str) -> BrCode:
    """Facts of a code; BadPix with the reason."""
    if len(text) > MAX_LENGTH:
        raise BadPix("too long")
    fields = elements(text)
    if list(fields)[:1] != ["00"] or fields["00"] != "01":
        raise BadPix("not an EMV code of version 01")
    if list(fields)[-1] != "63" or len(fields["63"]) != 4:
        raise BadPix("the checksum is not at the end")
    right = crc16(text[:-4])
    if fields["63"].upper() != right:
        raise BadPix(f"checksum wrong: should be {right}")
    pix = _arrangement(fields.items())
    if fields.get("53") != REAL:
        raise BadPix("the currency is not the Real")
    if fields.get("58") != COUNTRY:
        raise BadPix("the country is not Brazil")
    if not fields.get("59") or not fields.get("60") or len(fields["59"]) > NAME_MAX or len(fields["60"]) > CITY_MAX:
        raise BadPix("name or city of the payee is missing or too long")
    if not pix.get("01") and not pix.get("25"):
        raise BadPix("neither key nor address")
    if "52" not in fields:
        raise BadPix("the category is missing")
    said = fields.get("54", "")
    if "54" in fields and not AMOUNT.fullmatch(said):
        raise BadPix("the amount is no number")
    try:
        amount = Decimal(said) if said else None
    except InvalidOperation as problem:     # pragma: no cover - the pattern lets none through
        raise BadPix("the amount is no number") from problem
    txid = elements(fields.get("62", "")).get("05", "")
    if pix.get("01") and txid and not static_txid(txid):
        raise BadPix("the txid is not made of 1 to 25 letters and digits")
    return BrCode(fields["59"], fields["60"], pix.get("01", ""), pix.get("25", ""), pix.get("02", ""), amount, txid, fields.get("61", ""),
                  fields["52"], fields.get("01", ""), fields["63"].upper(), said, pix["00"])
