"""Request a password, get a link, use it: end to end over a real SMTP server; and what must never work."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.core import clock
from app.core.db import db, transaction
from app.customers import account_sessions, accounts, password_links, terms
from app.customers.account_models import (
    AccountState,
    PasswordLink,
    PasswordRequest,
    PortalAccount,
    PortalSession,
    TermsAcceptance,
)
from app.customers.account_passwords import matches
from app.customers.accounts import main_account, send_password_link, send_welcome
from app.customers.password_links import open_link, use_link
from app.customers.password_requests import answer_requests, request_password
from app.customers.services import change_customer
from app.system.models import MailMessage, ProtocolEntry
from app.system.settings import change_settings
from app.system.throttle import TooManyTries
from tests import factories as make
from tests.admin.staff import statements
from tests.portal.visitors import OTHER, PASSWORD, Visitor, path_in, send_all, text_of


def publish(version: str = "2026-11", day: date | None = None, **texts: str) -> None:
    terms.publish(terms.save_terms(name=version, valid_from=day or clock.today(), **(texts or {"text_en": f"Pay and be kind ({version}).", "text_de": f"Zahlen und nett sein ({version})."})))


def ask(visitor: Visitor, number: str) -> None:
    assert visitor.post("/portal/password", {"number": number}).status_code == 303


def test_a_customer_asks_gets_a_link_and_chooses_a_password(app, visitor, mailbox):
    customer = make.customer(language="de", contact="Jan Claasen")
    publish()
    ask(visitor, customer.number.lower())
    send_all()
    (mail,) = mailbox.messages
    assert mailbox.envelopes[0][1] == (customer.email,)
    assert mail["Subject"] == "Neues Passwort wählen" and "Guten Tag Jan Claasen," in text_of(mail) and customer.number in text_of(mail)
    path = path_in(mail)

    page = visitor.get(path)
    assert page.status_code == 200 and "Fassung 2026-11" in page.text
    account = main_account(customer)
    assert account.password_hash is None and account.state is AccountState.INVITED, "opening changes nothing"
    assert visitor.get(path).status_code == 200, "a mail scanner may open it as often as it likes"

    answer = visitor.post(path, {"password": PASSWORD, "again": PASSWORD})
    assert answer.status_code == 303 and answer.headers["Location"] == "/portal/password/changed"
    db.session.refresh(account)
    assert account.state is AccountState.ACTIVE and matches(account.password_hash, PASSWORD) and not matches(account.password_hash, OTHER)
    assert account.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")

    again = visitor.get(path)
    assert again.status_code == 404 and "no longer valid" in again.text and "Request a new link" in again.text
    assert visitor.post(path, {"password": OTHER, "again": OTHER}).status_code == 404
    assert matches(db.session.get(PortalAccount, account.id).password_hash, PASSWORD)

    send_all()
    told = mailbox.messages[-1]
    assert len(mailbox.messages) == 2 and told["Subject"] == "Ihr Passwort wurde geändert" and "http" not in text_of(told)
    assert not any(PASSWORD in text_of(mail) for mail in mailbox.messages)


def test_the_proof_of_the_terms_is_kept_for_ever(app, visitor, mailbox):
    customer = make.customer(language="de")
    publish("2026-10")
    ask(visitor, customer.number)
    send_all()
    assert visitor.post(path_in(mailbox.messages[0]), {"password": PASSWORD, "again": PASSWORD}).status_code == 303
    proof = db.session.scalars(select(TermsAcceptance)).one()
    assert (proof.customer_id, proof.version, proof.language, proof.how, proof.address, proof.email) == (customer.id, "2026-10", "de", "link", "198.51.100.7", customer.email)
    assert proof.sha256 == terms.digest("Zahlen und nett sein (2026-10).") and proof.account == customer.number
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.action == "terms_accepted")).one()
    assert entry.customer_id == customer.id and entry.actor_kind == "portal" and entry.origin == "198.51.100.7"
    for statement in ("UPDATE terms_acceptance SET version = 'x'", "DELETE FROM terms_acceptance", "UPDATE terms_version SET text_de = 'x'", "DELETE FROM terms_version"):
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(statement))


@pytest.mark.parametrize("needed", [False, True])
def test_a_tick_can_be_required(app, visitor, mailbox, needed):
    change_settings({"portal.terms_tick": needed})
    publish()
    customer = make.customer()
    send_welcome(customer)
    send_all()
    path = path_in(mailbox.messages[0])
    assert ('name="accept"' in visitor.get(path).text) is needed
    answer = visitor.post(path, {"password": PASSWORD, "again": PASSWORD})
    if needed:
        assert answer.status_code == 422 and "Accept the terms to go on." in answer.text
        assert main_account(customer).password_hash is None and not db.session.scalar(select(func.count()).select_from(TermsAcceptance))
        assert visitor.post(path, {"password": PASSWORD, "again": PASSWORD, "accept": "y"}).status_code == 303
    else:
        assert answer.status_code == 303
    assert db.session.scalars(select(TermsAcceptance.how)).one() == ("tick" if needed else "link")


def test_without_terms_nothing_is_accepted(app, visitor, mailbox):
    customer = make.customer()
    send_welcome(customer)
    send_all()
    path = path_in(mailbox.messages[0])
    assert "terms" not in visitor.get(path).text.replace('name="terms"', "").replace('id="terms"', "")
    assert visitor.post(path, {"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert not db.session.scalar(select(func.count()).select_from(TermsAcceptance))


def test_terms_that_change_while_the_form_is_open_are_shown_first(app, visitor, mailbox):
    publish("2026-10")
    customer = make.customer()
    send_welcome(customer)
    send_all()
    path = path_in(mailbox.messages[0])
    page = visitor.get(path).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page).group(1)
    old = re.search(r'name="terms"[^>]*value="(\d+)"', page).group(1)
    with clock.frozen(clock.now() + timedelta(days=1)):
        publish("2026-11", clock.today())
        answer = visitor.http.post(path, data={"csrf_token": token, "terms": old, "password": PASSWORD, "again": PASSWORD})
        assert answer.status_code == 409 and "terms have changed" in answer.text and "version 2026-11" in answer.text
        assert main_account(customer).password_hash is None
        assert visitor.post(path, {"password": PASSWORD, "again": PASSWORD}).status_code == 303
    assert db.session.scalars(select(TermsAcceptance.version)).all() == ["2026-11"]


# single use, expiry, replacement --------------------------------------------------------------------------------------


def link_for(customer, mailbox) -> str:
    send_password_link(main_account(customer) or accounts.create_account(customer))
    send_all()
    return path_in(mailbox.messages[-1])


@pytest.mark.parametrize(("minutes", "status"), [(59, 200), (61, 404)])
def test_a_link_expires(app, visitor, mailbox, minutes, status):
    path = link_for(make.customer(), mailbox)
    with clock.frozen(clock.now() + timedelta(minutes=minutes)):
        assert visitor.get(path).status_code == status
        assert visitor.post(path, {"password": PASSWORD, "again": PASSWORD}).status_code == (303 if status == 200 else 404)


def test_a_welcome_link_lives_for_days(app, visitor, mailbox):
    customer = make.customer()
    send_welcome(customer)
    send_all()
    path = path_in(mailbox.messages[0])
    assert "Welcome to Nordfunk PTT GmbH" in mailbox.messages[0]["Subject"]
    with clock.frozen(clock.now() + timedelta(days=6, hours=23)):
        assert visitor.get(path).status_code == 200
    with clock.frozen(clock.now() + timedelta(days=7, minutes=1)):
        assert visitor.get(path).status_code == 404


def test_a_new_link_ends_the_older_one(app, visitor, mailbox):
    customer = make.customer()
    first, second = link_for(customer, mailbox), link_for(customer, mailbox)
    assert visitor.get(first).status_code == 404 and visitor.get(second).status_code == 200
    with transaction() as session:
        links = session.scalars(select(PasswordLink).order_by(PasswordLink.id)).all()
    assert [link.ended_at is None for link in links] == [False, True]


def test_using_a_link_ends_all_sessions(app, mailbox):
    customer = make.customer()
    path = link_for(customer, mailbox)
    account = main_account(customer)
    use_link(path.rsplit("/", 1)[1], PASSWORD, "198.51.100.7")
    cookie, other = account_sessions.start(account, "203.0.113.4", "Firefox"), account_sessions.start(account)
    assert account_sessions.running(cookie)[1].id == account.id and account_sessions.running("made up") is None
    path = link_for(customer, mailbox)
    assert account_sessions.running(cookie) is not None, "asking ends nothing: anybody can ask"
    use_link(path.rsplit("/", 1)[1], OTHER, "198.51.100.7")
    assert account_sessions.running(cookie) is None and account_sessions.running(other) is None
    assert set(db.session.scalars(select(PortalSession.ended_because))) == {"password"}
    actions = db.session.scalars(select(ProtocolEntry.action).where(ProtocolEntry.subject_type == "portal_account", ProtocolEntry.action.like("password_%")).order_by(ProtocolEntry.id)).all()
    assert actions == ["password_link_sent", "password_set", "password_link_sent", "password_changed"]


def test_sessions_end_by_themselves(app):
    account = accounts.create_account(make.customer())
    with transaction():
        account.move_to(AccountState.ACTIVE)
    cookie = account_sessions.start(account)
    start = clock.now()
    for minutes in range(50, 24 * 60, 50):
        with clock.frozen(start + timedelta(minutes=minutes)):
            assert account_sessions.running(cookie), minutes
    with clock.frozen(start + timedelta(hours=24, minutes=10)):
        assert account_sessions.running(cookie) is None
    idle = account_sessions.start(account)
    with clock.frozen(clock.now() + timedelta(minutes=61)):
        assert account_sessions.running(idle) is None
    assert db.session.scalars(select(PortalSession.ended_because).order_by(PortalSession.id)).all() == ["expired", "idle"]


def test_a_disabled_account_has_no_way_in(app, visitor, mailbox):
    customer = make.customer()
    path = link_for(customer, mailbox)
    account = main_account(customer)
    accounts.disable(account)
    assert visitor.get(path).status_code == 404
    ask(visitor, customer.number)
    send_all()
    assert len(mailbox.messages) == 1, "nothing is sent for a disabled account"
    assert db.session.scalars(select(ProtocolEntry.action).where(ProtocolEntry.action == "password_request_refused")).all()
    accounts.enable(account)
    assert account.state is AccountState.INVITED


@pytest.mark.parametrize(("password", "again", "words"), [
    ("short", "short", "at least 12"), ("x" * 129, "x" * 129, "at most 128"), ("passwordpassword", "passwordpassword", "easy to guess"), (PASSWORD, OTHER, "differ"),
    ("Hafenlotsen Emden", "Hafenlotsen Emden", "easy to guess"), ("", "", "Fill this in"), ("jan.claasen.emden", "jan.claasen.emden", "easy to guess"),
])
def test_bad_passwords_change_nothing(app, visitor, mailbox, password, again, words):
    customer = make.customer(company="Hafenlotsen Emden", contact="Jan Claasen", city="Emden", email="jan.claasen@example.org")
    path = link_for(customer, mailbox)
    answer = visitor.post(path, {"password": password, "again": again})
    assert answer.status_code == 422 and words in answer.text
    assert main_account(customer).password_hash is None and visitor.get(path).status_code == 200
    assert not password or f'value="{password}"' not in answer.text


def test_two_uses_at_once_set_one_password(app, mailbox):
    """The second comes after the first has read the link, and before it has written."""
    customer = make.customer()
    token = link_for(customer, mailbox).rsplit("/", 1)[1]
    real = password_links.hash_password

    def overtaken(password: str) -> str:
        password_links.hash_password = real
        use_link(token, OTHER, "203.0.113.9")
        return real(password)

    password_links.hash_password = overtaken
    try:
        with pytest.raises(password_links.DeadLink):
            use_link(token, PASSWORD, "198.51.100.7")
    finally:
        password_links.hash_password = real
    assert matches(main_account(customer).password_hash, OTHER)


# nobody learns who is a customer ---------------------------------------------------------------------------------------


def body_of(answer) -> str:
    return re.sub(r'(csrf_token"[^>]*value=")[^"]+|nonce="[^"]+"', r"\1", answer.text)


def test_a_hit_and_a_miss_answer_alike(app):
    customer = make.customer()
    seen = {}
    for number in (customer.number, "K99999", customer.number.lower() + "x", "nobody@example.org"):
        visitor = Visitor(app, f"198.51.100.{len(seen) + 10}")
        visitor.get("/portal/password")
        with statements() as sql:
            answer = visitor.post("/portal/password", {"number": number})
        target = answer.headers["Location"]
        seen[number] = (answer.status_code, target, body_of(answer), dict(answer.headers, **{"Set-Cookie": "", "Content-Security-Policy": "", "Content-Length": ""}), sql, body_of(visitor.get(target)))
    first = next(iter(seen.values()))
    assert all(found == first for found in seen.values()), "same answer, same statements, with and without such a customer"
    assert not any("customer" in statement.lower() and "from customer" in statement.lower() for statement in first[4]), "the customer is not even looked for"
    assert db.session.scalars(select(PasswordRequest.number)).all() == list(seen)


def test_a_settled_request_is_forgotten(app, visitor, mailbox):
    for number in (make.customer().number, "my secret password!"):
        ask(visitor, number)
    send_all()
    assert len(mailbox.messages) == 1
    assert not db.session.scalar(select(func.count()).select_from(PasswordRequest))
    assert not any("my secret" in f"{entry.subject}{entry.note}{entry.changes}" for entry in db.session.scalars(select(ProtocolEntry)))
    assert answer_requests() == 0


def test_mail_goes_to_the_stored_address_only(app, visitor, mailbox):
    """Also with a second address in the form, as a list, as a header, or as JSON."""
    customer = make.customer()
    for data in ({"number": [customer.number, "K1"]}, {"number": customer.number, "email": "evil@example.net"}, {"number": f"{customer.number},evil@example.net"},
                 {"number": f"{customer.number}\r\nBcc: evil@example.net"}):
        visitor.post("/portal/password", data)
    assert visitor.http.post("/portal/password", json={"number": [customer.number, "evil@example.net"]}).status_code in (400, 415)
    send_all()
    assert {recipients for _sender, recipients in mailbox.envelopes} == {(customer.email,)} and len(mailbox.messages) == 1
    assert set(mailbox.messages[0].keys()) == {"From", "To", "Subject", "Message-ID", "Date", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding", "MIME-Version"}


@pytest.mark.parametrize("number", [["K1", "K2"], {"a": "b"}, 10001, None, "", "   ", "K1\r\nK2\x00", "x" * 255])
def test_only_one_text_is_a_number(app, number):
    from app.core.errors import InvalidInput

    with pytest.raises(InvalidInput):
        request_password(number, "198.51.100.7")
    assert not db.session.scalar(select(func.count()).select_from(PasswordRequest))


def test_a_list_in_the_form_is_refused(app, visitor):
    answer = visitor.post("/portal/password", {"number": ["K10001", "K10002"]})
    assert answer.status_code == 422 and "Enter one value." in answer.text
    assert not db.session.scalar(select(func.count()).select_from(PasswordRequest))


@pytest.mark.parametrize("token", ["x", "a" * 43, "%00" * 30, "..%2f..%2f", ["a" * 43], None, 5])
def test_made_up_links(app, visitor, token):
    if isinstance(token, str):
        answer = visitor.get(f"/portal/password/{token}")
        assert answer.status_code == 404
    with pytest.raises(password_links.DeadLink):
        open_link(token, "198.51.100.7")


def test_the_link_never_takes_the_host_of_the_request(app, mailbox):
    customer = make.customer()
    visitor = Visitor(app)
    assert visitor.get("/portal/password", headers={"Host": "evil.example"}).status_code == 400
    visitor.post("/portal/password", {"number": customer.number}, headers={"X-Forwarded-Host": "evil.example"})
    send_all()
    assert "evil" not in text_of(mailbox.messages[0])
    assert path_in(mailbox.messages[0]).startswith("/portal/password/")


def test_a_form_without_token_is_refused(app, visitor):
    answer = visitor.http.post("/portal/password", data={"number": "K10001"})
    assert answer.status_code == 400 and "no longer valid" in answer.text
    assert not db.session.scalar(select(func.count()).select_from(PasswordRequest))


def test_headers(app, visitor, mailbox):
    path = link_for(make.customer(), mailbox)
    for page in ("/portal/password", path, "/portal/terms", "/portal/password/requested"):
        answer = visitor.get(page)
        assert answer.headers["Cache-Control"] == "private, no-store" and answer.headers["X-Robots-Tag"] == "noindex"
        assert answer.headers["Referrer-Policy"] == "same-origin", "the address of a link is told to nobody else"
        assert "unsafe" not in answer.headers["Content-Security-Policy"] and not re.findall(r'(?:src|href)="https?://', answer.text) and "<script" not in answer.text


# limits ----------------------------------------------------------------------------------------------------------------


def test_three_requests_an_hour_for_a_number(app, visitor):
    for number in (make.customer().number, "K99999"):
        for turn in range(3):
            assert Visitor(app, f"203.0.113.{turn}").post("/portal/password", {"number": number}).status_code == 303
        answer = Visitor(app, "203.0.113.99").post("/portal/password", {"number": number.lower()})
        assert answer.status_code == 429 and "Try again in an hour" in answer.text
    assert db.session.scalar(select(func.count()).select_from(PasswordRequest)) == 6
    with clock.frozen(clock.now() + timedelta(minutes=61)):
        assert visitor.post("/portal/password", {"number": "K99999"}).status_code == 303


def test_ten_requests_an_hour_from_an_address(app):
    for turn in range(10):
        request_password(f"K{turn}", "2001:db8:1:2::1")
    with pytest.raises(TooManyTries):
        request_password("K11", "2001:db8:1:2:ffff::9")
    request_password("K11", "2001:db8:1:3::9")


def test_twenty_links_an_hour_from_an_address(app, visitor, mailbox):
    path = link_for(make.customer(), mailbox)
    for turn in range(20):
        assert visitor.get(f"/portal/password/{'a' * 40}{turn:02d}").status_code == 404
    answer = visitor.get("/portal/password/" + "b" * 43)
    assert answer.status_code == 429 and "Too many tries" in answer.text
    assert visitor.post(path, {"password": PASSWORD, "again": PASSWORD}).status_code == 429
    assert Visitor(app, "203.0.113.5").post(path, {"password": PASSWORD, "again": PASSWORD}).status_code == 303


# secrets ---------------------------------------------------------------------------------------------------------------


def test_neither_staff_nor_a_copy_of_the_database_can_use_a_link(app, mailbox):
    customer = make.customer()
    send_welcome(customer)
    row = db.session.scalars(select(MailMessage)).one()
    assert "{{link}}" in row.body and "http" not in row.body
    raw = db.session.execute(text("SELECT sealed FROM mail_message")).scalar_one()
    assert raw.startswith("v1:") and "http" not in raw
    send_all()
    token = path_in(mailbox.messages[0]).rsplit("/", 1)[1]
    db.session.expire_all()
    assert db.session.execute(text("SELECT sealed FROM mail_message")).scalar_one() is None, "sent: erased"
    for table in ("mail_message", "password_link", "protocol_entry", "portal_account"):
        for stored in db.session.execute(text(f"SELECT * FROM {table}")).all():
            assert token not in repr(stored), table
    hashed = db.session.scalars(select(PasswordLink.token_hash)).one()
    assert hashed == accounts.digest(token)


def test_a_failed_mail_keeps_its_link_and_a_given_up_one_does_not(app, visitor, mailbox):
    from app.core.errors import InvalidInput
    from app.system.mail import deliver_mail, give_up_mail, retry_mail

    customer = make.customer()
    mailbox.refuse("550 5.1.1 no such user")
    send_welcome(customer)
    deliver_mail()
    row = db.session.scalars(select(MailMessage)).one()
    db.session.refresh(row)
    assert row.state.value == "held" and "550" in row.error
    mailbox.refuse("")
    retry_mail(row.id)
    deliver_mail()
    assert visitor.get(path_in(mailbox.messages[0])).status_code == 200
    send_password_link(main_account(customer))
    waiting = db.session.scalars(select(MailMessage).where(MailMessage.kind == "password")).one()
    give_up_mail(waiting.id)
    with pytest.raises(InvalidInput, match="erased"):
        retry_mail(waiting.id)


# e-mail logins ----------------------------------------------------------------------------------------------------------


def test_a_further_account_signs_in_with_its_own_address(app, visitor, mailbox):
    customer = make.customer()
    account = accounts.create_account(customer, "Dispo@Example.org", name="Disposition")
    assert account.login == "dispo@example.org"
    ask(visitor, "DISPO@example.org")
    send_all()
    assert mailbox.envelopes[0][1] == ("dispo@example.org",)
    assert "Dear Disposition," in text_of(mailbox.messages[0])


def test_a_corrected_address_counts_at_once(app, visitor, mailbox):
    customer = make.customer()
    change_customer(customer, email="right@example.org")
    ask(visitor, customer.number)
    send_all()
    assert mailbox.envelopes[0][1] == ("right@example.org",)


def test_pages_in_other_languages(app, mailbox):
    customer = make.customer(language="pt_BR")
    send_welcome(customer)
    send_all()
    assert mailbox.messages[0]["Subject"] == "Bem-vindo à Nordfunk PTT GmbH"
    visitor = Visitor(app, language="de")
    assert '<html lang="de">' in visitor.get("/portal/password").text
    assert '<html lang="en">' in visitor.get("/portal/password?lang=en").text
    assert '<html lang="en">' in visitor.get("/portal/password?lang=xx").text


def test_a_request_survives_a_worker_that_dies(app, mailbox, monkeypatch):
    customer = make.customer()
    request_password(customer.number, "198.51.100.7")

    def die(*_args):
        raise ConnectionError("gone")

    with monkeypatch.context() as patch:
        patch.setattr("app.customers.password_requests._answer", die)
        answer_requests()
    with clock.frozen(clock.now() + timedelta(minutes=5)):
        send_all()
    assert len(mailbox.messages) == 1
