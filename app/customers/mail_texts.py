"""E-mails about accounts and registrations, as they come with the product. Staff may change them under “E-mail texts”."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core import clock, formats
from app.plugin_api.mail import MailTemplate, Placeholder


def _in(**span: int) -> Any:
    return lambda: formats.instant(clock.now() + timedelta(**span))


CUSTOMER = Placeholder(_l("Company, or the person's name"), "Hafenlotsen Emden")
NAME = Placeholder(_l("The person, else the company"), "Jan Claasen")
NUMBER = Placeholder(_l("Customer number"), "K10042")
LOGIN = Placeholder(_l("What one signs in with: the customer number, or an e-mail address"), "K10042")
LINK = Placeholder(_l("The link. It is put in while the e-mail is sent; nobody else can see it."), "https://portal.example.org/portal/password/…", required=True, secret=True)

WELCOME = MailTemplate("welcome", _l("Welcome"), {
    "customer": CUSTOMER, "name": NAME, "number": NUMBER, "login": LOGIN, "link": LINK, "until": Placeholder(_l("Until when the link works"), _in(days=7))}, {
    "en": ("Welcome to {{company}}", """\
Dear {{name}},

welcome to {{company}}. Your customer number is {{number}}. Please state it whenever you write to us or pay.

Choose your password for the customer portal here:

{{link}}

The link works once, until {{until}}. You sign in with {{login}} and the password that you choose. We never send passwords, and nobody of us will ever ask you for yours.

Kind regards
{{company}}
"""),
    "de": ("Willkommen bei {{company}}", """\
Guten Tag {{name}},

willkommen bei {{company}}. Ihre Kundennummer ist {{number}}. Bitte geben Sie sie an, wenn Sie uns schreiben oder etwas bezahlen.

Hier wählen Sie Ihr Passwort für das Kundenportal:

{{link}}

Der Link gilt einmal, bis {{until}}. Sie melden sich mit {{login}} und dem Passwort an, das Sie wählen. Wir verschicken nie Passwörter, und niemand von uns wird Sie je nach Ihrem fragen.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Bem-vindo à {{company}}", """\
Olá, {{name}},

boas-vindas à {{company}}. Seu número de cliente é {{number}}. Informe-o sempre que nos escrever ou pagar.

Escolha aqui a sua senha para o portal do cliente:

{{link}}

O link funciona uma única vez, até {{until}}. Para entrar, use {{login}} e a senha que você escolher. Nunca enviamos senhas, e ninguém da nossa equipe pedirá a sua.

Atenciosamente,
{{company}}
""")})

PASSWORD = MailTemplate("password", _l("Password link"), {
    "customer": CUSTOMER, "name": NAME, "number": NUMBER, "login": LOGIN, "link": LINK, "until": Placeholder(_l("Until when the link works"), _in(hours=1))}, {
    "en": ("Choose a new password", """\
Dear {{name}},

a new password was asked for {{customer}} (customer number {{number}}). Choose it here:

{{link}}

The link works once, until {{until}}; older links no longer work. You sign in with {{login}}.

If you did not ask for it, you need not do anything: your password stays as it is.

Kind regards
{{company}}
"""),
    "de": ("Neues Passwort wählen", """\
Guten Tag {{name}},

für {{customer}} (Kundennummer {{number}}) wurde ein neues Passwort angefordert. Hier wählen Sie es:

{{link}}

Der Link gilt einmal, bis {{until}}; ältere Links gelten nicht mehr. Sie melden sich mit {{login}} an.

Wenn Sie das nicht waren, brauchen Sie nichts zu tun: Ihr Passwort bleibt, wie es ist.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Escolha uma nova senha", """\
Olá, {{name}},

foi pedida uma nova senha para {{customer}} (número de cliente {{number}}). Escolha-a aqui:

{{link}}

O link funciona uma única vez, até {{until}}; links anteriores deixaram de funcionar. Para entrar, use {{login}}.

Se não foi você que pediu, não precisa fazer nada: a sua senha continua a mesma.

Atenciosamente,
{{company}}
""")})

PASSWORD_CHANGED = MailTemplate("password_changed", _l("Password was changed"), {
    "customer": CUSTOMER, "name": NAME, "number": NUMBER, "login": LOGIN, "now": Placeholder(_l("When it was changed"), _in(minutes=0))}, {
    "en": ("Your password was changed", """\
Dear {{name}},

the password of {{login}} ({{customer}}) was changed: {{now}}. Everybody who was signed in with this account has been signed out.

If this was not you, tell us at once: {{company_email}} {{company_phone}}

Kind regards
{{company}}
"""),
    "de": ("Ihr Passwort wurde geändert", """\
Guten Tag {{name}},

das Passwort von {{login}} ({{customer}}) wurde geändert: {{now}}. Wer mit diesem Zugang angemeldet war, wurde abgemeldet.

Wenn Sie das nicht waren, sagen Sie es uns sofort: {{company_email}} {{company_phone}}

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Sua senha foi alterada", """\
Olá, {{name}},

a senha de {{login}} ({{customer}}) foi alterada: {{now}}. Todos os acessos abertos com esta conta foram encerrados.

Se não foi você, avise-nos imediatamente: {{company_email}} {{company_phone}}

Atenciosamente,
{{company}}
""")})

PROSPECT_CONFIRM = MailTemplate("prospect_confirm", _l("Confirm a registration"), {
    "customer": CUSTOMER, "name": NAME, "link": Placeholder(LINK.help, "https://portal.example.org/portal/confirm/…", required=True, secret=True),
    "until": Placeholder(_l("Until when the link works"), _in(days=7))}, {
    "en": ("Please confirm your registration", """\
Dear {{name}},

thank you for your registration with {{company}}. Please confirm it here:

{{link}}

The link works once, until {{until}}. Without it we do nothing: if you did not register, simply ignore this e-mail.

Kind regards
{{company}}
"""),
    "de": ("Bitte bestätigen Sie Ihre Anmeldung", """\
Guten Tag {{name}},

vielen Dank für Ihre Anmeldung bei {{company}}. Bitte bestätigen Sie sie hier:

{{link}}

Der Link gilt einmal, bis {{until}}. Ohne Bestätigung tun wir nichts: Wenn Sie sich nicht angemeldet haben, lassen Sie diese E-Mail einfach liegen.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Confirme o seu cadastro", """\
Olá, {{name}},

obrigado pelo seu cadastro na {{company}}. Confirme-o aqui:

{{link}}

O link funciona uma única vez, até {{until}}. Sem a confirmação não fazemos nada: se você não se cadastrou, simplesmente ignore este e-mail.

Atenciosamente,
{{company}}
""")})

PROSPECT_REJECTED = MailTemplate("prospect_rejected", _l("Registration rejected"), {
    "customer": CUSTOMER, "name": NAME, "reason": Placeholder(_l("What staff wrote as the reason"), "We do not serve this region yet.")}, {
    "en": ("Your registration", """\
Dear {{name}},

thank you for your registration. Unfortunately we cannot accept it: {{reason}}

If you have questions, write to us: {{company_email}}

Kind regards
{{company}}
"""),
    "de": ("Ihre Anmeldung", """\
Guten Tag {{name}},

vielen Dank für Ihre Anmeldung. Leider können wir sie nicht annehmen: {{reason}}

Wenn Sie Fragen haben, schreiben Sie uns: {{company_email}}

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Seu cadastro", """\
Olá, {{name}},

obrigado pelo seu cadastro. Infelizmente não podemos aceitá-lo: {{reason}}

Se tiver perguntas, escreva para nós: {{company_email}}

Atenciosamente,
{{company}}
""")})

MAILS = [WELCOME, PASSWORD, PASSWORD_CHANGED, PROSPECT_CONFIRM, PROSPECT_REJECTED]
