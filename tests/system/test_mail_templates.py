"""Texts of e-mails: names only, checked when saved, filled without surprises, changed and tried by staff, brought by plugins."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.plugin_api import MailTemplate, Placeholder, Plugin
from app.plugin_api.registry import Registry
from app.system import mail_templates as texts
from app.system.mail import deliver_mail
from app.system.mail_template_models import MailText
from app.system.models import MailMessage, ProtocolEntry
from app.system.settings import change_settings
from tests.admin.conftest import desk, quick_hashes  # noqa: F401
from tests.portal.visitors import set_sender, text_of

SPEC = MailTemplate("sample", "Sample", {"name": Placeholder("Who", "Jan"), "link": Placeholder("Link", "https://example.org/x", required=True, secret=True)},
                    {"en": ("Hello {{name}}", "Dear {{ name }},\n\n{{link}}\n\n{{company}}\n"), "de": ("Hallo {{name}}", "Guten Tag {{name}}: {{link}}")})


@pytest.fixture(autouse=True)
def sample(app):
    texts.declare_mail(SPEC)
    yield
    texts._declared.pop("sample")


# what comes with the product -------------------------------------------------------------------------------------------


def test_every_purpose_has_all_languages_and_reads_well(app):
    set_sender()
    assert {"welcome", "password", "password_changed", "prospect_confirm", "prospect_rejected", "invoice", "correction"} <= {spec.purpose for spec in texts.mails()}
    for spec in texts.mails():
        for language in texts.languages():
            if spec is SPEC:
                continue
            assert language in spec.texts, (spec.purpose, language)
            shown = texts.preview(spec, language, texts.default_words(spec, language))
            assert "{{" not in shown.subject + shown.body and "Nordfunk PTT GmbH" in shown.body
            assert all(len(line) <= texts.WIDTH for line in shown.body.splitlines() if "http" not in line), (spec.purpose, language)
            assert ("http" in shown.body) is any(item.secret for item in spec.placeholders.values())


def test_all_languages_name_the_same_values(app):
    from app.plugin_api.mail import names_in

    for spec in texts.mails():
        assert len({frozenset(names_in(subject + body)) - {"company"} for subject, body in spec.texts.values()}) == 1, spec.purpose


# checking --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("subject", "body", "field", "words"), [
    ("Hi {{nme}}", "{{link}}", "subject", "no value {{nme}}"), ("Hi", "{{link}} {{password}}", "body", "no value {{password}}"), ("Hi", "no link", "body", "needs {{link}}"),
    ("{{link}}", "{{link}}", "subject", "must not stand in the subject"), ("", "{{link}}", "subject", "Write a text"), ("Hi", " \n ", "body", "Write a text"),
    ("Hi", "{{link}} {{name.__class__}}", "body", "Double braces"), ("Hi", "{{link}} {{ 7*7 }}", "body", "Double braces"), ("Hi", "{{link}} {% for x in y %}", "body", "Double braces"),
    ("Hi", "{{link}} {{name", "body", "Double braces"), ("Hi", "{{link}} }}", "body", "Double braces"), ("Hi", "{{link}} {{name|upper}}", "body", "Double braces"),
    ("Hi\nBcc: evil@example.net", "{{link}}", "subject", "characters that an e-mail must not have"), ("Hi\r\nX: y", "{{link}}", "subject", "characters"),
    ("Hi", "{{link}}\x00", "body", "characters"), ("Hi", "{{link}}\u202e", "body", "characters"), ("x" * 151, "{{link}}", "subject", "At most 150"), ("Hi", "{{link}}" + "x" * 8000, "body", "At most 8000"),
])
def test_a_text_that_cannot_be_sent_is_not_saved(app, subject, body, field, words):
    with pytest.raises(InvalidInput, match=re.escape(words)) as caught:
        texts.save_words("sample", "en", subject, body)
    assert caught.value.field == field and not db.session.scalar(select(func.count()).select_from(MailText))


def test_purposes_and_languages_are_those_that_there_are(app):
    for purpose, language in (("nothing", "en"), ("sample", "fr"), ("sample", "../en")):
        with pytest.raises(InvalidInput):
            texts.save_words(purpose, language, "Hi", "{{link}}")
        with pytest.raises(InvalidInput):
            texts.reset_words(purpose, language)


def test_a_changed_text_is_used_and_can_be_put_back(app):
    texts.save_words("sample", "de", "Moin {{name}}", "Moin!\r\n{{link}}\r\n")
    assert texts.words_of(SPEC, "de") == texts.Words("Moin {{name}}", "Moin!\n{{link}}", True) and texts.changed_texts() == {("sample", "de")}
    assert not texts.words_of(SPEC, "en").changed
    texts.save_words("sample", "de", "Moin, {{name}}", "Moin!\n{{link}}")
    assert texts.reset_words("sample", "de") and not texts.reset_words("sample", "de")
    assert texts.words_of(SPEC, "de").subject == "Hallo {{name}}"
    assert texts.words_of(SPEC, "pt_BR").subject == "Hello {{name}}", "English where there is no text"
    entries = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject_type == "mail_text").order_by(ProtocolEntry.id)).all()
    assert [entry.action for entry in entries] == ["created", "changed", "deleted"] and entries[1].changes == {"subject": ["Moin {{name}}", "Moin, {{name}}"]}


def test_the_default_is_not_stored(app):
    texts.save_words("sample", "en", "Other", "{{link}}")
    texts.save_words("sample", "en", *SPEC.texts["en"])
    assert not db.session.scalar(select(func.count()).select_from(MailText))


def test_a_stored_text_that_no_longer_fits_is_passed_over(app, caplog):
    with transaction() as session:
        session.add(MailText(purpose="sample", language="en", subject="Hi {{gone}}", body="{{link}}"))
    assert texts.words_of(SPEC, "en").subject == "Hello {{name}}" and "is not used" in caplog.text


# filling ---------------------------------------------------------------------------------------------------------------


@given(value=st.text(max_size=800))
def test_any_value_stays_one_line_and_harmless(app, value):
    shown = texts.fill("A {{name}} B\nC", {"name": value})
    assert len(shown.splitlines()) == 2 and shown.startswith("A ") and shown.endswith(" B\nC")
    assert "{{" not in shown and not any(ord(char) < 32 and char != "\n" for char in shown)


@given(value=st.text(max_size=300))
def test_a_value_never_reaches_a_header(app, value):
    shown = texts.compose(SPEC, "en", {"name": value})
    assert "\n" not in shown.subject and "\r" not in shown.subject and len(shown.subject) <= 200
    assert "{{link}}" in shown.body


def test_a_missing_value_is_our_mistake(app):
    with pytest.raises(KeyError):
        texts.compose(SPEC, "en", {})


def test_lines_are_wrapped_and_addresses_are_not():
    address = "https://example.org/" + "a" * 120
    shown = texts.wrap(f"{'word ' * 40}\n- {'item ' * 30}\n{address}\n\n\n\nEnd  ")
    lines = shown.splitlines()
    assert all(len(line) <= 76 for line in lines if line != address) and address in lines and lines[-2:] == ["", "End"]
    assert any(line.startswith("  item") for line in lines)


# sending ---------------------------------------------------------------------------------------------------------------


def test_a_secret_is_put_in_while_it_is_sent(app, smtp_sink):
    set_sender()
    assert texts.queue_template("k1", "sample", "jan@example.org", "de", {"name": "Jan"}, secrets={"link": "https://example.org/secret-token"})
    assert not texts.queue_template("k1", "sample", "jan@example.org", "de", {"name": "Jan"}, secrets={"link": "https://example.org/other"})
    row = db.session.scalars(select(MailMessage)).one()
    assert row.kind == "sample" and "secret-token" not in row.body
    deliver_mail()
    assert text_of(smtp_sink.messages[0]).strip() == "Guten Tag Jan: https://example.org/secret-token"
    with pytest.raises(KeyError):
        texts.queue_template("k2", "sample", "jan@example.org", "de", {"name": "Jan"})


def test_a_long_line_arrives_whole(app, smtp_sink):
    set_sender()
    link = "https://example.org/" + "t" * 300
    texts.queue_template("k1", "sample", "jan@example.org", "en", {"name": "Jöran ✓"}, secrets={"link": link})
    deliver_mail()
    assert link in text_of(smtp_sink.messages[0]).split() and "Jöran ✓" in text_of(smtp_sink.messages[0])


# plugins ---------------------------------------------------------------------------------------------------------------


def plugin(purpose: str, body: str = "{{amount}}", language: str = "en") -> Plugin:
    class Sample(Plugin):
        name, title = "sample", "Sample"

        def mail_templates(self):
            return [MailTemplate(purpose, "Due", {"amount": Placeholder("How much", "€1.00", required=True)}, {language: ("Due", body)})]

    return Sample()


def test_a_plugin_brings_e_mails(app):
    registry = Registry()
    registry.add(plugin("sample.due"))
    (mail,) = registry.collect("mail_templates")
    assert mail.purpose == "sample.due" and Plugin.mail_templates(plugin("x")) == ()


@pytest.mark.parametrize(("made", "words"), [
    (("due",), "lacks the prefix"), (("sample.due", "{{amount}} {{secret}}"), "unknown secret"), (("sample.due", "nothing"), "needs amount"), (("sample.due", "{{amount}}", "de"), "English is missing")])
def test_a_plugin_with_a_wrong_text_is_left_out(app, made, words):
    with pytest.raises(ValueError, match=words):
        Registry().add(plugin(*made))


# pages -----------------------------------------------------------------------------------------------------------------


def test_staff_changes_a_text(app, desk, smtp_sink):  # noqa: F811
    set_sender()
    change_settings({"company.email": "office@nordfunk.example"})
    admin = desk("Administrator")
    assert "Password link" in admin.get("/admin/mail-texts/").text
    page = "/admin/mail-texts/password_changed/de"
    text = admin.get(page).text
    assert "Ihr Passwort wurde geändert" in text and "{{company_email}}" in text and "Hafenlotsen Emden" in text and "Back to standard" not in text
    wrong = admin.post(page, {"subject": "Hallo {{nmae}}", "body": "x"})
    assert wrong.status_code == 422 and "no value {{nmae}}" in wrong.text and "Hallo {{nmae}}" in wrong.text

    new = {"subject": "Geändert: {{login}}", "body": "Moin {{name}} <b>&\n{{company_email}}"}
    shown = admin.post(page, {**new, "step": "preview"})
    assert shown.status_code == 200 and "Geändert: K10042" in shown.text and "Moin Jan Claasen &lt;b&gt;&amp;" in shown.text and "Not saved yet" in shown.text
    assert not texts.changed_texts()
    assert admin.post(page, {**new, "step": "test"}).status_code == 200
    deliver_mail()
    (mail,) = smtp_sink.messages
    assert mail["To"] == "administrator@example.org" and mail["Subject"] == "[Test] Geändert: K10042" and "office@nordfunk.example" in text_of(mail)
    assert not texts.changed_texts()

    assert admin.post(page, new).status_code == 303 and texts.changed_texts() == {("password_changed", "de")}
    assert "Back to standard" in admin.get(page).text
    assert admin.post(f"{page}/reset").status_code == 303 and not texts.changed_texts()
    for path in ("/admin/mail-texts/nothing/de", "/admin/mail-texts/password/fr"):
        assert admin.get(path).status_code == 404 and admin.post(f"{path}/reset").status_code == 404


def test_only_administrators_change_texts(app, desk):  # noqa: F811
    for role in ("Support", "Billing", "Sales", "Read only"):
        assert desk(role).get("/admin/mail-texts/").status_code == 403
        assert desk(role).post("/admin/mail-texts/welcome/en", {"subject": "x", "body": "{{link}}"}).status_code == 403


def test_a_failed_mail_tells_why(app, desk, smtp_sink):  # noqa: F811
    set_sender()
    smtp_sink.refuse("550 5.1.1 no such user")
    texts.queue_template("k1", "sample", "jan@example.org", "en", {"name": "Jan"}, secrets={"link": "https://example.org/secret-token"})
    deliver_mail()
    admin = desk("Administrator")
    text = admin.get("/admin/mails/list/?tab=failed").text
    assert "no such user" in text and "Sample" in text
    row = db.session.scalars(select(MailMessage)).one()
    page = admin.get(f"/admin/mails/show/{row.id}").text
    assert "the link is only in the e-mail itself" in page and "secret-token" not in page and "Send again" in page
    smtp_sink.refuse("")
    assert admin.post(f"/admin/mails/action/retry/{row.id}").status_code == 303
    deliver_mail()
    assert "secret-token" in text_of(smtp_sink.messages[0])
    assert admin.get("/admin/mails/list/?tab=sent").text.count("Hello Jan") >= 1
