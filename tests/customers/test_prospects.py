"""Registrations: checked, confirmed by a link, guarded against robots, rejected, imported; duplicates are told before."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import DomainError, IllegalTransition, InvalidInput
from app.customers import prospects
from app.customers.account_models import PasswordLink
from app.customers.duplicates import find_duplicates, likeness, normal, pattern
from app.customers.models import Customer, CustomerKind, CustomerState
from app.customers.prospect_import import duplicates_of, import_prospect, link_to_customer, other_registrations
from app.customers.prospect_models import Prospect, ProspectState
from app.customers.prospects import register_prospect
from app.system.models import MailMessage, ProtocolEntry
from app.system.throttle import TooManyTries
from tests import factories as make
from tests.portal.visitors import path_in, send_all, text_of

GOOD = {"company": "Hafenlotsen Emden GmbH", "contact": "Jan Claasen", "street": "Am Delft 4", "postcode": "26721", "city": "Emden", "country": "DE",
        "phone": "+49 4921 440210", "email": "jan@hafenlotsen.example", "devices": 14}


def register(kind: CustomerKind = CustomerKind.CLOSED, **fields) -> Prospect:
    options = {name: fields.pop(name) for name in ("origin", "language", "address", "trap", "seconds", "confirm", "terms_id") if name in fields}
    made = register_prospect(kind, **options, **{**GOOD, **fields})
    assert made is not None
    return made


def count(table) -> int:
    return db.session.scalar(select(func.count()).select_from(table))


# registering and confirming -------------------------------------------------------------------------------------------


def test_a_registration_is_confirmed_by_its_link(app, visitor, mailbox):
    prospect = register(language="de", address="198.51.100.7", seconds=25.0)
    assert prospect.state is ProspectState.NEW and prospect.phone == "+494921440210"
    send_all()
    (mail,) = mailbox.messages
    assert mailbox.envelopes[0][1] == ("jan@hafenlotsen.example",)
    assert mail["Subject"] == "Bitte bestätigen Sie Ihre Anmeldung" and "Guten Tag Jan Claasen," in text_of(mail)
    path = path_in(mail)
    assert "Hafenlotsen Emden GmbH" in visitor.get(path).text
    db.session.refresh(prospect)
    assert prospect.state is ProspectState.NEW, "opening changes nothing"
    assert visitor.post(path).headers["Location"] == "/portal/confirmed"
    db.session.refresh(prospect)
    assert prospect.state is ProspectState.CONFIRMED and prospect.confirmed_at and prospect.confirm_hash is None
    assert visitor.get(path).status_code == 404 and visitor.post(path).status_code == 404


def test_a_confirmation_link_expires_and_is_replaced(app, visitor, mailbox):
    prospect = register()
    send_all()
    prospects.ask_again(prospect)
    send_all()
    first, second = (path_in(mail) for mail in mailbox.messages)
    assert visitor.get(first).status_code == 404 and visitor.get(second).status_code == 200
    with clock.frozen(clock.now() + timedelta(days=7, minutes=1)):
        assert visitor.get(second).status_code == 404
        assert visitor.post(second).status_code == 404
    prospects.confirm_by_hand(prospect)
    assert prospect.state is ProspectState.CONFIRMED
    with pytest.raises(InvalidInput):
        prospects.ask_again(prospect)


@pytest.mark.parametrize(("field", "value", "words"), [
    ("company", "", "name of the company"), ("contact", " ", "Enter your name"), ("email", "", "e-mail address"), ("email", "jan@", "not an e-mail"), ("email", ["a@b.de", "c@d.de"], "one text"),
    ("email", "a@b.example\nBcc: c@d.example", "characters that cannot be stored"), ("contact", "Jan\r\nBcc: evil@example.net", "characters that cannot be stored"),
    ("contact", "Win at http://evil.example", "without web addresses"), ("company", "www.evil.example", "without web addresses"), ("company", "{{link}}", "without web addresses"),
    ("contact", "x" * 121, "At most 120"), ("phone", "12", "not a phone number|does not exist"), ("country", "XX", "no country"), ("vat_id", "DE123", "wrong digit"),
    ("devices", 0, "between 1 and"), ("devices", "12", "between 1 and"), ("devices", True, "between 1 and"), ("message", "x" * 2001, "At most 2000"), ("message", "a\x00b", "characters"),
    ("street", None, ""), ("city", {"a": 1}, "one text"),
])
def test_bad_input_stores_nothing(app, field, value, words):
    if not words:
        assert register(**{field: value}).street == ""
        return
    with pytest.raises(InvalidInput, match=words) as caught:
        register(**{field: value})
    assert caught.value.field == field
    assert not count(Prospect) and not count(MailMessage)


def test_unknown_fields_are_refused(app):
    for name in ("state", "customer_id", "confirmed_at", "reason", "kind_"):
        with pytest.raises(InvalidInput, match="Unknown field"):
            register(**{name: "x"})
    with pytest.raises(InvalidInput):
        register_prospect("closed", **GOOD)
    with pytest.raises(InvalidInput, match="languages"):
        register(language="fr")
    with pytest.raises(InvalidInput, match="terms"):
        register(terms_id=12345)


def test_brazilian_numbers_are_checked(app):
    with pytest.raises(InvalidInput, match="CNPJ"):
        register(country="BR", phone="", tax_number="12.345.678/0001-00")
    assert register(country="BR", phone="", tax_number="11.222.333/0001-81").tax_number == "11222333000181"


@given(fields=st.dictionaries(st.sampled_from(sorted(prospects.FIELDS)), st.one_of(st.text(max_size=300), st.none(), st.integers(), st.lists(st.text(), max_size=2))))
def test_any_input_is_stored_whole_or_refused(app, fields):
    """Whatever comes in: a row whose texts fit and are one line each, or a message; never an error of ours, never a half."""
    before = count(Prospect), count(MailMessage)
    try:
        made = register(**fields)
    except DomainError:
        assert (count(Prospect), count(MailMessage)) == before
        return
    db.session.refresh(made)
    assert count(Prospect) == before[0] + 1 and count(MailMessage) == before[1] + 1
    for name in prospects.FIELDS - {"devices", "message"}:
        value = getattr(made, name)
        assert len(value) <= Prospect.__table__.c[name].type.length and len(value.splitlines()) <= 1, name
    assert "<" not in made.company + made.contact and "://" not in made.company + made.contact


@pytest.mark.parametrize("guard", [{"trap": "http://spam"}, {"seconds": 1.2}])
def test_robots_are_answered_and_not_stored(app, guard):
    assert register_prospect(CustomerKind.CLOSED, address="198.51.100.7", **guard, **GOOD) is None
    assert not count(Prospect) and not count(MailMessage)
    assert db.session.scalars(select(ProtocolEntry.action)).all()[-1] == "registration_refused"


def test_limits_per_address_and_per_mailbox(app):
    for turn in range(5):
        register(address="198.51.100.7", email=f"a{turn}@example.org")
    with pytest.raises(TooManyTries):
        register(address="198.51.100.7", email="b@example.org")
    for turn in range(3):
        register(address=f"203.0.113.{turn}", email="Victim@example.org")
    with pytest.raises(TooManyTries):
        register(address="203.0.113.8", email="victim@example.org")
    with clock.frozen(clock.now() + timedelta(minutes=61)):
        register(address="198.51.100.7", email="victim@example.org")


# rejecting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mail", [False, True])
def test_a_rejection_has_a_reason(app, mailbox, mail):
    prospect = register(language="de", confirm=False)
    for reason in ("", " \n ", "x" * 501):
        with pytest.raises(InvalidInput):
            prospects.reject_prospect(prospect, reason)
    prospects.reject_prospect(prospect, "Kein Netz\r\nin Emden.", mail)
    assert prospect.state is ProspectState.REJECTED and prospect.reason == "Kein Netz in Emden."
    send_all()
    assert [" ".join(text_of(found).split()).count("Kein Netz in Emden.") for found in mailbox.messages] == ([1] if mail else [])
    prospects.take_back_rejection(prospect)
    assert prospect.state is ProspectState.CONFIRMED and prospect.reason == ""


def test_a_rejected_registration_cannot_be_confirmed_by_its_link(app, visitor, mailbox):
    prospect = register()
    send_all()
    prospects.reject_prospect(prospect, "Spam")
    assert visitor.post(path_in(mailbox.messages[0])).status_code == 404
    prospects.take_back_rejection(prospect)
    assert prospect.state is ProspectState.NEW


# importing -----------------------------------------------------------------------------------------------------------


def test_an_import_makes_customer_tariff_and_welcome_mail(app, visitor, mailbox):
    prospect = register(language="de", confirm=False, vat_id="DE136695976", message="Bitte ab Dezember")
    tariff, server = make.tariff(), make.server()
    customer = import_prospect(prospect, currency="EUR", server=server, tariff=tariff, valid_from=clock.today())
    assert (customer.company, customer.contact, customer.kind, customer.business, customer.language, customer.vat_id) == (
        "Hafenlotsen Emden GmbH", "Jan Claasen", CustomerKind.CLOSED, True, "de", "DE136695976")
    assert (customer.street, customer.postcode, customer.phone, customer.server, customer.note) == ("Am Delft 4", "26721", "+494921440210", server, "Bitte ab Dezember")
    assert [item.tariff for item in customer.assignments] == [tariff]
    assert prospect.state is ProspectState.IMPORTED and prospect.customer is customer
    send_all()
    (mail,) = mailbox.messages
    assert mail["Subject"] == "Willkommen bei Nordfunk PTT GmbH" and customer.number in text_of(mail)
    assert visitor.get(path_in(mail)).status_code == 200
    with pytest.raises(InvalidInput, match="dealt with"):
        import_prospect(prospect, currency="EUR")


def test_a_public_contact_is_a_person(app):
    prospect = register(CustomerKind.PUBLIC, confirm=False, company="", contact="Karla Kolumna", devices=1)
    customer = import_prospect(prospect, currency="EUR", welcome=False)
    assert (customer.company, customer.contact, customer.kind, customer.business) == ("Karla Kolumna", "", CustomerKind.PUBLIC, False)
    assert not count(MailMessage)


def test_a_failing_import_leaves_nothing(app):
    prospect = register(confirm=False)
    dollars = make.tariff(currency="USD")
    with pytest.raises(InvalidInput, match="USD") as caught:
        import_prospect(prospect, currency="EUR", tariff=dollars)
    assert caught.value.field == "tariff"
    with pytest.raises(InvalidInput) as caught:
        import_prospect(prospect, currency="XYZ")
    assert caught.value.field == "currency"
    assert not count(Customer) and not count(MailMessage) and not count(PasswordLink)
    db.session.refresh(prospect)
    assert prospect.state is ProspectState.CONFIRMED and prospect.customer_id is None


def test_who_did_not_confirm_is_not_imported(app):
    prospect = register()
    with pytest.raises(InvalidInput, match="not confirmed"):
        import_prospect(prospect, currency="EUR")
    with pytest.raises(InvalidInput):
        link_to_customer(prospect, make.customer())
    with pytest.raises(IllegalTransition), transaction():
        prospect.move_to(ProspectState.IMPORTED)


def test_similar_ones_are_shown_first(app):
    known = make.customer(company="Hafenlotsen Emden", city="Emden", postcode="26721")
    prospect = register(confirm=False)
    with pytest.raises(InvalidInput, match="Hafenlotsen Emden") as caught:
        import_prospect(prospect, currency="EUR")
    assert caught.value.field == "new_nevertheless" and count(Customer) == 1
    other = import_prospect(prospect, currency="EUR", new_nevertheless=True, welcome=False)
    assert other.id != known.id


def test_a_registration_can_belong_to_a_customer_who_is_there(app):
    known = make.customer(company="Hafenlotsen Emden", phone="")
    prospect = register(confirm=False)
    link_to_customer(prospect, known)
    db.session.refresh(known)
    assert prospect.customer is known and prospect.state is ProspectState.IMPORTED and known.phone == "" and count(Customer) == 1


def test_other_registrations_of_the_person_are_told(app):
    first, second, third = register(confirm=False), register(), register(email="other@example.org")
    assert other_registrations(first) == [second] and other_registrations(third) == []


# duplicates ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [
    ("Müller & Söhne GmbH", "Mueller und Soehne GmbH & Co. KG"), ("Hafenlotsen Emden", "Hafenlotsen  EMDEN gGmbH"), ("Transportes São João Ltda.", "Transportes Sao Joao"),
    ("Emden Hafenlotsen", "Hafenlotsen Emden e.V."), ("Kranservice Weber GmbH", "Kranservise Weber"), ("Straßenbau Groß", "Strassenbau Gross"), ("GmbH", "gmbh"),
])
def test_names_that_are_alike(one, other):
    assert likeness(normal(one), normal(other)) >= 0.86


@pytest.mark.parametrize(("one", "other"), [("Hafenlotsen Emden", "Hafenmeister Bremen"), ("Weber GmbH", "Werner GmbH"), ("Nordfunk", "Südfunk"), ("", "Weber"), ("Eastgate Cranes Ltd", "Westgate Trains Ltd")])
def test_names_that_are_not(one, other):
    assert likeness(normal(one), normal(other)) < 0.86


def test_patterns_find_every_spelling():
    assert pattern("mueller") == "m%ll" and pattern("hafenlotsen") == "hafen" and "%" not in pattern("weber")


def test_each_reason_is_told(app):
    by_vat = make.customer(company="Ganz Anders AG", vat_id="DE136695976")
    by_mail = make.customer(company="Noch Anders AG", email="someone@example.org", invoice_email="JAN@hafenlotsen.example")
    by_name = make.customer(company="Hafen-Lotsen Emden", city="Leer")
    umlaut = make.customer(company="Öltransport Süd Müller OHG")
    gone = make.customer(company="Hafenlotsen Emden")
    with transaction():
        gone.move_to(CustomerState.DELETED)
    make.customer(company="Völlig fremd", postcode="26721")
    found = duplicates_of(register(confirm=False, vat_id="DE136695976"))
    assert [(item.customer, item.reasons) for item in found] == [(by_vat, ["Same VAT number"]), (by_mail, ["Same e-mail"]), (by_name, ["Similar name"])]
    spelled = find_duplicates(db.session(), names=["Oeltransport Sued Mueller"])
    assert [item.customer for item in spelled] == [umlaut]
    assert find_duplicates(db.session(), names=["100 % Funk_"]) == [] and find_duplicates(db.session(), names=["%", "__"]) == []


def test_a_person_is_found_by_name(app):
    person = make.customer(kind=CustomerKind.PUBLIC, company="Karla Kolumna", business=False)
    contact = make.customer(company="Neue Presse GmbH", contact="Karla Kolumna")
    found = duplicates_of(register(CustomerKind.PUBLIC, confirm=False, company="", contact="Carla Kolumna"))
    assert {item.customer for item in found} == {person, contact}


def test_the_number_of_questions_does_not_grow(app):
    from tests.admin.staff import statements

    for turn in range(30):
        make.customer(company=f"Hafenlotsen {turn}", postcode="26721")
    prospect = register(confirm=False, vat_id="DE136695976")
    db.session.commit()
    db.session.refresh(prospect)
    with statements() as sql:
        duplicates_of(prospect)
    assert len(sql) <= 5, sql


# pages ----------------------------------------------------------------------------------------------------------------


def test_staff_enters_imports_and_rejects(app, desk, mailbox):
    support = desk("Administrator")
    tariff, server = make.tariff(), make.server()
    fields = {"kind": "closed", "language": "de", **{name: str(value) for name, value in GOOD.items()}}
    answer = support.post("/admin/prospects/add", fields)
    assert answer.status_code == 303, answer.text[-3000:]
    prospect = db.session.scalars(select(Prospect)).one()
    assert prospect.state is ProspectState.CONFIRMED and prospect.origin == "staff" and prospect.devices == 14
    make.customer(company="Hafenlotsen Emden")
    page = support.get(f"/admin/prospects/show/{prospect.id}").text
    assert ("Perhaps known already" in page and "Similar name" in page) or "Same name" in page
    form = f"/admin/prospects/import/{prospect.id}"
    assert "It is this one" in support.get(form).text
    data = {"currency": "EUR", "server": str(server.id), "tariff": str(tariff.id), "valid_from": clock.today().isoformat(), "welcome": "y"}
    answer = support.post(form, data)
    assert answer.status_code == 422 and "Perhaps this is Hafenlotsen Emden" in answer.text
    answer = support.post(form, {**data, "new_nevertheless": "y"})
    assert answer.status_code == 303 and "/admin/customers/show/" in answer.headers["Location"]
    db.session.refresh(prospect)
    assert prospect.state is ProspectState.IMPORTED
    send_all()
    assert [mail["Subject"] for mail in mailbox.messages] == ["Willkommen bei Nordfunk PTT GmbH"]
    assert support.get(form).status_code == 303, "imported once"

    support.post("/admin/prospects/add", {**fields, "confirm": "y", "email": "two@example.org"})
    second = db.session.scalars(select(Prospect).order_by(Prospect.id.desc())).first()
    assert second.state is ProspectState.NEW
    assert support.post(f"/admin/prospects/act/reject?rowid={second.id}", {"reason": ""}).status_code == 422
    assert support.post(f"/admin/prospects/act/reject?rowid={second.id}", {"reason": "Not real"}).status_code == 303
    db.session.refresh(second)
    assert second.state is ProspectState.REJECTED


def test_without_a_tariff_the_import_leads_on(app, desk):
    prospect = register(confirm=False)
    answer = desk("Administrator").post(f"/admin/prospects/import/{prospect.id}", {"currency": "EUR", "server": "", "tariff": ""})
    customer = db.session.scalars(select(Customer)).one()
    assert answer.headers["Location"] == f"/admin/licenses/start/{customer.id}" and not count(MailMessage)


def test_put_to_a_customer_by_a_button(app, desk):
    prospect, known = register(confirm=False), make.customer()
    support = desk("Sales")
    assert support.get(f"/admin/prospects/same/{prospect.id}/{known.id}").status_code == 405
    assert support.post(f"/admin/prospects/same/{prospect.id}/99999").status_code == 404
    assert support.post(f"/admin/prospects/same/{prospect.id}/{known.id}").status_code == 303
    db.session.refresh(prospect)
    assert prospect.customer_id == known.id


def test_reading_only_decides_nothing(app, desk):
    prospect = register(confirm=False)
    reader = desk("Read only")
    assert reader.get(f"/admin/prospects/show/{prospect.id}").status_code == 200
    for path in (f"/admin/prospects/import/{prospect.id}", f"/admin/prospects/action/confirm/{prospect.id}", f"/admin/prospects/same/{prospect.id}/1"):
        assert reader.post(path).status_code == 403
    db.session.refresh(prospect)
    assert prospect.state is ProspectState.CONFIRMED


def test_names_in_mails_are_one_line_and_harmless(app, mailbox):
    """A name that got around every check still adds neither lines nor headers, and is never a place to fill."""
    prospect = register(confirm=False)
    with transaction():
        prospect.contact = "Jan\r\nBcc: evil@example.net\u202e{{link}}"
    prospects.reject_prospect(prospect, "no", mail=True)
    send_all()
    mail: EmailMessage = mailbox.messages[0]
    assert "Dear Jan Bcc: evil@example.net{ {link}}," in text_of(mail) and mail["Bcc"] is None and mailbox.envelopes[0][1] == (GOOD["email"],)


def test_every_step_is_written_down(app, visitor, mailbox):
    prospect = register()
    send_all()
    visitor.post(path_in(mailbox.messages[0]))
    db.session.refresh(prospect)
    import_prospect(prospect, currency="EUR", welcome=False)
    rows = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "prospect").order_by(ProtocolEntry.id)).all()
    assert [row.changes.get("state") for row in rows] == [[None, "new"], ["new", "confirmed"], ["confirmed", "imported"]]
    assert rows[1].actor_kind == "portal" and rows[1].origin == "198.51.100.7"
    assert not any("confirm_hash" in row.changes for row in rows)
    with pytest.raises(DomainError):
        prospects.confirm("a" * 43, "198.51.100.7")


