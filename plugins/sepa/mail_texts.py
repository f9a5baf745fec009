"""E-mails of direct debits; staff may change them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from app.plugin_api import MailTemplate, Placeholder, clock, formats

CUSTOMER = Placeholder(_l("The customer's name"), "Hafenlotsen Emden")
REFERENCE = Placeholder(_l("Number of the invoice, or what is demanded"), "INV-2026-00042", required=True)
AMOUNT = Placeholder(_l("Amount with currency"), lambda: formats.money(Decimal("264.60"), "EUR"), required=True)

ANNOUNCEMENT = MailTemplate("sepa.announcement", _l("Announcement of a direct debit"), {
    "customer": CUSTOMER, "reference": REFERENCE, "amount": AMOUNT, "day": Placeholder(_l("Day of the collection"), lambda: formats.day(clock.today() + timedelta(days=14)), required=True),
    "account": Placeholder(_l("The debited account, shortened"), "DE02 … 2051"), "mandate": Placeholder(_l("Mandate reference"), "M-10042-1", required=True),
    "creditor_id": Placeholder(_l("Our creditor identifier"), "DE98ZZZ09999999999", required=True)}, {
    "en": ("Direct debit of {{amount}} on {{day}}", """\
Dear customer,

we will collect {{amount}} for {{reference}} on {{day}} from your account {{account}} by SEPA direct debit.

Mandate reference: {{mandate}}
Our creditor identifier: {{creditor_id}}

Please make sure that the account is covered.

Kind regards
{{company}}
"""),
    "de": ("Lastschrift über {{amount}} am {{day}}", """\
Guten Tag,

wir ziehen {{amount}} für {{reference}} am {{day}} per SEPA-Lastschrift von Ihrem Konto {{account}} ein.

Mandatsreferenz: {{mandate}}
Unsere Gläubiger-Identifikationsnummer: {{creditor_id}}

Bitte sorgen Sie für Deckung.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Débito direto de {{amount}} em {{day}}", """\
Prezado cliente,

em {{day}} debitaremos {{amount}} referentes a {{reference}} da sua conta {{account}} por débito direto SEPA.

Referência da autorização: {{mandate}}
Nosso identificador de credor: {{creditor_id}}

Por favor, mantenha saldo na conta.

Atenciosamente,
{{company}}
""")})

RETURNED = MailTemplate("sepa.returned", _l("Returned direct debit"), {
    "customer": CUSTOMER, "reference": REFERENCE, "amount": AMOUNT, "day": Placeholder(_l("Day of the collection"), lambda: formats.day(clock.today())),
    "reason": Placeholder(_l("Reason that the bank gives"), _l("Insufficient funds"))}, {
    "en": ("Direct debit for {{reference}} was returned", """\
Dear customer,

your bank has returned our direct debit of {{amount}} for {{reference}} of {{day}}.
Reason: {{reason}}

The amount is open again. Please transfer it, or contact us.

Kind regards
{{company}}
"""),
    "de": ("Lastschrift für {{reference}} wurde zurückgegeben", """\
Guten Tag,

Ihre Bank hat unsere Lastschrift über {{amount}} für {{reference}} vom {{day}} zurückgegeben.
Grund: {{reason}}

Der Betrag ist wieder offen. Bitte überweisen Sie ihn oder melden Sie sich bei uns.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("O débito direto de {{reference}} foi devolvido", """\
Prezado cliente,

o seu banco devolveu o nosso débito direto de {{amount}} referente a {{reference}}, de {{day}}.
Motivo: {{reason}}

O valor está novamente em aberto. Por favor, transfira-o ou fale conosco.

Atenciosamente,
{{company}}
""")})

MAILS = (ANNOUNCEMENT, RETURNED)
