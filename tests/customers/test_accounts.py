"""Portal accounts and terms on the staff's side: welcome and password e-mails one by one and in bulk, roles, proofs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import IllegalTransition, InUse, InvalidInput
from app.customers import account_passwords, accounts, terms
from app.customers.account_models import (
    AccountCustomer,
    AccountRole,
    AccountState,
    PasswordLink,
    PortalAccount,
    TermsAcceptance,
    TermsVersion,
)
from app.customers.models import Customer, CustomerState
from app.customers.password_links import use_link
from app.customers.services import delete_unused_customer
from app.system.models import MailMessage
from tests import factories as make
from tests.portal.visitors import PASSWORD, path_in, send_all


def count(table) -> int:
    return db.session.scalar(select(func.count()).select_from(table))


def chosen(customer: Customer) -> PortalAccount:
    """The customer's account, with a password."""
    account = accounts.main_account(customer) or accounts.create_account(customer)
    with transaction():
        _link, token = accounts.make_link(account, accounts.LinkPurpose.RESET)
    now = terms.current()
    return use_link(token, PASSWORD, "198.51.100.7", now.id if now else None)


# accounts --------------------------------------------------------------------------------------------------------------


def test_one_main_account_and_as_many_others_as_wanted(app):
    customer = make.customer()
    main = accounts.create_account(customer)
    assert str(main) == customer.number and accounts.address_of(main) == customer.email
    for login, words in (("", "an account already"), ("nobody", "not an e-mail"), ("A@B.example", None), ("a@b.EXAMPLE", "with this e-mail address already")):
        if words is None:
            assert accounts.address_of(accounts.create_account(customer, login, role=AccountRole.READER)) == "a@b.example"
        else:
            with pytest.raises(InvalidInput, match=words):
                accounts.create_account(customer, login)
    assert count(PortalAccount) == 2


def test_the_database_refuses_a_second_main_account(app):
    from sqlalchemy.exc import IntegrityError

    customer = make.customer()
    accounts.create_account(customer)
    with pytest.raises(IntegrityError), transaction() as session:
        session.add(PortalAccount(customer=customer))


def test_an_account_may_act_for_several(app):
    one, two = make.customer(), make.customer()
    account = accounts.create_account(one)
    accounts.set_access(account, two, AccountRole.MANAGER)
    accounts.set_access(account, two, AccountRole.READER)
    assert {(link.customer_id, link.role) for link in account.links} == {(one.id, AccountRole.OWNER), (two.id, AccountRole.READER)}
    with pytest.raises(InvalidInput):
        accounts.set_access(account, one, None)
    accounts.set_access(account, two, None)
    assert count(AccountCustomer) == 1


def test_the_owner_accepts_for_every_customer_that_is_his(app):
    terms.publish(terms.save_terms(name="1", valid_from=clock.today(), text_en="Be kind."))
    one, two, three = make.customer(), make.customer(), make.customer()
    account = accounts.create_account(one)
    accounts.set_access(account, two, AccountRole.OWNER)
    accounts.set_access(account, three, AccountRole.MANAGER)
    chosen(one)
    assert set(db.session.scalars(select(TermsAcceptance.customer_id))) == {one.id, two.id}


def test_states_have_their_arrows(app):
    account = accounts.create_account(make.customer())
    accounts.disable(account)
    with pytest.raises(IllegalTransition):
        accounts.disable(account)
    with pytest.raises(InvalidInput, match="disabled"):
        accounts.send_password_link(account)
    accounts.enable(account)
    assert account.state is AccountState.INVITED
    chosen(account.customer)
    accounts.disable(account)
    accounts.enable(account)
    assert account.state is AccountState.ACTIVE


@pytest.mark.parametrize("fields", [{"email": ""}, {"state": CustomerState.DELETED}])
def test_who_cannot_get_mail_is_told_and_nothing_stays(app, fields):
    customer = make.customer(**({"email": ""} if "email" in fields else {}))
    if "state" in fields:
        with transaction():
            customer.move_to(CustomerState.DELETED)
    for send in (accounts.send_welcome, accounts.send_customer_password_link):
        with pytest.raises(InvalidInput):
            send(customer)
    assert not count(PortalAccount) and not count(MailMessage) and not count(PasswordLink)


def test_a_customer_with_an_account_is_in_use(app):
    customer = make.customer()
    accounts.create_account(customer)
    with pytest.raises(InUse, match="portal accounts"):
        delete_unused_customer(customer)


def test_stored_passwords(app):
    stored = account_passwords.hash_password("granite-lantern")
    assert account_passwords.matches(stored, "granite-lantern") and not account_passwords.matches(stored, "granite-lantern ") and not account_passwords.matches(None, "nobody has this password")
    assert not account_passwords.matches("broken", "x") and not account_passwords.is_outdated(stored)
    assert account_passwords.is_outdated("$argon2id$v=19$m=8192,t=1,p=1$c29tZXNhbHQ$0zrqmSVvQ4mYwVtNVAMMzw")


def test_a_password_stands_in_no_mail_protocol_or_log(app, mailbox, caplog):
    from app.system.models import ProtocolEntry

    caplog.set_level("DEBUG")
    customer = make.customer()
    account = chosen(customer)
    send_all()
    everything = caplog.text + "".join(f"{mail.as_string()}" for mail in mailbox.messages) + "".join(
        f"{entry.subject}{entry.note}{entry.changes}" for entry in db.session.scalars(select(ProtocolEntry)))
    assert PASSWORD not in everything and account.password_hash not in everything


# pages -----------------------------------------------------------------------------------------------------------------


def test_welcome_and_password_link_from_the_customers_page(app, desk, mailbox):
    support, customer = desk("Support"), make.customer()
    page = f"/admin/customers/show/{customer.id}"
    assert "Send welcome e-mail" in support.get(page).text
    assert support.post(f"/admin/customers/action/welcome/{customer.id}").status_code == 303
    send_all()
    use_link(path_in(mailbox.messages[0]).rsplit("/", 1)[1], PASSWORD, "198.51.100.7")
    text = support.get(page).text
    assert "Send password link" in text and "Send welcome e-mail" not in text
    support.post(f"/admin/customers/action/welcome/{customer.id}")
    assert any("has chosen a password already" in message for message in support.messages())
    assert support.post(f"/admin/customers/action/password_link/{customer.id}").status_code == 303
    send_all()
    assert [mail["Subject"] for mail in mailbox.messages] == ["Welcome to Nordfunk PTT GmbH", "Your password was changed", "Choose a new password"]
    tab = support.get(f"{page}?tab=PortalAccountView").text
    assert customer.number in tab and "Active" in tab and PASSWORD not in tab and "argon2" not in tab


def test_many_welcome_mails_at_once(app, desk, mailbox):
    people = [make.customer() for _ in range(3)] + [make.customer(email="")]
    chosen(people[0])
    support = desk("Support")
    support.post("/admin/customers/action_post", {"action": "welcome", "rowid": [str(person.id) for person in people]})
    told = " ".join(support.messages())
    assert "2 welcome e-mails are on their way." in told and "has no e-mail address" in told and "has chosen a password already" in told
    send_all()
    assert {recipients[0] for _sender, recipients in mailbox.envelopes} == {person.email for person in people[:3]}


def test_who_may_only_read_sends_nothing(app, desk):
    customer = make.customer()
    for role in ("Sales", "Billing", "Read only"):
        assert desk(role).post(f"/admin/customers/action/welcome/{customer.id}").status_code == 403
    assert not count(MailMessage)


def test_accounts_by_staff(app, desk, mailbox):
    support, customer, other = desk("Support"), make.customer(), make.customer()
    data = {"customer": str(customer.id), "login": "dispo@example.org", "name": "Disposition", "role": "manager", "language": ""}
    assert support.post("/admin/portal-accounts/add", data).status_code == 303
    account = db.session.scalars(select(PortalAccount)).one()
    assert account.links[0].role is AccountRole.MANAGER
    assert support.post("/admin/portal-accounts/add", data).status_code == 422
    assert support.post(f"/admin/portal-accounts/act/give_access?rowid={account.id}", {"customer": str(other.id), "role": "reader"}).status_code == 303
    page = support.get(f"/admin/portal-accounts/show/{account.id}").text
    assert "Manages licenses" in page and other.company in page and "dispo@example.org" in page
    assert "dispo@example.org" in support.get(f"/admin/customers/show/{other.id}?tab=PortalAccountView").text
    assert support.post(f"/admin/portal-accounts/action/send_link/{account.id}").status_code == 303
    send_all()
    assert mailbox.envelopes[-1][1] == ("dispo@example.org",)
    assert support.post(f"/admin/portal-accounts/action/disable/{account.id}").status_code == 303
    db.session.refresh(account)
    assert account.state is AccountState.DISABLED


def test_the_proof_is_shown_on_the_customers_page(app, desk):
    terms.publish(terms.save_terms(name="2026-11", valid_from=clock.today(), text_en="Be kind."))
    customer = make.customer()
    chosen(customer)
    support = desk("Support")
    tab = support.get(f"/admin/customers/show/{customer.id}?tab=TermsAcceptanceView").text
    assert "2026-11" in tab and "198.51.100.7" in tab
    proof = db.session.scalars(select(TermsAcceptance)).one()
    assert terms.digest("Be kind.") in support.get(f"/admin/terms-accepted/show/{proof.id}").text
    for path in ("add", f"edit/{proof.id}", f"delete/{proof.id}"):
        assert support.get(f"/admin/terms-accepted/{path}").status_code == 404 and support.post(f"/admin/terms-accepted/{path}").status_code == 404


# terms -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "field"), [
    ({"name": ""}, "name"), ({"name": "x" * 21}, "name"), ({"valid_from": None}, "valid_from"), ({"text_en": " "}, "text_en"), ({"text_en": "x" * 200_001}, "text_en")])
def test_bad_terms(app, fields, field):
    with pytest.raises(InvalidInput) as caught:
        terms.save_terms(**{"name": "1", "valid_from": clock.today(), "text_en": "Be kind.", **fields})
    assert caught.value.field == field and not count(TermsVersion)


def test_published_terms_never_change(app):
    one = terms.save_terms(name="1", valid_from=clock.today(), text_en="Be kind.", text_de="Sei nett.")
    with pytest.raises(InvalidInput, match="already"):
        terms.save_terms(name="1", valid_from=clock.today(), text_en="Again.")
    terms.save_terms(one, text_en="Be very kind.")
    terms.publish(one)
    assert len(one.sha256) == 64 and terms.shown(one, "pt_BR").text == "Be very kind." and terms.shown(one, "de").language == "de"
    for change in (lambda: terms.save_terms(one, text_en="x"), lambda: terms.delete_draft(one), lambda: terms.publish(one)):
        with pytest.raises((InvalidInput, IllegalTransition)):
            change()


def test_the_version_in_force_goes_by_its_first_day(app):
    first = terms.save_terms(name="1", valid_from=clock.today(), text_en="One.")
    terms.publish(first)
    with pytest.raises(InvalidInput, match="begin later"):
        terms.publish(terms.save_terms(name="0", valid_from=clock.today(), text_en="Zero."))
    second = terms.save_terms(name="2", valid_from=clock.today() + timedelta(days=10), text_en="Two.")
    terms.publish(second)
    draft = terms.save_terms(name="3", valid_from=clock.today() + timedelta(days=1), text_en="Three.")
    assert terms.current() is first and terms.current(clock.today() + timedelta(days=10)) is second and terms.current(clock.today() - timedelta(days=1)) is None
    with clock.frozen(clock.now() + timedelta(days=5)), pytest.raises(InvalidInput, match="past"):
        terms.publish(draft)


def test_who_may_give_access_and_write_terms(app, desk):
    customer = make.customer()
    for role, accounts_, terms_ in (("Sales", 403, 403), ("Billing", 403, 403), ("Read only", 403, 403), ("Support", 422, 403), ("Administrator", 422, 422)):
        member = desk(role)
        assert member.post("/admin/portal-accounts/add", {"customer": str(customer.id), "login": "x"}).status_code == accounts_, role
        assert member.post("/admin/terms/add", {"name": ""}).status_code == terms_, role
    assert not count(PortalAccount) and not count(TermsVersion)


def test_terms_by_staff_and_by_everybody(app, desk, visitor):
    support = desk("Administrator")
    assert visitor.get("/portal/terms").status_code == 404
    fields = {"name": "2026-11", "valid_from": clock.today().isoformat(), "text_en": "One.\n\nTwo <b>.", "text_de": "Eins."}
    assert support.post("/admin/terms/add", fields).status_code == 303
    row = db.session.scalars(select(TermsVersion)).one()
    assert visitor.get(f"/portal/terms/{row.id}").status_code == 404, "drafts are nobody's business"
    page = f"/admin/terms/edit/{row.id}"
    assert support.post(page, {**fields, "row_version": support.marker(page), "text_en": "Ones.\n\nTwo <b>."}).status_code == 303
    assert support.post(f"/admin/terms/action/publish/{row.id}").status_code == 303
    for address in ("/portal/terms", f"/portal/terms/{row.id}"):
        text = visitor.get(address).text
        assert "Ones.\n\nTwo &lt;b&gt;." in text and "2026-11" in text
    assert "Eins." in visitor.get("/portal/terms?text=de").text
    for address in ("/portal/terms/99999", "/portal/terms/99999999999999"):
        assert visitor.get(address).status_code == 404
    assert support.post(page, {**fields, "row_version": support.marker(page)}).status_code == 422
    support.post(f"/admin/terms/delete/{row.id}")
    assert count(TermsVersion) == 1
