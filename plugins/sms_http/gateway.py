"""The gateway: one request a message through the guarded client, and what its answer means."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.plugin_api import Refused, SmsGateway, SmsMessage, SmsReceipt, TryLater, Unknown
from app.plugin_api.network import Answer, Forbidden, GuardedClient, NoAnswer, NotConnected, configured_policy
from app.system.settings import setting
from app.system.sms_parts import split
from plugins.sms_http.shapes import at, fill_json, id_in, parameters, parse

MOST = 256 * 1024       # bytes of an answer
TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


class HttpGateway(SmsGateway):
    code = "http"
    title = _l("HTTP interface of a provider")

    def problems(self) -> list[str]:
        found = []
        if not setting("sms_http.url"):
            found.append(_("The address of the SMS gateway is missing."))
        if setting("sms_http.format") == "json" and not setting("sms_http.json"):
            found.append(_("The JSON body of the SMS gateway is missing."))
        elif setting("sms_http.format") != "json" and not any("{{text}}" in line for line in setting("sms_http.parameters")):
            found.append(_("No parameter of the SMS gateway has {{text}}."))
        if setting("sms_http.auth") != "none" and not setting("sms_http.secret"):
            found.append(_("The password, token or key of the SMS gateway is missing."))
        if setting("sms_http.auth") == "header" and not setting("sms_http.header"):
            found.append(_("The name of the header that the SMS gateway wants is missing."))
        return found

    def send(self, message: SmsMessage) -> SmsReceipt:
        kind, url = setting("sms_http.format"), setting("sms_http.url")
        secret = setting("sms_http.secret")
        values = {"to": message.to, "number": message.to.lstrip("+"), "text": message.text, "sender": message.sender, "key": message.key, "callback": callback(), "secret": secret}
        headers = {"Accept": "application/json, text/plain, */*", "Connection": "close", **_login(secret)}     # a kept connection may be closed while it is written to
        body: bytes | None = None
        if kind == "json":
            body = fill_json(setting("sms_http.json"), values)
        else:
            pairs = urlencode(parameters(setting("sms_http.parameters"), values))
            body = pairs.encode() if kind == "form" else None
            url = url if kind == "form" else f"{url}{'&' if '?' in url else '?'}{pairs}"
        if kind in TYPES:
            headers["Content-Type"] = TYPES[kind]
        client = GuardedClient(configured_policy())
        try:
            answer = client.request("GET" if kind == "query" else "POST", url, body, headers, MOST)
        except NotConnected as error:
            raise TryLater(error.reason) from None
        except Forbidden as error:
            raise TryLater(error.reason) from None
        except NoAnswer as error:
            raise Unknown(error.reason) from None
        finally:
            client.close()
        return _receipt(answer, len(split(message.text)[1]))


def callback() -> str:
    """Where the provider reports to; empty without a secret."""
    secret = setting("sms_http.report_secret")
    return f"{current_app.config['BASE_URL'].rstrip('/')}/hooks/sms_http/report/{secret}" if secret else ""


def _login(secret: str) -> dict[str, str]:
    how = setting("sms_http.auth")
    if how == "basic":
        return {"Authorization": "Basic " + base64.b64encode(f"{setting('sms_http.user')}:{secret}".encode()).decode()}
    if how == "bearer":
        return {"Authorization": f"Bearer {secret}"}
    return {setting("sms_http.header"): secret} if how == "header" else {}


def _receipt(answer: Answer, parts: int) -> SmsReceipt:
    data = parse(answer.content)
    reason = _words(answer, data)
    status = answer.status
    if status in (408, 425, 429, 503) or 300 <= status < 400:
        raise TryLater(reason)
    if status in (401, 403, 407):       # ours to mend: the messages go by themselves then
        raise TryLater(_("The SMS gateway does not accept the sign-in: %(reason)s", reason=reason))
    if status >= 500:
        raise Unknown(reason)
    if status >= 400:
        raise Refused(reason)
    if path := setting("sms_http.ok_path"):
        state = at(data, path)
        if not state:
            raise Unknown(_("The answer of the SMS gateway has no state at “%(path)s”.", path=path))
        if state in setting("sms_http.later_values"):
            raise TryLater(reason)
        if state not in setting("sms_http.ok_values"):
            raise Refused(reason)
    ident = at(data, setting("sms_http.id_path")) if setting("sms_http.id_path") else ""
    if pattern := setting("sms_http.id_text"):
        ident = id_in(answer.content.decode("utf-8", "replace"), pattern)
        if not ident:
            raise Refused(reason)
    return SmsReceipt((ident,) if ident else (), parts)


def _words(answer: Answer, data: Any) -> str:
    """What staff is told: the provider's reason, else the beginning of its text. Never what was sent."""
    said = at(data, setting("sms_http.error_path")) if setting("sms_http.error_path") else ""
    if not said and data is None:
        said = answer.content[:200].decode("utf-8", "replace")
    said = " ".join("".join(char if char.isprintable() else " " for char in said).split())[:200]
    for secret in (setting("sms_http.secret"), setting("sms_http.report_secret")):
        said = said.replace(secret, "…") if secret else said
    return _("The SMS gateway answers %(status)s: %(said)s", status=answer.status, said=said) if said else _("The SMS gateway answers %(status)s.", status=answer.status)
