"""The way from an empty installation to the first customer: ticks come from the data, each step leads to its form and back here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import exists, select

from app.admin.views_settings import section_key
from app.billing.models import Invoice
from app.catalog.models import PttServer, Tariff, TariffState, TaxRate
from app.core import clock
from app.core.db import db, transaction
from app.core.page_parts import safe_url_for
from app.customers.models import Customer, CustomerState
from app.system.models import Mark, ProtocolKind
from app.system.protocol import record
from app.system.settings import declared, setting

DEMO, HIDDEN, NUMBERING = "demo.loaded", "checklist.hidden", "checklist.numbering"


@dataclass(frozen=True)
class Step:
    """`url` is None for a reader who may not do it; `confirm`: a default that only needs somebody's yes."""

    title: str
    text: str
    done: bool
    url: str | None
    verb: str
    confirm: bool = False


@dataclass(frozen=True)
class Checklist:
    steps: list[Step]
    demo: bool

    @property
    def done(self) -> int:
        return sum(step.done for step in self.steps)

    @property
    def next(self) -> Step | None:
        return next((step for step in self.steps if not step.done), None)

    @property
    def complete(self) -> bool:
        return self.next is None


def for_reader() -> Checklist | None:
    """None for who has no settings to make, and for everybody once it is complete and was put away: then it costs one statement."""
    if safe_url_for("SettingsPage.index") is None or not current_user.is_authenticated:
        return None
    marks = set(db.session.scalars(select(Mark.name).where(Mark.name.in_((DEMO, HIDDEN, NUMBERING)))))
    if HIDDEN in marks:
        return None
    return Checklist(steps(NUMBERING in marks), DEMO in marks)


def _settings(key: str, anchor: str = "") -> str | None:
    spec = next((item for item in declared() if item.key == key), None)
    url = safe_url_for("SettingsPage.section", key=section_key(spec), back=url_for("Overview.index")) if spec else None
    return f"{url}#{anchor}" if url and anchor else url


def steps(numbering: bool) -> list[Step]:
    country, today, back = str(setting("company.country") or "").upper(), clock.today(), url_for("Overview.index")
    found = db.session.execute(select(
        exists().where(TaxRate.country == country, TaxRate.valid_from <= today).label("rate"), exists().where(PttServer.active).label("server"),
        exists().where(Tariff.state == TariffState.ACTIVE).label("tariff"), exists().where(Customer.state != CustomerState.DELETED).label("customer"),
        exists().where(Invoice.id.is_not(None)).label("invoice"))).one()
    taxed = bool(setting("company.vat_id") or setting("company.tax_number"))
    tax_url = _settings("company.vat_id", "company.vat_id") if not taxed or found.rate else safe_url_for("TaxRateView.add", back=back)
    return [
        Step(_("Company"), _("Name and address stand on every invoice."), all(setting(f"company.{name}") for name in ("name", "street", "postcode", "city")),
             _settings("company.name", "company.name"), _("Enter")),
        Step(_("Bank account"), _("Where customers pay to."), bool(setting("company.iban") or setting("company.account")), _settings("company.iban", "company.iban"), _("Enter")),
        Step(_("Tax"), _("Your VAT id or tax number, and the rates of your country."), taxed and bool(found.rate or setting("company.small_business")), tax_url, _("Enter")),
        Step(_("Numbering"), _("How invoices are numbered. It cannot be changed for those that are issued."), numbering or bool(found.invoice),
             safe_url_for("InvoiceSeriesView.list"), _("Look"), confirm=not (numbering or found.invoice)),
        Step(_("E-mail"), _("The sender of invoices and links."), bool(setting("mail.sender")), _settings("mail.sender", "mail.sender"), _("Enter")),
        Step(_("PTT server"), _("Where licenses are created. The connection can be tested."), bool(found.server), safe_url_for("ServerView.list") if found.server else safe_url_for("ServerView.add", back=back), _("Add")),
        Step(_("Tariff"), _("What a license costs."), bool(found.tariff), safe_url_for("TariffView.list") if _has_tariff() else safe_url_for("TariffView.add", back=back), _("Add")),
        Step(_("First customer"), _("Leads on to his tariff, groups and licenses."), bool(found.customer), safe_url_for("CustomerView.list") if found.customer else safe_url_for("CustomerView.add"), _("Add")),
        Step(_("Second factor"), _("Administrators and billing staff sign in with a code of their telephone."), bool(setting("staff.require_second_factor")),
             _settings("staff.require_second_factor"), _("Switch on")),
    ]


def _has_tariff() -> bool:
    """One that is not active yet: it is to be activated, not entered again."""
    return bool(db.session.scalar(select(exists().where(Tariff.id.is_not(None)))))


def confirm_numbering() -> None:
    _mark(NUMBERING)


def hide() -> None:
    _mark(HIDDEN)


def _mark(name: str) -> None:
    with transaction() as session:
        session.merge(Mark(name=name, value=clock.now().isoformat()))
        record(ProtocolKind.SETTINGS, "set_up", subject_type="checklist", subject=name)


def note_demo() -> None:
    """The data of this installation is the demo's."""
    with transaction() as session:
        session.merge(Mark(name=DEMO, value=clock.now().isoformat()))


__all__: list[Any] = ["Checklist", "Step", "confirm_numbering", "for_reader", "hide", "note_demo"]
