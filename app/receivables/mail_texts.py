"""E-mails of receivables, as they come with the product. Staff may change them under “E-mail texts”."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from app.core import clock, formats
from app.plugin_api.mail import MailTemplate, Placeholder

REMINDER = MailTemplate("reminder", _l("Reminder"), {
    "customer": Placeholder(_l("The customer's name"), "Hafenlotsen Emden"), "subject": Placeholder(_l("Heading of the letter"), _l("Payment reminder")),
    "sum": Placeholder(_l("Everything that is to be paid, with currency"), lambda: formats.money(Decimal("264.60"), "EUR")),
    "pay_until": Placeholder(_l("The day to pay by"), lambda: formats.day(clock.today() + timedelta(days=7)))}, {
    "en": ("{{subject}}", """\
Dear customer,

please see the attached letter: {{sum}} are to be paid by {{pay_until}}.

Kind regards
{{company}}
"""),
    "de": ("{{subject}}", """\
Guten Tag,

bitte beachten Sie das beigefügte Schreiben: {{sum}} sind bis zum {{pay_until}} zu zahlen.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("{{subject}}", """\
Prezado cliente,

veja a carta em anexo: {{sum}} devem ser pagos até {{pay_until}}.

Atenciosamente,
{{company}}
""")})

STATEMENT = MailTemplate("statement", _l("Statement of account"), {
    "customer": Placeholder(_l("The customer's name"), "Hafenlotsen Emden"), "day": Placeholder(_l("The day on which it was made"), lambda: formats.day(clock.today()))}, {
    "en": ("Statement of account of {{day}}", """\
Dear customer,

please find attached the statement of your account of {{day}}.

Kind regards
{{company}}
"""),
    "de": ("Kontoauszug vom {{day}}", """\
Guten Tag,

anbei erhalten Sie den Auszug Ihres Kundenkontos vom {{day}}.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Extrato de conta de {{day}}", """\
Prezado cliente,

segue em anexo o extrato da sua conta de {{day}}.

Atenciosamente,
{{company}}
""")})

MAILS = [REMINDER, STATEMENT]
