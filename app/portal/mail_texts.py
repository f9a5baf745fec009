"""E-mails of the portal, as they come with the product."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from app.core import clock, formats
from app.customers.mail_texts import CUSTOMER, LINK, LOGIN, NAME, NUMBER
from app.plugin_api.mail import MailTemplate, Placeholder

INVITATION = MailTemplate("portal_invitation", _l("Invitation to the portal"), {
    "customer": CUSTOMER, "name": NAME, "number": NUMBER, "login": LOGIN, "link": LINK, "by": Placeholder(_l("Who invites"), "Jan Claasen"),
    "until": Placeholder(_l("Until when the link works"), lambda: formats.instant(clock.now() + timedelta(days=7)))}, {
    "en": ("Your login for {{customer}}", """\
Dear {{name}},

{{by}} has made a login for you in the customer portal of {{company}}, for {{customer}} (customer number {{number}}). Choose your password here:

{{link}}

The link works once, until {{until}}. You sign in with {{login}}. If you do not know what this is about, simply ignore this e-mail.

Kind regards
{{company}}
"""),
    "de": ("Ihr Zugang für {{customer}}", """\
Guten Tag {{name}},

{{by}} hat für Sie einen Zugang zum Kundenportal von {{company}} angelegt, für {{customer}} (Kundennummer {{number}}). Hier wählen Sie Ihr Passwort:

{{link}}

Der Link gilt einmal, bis {{until}}. Sie melden sich mit {{login}} an. Wenn Sie damit nichts anfangen können, lassen Sie diese E-Mail einfach liegen.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Seu acesso para {{customer}}", """\
Olá, {{name}},

{{by}} criou para você um acesso ao portal do cliente da {{company}}, para {{customer}} (número de cliente {{number}}). Escolha aqui a sua senha:

{{link}}

O link funciona uma única vez, até {{until}}. Para entrar, use {{login}}. Se não sabe do que se trata, simplesmente ignore este e-mail.

Atenciosamente,
{{company}}
""")})

ACCESS = MailTemplate("portal_access", _l("Access to a further customer"), {
    "customer": CUSTOMER, "name": NAME, "login": LOGIN, "number": NUMBER, "by": Placeholder(_l("Who gives the access"), "Jan Claasen")}, {
    "en": ("You can act for {{customer}} now", """\
Dear {{name}},

{{by}} lets you act for {{customer}} (customer number {{number}}) in the customer portal of {{company}}. Sign in with {{login}} as before; at the top right you choose for whom you act.

Kind regards
{{company}}
"""),
    "de": ("Sie können jetzt für {{customer}} handeln", """\
Guten Tag {{name}},

{{by}} lässt Sie im Kundenportal von {{company}} für {{customer}} (Kundennummer {{number}}) handeln. Melden Sie sich wie bisher mit {{login}} an; oben rechts wählen Sie, für wen Sie handeln.

Mit freundlichen Grüßen
{{company}}
"""),
    "pt_BR": ("Agora você pode agir por {{customer}}", """\
Olá, {{name}},

{{by}} permite que você aja por {{customer}} (número de cliente {{number}}) no portal do cliente da {{company}}. Entre com {{login}} como antes; no canto superior direito você escolhe por quem age.

Atenciosamente,
{{company}}
""")})

MAILS = [INVITATION, ACCESS]
