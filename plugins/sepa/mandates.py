"""The life of mandates. Every change of state goes through here and walks an arrow."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from app.customers.models import Customer
from app.plugin_api import InvalidInput, clock, db, transaction
from app.receivables.queries import account_for_update
from app.system.models import Document
from app.system.settings import setting
from plugins.sepa import ids
from plugins.sepa.choosing import METHOD
from plugins.sepa.days import lapse_day
from plugins.sepa.ending import lapsed, withdraw
from plugins.sepa.models import (
    CreditorAccount,
    DebitState,
    DirectDebit,
    Mandate,
    MandateState,
)
from plugins.sepa.orders import B2B, SCHEMES
from plugins.sepa.text import sepa_text


def new_mandate(customer: Customer, *, account: CreditorAccount | None, holder: str, iban: str, bic: str = "", scheme: str = "CORE", one_off: bool = False,
                notice_days: int | None = None, reference: str = "", origin: str = "paper") -> Mandate:
    """A draft. The reference is made when none is given. Raises InvalidInput."""
    holder = " ".join(holder.split())
    if not sepa_text(holder):
        raise InvalidInput(_("Enter the name of the account holder."), "holder")
    if scheme not in SCHEMES:
        raise InvalidInput(_("Choose CORE or B2B."), "scheme")
    if account is None or not account.active:
        raise InvalidInput(_("Choose one of our bank accounts that is in use."), "account")
    iban, bic = ids.debtor_iban(iban), ids.bic(bic)
    _check_notice(notice_days)
    with transaction() as session:
        owner = account_for_update(session, customer.id)
        if owner.currency != "EUR":
            raise InvalidInput(_("%(customer)s is billed in %(currency)s; direct debits are in euros.", customer=owner.company, currency=owner.currency), "customer")
        if scheme == B2B and not owner.business:
            raise InvalidInput(_("Consumers cannot give a B2B mandate: their bank would not accept it."), "scheme")
        name = ids.mandate_id(reference) if reference.strip() else next_reference(owner)
        if session.scalar(select(Mandate.id).where(Mandate.reference == name)) is not None:
            raise InvalidInput(_("There is a mandate with this reference already."), "reference")
        mandate = Mandate(customer=owner, account=account, reference=name, scheme=scheme, one_off=one_off, holder=holder[:120], iban=iban, bic=bic,
                          notice_days=notice_days, origin=origin)
        session.add(mandate)
        session.flush()
        return mandate


def next_reference(customer: Customer) -> str:
    """Prefix, customer number, counter; the account is locked."""
    base = f"{setting('sepa.mandate_prefix')}{sepa_text(customer.number).replace(' ', '')}"[:30]
    taken = set(db.session.scalars(select(Mandate.reference).where(Mandate.reference.startswith(f"{base}-", autoescape=True))))
    return next(name for n in range(1, 10_000) if (name := f"{base}-{n}") not in taken)


def change_draft(mandate: Mandate, *, account: CreditorAccount | None, holder: str, iban: str, bic: str = "", scheme: str = "CORE", one_off: bool = False,
                 notice_days: int | None = None) -> None:
    """Before anybody was asked to sign; later it is an amendment or a new mandate."""
    with transaction() as session:
        _locked(session, mandate)
        if mandate.state is not MandateState.DRAFT:
            raise InvalidInput(_("Only a draft can be changed. Amend the mandate, or revoke it and write a new one."))
        if not sepa_text(holder):
            raise InvalidInput(_("Enter the name of the account holder."), "holder")
        if account is None or not account.active:
            raise InvalidInput(_("Choose one of our bank accounts that is in use."), "account")
        if scheme not in SCHEMES or (scheme == B2B and not mandate.customer.business):
            raise InvalidInput(_("Consumers cannot give a B2B mandate: their bank would not accept it."), "scheme")
        _check_notice(notice_days)
        mandate.account, mandate.holder, mandate.iban, mandate.bic = account, " ".join(holder.split())[:120], ids.debtor_iban(iban), ids.bic(bic)
        mandate.scheme, mandate.one_off, mandate.notice_days = scheme, one_off, notice_days


def request(mandate: Mandate) -> None:
    """The customer gets the form to sign."""
    with transaction() as session:
        _locked(session, mandate)
        mandate.move_to(MandateState.REQUESTED)
        mandate.requested_at = clock.now()


def back_to_draft(mandate: Mandate) -> None:
    """Something in it was wrong before it was signed."""
    with transaction() as session:
        _locked(session, mandate)
        mandate.move_to(MandateState.DRAFT)
        mandate.requested_at = None


def check_may_sign(mandate: Mandate) -> None:
    """Raises InvalidInput: what was suspended becomes valid by `resume`, what ended by a new mandate."""
    if mandate.state not in (MandateState.DRAFT, MandateState.REQUESTED):
        raise InvalidInput(_("Only a mandate that waits for its signature can be signed."))


def sign(mandate: Mandate, signed_on: date, document: Document | None = None, proof: dict[str, Any] | None = None) -> None:
    """The signature is there: on paper (its scan as `document`) or online (`proof`). A B2B mandate collects once the bank confirmed it."""
    with transaction() as session:
        _locked(session, mandate)
        check_may_sign(mandate)
        if signed_on > clock.today():
            raise InvalidInput(_("The day of the signature cannot lie ahead."), "signed_on")
        if signed_on < lapse_day(clock.today()):
            raise InvalidInput(_("A mandate that was not used for 36 months has lapsed. Ask for a new one."), "signed_on")
        if document is None and not proof:
            raise InvalidInput(_("Upload the signed form: without it the bank pays the money back for 13 months."), "file")
        if mandate.state is MandateState.DRAFT:
            mandate.move_to(MandateState.REQUESTED)
        mandate.move_to(MandateState.VALID)
        mandate.signed_on, mandate.valid_at, mandate.document = signed_on, clock.now(), document or mandate.document
        if proof:
            mandate.proof = proof
        if not mandate.one_off:     # what was signed is what is meant: he pays by direct debit
            mandate.customer.payment_method = METHOD


def confirm_by_bank(mandate: Mandate, on: date) -> None:
    """B2B: the debtor's bank has registered the mandate; without that it returns the first collection."""
    with transaction() as session:
        _locked(session, mandate)
        if mandate.scheme != B2B:
            raise InvalidInput(_("Only B2B mandates are registered by the debtor's bank."))
        if mandate.signed_on is None or on < mandate.signed_on or on > clock.today():
            raise InvalidInput(_("The bank confirms between the signature and today."), "bank_confirmed_on")
        mandate.bank_confirmed_on = on


def suspend(mandate: Mandate, why: str) -> None:
    """Nothing is collected with it until somebody resumes it. What is planned and not exported is taken out."""
    with transaction() as session:
        _locked(session, mandate)
        mandate.move_to(MandateState.SUSPENDED)
        mandate.reason = _why(why)
        withdraw(session, mandate.id)


def resume(mandate: Mandate) -> None:
    with transaction() as session:
        _locked(session, mandate)
        if mandate.state is not MandateState.SUSPENDED:
            raise InvalidInput(_("Only a suspended mandate can be resumed."))
        if lapsed(mandate, clock.today()):
            raise InvalidInput(_("A mandate that was not used for 36 months has lapsed. Ask for a new one."))
        mandate.move_to(MandateState.VALID)
        mandate.reason = ""


def revoke(mandate: Mandate, why: str, on: date | None = None) -> None:
    """By the customer or by us; final."""
    with transaction() as session:
        _locked(session, mandate)
        mandate.move_to(MandateState.REVOKED)
        mandate.reason, mandate.ended_on = _why(why), on or clock.today()
        withdraw(session, mandate.id)


def last_collection(mandate: Mandate, last: bool) -> None:
    """The next collection is the last one (FNAL); the mandate ends with it."""
    with transaction() as session:
        _locked(session, mandate)
        if mandate.state not in (MandateState.VALID, MandateState.SUSPENDED) or mandate.one_off:
            raise InvalidInput(_("Only a mandate in use for repeated collections can have a last one."))
        mandate.last_one = last


def amend(mandate: Mandate, *, holder: str, iban: str, bic: str = "", reference: str = "") -> None:
    """The customer's new account, or a new reference: the mandate stays, the next collection tells the bank what it was.

    Raises InvalidInput, for a change while a collection is under way as well: the bank would not know which one is meant.
    """
    with transaction() as session:
        _locked(session, mandate)
        if mandate.state not in (MandateState.VALID, MandateState.SUSPENDED):
            raise InvalidInput(_("Only a mandate in use can be amended."))
        if not sepa_text(holder):
            raise InvalidInput(_("Enter the name of the account holder."), "holder")
        running = session.scalar(select(func.count()).select_from(DirectDebit).where(DirectDebit.mandate_id == mandate.id, DirectDebit.state == DebitState.PLANNED))
        if running:
            raise InvalidInput(_("A direct debit is planned with this mandate. Export or cancel its file first."))
        new_iban, new_bic = ids.debtor_iban(iban), ids.bic(bic)
        if reference.strip() and ids.mandate_id(reference) != mandate.reference:
            name = ids.mandate_id(reference)
            if session.scalar(select(Mandate.id).where(Mandate.reference == name)) is not None:
                raise InvalidInput(_("There is a mandate with this reference already."), "reference")
            if mandate.collections:
                mandate.former_reference = mandate.former_reference or mandate.reference
            mandate.reference = name
        if new_iban != mandate.iban:
            mandate.new_account = bool(mandate.collections)     # a bank that never saw it needs no amendment
            mandate.iban = new_iban
            mandate.bank_confirmed_on = None
        mandate.holder, mandate.bic = " ".join(holder.split())[:120], new_bic


def _locked(session: Any, mandate: Mandate) -> None:
    account_for_update(session, mandate.customer_id)
    session.refresh(mandate, with_for_update=True)


def _check_notice(days: int | None) -> None:
    if days is not None and not 1 <= days <= 60:
        raise InvalidInput(_("The announcement comes 1 to 60 days before the collection."), "notice_days")


def _why(text: str) -> str:
    text = " ".join(text.split())
    if not 1 <= len(text) <= 500:
        raise InvalidInput(_("Say why, in 1 to 500 characters: the reason is shown beside the mandate."), "reason")
    return text
