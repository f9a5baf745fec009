"""The e-mail of a statement; staff may change it."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import lazy_gettext as _l

from app.plugin_api import MailTemplate, Placeholder, formats

STATEMENT = MailTemplate("commission.statement", _l("Commission statement"), {
    "representative": Placeholder(_l("The representative's name"), "Jonas Petersen"), "number": Placeholder(_l("Number of the statement"), "COM-2026-00007", required=True),
    "month": Placeholder(_l("Month"), "10/2026"), "amount": Placeholder(_l("What is paid, with tax"), lambda: formats.money(Decimal("412.30"), "EUR"))}, {
    "en": ("Commission statement {{number}}", """\
Dear {{representative}},

please find attached your commission statement {{number}} for {{month}}. Amount to be paid: {{amount}}.

Kind regards
{{company}}
"""),
    "de": ("Provisionsabrechnung {{number}}", """\
Guten Tag {{representative}},

anbei erhalten Sie Ihre Provisionsabrechnung {{number}} für {{month}}. Auszahlungsbetrag: {{amount}}.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Extrato de comissões {{number}}", """\
Prezado(a) {{representative}},

segue em anexo seu extrato de comissões {{number}} referente a {{month}}. Valor a pagar: {{amount}}.

Atenciosamente,
{{company}}
""")})

MAILS = [STATEMENT]
