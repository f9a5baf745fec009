"""A visitor without a login, and the links that come to his mailbox."""

from __future__ import annotations

import re
from email.message import EmailMessage
from typing import Any

from flask import Flask

from app.customers.password_requests import answer_requests
from app.system.mail import deliver_mail
from app.system.settings import change_settings
from tests.admin.staff import Browser

PASSWORD = "granite-lantern-otter-58"
OTHER = "marble-candle-heron-93"


class Visitor:
    """One browser, in English unless told otherwise; sends the token of the page."""

    def __init__(self, app: Flask, address: str = "198.51.100.7", language: str = ""):
        self.http = Browser(app, app.response_class, use_cookies=True)
        self.environ = {"REMOTE_ADDR": address}
        if language:
            self.get(f"/portal/password?lang={language}")

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.http.get(path, environ_base=self.environ, **kwargs)

    def post(self, path: str, data: Any = None, page: str = "", **kwargs: Any) -> Any:
        text = self.get(page or path).text
        hidden = dict(re.findall(r'<input id="(?:csrf_token|terms)" name="(csrf_token|terms)" type="hidden" value="([^"]*)"', text))
        hidden = hidden or {"csrf_token": re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get("/portal/password").text).group(1)}
        return self.http.post(path, data={**hidden, **(data or {})}, environ_base=self.environ, **kwargs)


def text_of(mail: EmailMessage) -> str:
    return mail.get_body(("plain",)).get_content()


def path_in(mail: EmailMessage) -> str:
    """The path of the only link in the e-mail; it leads to the configured address of the site."""
    links = re.findall(r"https?://\S+", text_of(mail))
    assert len(links) == 1, links
    assert links[0].startswith("http://localhost/portal/")
    return links[0].removeprefix("http://localhost")


def set_sender() -> None:
    change_settings({"mail.sender": "office@nordfunk.example", "mail.sender_name": "Nordfunk", "company.name": "Nordfunk PTT GmbH"})


def send_all() -> None:
    """What worker and sweeper do: answer requests, then send."""
    answer_requests()
    deliver_mail()
