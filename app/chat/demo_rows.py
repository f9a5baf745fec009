"""Demo data of the chat: one customer waits, one is talked to; answers kept ready; somebody wants to be called."""

from __future__ import annotations

from datetime import timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.chat import services
from app.chat.canned import save_answer
from app.chat.identity import staff_name
from app.chat.models import Side
from app.core import clock
from app.core.db import db
from app.customers import accounts, callbacks
from app.customers.models import Customer

ANSWERS = {
    "en": {"hours": "We are here from Monday to Friday, 9 to 18.", "restart": "Please switch the radio off, wait ten seconds and switch it on again.", "invoice": "You find your invoices in the portal under “Invoices”."},
    "de": {"zeiten": "Sie erreichen uns Montag bis Freitag von 9 bis 18 Uhr.", "neustart": "Bitte schalten Sie das Gerät aus, warten Sie zehn Sekunden und schalten Sie es wieder ein.",
           "rechnung": "Ihre Rechnungen finden Sie im Portal unter „Rechnungen“."},
    "pt_BR": {"horario": "Atendemos de segunda a sexta, das 9h às 18h.", "reiniciar": "Desligue o rádio, espere dez segundos e ligue de novo.", "fatura": "Suas faturas estão no portal, em “Faturas”."},
}
WAITS = {"de": ["Guten Morgen, „Wagen 04“ verbindet sich seit heute früh nicht mehr.", "Neu gestartet habe ich ihn schon."], "en": ["Good morning, “Car 04” has not connected since this morning.", "I have restarted it already."],
         "pt_BR": ["Bom dia, o “Carro 04” não conecta desde hoje cedo.", "Já reiniciei."]}
TALK = {"de": ["Können wir zum Monatsende zwei Lizenzen mehr bekommen?", "Guten Tag, gern. Im Portal unter „Lizenzen“ legen Sie sie selbst an, den Preis sehen Sie vorher.", "Danke, das probiere ich gleich."],
        "en": ["Can we have two more licenses from the end of the month?", "Hello, with pleasure. In the portal under “Licenses” you create them yourself and see the price before.", "Thank you, I will try that."],
        "pt_BR": ["Podemos ter mais duas licenças no fim do mês?", "Claro. No portal, em “Licenças”, você mesmo as cria e vê o preço antes.", "Obrigado, vou tentar."]}


def load(customers: list[Customer]) -> None:
    for language, answers in ANSWERS.items():
        for name, text in answers.items():
            save_answer(None, language, name, text)
    staff = db.session.scalar(select(User).where(User.active).order_by(User.id))
    waits, talks = customers[0], customers[1]
    if staff is not None:
        _talk(talks, services.Speaker(Side.STAFF, staff.id, staff_name(staff)))
    for number, text in enumerate(WAITS.get(waits.language, WAITS["en"])):
        _write(waits, f"demo-waits-{number}", text, 6 - number)
    callbacks.request_callback(key="demo-callback", name=talks.contact or talks.company, phone=talks.phone or "+49 30 901820", wished="9–11", message="", language=talks.language, origin="portal",
                               address="127.0.0.1", country=talks.country, customer=talks)


def _talk(customer: Customer, speaker: services.Speaker) -> None:
    first, answer, thanks = TALK.get(customer.language, TALK["en"])
    ident = _write(customer, "demo-talks-1", first, 25)
    with clock.frozen(clock.now() - timedelta(minutes=22)):
        services.reply(ident, speaker, "demo-talks-2", answer)
    _write(customer, "demo-talks-3", thanks, 12)


def _write(customer: Customer, client_id: str, text: str, minutes: int) -> int:
    account = accounts.main_account(customer) or accounts.create_account(customer)
    with clock.frozen(clock.now() - timedelta(minutes=minutes)):
        return services.write(customer, account.id, account.name or customer.contact or customer.company, account.language, client_id, text).conversation_id
