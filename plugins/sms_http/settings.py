"""Settings of the HTTP gateway, each checked when it is saved."""

from __future__ import annotations

import json
import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.plugin_api import InvalidInput
from app.plugin_api.network import Forbidden, origin
from app.system.settings import Setting
from plugins.sms_http.shapes import PLACE, VALUES, path_parts

SECTION = _l("SMS over HTTP")
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
RESERVED = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})


def _places(text: str, field: str) -> None:
    for name in PLACE.findall(text):
        if name not in VALUES:
            raise InvalidInput(_("There is no value {{%(name)s}}. There are: %(list)s.", name=name, list=", ".join(VALUES)), field)


def check_url(value: Any) -> None:
    if not value:
        return
    if "{{" in value:
        raise InvalidInput(_("The address has no values: they go into the parameters."), "sms_http.url")
    try:
        origin(value)
    except Forbidden as error:
        raise InvalidInput(str(error.reason), "sms_http.url") from error


def check_parameters(value: Any) -> None:
    for line in value:
        name, sep, filled = line.partition("=")
        if not sep or not name.strip():
            raise InvalidInput(_("Write “name=value”, one parameter a line: “%(line)s” is none.", line=line[:60]), "sms_http.parameters")
        _places(filled, "sms_http.parameters")


def check_json(value: Any) -> None:
    if not value:
        return
    try:
        parsed = json.loads(value)
    except ValueError as error:
        raise InvalidInput(_("This is no JSON: %(why)s. Places such as {{to}} stand inside quotation marks.", why=error), "sms_http.json") from error
    if not isinstance(parsed, dict | list):
        raise InvalidInput(_("The body is a JSON object or list."), "sms_http.json")
    _places(value, "sms_http.json")


def check_header(value: Any) -> None:
    if value and (not HEADER.fullmatch(value) or value.lower() in RESERVED):
        raise InvalidInput(_("“%(name)s” is no name of a header that can be set.", name=value[:60]), "sms_http.header")


def check_path(value: Any) -> None:
    if value:
        path_parts(value)


def check_pattern(value: Any) -> None:
    if value and (value.count("{{id}}") != 1 or len(value) > 100):
        raise InvalidInput(_("Write the answer with {{id}} in the place of the id, for example: OK: {{id}}"), "sms_http.id_text")


def check_secret(value: Any) -> None:
    if value and not re.fullmatch(r"[A-Za-z0-9._~-]{24,100}", value):
        raise InvalidInput(_("The secret of the callback has 24 to 100 letters and digits."), "sms_http.report_secret")


def _path(key: str, title: Any, help_text: Any = "", default: str = "") -> Setting:
    return Setting(f"sms_http.{key}", str, default, title, SECTION, help_text, check=check_path)


SETTINGS = (
    Setting("sms_http.url", str, "", _l("Address of the gateway"), SECTION, _l("Of the provider's interface for sending, for example https://api.example.com/sms."), check=check_url),
    Setting("sms_http.format", str, "form", _l("How it is sent"), SECTION,
            choices=[("form", _l("POST, as a form")), ("json", _l("POST, as JSON")), ("query", _l("GET, parameters in the address"))]),
    Setting("sms_http.parameters", list, [], _l("Parameters"), SECTION, _l("One “name=value” a line, for example “to={{to}}” and “text={{text}}”. Values: {{to}} with +, {{number}} without, {{text}}, {{sender}}, {{key}} (the same for each "
            "attempt), {{callback}} (address for reports), {{secret}}."), check=check_parameters),
    Setting("sms_http.json", str, "", _l("Body as JSON"), SECTION, _l("Instead of parameters, when it is sent as JSON. The same values, inside quotation marks."), check=check_json, long=True),
    Setting("sms_http.auth", str, "none", _l("Signs in with"), SECTION, choices=[("none", _l("Nothing, or a parameter")), ("basic", _l("User name and password (Basic)")), ("bearer", _l("Token (Bearer)")), ("header", _l("A header of its own"))]),
    Setting("sms_http.user", str, "", _l("User name"), SECTION),
    Setting("sms_http.header", str, "", _l("Name of the header"), SECTION, _l("For example X-Api-Key."), check=check_header),
    Setting("sms_http.secret", str, "", _l("Password, token or key"), SECTION, secret=True),
    _path("id_path", _l("Id in a JSON answer"), _l("Path with dots and numbers, for example messages.0.id.")),
    Setting("sms_http.id_text", str, "", _l("Id in a text answer"), SECTION, _l("The answer with {{id}} in the place of the id, for example: OK: {{id}}. Another answer counts as a refusal."), check=check_pattern),
    _path("ok_path", _l("State in a JSON answer"), _l("For providers that answer refusals with status 200, for example messages.0.status. Empty: the HTTP status decides.")),
    Setting("sms_http.ok_values", list, [], _l("States of an accepted message"), SECTION, _l("One a line.")),
    Setting("sms_http.later_values", list, [], _l("States that mean: try later"), SECTION, _l("One a line, for example the one for “too many at once”. Any other state is a refusal.")),
    _path("error_path", _l("Reason in a JSON answer"), _l("Shown to staff when a message was refused.")),
    Setting("sms_http.report_secret", str, "", _l("Secret of the callback"), SECTION, _l("24 to 100 letters and digits. The provider reports to /hooks/sms_http/report/ followed by it, or without it when it can send it as a token or a password."),
            check=check_secret, secret=True),
    _path("report_id", _l("Id in a report"), _l("Name of the parameter, or path in JSON."), "id"),
    _path("report_state", _l("State in a report"), _l("Name of the parameter, or path in JSON."), "status"),
    _path("report_reason", _l("Reason in a report")),
    Setting("sms_http.delivered", list, ["delivered", "DELIVRD"], _l("States that mean: delivered"), SECTION, _l("One a line; capital letters make no difference. States that are in no list are on the way.")),
    Setting("sms_http.failed", list, ["failed", "undelivered", "rejected", "UNDELIV", "REJECTD"], _l("States that mean: not delivered"), SECTION, _l("One a line.")),
    Setting("sms_http.expired", list, ["expired"], _l("States that mean: not reached in time"), SECTION, _l("One a line.")),
)
