"""A mandate that a customer gives in the portal, with what proves it: who, when, from where, and the text that he saw."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from app.customers.models import Customer, CustomerState
from app.plugin_api import InvalidInput, clock, db, transaction
from app.receivables.queries import account_for_update
from plugins.sepa import ids, mandates
from plugins.sepa.choosing import METHOD
from plugins.sepa.mandate_models import CreditorAccount, Mandate
from plugins.sepa.mandate_text import digest
from plugins.sepa.reading import usable_mandates


def offered(customer: Customer) -> CreditorAccount | None:
    """Our account that online mandates are for: the first in use. None: not offered to this customer."""
    if customer.currency != "EUR" or customer.state is CustomerState.DELETED:
        return None
    return db.session.scalar(select(CreditorAccount).where(CreditorAccount.active).order_by(CreditorAccount.id).limit(1))


def give(customer: Customer, account: CreditorAccount, holder: str, iban: str, *, agreed: bool, clauses: list[str], who: str, address: str, agent: str) -> Mandate:
    """A valid CORE mandate; the customer pays by direct debit from now on. The same account again gives the mandate that is there. Raises InvalidInput."""
    if not agreed:
        raise InvalidInput(_("Please confirm that you agree."), "agree")
    wanted = ids.debtor_iban(iban)
    with transaction() as session:
        owner = account_for_update(session, customer.id)
        known = usable_mandates(session, [owner.id]).get(owner.id)
        if known is None or known.iban != wanted or known.account_id != account.id:
            known = mandates.new_mandate(owner, account=account, holder=holder, iban=wanted, origin="online")
            mandates.request(known)
            proof = {"account": who[:120], "at": clock.now().isoformat(timespec="seconds"), "address": address[:60], "agent": agent[:300], "text": clauses,
                     "text_sha256": digest(clauses, known)}
            mandates.sign(known, clock.today(), proof=proof)
        owner.payment_method = METHOD
        return known
