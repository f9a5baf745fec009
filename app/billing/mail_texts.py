"""E-mails with documents of billing, as they come with the product. Staff may change them under “E-mail texts”."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from app.core import clock, formats
from app.plugin_api.mail import MailTemplate, Placeholder

NUMBER = Placeholder(_l("Number of the document"), "INV-2026-00042")
AMOUNT = Placeholder(_l("Sum with tax and currency"), lambda: formats.money(Decimal("264.60"), "EUR"))
CUSTOMER = Placeholder(_l("The buyer as on the document"), "Hafenlotsen Emden")

INVOICE = MailTemplate("invoice", _l("Invoice"), {
    "customer": CUSTOMER, "number": NUMBER, "amount": AMOUNT, "due": Placeholder(_l("Day on which it is due"), lambda: formats.day(clock.today() + timedelta(days=14)))}, {
    "en": ("Invoice {{number}}", """\
Dear customer,

please find attached our invoice {{number}} of {{amount}}, due on {{due}}.

Kind regards
{{company}}
"""),
    "de": ("Rechnung {{number}}", """\
Guten Tag,

anbei erhalten Sie unsere Rechnung {{number}} über {{amount}}, fällig am {{due}}.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Fatura {{number}}", """\
Prezado cliente,

segue em anexo a nossa fatura {{number}} no valor de {{amount}}, com vencimento em {{due}}.

Atenciosamente,
{{company}}
""")})

CORRECTION = MailTemplate("correction", _l("Correction of an invoice"), {"customer": CUSTOMER, "number": NUMBER, "amount": AMOUNT}, {
    "en": ("Correction {{number}}", """\
Dear customer,

please find attached our correction {{number}} of {{amount}}.

Kind regards
{{company}}
"""),
    "de": ("Korrektur {{number}}", """\
Guten Tag,

anbei erhalten Sie unsere Korrektur {{number}} über {{amount}}.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Correção {{number}}", """\
Prezado cliente,

segue em anexo a nossa correção {{number}} no valor de {{amount}}.

Atenciosamente,
{{company}}
""")})

MAILS = [INVOICE, CORRECTION]
