"""The mail sink keeps everything, delivers nothing, and its page runs nothing of it."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import pytest

from embedded.ports import any_free
from mailsink import Inbox, Receiver
from mailsink.page import Application


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path)


def get(inbox, path, host="localhost:8025", method="GET"):
    seen = {}

    def start(status, headers):
        seen.update(status=int(status[:3]), headers=dict(headers))

    body = b"".join(Application(inbox)({"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": host}, start))
    return seen["status"], body.decode("utf-8", "replace"), seen["headers"]


def message(subject="Hello", text="Some text", html=None, attach=None):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Billing <billing@ptt.test>", "Müller <info@kunde.test>", subject
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    if attach:
        mail.add_attachment(attach[1], maintype="application", subtype="pdf", filename=attach[0])
    return mail


def test_what_is_sent_is_kept_with_its_envelope_and_outlives_a_restart(tmp_path):
    receiver = Receiver(Inbox(tmp_path), port=any_free())
    receiver.start()
    try:
        with smtplib.SMTP(receiver.host, receiver.port) as client:
            client.send_message(message("Rechnung 4711"), to_addrs=["info@kunde.test", "copy@kunde.test"])
    finally:
        receiver.stop()
    found = Inbox(tmp_path).summaries()
    assert [(item.subject, item.recipients) for item in found] == [("Rechnung 4711", "info@kunde.test, copy@kunde.test")]
    assert "Some text" in Inbox(tmp_path).message(found[0].name).get_body(("plain",)).get_content()


def test_the_list_shows_the_newest_first(inbox):
    inbox.add("a@ptt.test", ["b@kunde.test"], message("first").as_bytes())
    inbox.add("a@ptt.test", ["b@kunde.test"], message("second").as_bytes())
    status, page, _headers = get(inbox, "/")
    assert status == 200
    assert page.index("second") < page.index("first")


def test_nothing_of_a_message_is_run(inbox):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    name = inbox.add("a@ptt.test", ["b@kunde.test"], message(evil, evil, html=f"<b>{evil}</b>", attach=(f"{evil}.pdf", b"%PDF")).as_bytes())
    for path in ("/", f"/mail/{name}"):
        status, page, headers = get(inbox, path)
        assert status == 200
        assert "<script" not in page and "<img" not in page
        assert "&lt;script&gt;" in page
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_an_attachment_is_a_download(inbox):
    name = inbox.add("a@ptt.test", ["b@kunde.test"], message(attach=("Rechnung ä.pdf", b"%PDF-1.7 x")).as_bytes())
    status, content, headers = get(inbox, f"/mail/{name}/0")
    assert (status, content) == (200, "%PDF-1.7 x")
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''Rechnung%20%C3%A4.pdf"


@pytest.mark.parametrize("path", ["/mail/../../etc/passwd", "/mail/%2e%2e", "/mail/20260101000000-000000-aaaaaaaa", "/mail/x/0", "/other", "/mail"])
def test_other_paths_are_not_found(inbox, path):
    assert get(inbox, path)[0] == 404


def test_an_attachment_that_is_not_there_is_not_found(inbox):
    name = inbox.add("a@ptt.test", ["b@kunde.test"], message().as_bytes())
    assert get(inbox, f"/mail/{name}/0")[0] == 404


def test_a_foreign_name_that_leads_here_shows_nothing(inbox):
    inbox.add("a@ptt.test", ["b@kunde.test"], message("private").as_bytes())
    for host in ("evil.test", "evil.test:8025", "", "localhost.evil.test"):
        status, page, _headers = get(inbox, "/", host=host)
        assert status == 421 and "private" not in page
    for host in ("localhost", "127.0.0.1:8025", "[::1]:8025", "[::1]"):
        assert get(inbox, "/", host=host)[0] == 200


def test_only_reading_is_possible(inbox):
    assert get(inbox, "/", method="POST")[0] == 405


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"Subject: =?utf-8?q?=ZZ?=\r\n\r\n\xc3", b"Content-Type: text/plain; charset=nonsense\r\n\r\nh\xe4llo",
                                 b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!"])
def test_a_damaged_message_is_shown_as_far_as_it_goes(inbox, raw):
    name = inbox.add("a@ptt.test", ["b@kunde.test"], raw)
    assert get(inbox, "/")[0] == 200
    assert get(inbox, f"/mail/{name}")[0] == 200


def test_line_breaks_in_an_address_make_no_header(inbox):
    name = inbox.add("a@ptt.test\r\nX-Evil: 1", ["b@kunde.test"], message().as_bytes())
    assert inbox.message(name)["X-Evil"] is None


def test_the_oldest_are_deleted(inbox):
    names = [inbox.add("a@ptt.test", ["b@kunde.test"], message(str(number)).as_bytes()) for number in range(5)]
    assert inbox.thin_out(kept=2) == 3
    assert inbox.names() == sorted(names, reverse=True)[:2]
