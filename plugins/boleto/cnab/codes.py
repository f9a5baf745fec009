"""What banks say of a title: movement codes, and reasons in words. FEBRABAN CNAB 240 notes C044 and C047, and the tables of Itaú and Bradesco for CNAB 400."""

from __future__ import annotations

import enum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from plugins.boleto.cnab.reasons import COSTS, REJECTIONS, SETTLEMENTS


class Event(enum.Enum):
    ENTERED = "entered"
    REJECTED = "rejected"           # an entry: the bank does not know the title
    SETTLED = "settled"             # the only one that is money
    WRITTEN_OFF = "written_off"     # closed without payment
    DUE_CHANGED = "due_changed"
    REFUSED = "refused"             # an instruction other than an entry
    COSTS = "costs"
    NOTED = "noted"


_E = Event
MOVEMENTS_240: dict[str, tuple[Event, Any]] = {
    "02": (_E.ENTERED, _l("entry confirmed")), "03": (_E.REJECTED, _l("entry rejected")), "04": (_E.NOTED, _l("transfer of portfolio/entry")),
    "05": (_E.NOTED, _l("transfer of portfolio/write-off")), "06": (_E.SETTLED, _l("paid")), "07": (_E.NOTED, _l("discount confirmed")),
    "08": (_E.NOTED, _l("discount cancelled, confirmed")), "09": (_E.WRITTEN_OFF, _l("written off")), "11": (_E.NOTED, _l("title open in the portfolio")),
    "12": (_E.NOTED, _l("rebate confirmed")), "13": (_E.NOTED, _l("rebate cancelled, confirmed")), "14": (_E.DUE_CHANGED, _l("change of due date confirmed")),
    "15": (_E.NOTED, _l("franco de pagamento (delivered free of payment)")), "17": (_E.SETTLED, _l("paid after write-off or unregistered title")),
    "19": (_E.NOTED, _l("protest instruction confirmed")), "20": (_E.NOTED, _l("protest suspended or cancelled, confirmed")), "23": (_E.NOTED, _l("sent to notary")),
    "24": (_E.NOTED, _l("taken from notary, kept in the portfolio")), "25": (_E.WRITTEN_OFF, _l("protested and written off")), "26": (_E.REFUSED, _l("instruction rejected")),
    "27": (_E.NOTED, _l("change of other data confirmed")), "28": (_E.COSTS, _l("fees and costs debited")), "29": (_E.NOTED, _l("events of the payer")),
    "30": (_E.REFUSED, _l("change of data rejected")), "33": (_E.NOTED, _l("change of credit sharing data confirmed")), "34": (_E.NOTED, _l("credit sharing cancelled, confirmed")),
    "35": (_E.NOTED, _l("automatic debit unscheduled, confirmed")), "36": (_E.NOTED, _l("sending of e-mail/SMS confirmed")), "37": (_E.NOTED, _l("sending of e-mail/SMS rejected")),
    "38": (_E.NOTED, _l("change of payment time limit confirmed")), "39": (_E.NOTED, _l("waiver of payment time limit confirmed")),
    "40": (_E.NOTED, _l("change of title number of the beneficiary confirmed")), "41": (_E.NOTED, _l("change of participant's control number confirmed")),
    "42": (_E.NOTED, _l("change of payer data confirmed")), "43": (_E.NOTED, _l("change of drawer/guarantor data confirmed")), "44": (_E.NOTED, _l("title paid by returned cheque")),
    "45": (_E.NOTED, _l("title paid by cleared cheque")), "46": (_E.NOTED, _l("instruction to cancel protest confirmed")),
    "47": (_E.NOTED, _l("instruction to protest for bankruptcy confirmed")), "48": (_E.NOTED, _l("transfer of portfolio/collection kind confirmed")),
    "49": (_E.NOTED, _l("change of collection contract confirmed")), "50": (_E.NOTED, _l("title paid by cheque, pending or returned")), "51": (_E.NOTED, _l("DDA title recognised by the payer")),
    "52": (_E.NOTED, _l("DDA title not recognised by the payer")), "53": (_E.NOTED, _l("DDA title refused by the CIP")), "54": (_E.WRITTEN_OFF, _l("write-off of a negative-listed title without protest confirmed")),
    "55": (_E.NOTED, _l("waiver of fine confirmed")), "56": (_E.NOTED, _l("request to charge fine confirmed")), "57": (_E.NOTED, _l("change of interest charge confirmed")),
    "58": (_E.NOTED, _l("change of discount value/date confirmed")), "59": (_E.NOTED, _l("change of beneficiary of the title confirmed")), "60": (_E.NOTED, _l("waiver of interest confirmed")),
}
MOVEMENTS_400: dict[str, dict[str, tuple[Event, Any]]] = {
    "341": {**{code: MOVEMENTS_240[code] for code in ("02", "03", "06", "09", "11", "12", "13", "14", "19", "20", "23")},
            "04": (_E.NOTED, _l("change of data, new entry")), "05": (_E.NOTED, _l("change of data, write-off")), "07": (_E.SETTLED, _l("paid in part, billing")),
            "08": (_E.SETTLED, _l("paid at the notary")), "10": (_E.WRITTEN_OFF, _l("written off because paid")), "15": (_E.REFUSED, _l("write-off rejected")),
            "16": (_E.REFUSED, _l("instruction rejected")), "17": (_E.REFUSED, _l("change of data rejected")), "18": (_E.REFUSED, _l("fixed instruction rejected")),
            "21": (_E.NOTED, _l("not protested, confirmed")), "24": (_E.REFUSED, _l("instruction to protest rejected or suspended")), "25": (_E.NOTED, _l("events of the payer")),
            "26": (_E.COSTS, _l("fees and costs debited")), "27": (_E.COSTS, _l("fees and costs debited")), "28": (_E.COSTS, _l("fees and costs debited")),
            "29": (_E.COSTS, _l("fees and costs debited")), "32": (_E.WRITTEN_OFF, _l("protested and written off"))},
    "237": {**{code: MOVEMENTS_240[code] for code in ("02", "03", "06", "09", "11", "12", "13", "14", "17", "19", "20", "23")},
            "10": (_E.WRITTEN_OFF, _l("written off by the branch")), "15": (_E.SETTLED, _l("paid at the notary")), "16": (_E.NOTED, _l("title paid by cheque, not cleared yet")),
            "18": (_E.NOTED, _l("depositary agency changed")), "21": (_E.NOTED, _l("participant's control changed")), "22": (_E.NOTED, _l("payment cancelled")),
            "24": (_E.REJECTED, _l("entry rejected by the postal code")), "25": (_E.NOTED, _l("negative listing confirmed")), "27": (_E.REFUSED, _l("write-off rejected")),
            "28": (_E.COSTS, _l("fees and costs debited")), "29": (_E.NOTED, _l("events of the payer")), "30": (_E.REFUSED, _l("change of data rejected")),
            "32": (_E.REFUSED, _l("instruction rejected")), "33": (_E.NOTED, _l("change of other data confirmed")), "34": (_E.NOTED, _l("taken from notary, kept in the portfolio")),
            "35": (_E.NOTED, _l("automatic debit unscheduled, confirmed")), "40": (_E.NOTED, _l("payment returned")), "55": (_E.NOTED, _l("payment stopped by a court")), "68": (_E.NOTED, _l("credit sharing settled")),
            "69": (_E.NOTED, _l("credit sharing cancelled, confirmed")), "73": (_E.NOTED, _l("negative listing, request received")), "74": (_E.NOTED, _l("negative listing rejected"))},
}


def movement(bank: str, width: int, code: str) -> tuple[Event, Any] | None:
    """What happened, None for a code that the tables do not know."""
    table = MOVEMENTS_240 if width == 240 else MOVEMENTS_400.get(bank, {})
    return table.get(code)


def is_settlement(bank: str, width: int, code: str) -> bool:
    """Whether money was received."""
    found = movement(bank, width, code)
    return found is not None and found[0] is Event.SETTLED


def split_reasons(text: str) -> list[str]:
    """Blocks of two; 00 and blanks mean nothing, an odd rest is ignored."""
    blocks = [text[at:at + 2] for at in range(0, len(text) - 1, 2)]
    return [block for block in blocks if block.strip() and block != "00" and len(block.strip()) == 2]


def movement_words(bank: str, width: int, code: str) -> str:
    found = movement(bank, width, code)
    return str(found[1]) if found else _("unknown code %(code)s", code=code or "–")


def reason_words(event: Event | None, codes: list[str], width: int = 240) -> list[str]:
    """Reasons in words; a code without words is shown as it came. CNAB 400 has codes of each bank's own: they come as they are."""
    table: dict[str, Any] = {Event.REJECTED: REJECTIONS, Event.REFUSED: REJECTIONS, Event.COSTS: COSTS, Event.SETTLED: SETTLEMENTS, Event.WRITTEN_OFF: SETTLEMENTS}.get(event, {}) if event else {}
    return [f"{table[code]} ({code})" if width == 240 and code in table else _("reason %(code)s", code=code) for code in codes]
