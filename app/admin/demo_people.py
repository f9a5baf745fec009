"""Demo data of the front door: terms, portal accounts, and people who registered and wait for an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import current_app

from app.core import clock
from app.core.db import transaction
from app.customers import accounts, prospects, terms
from app.customers.account_models import AccountRole, LinkPurpose
from app.customers.models import Customer, CustomerKind
from app.customers.partners import save_partner, set_price
from app.customers.password_links import use_link
from app.customers.services import assigned_tariffs, change_customer

TERMS: dict[str, Any] = {
    "text_en": "1. What we do\n\nWe run the push-to-talk service day and night. Planned work is announced a week before.\n\n2. What it costs\n\n"
               "The price list in force counts. Invoices are due as printed on them.\n\n3. Ending\n\nEither side may end the contract with a month's notice.",
    "text_de": "1. Leistung\n\nWir betreiben den Sprechfunkdienst Tag und Nacht. Geplante Arbeiten werden eine Woche vorher angekündigt.\n\n2. Preise\n\n"
               "Es gilt die jeweilige Preisliste. Rechnungen sind fällig wie angegeben.\n\n3. Kündigung\n\nBeide Seiten können mit einer Frist von einem Monat kündigen.",
    "text_pt_br": "1. Serviço\n\nOperamos o serviço de push-to-talk dia e noite. Manutenções são anunciadas com uma semana de antecedência.\n\n2. Preços\n\n"
                  "Vale a tabela de preços em vigor. As faturas vencem na data impressa.\n\n3. Rescisão\n\nAs partes podem rescindir o contrato com um mês de aviso.",
}
REGISTERED: tuple[tuple[CustomerKind, str, bool, dict[str, Any]], ...] = (
    (CustomerKind.CLOSED, "de", True, {"company": "Stadtwerke Leer AöR", "contact": "Meike Janssen", "street": "Am Emsdeich 2", "postcode": "26789", "city": "Leer", "country": "DE",
                                       "phone": "+49 491 770110", "email": "m.janssen@stadtwerke.example", "devices": 40, "message": "Bitte ein Angebot für 40 Geräte mit GPS."}),
    (CustomerKind.PUBLIC, "en", False, {"contact": "Karla Lindqvist", "street": "Quay 7", "postcode": "20457", "city": "Hamburg", "country": "DE", "email": "karla@example.org", "devices": 1}),
    (CustomerKind.CLOSED, "pt_BR", True, {"company": "Segurança Litoral Ltda", "contact": "Bruno Siqueira", "street": "Av. Beira-Mar 1200", "postcode": "88015-700", "city": "Florianópolis",
                                          "region": "SC", "country": "BR", "email": "bruno@litoral.example", "devices": 25}),
)


def _portal(customers: list[Customer]) -> None:
    """Three who sign in to the portal with the generated password: a company, a sales partner, a person with a public license."""
    company, seller, *buyers = customers[:4]
    partner = save_partner(seller, "Funkhaus Weser", "service@funkhaus.example")
    for buyer in buyers:
        change_customer(buyer, partner_id=seller.id)
    for tariff in assigned_tariffs(seller, clock.today()):
        set_price(partner, tariff, Decimal("9.9000"))
    password = current_app.config.get("PTT_PORTAL_PASSWORD")
    now = terms.current()
    for customer in (company, seller, next(customer for customer in customers if customer.kind is CustomerKind.PUBLIC)) if password else ():
        with transaction():
            _link, token = accounts.make_link(accounts.main_account(customer) or accounts.create_account(customer), LinkPurpose.WELCOME)
        use_link(token, password, "127.0.0.1", now.id if now else None, True)


def load_people(customers: list[Customer]) -> None:
    """One registration is not confirmed yet; another looks like a customer who is there already."""
    terms.publish(terms.save_terms(name=f"{clock.today():%Y-%m}", valid_from=clock.today(), **TERMS))
    for customer in customers[:3]:
        accounts.send_welcome(customer)
    accounts.create_account(customers[0], "dispatch@example.org", name="Dispatch", role=AccountRole.MANAGER)
    _portal(customers)
    known = next(customer for customer in customers if customer.kind is CustomerKind.CLOSED and customer.country == "DE")
    same: dict[str, Any] = {"company": f"{known.company} Service", "contact": known.contact or "Jan Claasen", "postcode": known.postcode, "city": known.city, "country": "DE", "email": "service@example.org", "devices": 6}
    for kind, language, confirmed, fields in (*REGISTERED, (CustomerKind.CLOSED, "de", True, same)):
        prospects.register_prospect(kind, origin="website", language=language, confirm=not confirmed, **fields)
