"""What a customer agrees to: the wording of the rulebooks, with our data. Online its hash is kept as part of the proof."""

from __future__ import annotations

import hashlib

from flask_babel import gettext as _

from plugins.sepa.mandate_models import CreditorAccount, Mandate
from plugins.sepa.orders import B2B, CORE


def clauses(mandate: Mandate, company: str) -> list[str]:
    """In the language of the current locale."""
    return offer_clauses(mandate.account, company, mandate.scheme)


def offer_clauses(account: CreditorAccount, company: str, scheme: str = CORE) -> list[str]:
    """Before there is a mandate."""
    creditor = account.holder or company
    found = [_("By signing this mandate form, you authorise %(creditor)s to send instructions to your bank to debit your account, and your bank to debit your account in accordance "
               "with the instructions from %(creditor)s.", creditor=creditor)]
    if scheme == B2B:
        found.append(_("This mandate is only intended for business-to-business transactions. You are not entitled to a refund from your bank after your account has been debited, but you "
                       "are entitled to request your bank not to debit your account up until the day on which the payment is due."))
    else:
        found.append(_("As part of your rights, you are entitled to a refund from your bank under the terms and conditions of your agreement with your bank. A refund must be claimed "
                       "within 8 weeks starting from the date on which your account was debited."))
    return found


def digest(text: list[str], mandate: Mandate) -> str:
    """Of the text together with the data that stand beside it."""
    facts = [mandate.reference, mandate.account.creditor_id, mandate.account.holder, mandate.holder, mandate.iban, mandate.scheme]
    return hashlib.sha256("\n".join([*text, *facts]).encode()).hexdigest()
