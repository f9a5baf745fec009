"""DATEV's text format EXTF 700, category 21 (Buchungsstapel), version 13: values in, bytes out; no session, no clock.

cp1252, semicolons, CRLF; texts in quotation marks, quotation marks in them doubled; amounts without sign, with a decimal
comma and two digits, the side in a column of its own; days as TTMM, the year stands in the header.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

FORMAT, CATEGORY, NAME, VERSION = 700, 21, "Buchungsstapel", 13
ENCODING, END = "cp1252", "\r\n"
MOST_ROWS = 99_999
LARGEST = Decimal("9999999999.99")
DEBIT, CREDIT = "S", "H"


class NotWritable(ValueError):
    """A value that the format cannot hold; the message is for programmers, callers say what is wrong with which document."""


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One of the header's fields: what it means, and what may stand there."""

    name: str
    rule: str = ""


HEADER: tuple[HeaderField, ...] = (
    HeaderField("mark of the format", '"EXTF": written by other software than DATEV'),
    HeaderField("version number of the header", "700"),
    HeaderField("data category", "21: batch of bookings"),
    HeaderField("format name", '"Buchungsstapel"'),
    HeaderField("format version", "13"),
    HeaderField("created at", "timestamp YYYYMMDDHHMMSSFFF"),
    HeaderField("imported at", "reserved, empty: set by the import"),
    HeaderField("origin", "2 letters"),
    HeaderField("exported by", "user name, max 25"),
    HeaderField("imported by", "reserved, empty"),
    HeaderField("adviser number", "1001-9999999 (Berater)"),
    HeaderField("client number", "1-99999 (Mandant)"),
    HeaderField("fiscal year start", "date YYYYMMDD (Wirtschaftsjahresbeginn)"),
    HeaderField("account length", "length of general ledger account numbers, 4-8 digits (Sachkontenlänge)"),
    HeaderField("date from", "first day of the period YYYYMMDD"),
    HeaderField("date to", "last day of the period YYYYMMDD"),
    HeaderField("name", "designation of the batch, max 30 characters"),
    HeaderField("initials", "of who dictated, 2 letters (Diktatkürzel)"),
    HeaderField("booking type", "1 financial accounting, 2 annual closing"),
    HeaderField("accounting purpose", "0 independent, 30 tax law, 40 calculation, 50 commercial law, 64 IFRS (Rechnungslegungszweck)"),
    HeaderField("locked", "0 not fixed, 1 fixed, finalised (Festschreibung)"),
    HeaderField("currency", "ISO code, WKZ, EUR"),
    HeaderField("reserved", "empty"),
    HeaderField("derivative flag", "reserved, empty (Derivatskennzeichen)"),
    HeaderField("reserved", "empty"),
    HeaderField("reserved", "empty"),
    HeaderField("chart of accounts", "SKR, 03 or 04"),
    HeaderField("industry solution id", "Branchenlösung, reserved, empty"),
    HeaderField("reserved", "empty"),
    HeaderField("reserved", "empty"),
    HeaderField("application information", "max 16, free text of the exporting program"),
)

COLUMNS: tuple[str, ...] = (
    "Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz", "WKZ Basis-Umsatz", "Konto",
    "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2", "Skonto", "Buchungstext", "Postensperre",
    "Diverse Adressnummer", "Geschäftspartnerbank", "Sachverhalt", "Zinssperre", "Beleglink",
    *(f"Beleginfo - {what} {n}" for n in range(1, 9) for what in ("Art", "Inhalt")),
    "KOST1 - Kostenstelle", "KOST2 - Kostenstelle", "Kost-Menge", "EU-Land u. UStID (Bestimmung)", "EU-Steuersatz (Bestimmung)",
    "Abw. Versteuerungsart", "Sachverhalt L+L", "Funktionsergänzung L+L", "BU 49 Hauptfunktionstyp", "BU 49 Hauptfunktionsnummer", "BU 49 Funktionsergänzung",
    *(f"Zusatzinformation - {what} {n}" for n in range(1, 21) for what in ("Art", "Inhalt")),
    "Stück", "Gewicht", "Zahlweise", "Forderungsart", "Veranlagungsjahr", "Zugeordnete Fälligkeit", "Skontotyp", "Auftragsnummer", "Buchungstyp",
    "USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)", "Sachverhalt L+L (Anzahlungen)", "EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)",
    "Herkunft-Kz", "Buchungs GUID", "KOST-Datum", "SEPA-Mandatsreferenz", "Skontosperre", "Gesellschaftername", "Beteiligtennummer", "Identifikationsnummer",
    "Zeichnernummer", "Postensperre bis", "Bezeichnung SoBil-Sachverhalt", "Kennzeichen SoBil-Buchung", "Festschreibung", "Leistungsdatum",
    "Datum Zuord. Steuerperiode", "Fälligkeit", "Generalumkehr (GU)", "Steuersatz", "Land", "Abrechnungsreferenz", "BVV-Position",
    "EU-Land u. UStID (Ursprung)", "EU-Steuersatz (Ursprung)", "Abw. Skontokonto",
)
PLACE = {name: index for index, name in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True)
class Batch:
    """What the header says. `first` to `last` lie in the fiscal year that begins on `year_start`; `chart`: "03" or "04"."""

    adviser: int
    client: int
    year_start: date
    account_length: int
    first: date
    last: date
    created: datetime
    name: str = ""
    exported_by: str = ""
    locked: bool = False
    currency: str = "EUR"
    chart: str = "03"
    origin: str = "RE"


@dataclass(frozen=True, slots=True)
class Booking:
    """One row: `amount` of `currency` on `account` at `side` (S debit, H credit), against `contra`. Amounts are positive."""

    amount: Decimal
    side: str
    account: str
    contra: str
    on: date
    document: str = ""          # Belegfeld 1: the invoice's number
    document2: str = ""         # Belegfeld 2: the due day
    text: str = ""
    key: str = ""               # BU-Schlüssel
    currency: str = "EUR"
    served_on: date | None = None
    eu_vat_id: str = ""


def quoted(text: str, longest: int) -> str:
    """A text as a field: one line, what cp1252 lacks transliterated, at most `longest` characters, in quotation marks."""
    plain = " ".join(writable(text).split())[:longest].rstrip()
    return '"' + plain.replace('"', '""') + '"'


def writable(text: str) -> str:
    """The text in characters of cp1252. Accents that it lacks fall away, other letters become "?"; never anything but cp1252."""
    result = []
    for letter in unicodedata.normalize("NFC", text):
        result.append(letter if encodable(letter) else _plain(letter))
    return "".join(result)


def encodable(text: str) -> bool:
    """Whether the text can be written as it is."""
    try:
        text.encode(ENCODING)
    except UnicodeEncodeError:
        return False
    return True


def _plain(letter: str) -> str:
    if letter in TRANSLITERATED:
        return TRANSLITERATED[letter]
    base = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return base if base and encodable(base) else "?"


_CYRILLIC = ("а=a б=b в=v г=g д=d е=e ё=e ж=zh з=z и=i й=i к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch ш=sh щ=shch ъ= ы=y ь= э=e ю=yu я=ya "
             "і=i ї=i є=ie ґ=g ў=u ђ=d ј=j љ=lj њ=nj ћ=c џ=dz")
_GREEK = "α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch ψ=ps ω=o"
_LATIN = "ł=l đ=d ħ=h ı=i ŋ=ng ŧ=t ĸ=k ə=e"
TRANSLITERATED = {"−": "-", "‐": "-", "‑": "-", "\u00ad": ""}
for _pair in f"{_CYRILLIC} {_GREEK} {_LATIN}".split(" "):
    _from, _is, _to = _pair.partition("=")
    TRANSLITERATED[_from] = _to
    if _from.upper() != _from and len(_from.upper()) == 1:
        TRANSLITERATED[_from.upper()] = _to[:1].upper() + _to[1:]


def document_field(text: str, longest: int = 36) -> str:
    """Belegfeld 1: letters without accents, digits and `$&%*+-/`, at most 36."""
    plain = "".join(_plain(letter) if not letter.isascii() else letter for letter in text.replace("ß", "ss").translate(UMLAUTS))
    return re.sub(r"[^A-Za-z0-9$&%*+\-/]", "", plain)[:longest]


UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def amount(value: Decimal) -> tuple[str, str]:
    """(text, side): 1234,50 and S for a debit, H for what is negative. Raises NotWritable for 0 and what is too large or too fine."""
    if not value.is_finite() or value == 0:
        raise NotWritable("an amount is not 0")
    if value != value.quantize(Decimal("0.01")) or abs(value) > LARGEST:
        raise NotWritable(f"{value} does not fit")
    return f"{abs(value):.2f}".replace(".", ","), DEBIT if value > 0 else CREDIT


def header(batch: Batch) -> str:
    """The first line. Raises NotWritable for numbers that DATEV refuses."""
    if not 1001 <= batch.adviser <= 9_999_999 or not 1 <= batch.client <= 99_999:
        raise NotWritable("adviser number 1001 to 9999999, client number 1 to 99999")
    if not 4 <= batch.account_length <= 8:
        raise NotWritable("account numbers have 4 to 8 digits")
    if not batch.year_start <= batch.first <= batch.last or batch.last >= _year_later(batch.year_start):
        raise NotWritable("the period lies in one fiscal year")
    stamp = batch.created.strftime("%Y%m%d%H%M%S") + f"{batch.created.microsecond // 1000:03d}"
    fields = ['"EXTF"', str(FORMAT), str(CATEGORY), f'"{NAME}"', str(VERSION), stamp, "", quoted(batch.origin, 2), quoted(batch.exported_by, 25), '""',
              str(batch.adviser), str(batch.client), f"{batch.year_start:%Y%m%d}", str(batch.account_length), f"{batch.first:%Y%m%d}", f"{batch.last:%Y%m%d}",
              quoted(batch.name, 30), '""', "1", "0", "1" if batch.locked else "0", f'"{batch.currency}"', "", '""', "", "", f'"{batch.chart}"', "", "", '""', '""']
    return ";".join(fields)


def _year_later(day: date) -> date:
    return date(day.year + 1, day.month, min(day.day, 28) if day.month == 2 else day.day)


def row(booking: Booking) -> str:
    """One line with all columns. Raises NotWritable."""
    text, side = amount(booking.amount)
    if side != DEBIT or booking.side not in (DEBIT, CREDIT):
        raise NotWritable("an amount is positive, its side is S or H")
    for account in (booking.account, booking.contra):
        if not re.fullmatch(r"[1-9][0-9]{3,8}", account):
            raise NotWritable(f"{account!r} is no account")
    fields = [""] * len(COLUMNS)
    values = {"Umsatz (ohne Soll/Haben-Kz)": text, "Soll/Haben-Kennzeichen": f'"{booking.side}"', "WKZ Umsatz": f'"{booking.currency}"', "Konto": booking.account,
              "Gegenkonto (ohne BU-Schlüssel)": booking.contra, "BU-Schlüssel": f'"{booking.key}"', "Belegdatum": f"{booking.on:%d%m}",
              "Belegfeld 1": f'"{document_field(booking.document)}"', "Belegfeld 2": f'"{document_field(booking.document2, 12)}"', "Buchungstext": quoted(booking.text, 60),
              "EU-Land u. UStID (Bestimmung)": quoted(booking.eu_vat_id, 15), "SEPA-Mandatsreferenz": quoted("", 35), "Festschreibung": "0"}
    if booking.served_on is not None:
        values["Leistungsdatum"] = f"{booking.served_on:%d%m%Y}"
    for name, value in values.items():
        fields[PLACE[name]] = value
    return ";".join(fields)


def file_of(batch: Batch, bookings: Iterable[Booking]) -> bytes:
    """The whole file. Every booking lies in the batch's period. Raises NotWritable."""
    lines = [header(batch), ";".join(COLUMNS)]
    for booking in bookings:
        if not batch.first <= booking.on <= batch.last:
            raise NotWritable(f"{booking.document}: {booking.on} lies outside of the period")
        lines.append(row(booking))
    if len(lines) - 2 > MOST_ROWS:
        raise NotWritable(f"a file has at most {MOST_ROWS} bookings")
    return (END.join(lines) + END).encode(ENCODING)
