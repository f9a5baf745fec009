"""Form of a tariff with its price tiers and services on one page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import SelectField, StringField, validators

from app.catalog import services as catalog
from app.catalog.editing import Offer, Tier
from app.catalog.models import Article, Billing, ProRata, PttMode, Service, Tariff, TierPolicy, WhileLocked
from app.core import clock
from app.core.choices import ListedField, currency_choices
from app.core.db import db
from app.core.editing import Marker
from app.core.errors import InvalidInput
from app.core.fields import (
    DayField,
    EnumField,
    NumberField,
    RelatedField,
    Required,
    ServiceForm,
    WholeField,
    clean_text,
    no_control,
)

NOT, INCLUDED, PRICED = "no", "included", "priced"
MOST_TIERS = 50
ROW = re.compile(r"tier_(\d{1,4})_from")
COLUMNS = ("code", "name", "currency", "billing", "period_months", "pro_rata", "while_locked", "tier_policy", "trial_days", "valid_from", "valid_to")


class TariffForm(ServiceForm):
    """Columns of the tariff; `form_for` adds `tier_<n>_from`, `tier_<n>_price`, `service_<id>` and `service_<id>_price`."""

    row_version = Marker()
    code = StringField(_l("Code"), [Required(), no_control, validators.Length(max=20)], filters=[clean_text], description=_l("Short and unique, for example BASIC."))
    name = StringField(_l("Name"), [Required(), no_control, validators.Length(max=60)], filters=[clean_text], description=_l("Printed on invoices and shown to customers."))
    mode = RelatedField(_l("PTT mode"), [Required()], model=PttMode, description=_l("Decides on which servers its licenses can be."))
    article = RelatedField(_l("Article"), model=Article, narrow=lambda query: query.where(Article.active),
                           description=_l("Gives tax and revenue account. Empty: the article of the customer."))
    valid_from = DayField(_l("Valid from"), [Required()], description=_l("Customers can have it from this day on."))
    valid_to = DayField(_l("Valid until"), [validators.Optional()], description=_l("Last day; empty for no end."))
    billing = EnumField(_l("Billing"), [Required()], kind=Billing, default=Billing.POSTPAID)
    period_months = WholeField(_l("Period in months"), [Required()], default=1, description=_l("Afterwards: 1, 2, 3, 4, 6 or 12. In advance: up to 120."))
    currency = ListedField(_l("Currency"), [Required()], listed=currency_choices, default="EUR")
    pro_rata = EnumField(_l("Part of a period"), [Required()], kind=ProRata, default=ProRata.DAY,
                         description=_l("What a license costs that was active on some days only."))
    while_locked = EnumField(_l("Locked licenses"), [Required()], kind=WhileLocked, default=WhileLocked.BILL,
                             description=_l("Whether a license is billed that was locked over the whole period."))
    trial_days = WholeField(_l("Free days"), [Required()], default=0, description=_l("Trial days at the begin of each license."))
    tier_policy = EnumField(_l("Volume discount"), [Required()], kind=TierPolicy, default=TierPolicy.ALL_UNITS,
                            description=_l("One price for all: the reached tier counts for each license. Each tier its own price: only the licenses within a tier have its price."))
    rows: tuple[int, ...] = ()
    offered: tuple[Service, ...] = ()

    def validate(self, extra_validators: Any = None) -> bool:
        good = super().validate(extra_validators)
        seen: set[int] = set()
        for row in self.rows:
            start, price = self[f"tier_{row}_from"], self[f"tier_{row}_price"]
            good &= self._both(start, price, _("Enter the quantity from which on the price holds."), _("Enter a price."))
            good &= self._checked(start, catalog.check_quantity) and self._checked(price, catalog.check_price)
            if start.data is not None and start.data in seen:
                self.fail(_("Another tier begins at this quantity."), start.name)
                good = False
            seen.add(start.data)
        for service in self.offered:
            price = self[f"service_{service.id}_price"]
            if self[f"service_{service.id}"].data == PRICED:
                if price.data is None and not price.errors:
                    self.fail(_("Enter a price."), price.name)
                    good = False
                good &= self._checked(price, catalog.check_price)
        return bool(good)

    def _both(self, start: Any, price: Any, no_start: str, no_price: str) -> bool:
        """A row is empty or complete."""
        for one, other, message in ((start, price, no_start), (price, start, no_price)):
            if one.data is None and not one.errors and (other.data is not None or other.errors):
                self.fail(message, one.name)
                return False
        return True

    def _checked(self, field: Any, check: Any) -> bool:
        if field.data is None or field.errors:
            return not field.errors
        try:
            check(field.data)
        except InvalidInput as error:
            self.fail(error, field.name)
            return False
        return True

    def columns(self) -> dict[str, Any]:
        """As the service takes them."""
        return {**{name: self[name].data for name in COLUMNS}, "mode_id": self.mode.data.id,
                "article_id": self.article.data.id if self.article.data is not None else None}

    def tiers(self) -> list[Tier]:
        return [Tier(self[f"tier_{row}_from"].data, self[f"tier_{row}_price"].data) for row in self.rows if self[f"tier_{row}_from"].data is not None]

    def offers(self) -> list[Offer]:
        found = []
        for service in self.offered:
            how = self[f"service_{service.id}"].data
            if how in (INCLUDED, PRICED):
                found.append(Offer(service, how == INCLUDED, 0 if how == INCLUDED else self[f"service_{service.id}_price"].data))
        return found


def form_for(tariff: Tariff | None, sent: Mapping[str, Any]) -> TariffForm:
    """The form with as many tier rows as were sent, or as the tariff has; every service that may be offered has a row."""
    used = {offer.service_id for offer in tariff.services} if tariff is not None else set()
    services = [s for s in db.session.scalars(select(Service).order_by(Service.name_en)) if s.active or s.id in used]
    found = sorted({int(match[1]) for name in sent if (match := ROW.fullmatch(name))})[:MOST_TIERS]
    tiers = list(tariff.tiers) if tariff is not None else []
    rows = tuple(found) or tuple(range(max(3, len(tiers) + 1)))
    form: TariffForm = _form_class(rows, services)(obj=tariff)
    if tariff is None:
        if not sent:
            form.valid_from.data = clock.today().replace(day=1)
            form["tier_0_from"].data = 1
    elif not sent:
        for row, tier in zip(rows, tiers, strict=False):
            form[f"tier_{row}_from"].data, form[f"tier_{row}_price"].data = tier.from_quantity, tier.unit_price
        for offer in tariff.services:
            form[f"service_{offer.service_id}"].data = INCLUDED if offer.included else PRICED
            form[f"service_{offer.service_id}_price"].data = None if offer.included else offer.unit_price
    return form


def _form_class(rows: Iterable[int], services: list[Service]) -> Any:
    fields: dict[str, Any] = {"rows": tuple(rows), "offered": tuple(services)}
    for row in rows:
        fields[f"tier_{row}_from"] = WholeField(_l("From quantity"), [validators.Optional()])
        fields[f"tier_{row}_price"] = NumberField(_l("Unit price"), [validators.Optional()], digits=4)
    how = [(NOT, _l("Not offered")), (INCLUDED, _l("Included")), (PRICED, _l("At a price"))]
    for service in services:
        fields[f"service_{service.id}"] = SelectField(service.name_en, choices=how, default=NOT)
        fields[f"service_{service.id}_price"] = NumberField(_l("Price"), [validators.Optional()], digits=4)
    return type("TariffForm", (TariffForm,), fields)
