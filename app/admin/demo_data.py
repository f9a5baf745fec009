"""Who and what the demo provider has: a company in Hamburg with customers in three languages. Every name is made up."""

from __future__ import annotations

from datetime import date
from typing import Any

COMPANY = {
    "locks.require_notice": False,                # four months of history without reminders: locks are to be seen
    "staff.require_second_factor": False,         # a demo is to be looked at: switched on by the set-up checklist
    "company.name": "Nordfunk PTT GmbH", "company.street": "Am Sandtorkai 40", "company.postcode": "20457", "company.city": "Hamburg",
    "company.country": "DE", "company.vat_id": "DE136695976", "company.tax_number": "48/123/45678", "company.contact": "Katrin Petersen",
    "company.phone": "+49 40 5550100", "company.email": "rechnung@nordfunk.example", "company.website": "www.nordfunk.example",
    "company.register": "Amtsgericht Hamburg HRB 000000, Geschäftsführerin Katrin Petersen", "company.bank": "Hafenbank Hamburg",
    "company.iban": "DE89370400440532013000", "company.bic": "COBADEFFXXX", "mail.sender": "rechnung@nordfunk.example", "mail.sender_name": "Nordfunk PTT",
}

# code, name, mode, currency, rules, tiers (from quantity, price), services (code, price; None is included)
TARIFFS: list[tuple[str, str, str, str, dict[str, Any], list[tuple[int, str]], dict[str, str | None]]] = [
    ("BASIC", "PTT Basic", "talkip", "EUR", {"tier_policy": "all_units"}, [(1, "7.9000"), (10, "6.9000"), (50, "5.9000"), (200, "4.9000")],
     {"gps": "2.5000", "chat": "1.0000", "sos": "3.0000"}),
    ("FLEET", "PTT Fleet", "npoc", "EUR", {"tier_policy": "graduated"}, [(1, "9.9000"), (25, "8.5000"), (100, "7.2500")],
     {"gps": None, "chat": "1.0000", "sos": "3.0000"}),
    ("SAFETY", "PTT Safety", "oma", "EUR", {"pro_rata": "none", "while_locked": "skip"}, [(1, "12.9000"), (20, "11.4500")],
     {"gps": None, "sos": None, "chat": "1.0000"}),
    ("TRIAL", "PTT Start with 14 free days", "talkip", "EUR", {"trial_days": 14}, [(1, "8.9000"), (10, "7.9000")], {"gps": "2.5000"}),
    ("PREPAID3", "PTT Prepaid 3 months", "talkip", "EUR", {"billing": "prepaid", "period_months": 3}, [(1, "21.0000"), (5, "19.5000")], {"gps": None}),
    ("BRASIL", "PTT Brasil", "talkip", "BRL", {}, [(1, "39.9000"), (20, "34.9000")], {"gps": "9.9000", "sos": "12.0000"}),
]

E_INVOICES = {
    "Stadtwerke Lindau GmbH": {"e_invoice": "xrechnung", "buyer_reference": "09776-40217-62"},
    "Linienbus Oberland GmbH": {"e_invoice": "zugferd"},
}

# company, contact, street, postcode, city, region, country, language
CUSTOMERS = [
    ("Alpenblick Bergbahnen AG", "Resi Huber", "Talstraße 3", "82467", "Garmisch-Partenkirchen", "", "DE", "de"),
    ("Bauhof Nordheim", "Jens Albers", "Werkstraße 12", "27404", "Zeven", "", "DE", "de"),
    ("Citylogistik Rhein GmbH", "Ayşe Demir", "Am Güterbahnhof 8", "50733", "Köln", "", "DE", "de"),
    ("Deichwacht Husum e. V.", "Hauke Thomsen", "Deichweg 1", "25813", "Husum", "", "DE", "de"),
    ("Eventschutz Berlin GmbH", "Mirko Lenz", "Skalitzer Straße 95", "10997", "Berlin", "", "DE", "de"),
    ("Forstbetrieb Harz KG", "Britta Wedekind", "Oberförsterei 2", "38667", "Bad Harzburg", "", "DE", "de"),
    ("Grünwerk Landschaftsbau GmbH", "Oliver Kranz", "Gärtnerweg 17", "04103", "Leipzig", "", "DE", "de"),
    ("Hafenlotsen Emden", "Wiebke Janssen", "Außenhafen 5", "26725", "Emden", "", "DE", "de"),
    ("Intertaxi München eG", "Goran Marić", "Landsberger Straße 302", "80687", "München", "", "DE", "de"),
    ("Kranservice Weber GmbH", "Tobias Weber", "Industriering 44", "70565", "Stuttgart", "", "DE", "de"),
    ("Linienbus Oberland GmbH", "Maria Sailer", "Bahnhofplatz 6", "83727", "Schliersee", "", "DE", "de"),
    ("Messebau Köhler GmbH", "Frank Köhler", "Messeallee 1", "30521", "Hannover", "", "DE", "de"),
    ("Nordsee Offshore Service GmbH", "Lars Petersen", "Kaistraße 22", "27570", "Bremerhaven", "", "DE", "de"),
    ("Obsthof Altes Land", "Meike Quast", "Deichstraße 31", "21635", "Jork", "", "DE", "de"),
    ("Rettungsdienst Isar gGmbH", "Dr. Anna Vogl", "Klinikweg 4", "84034", "Landshut", "", "DE", "de"),
    ("Stadtwerke Lindau GmbH", "Peter Natterer", "Auenstraße 12", "88131", "Lindau", "", "DE", "de"),
    ("Werkschutz Ruhr GmbH", "Sabine Kaczmarek", "Zechenstraße 70", "44791", "Bochum", "", "DE", "de"),
    ("Zirkus Adriano", "Adriano Weiss", "Winterquartier 1", "15834", "Rangsdorf", "", "DE", "de"),
    ("Pistendienst Arlberg GmbH", "Martin Moosbrugger", "Dorfstraße 9", "6580", "St. Anton", "", "AT", "de"),
    ("Donau Personenschifffahrt GmbH", "Eva Brandstätter", "Handelskai 265", "1020", "Wien", "", "AT", "de"),
    ("Atlantic Crew Transfers Ltd", "Niamh Byrne", "12 Harbour Row", "P24 X283", "Cobh", "", "IE", "en"),
    ("Beacon Event Security Ltd", "Callum Reid", "4 Dock Street", "EH6 6EY", "Edinburgh", "", "GB", "en"),
    ("Cotswold Rangers Trust", "Harriet Moore", "The Old Mill", "GL54 2BY", "Bourton-on-the-Water", "", "GB", "en"),
    ("Dublin Port Haulage Ltd", "Sean Murphy", "Alexandra Road 8", "D01 H4C6", "Dublin", "", "IE", "en"),
    ("Eastgate Cranes Ltd", "Priya Shah", "88 Canal Wharf", "M15 4QL", "Manchester", "", "GB", "en"),
    ("Fjord & Forth Ferries Ltd", "Isla Grant", "1 Pier Approach", "IV27 4TY", "Ullapool", "", "GB", "en"),
    ("Greenline Minibuses", "Oluwaseun Adeyemi", "23 Market Hill", "CB2 3NJ", "Cambridge", "", "GB", "en"),
    ("Highland Mountain Rescue", "Fiona MacLeod", "Glen Road 2", "PH33 6SY", "Fort William", "", "GB", "en"),
    ("Transporte Silva Ltda.", "João Silva", "Avenida Paulista 1578", "01310-200", "São Paulo", "SP", "BR", "pt_BR"),
    ("Segurança Guanabara Ltda.", "Carla Nogueira", "Rua da Assembleia 10", "20011-000", "Rio de Janeiro", "RJ", "BR", "pt_BR"),
    ("Porto Seco Logística S.A.", "Rafael Moreira", "Rua XV de Novembro 300", "80020-310", "Curitiba", "PR", "BR", "pt_BR"),
    ("Cooperativa Rádio Táxi Mineira", "Luciana Prado", "Avenida Afonso Pena 1212", "30130-003", "Belo Horizonte", "MG", "BR", "pt_BR"),
    ("Fazenda Boa Esperança", "Antônio Ribeiro", "Rodovia BR-163 km 84", "78890-000", "Sorriso", "MT", "BR", "pt_BR"),
    ("Eventos Maré Alta Ltda.", "Beatriz Campos", "Rua Chile 25", "40020-000", "Salvador", "BA", "BR", "pt_BR"),
    ("Mineração Serra Azul S.A.", "Paulo Teixeira", "Estrada da Mina 1", "35460-000", "Brumadinho", "MG", "BR", "pt_BR"),
]
PUBLIC = [      # people with a public license, prepaid
    ("Thomas Brandt", "Fischerweg 5", "24103", "Kiel", "DE", "de"), ("Julia Sommer", "Lindenallee 18", "01067", "Dresden", "DE", "de"),
    ("Emma Clarke", "7 Rose Lane", "BN1 1AE", "Brighton", "GB", "en"), ("Diego Martins", "Rua das Flores 120", "1200-192", "Lisboa", "PT", "pt_BR"),
    ("Karl Oberhofer", "Hauptplatz 2", "8010", "Graz", "AT", "de"),
]
SIZES = [64, 12, 52, 9, 38, 14, 21, 17, 61, 15, 33, 11, 44, 4, 47, 26, 36, 6, 19, 13, 22, 31, 8, 18, 16, 12, 7, 10, 41, 29, 18, 24, 5, 9, 23]
NAMES = {"de": ["Wagen", "Trupp", "Leitstelle", "Fahrer", "Posten"], "en": ["Van", "Crew", "Control", "Driver", "Gate"],
         "pt_BR": ["Carro", "Equipe", "Central", "Motorista", "Portaria"]}
GROUPS = {"de": ["Alle", "Leitstelle", "Bereitschaft"], "en": ["Everybody", "Control room", "Standby"], "pt_BR": ["Todos", "Central", "Plantão"]}
DEVICES = ["Inrico T320", "Sonim XP8", "Android app", "Hytera PNC370", "Telo TE390", "iOS app"]
NETWORKS = {"DE": "Telekom", "AT": "A1", "IE": "Vodafone IE", "GB": "EE", "BR": "Vivo", "PT": "MEO"}
REPRESENTATIVES = [("V100", "Heike Lorenzen", "Flensburg", "DE", "de"), ("V200", "Marcos Andrade", "Campinas", "BR", "pt_BR")]
TARIFF_FROM = date(2020, 1, 1)
