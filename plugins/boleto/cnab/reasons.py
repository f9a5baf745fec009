"""Note C047 of FEBRABAN: why an entry or instruction is rejected (A), what is charged (B), how a title was paid or written off (C)."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

REJECTIONS = {
    "01": _l("bank code invalid"), "02": _l("record code invalid"), "03": _l("segment code invalid"), "04": _l("movement not allowed for this carteira"), "05": _l("movement code invalid"),
    "06": _l("kind or number of the beneficiary's tax id invalid"), "07": _l("agency, account or check digit invalid"), "08": _l("nosso número invalid"), "09": _l("nosso número used twice"),
    "10": _l("carteira invalid"), "11": _l("form of registration invalid"), "12": _l("kind of document invalid"), "13": _l("identification of the issue invalid"),
    "14": _l("identification of the distribution invalid"), "15": _l("features of the collection do not fit"), "16": _l("due date invalid"), "17": _l("due date before the date of issue"),
    "18": _l("due date out of the allowed time"), "19": _l("a title due in the other bank"), "20": _l("amount of the title invalid"), "21": _l("kind of title invalid"),
    "22": _l("kind of title not allowed for this carteira"), "23": _l("acceptance invalid"), "24": _l("date of issue invalid"), "25": _l("date of issue after the date of entry"),
    "26": _l("code of interest invalid"), "27": _l("amount or rate of interest invalid"), "28": _l("code of discount invalid"), "29": _l("discount not less than the amount"),
    "30": _l("discount does not fit"), "31": _l("discount granted already"), "32": _l("amount of IOF invalid"), "33": _l("amount of the rebate invalid"), "34": _l("rebate not less than the amount"),
    "37": _l("code of protest invalid"), "38": _l("time of protest invalid"), "39": _l("protest not allowed for the title"), "40": _l("title with protest ordered"),
    "41": _l("cancelling of protest of a title without protest"), "42": _l("code of write-off invalid"), "43": _l("time of write-off invalid"), "44": _l("currency invalid"),
    "45": _l("payer's name missing"), "46": _l("kind or number of the payer's tax id invalid"), "47": _l("payer's address missing"), "48": _l("postal code invalid"),
    "49": _l("postal code without a collecting agency"), "50": _l("postal code of a correspondent bank"), "51": _l("postal code does not fit the state"), "52": _l("state invalid"),
    "53": _l("kind or number of the guarantor's tax id invalid"), "54": _l("guarantor's name missing"), "55": _l("nosso número at the correspondent bank missing"),
    "56": _l("code of the correspondent bank missing"), "57": _l("code of the fine invalid"), "58": _l("date of the fine invalid"), "59": _l("amount or rate of the fine invalid"),
    "60": _l("movement for a title that is not registered"), "61": _l("collecting agency or its check digit invalid"), "62": _l("kind of printing invalid"),
    "63": _l("entry of a title that is registered already"), "64": _l("line number invalid"), "79": _l("date of interest invalid"), "80": _l("date of discount invalid"),
    "85": _l("title with payment linked"), "86": _l("document number invalid"),
}
COSTS = {
    "01": _l("statement of position"), "02": _l("upkeep of an overdue title"), "03": _l("suspension"), "04": _l("protest"), "05": _l("other instructions"), "06": _l("other events"),
    "07": _l("sending of the duplicata to the payer"), "08": _l("costs of the protest"), "09": _l("costs of suspending the protest"), "10": _l("costs of the notary's distributor"),
    "11": _l("costs of public notice"), "12": _l("return of an overdue title"), "13": _l("registration, charged with write-off or payment"), "14": _l("automatic presentation again"),
    "15": _l("credit sharing"),
}
SETTLEMENTS = {
    "01": _l("by balance"), "02": _l("on account of the bank"), "03": _l("at the bank's own counter in cash"), "04": _l("by electronic clearing"), "05": _l("by conventional clearing"),
    "06": _l("by electronic means"), "07": _l("after a holiday of the place"), "08": _l("at the notary"), "09": _l("ordered by the bank"), "10": _l("ordered by the client with a file"),
    "11": _l("ordered by the client online"), "12": _l("time for payment is over (client)"), "13": _l("time for payment is over (bank)"), "14": _l("title protested"), "15": _l("title excluded"),
    "30": _l("at the bank's own counter by cheque"), "31": _l("bank correspondent"), "32": _l("self-service terminal"), "33": _l("internet (home banking)"), "34": _l("office banking"),
    "61": _l("by Pix"),
}
