"""Texts of reminder letters: registered places only, as in e-mails; the levels and texts that every installation begins with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock, formats
from app.core.db import transaction
from app.core.errors import InvalidInput
from app.plugin_api.mail import MailTemplate, Placeholder
from app.receivables.reminder_models import ReminderLevel, ReminderText
from app.system.mail_templates import check_words, company_values, fill

PLACES = {
    "customer": Placeholder(_l("The customer's name"), "Hafenlotsen Emden"),
    "sum": Placeholder(_l("Everything that is to be paid, with currency"), lambda: formats.money(Decimal("264.60"), "EUR"), required=True),
    "pay_until": Placeholder(_l("The day to pay by"), lambda: formats.day(clock.today() + timedelta(days=7)), required=True),
    "lock_on": Placeholder(_l("The day of the lock, where the level announces it"), lambda: formats.day(clock.today() + timedelta(days=14))),
    "count": Placeholder(_l("How many demands are reminded"), "2"),
    "day": Placeholder(_l("The day of the letter"), lambda: formats.day(clock.today())),
}
WORDS: dict[int, dict[str, tuple[str, str]]] = {
    1: {"en": ("Payment reminder", "Dear customer,\n\nyou have probably overlooked the demands below. Please pay {{sum}} by {{pay_until}}.\n\n"
               "If your payment is on its way, please regard this letter as settled."),
        "de": ("Zahlungserinnerung", "Guten Tag,\n\nsicher haben Sie die unten genannten Forderungen übersehen. Bitte zahlen Sie {{sum}} bis zum {{pay_until}}.\n\n"
               "Falls Ihre Zahlung unterwegs ist, betrachten Sie dieses Schreiben bitte als erledigt."),
        "pt_BR": ("Lembrete de pagamento", "Prezado cliente,\n\nos valores abaixo ainda estão em aberto. Por favor, pague {{sum}} até {{pay_until}}.\n\n"
                  "Se o pagamento já foi feito, desconsidere esta carta.")},
    2: {"en": ("Second reminder", "Dear customer,\n\nin spite of our reminder the demands below are still open. Please pay {{sum}} by {{pay_until}}.\n\n"
               "If nothing has arrived by {{lock_on}}, we will lock your licenses after that day; nobody can talk over them from then on."),
        "de": ("Zweite Mahnung", "Guten Tag,\n\ntrotz unserer Erinnerung sind die unten genannten Forderungen noch offen. Bitte zahlen Sie {{sum}} bis zum {{pay_until}}.\n\n"
               "Ist bis zum {{lock_on}} nichts eingegangen, sperren wir nach diesem Tag Ihre Lizenzen; ab dann kann niemand mehr darüber sprechen."),
        "pt_BR": ("Segundo aviso", "Prezado cliente,\n\napesar do nosso lembrete, os valores abaixo continuam em aberto. Por favor, pague {{sum}} até {{pay_until}}.\n\n"
                  "Se nada for recebido até {{lock_on}}, bloquearemos as suas licenças depois desse dia; ninguém poderá mais falar por elas.")},
    3: {"en": ("Last reminder", "Dear customer,\n\nthis is our last reminder. Please pay {{sum}} by {{pay_until}}.\n\n"
               "After that day we will hand the demands to a lawyer without further notice; the costs of it will be yours."),
        "de": ("Letzte Mahnung", "Guten Tag,\n\ndies ist unsere letzte Mahnung. Bitte zahlen Sie {{sum}} bis zum {{pay_until}}.\n\n"
               "Nach diesem Tag übergeben wir die Forderungen ohne weitere Ankündigung einem Anwalt; die Kosten dafür gehen zu Ihren Lasten."),
        "pt_BR": ("Último aviso", "Prezado cliente,\n\neste é o nosso último aviso. Por favor, pague {{sum}} até {{pay_until}}.\n\n"
                  "Depois desse dia entregaremos a cobrança a um advogado sem novo aviso; os custos serão seus.")},
}
BEGIN = ((1, _l("Payment reminder"), 7, "", False, False), (2, _l("Second reminder"), 21, "EUR 2.50", True, True), (3, _l("Last reminder"), 42, "EUR 2.50", True, False))

_SPEC = MailTemplate("reminder_letter", _l("Reminder letter"), PLACES, WORDS[1])


def check_texts(subject: str, body: str, lock_notice: bool) -> None:
    """Raises InvalidInput with the field: an unknown place, a missing sum, a lock notice that does not name the day, or one where none is given."""
    check_words(_SPEC, subject, body)
    if lock_notice != ("{{lock_on}}" in body.replace("{{ ", "{{").replace(" }}", "}}")):
        if lock_notice:
            raise InvalidInput(_("The text needs {{lock_on}}: this level announces the lock, and the day must be named."), "body")
        raise InvalidInput(_("{{lock_on}} stands in the text, but this level announces no lock."), "body")


def compose(texts: Mapping[tuple[int, str], tuple[str, str]], level: int, language: str, values: Mapping[str, str]) -> tuple[str, str]:
    """Heading and text of a letter. Without a text in `language` the English one, else the one that came with the product."""
    subject, body = texts.get((level, language)) or texts.get((level, "en")) or WORDS.get(level, WORDS[1]).get(language) or WORDS[1]["en"]
    given = {**company_values(), **values}
    return fill(subject, given)[:200], fill(body, given)


def stored_texts(session: Session) -> dict[tuple[int, str], tuple[str, str]]:
    rows = session.execute(select(ReminderLevel.number, ReminderText.language, ReminderText.subject, ReminderText.body).join(ReminderText, ReminderText.level_id == ReminderLevel.id))
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def sample(language: str) -> dict[str, str]:
    with force_locale(language):
        return {name: str(place.sample() if callable(place.sample) else place.sample) for name, place in PLACES.items()}


def seed_levels() -> bool:
    """Three levels to begin with, when there is none. Returns whether they were made."""
    with transaction() as session:
        if session.scalar(select(ReminderLevel.id).limit(1)) is not None:
            return False
        for number, name, days, fees, interest, lock in BEGIN:
            level = ReminderLevel(number=number, name=str(name), days=days, fees=fees, interest=interest, lock_notice=lock, lock_days=14)
            level.texts = [ReminderText(language=language, subject=subject, body=body) for language, (subject, body) in WORDS[number].items()]
            session.add(level)
        return True


