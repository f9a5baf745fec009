"""Master data that every installation needs; safe to repeat, never overwrites what staff changed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.catalog.models import Article, PttMode, Service, TaxClass, TaxRate
from app.core.db import transaction

MODES = [
    {"code": "npoc", "name": "Nokia PTT (NPOC)", "needs_phone": True, "group_invitation": True},
    {"code": "oma", "name": "OMA PTT", "needs_phone": True},
    {"code": "talkip", "name": "PTT Talk-IP", "setup_password": True},
]
SERVICES = [
    {"code": "gps", "name_en": "GPS tracking", "name_de": "GPS-Ortung", "name_pt_br": "Rastreamento GPS"},
    {"code": "chat", "name_en": "Chat", "name_de": "Chat", "name_pt_br": "Chat"},
    {"code": "sos", "name_en": "SOS", "name_de": "SOS-Notruf", "name_pt_br": "SOS", "safety_critical": True},
]
RATES = [       # country, class, from, percent
    ("DE", TaxClass.STANDARD, date(2007, 1, 1), "19"), ("DE", TaxClass.STANDARD, date(2020, 7, 1), "16"), ("DE", TaxClass.STANDARD, date(2021, 1, 1), "19"),
    ("DE", TaxClass.REDUCED, date(1983, 7, 1), "7"), ("DE", TaxClass.REDUCED, date(2020, 7, 1), "5"), ("DE", TaxClass.REDUCED, date(2021, 1, 1), "7"),
    ("DE", TaxClass.ZERO, date(2000, 1, 1), "0"),
    ("AT", TaxClass.STANDARD, date(1984, 1, 1), "20"), ("AT", TaxClass.REDUCED, date(1984, 1, 1), "10"), ("AT", TaxClass.ZERO, date(2000, 1, 1), "0"),
]
ARTICLE = {"number": "1000", "name_en": "PTT service", "name_de": "PTT-Dienst", "name_pt_br": "Serviço PTT", "unit": "MON", "revenue_account": "8400"}


def seed() -> None:
    with transaction() as session:
        tables: tuple[tuple[Any, Any], ...] = ((PttMode, MODES), (Service, SERVICES))
        for model, rows in tables:
            known = set(session.scalars(select(model.code)))
            session.add_all(model(**row) for row in rows if row["code"] not in known)
        if session.scalar(select(TaxRate.id).limit(1)) is None:
            session.add_all(TaxRate(country=c, tax_class=k, valid_from=day, rate=Decimal(rate)) for c, k, day, rate in RATES)
        if session.scalar(select(Article.id).limit(1)) is None:
            session.add(Article(**ARTICLE))
