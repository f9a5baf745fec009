"""SMS to the users of licenses, as they come with the product. Their characters fit into the alphabet of SMS."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from app.core import clock, formats
from app.plugin_api.mail import Placeholder
from app.system.sms_templates import SmsTemplate

USER = Placeholder(_l("Name in the radio, else the user name"), "Kran 7")
LOGIN = Placeholder(_l("User name on the PTT server"), "kran07")
CUSTOMER = Placeholder(_l("Name of the customer"), "Hafenlotsen Elbe eG")
MODE = Placeholder(_l("Name of the PTT mode"), "PTT Talk-IP")
COMMON = {"user": USER, "login": LOGIN, "customer": CUSTOMER, "mode": MODE}

CONFIGURATION = SmsTemplate("configuration", _l("Configuration"), {
    **COMMON, "link": Placeholder(_l("Link to the settings of this license; it works once"), "https://ptt.example.org/portal/setup/" + "x" * 43, required=True, secret=True),
    "until": Placeholder(_l("Until when the link works"), lambda: formats.moment(clock.now() + timedelta(hours=24)))}, {
    "en": "{{company}}: set up {{user}} (once, until {{until}}): {{link}}",
    "de": "{{company}}: {{user}} einrichten (einmal, bis {{until}}): {{link}}",
    "pt_BR": "{{company}}: configure {{user}} (uma vez, até {{until}}): {{link}}",
})
INVITATION = SmsTemplate("group_invitation", _l("Group invitation"), {**COMMON, "group": Placeholder(_l("Name of the group"), "Einsatz Hafen", required=True)}, {
    "en": "{{company}}: {{user}} is a member of the group {{group}}. Accept the invitation on your device to talk in it.",
    "de": "{{company}}: {{user}} ist Mitglied der Gruppe {{group}}. Nehmen Sie die Einladung am Gerät an, um mitzusprechen.",
    "pt_BR": "{{company}}: {{user}} faz parte do grupo {{group}}. Aceite o convite no aparelho para falar nele.",
})
DOWNLOAD = SmsTemplate("download", _l("Download of the app"), {
    **COMMON, "link": Placeholder(_l("Where the app of the PTT mode is downloaded"), "https://ptt.example.org/app", required=True)}, {
    "en": "{{company}}: download the app for {{user}} here: {{link}}",
    "de": "{{company}}: Die App für {{user}} gibt es hier: {{link}}",
    "pt_BR": "{{company}}: baixe aqui o aplicativo para {{user}}: {{link}}",
})

TEMPLATES = [CONFIGURATION, INVITATION, DOWNLOAD]
