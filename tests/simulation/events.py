"""What people do on a day: staff, customers in the portal, the bank. Each is drawn, done through a service, and told to the model."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.billing.cancel import cancel_invoice
from app.billing.documents import release_all
from app.billing.models import Invoice, InvoiceKind
from app.catalog.models import PttServer, Service, Tariff
from app.core.db import db
from app.core.period import Month
from app.customers.locks import LockReason
from app.customers.models import Customer, CustomerState
from app.customers.services import assign_tariff, create_customer, set_lock_hold, set_termination
from app.licenses import locks
from app.licenses.models import ProvisioningOrder
from app.licenses.provisioning import retry_order
from app.licenses.services import change_license, change_tariff, create_license, delete, terminate
from app.receivables.models import DemandKind, OpenItem, Payment, PaymentState
from app.receivables.open_items import set_dispute, write_off
from app.receivables.payments import assign_payment, record_payment, record_return
from app.receivables.prepaid_invoices import is_of_period
from app.system.job_runs import run_now
from app.system.outbox import OutboxState
from tests.simulation.provider import TERMS, Provider
from tests.simulation.reference import ModelCustomer, ModelLicense, ModelPayment

POSTPAID, PREPAID = ("FLAT", "TIER", "GRAD"), ("PRE", "PREQ")
RETURN_FEE = Decimal("3.00")


class People:
    """`p`: the provider. Events of a day are drawn by weight."""

    def __init__(self, provider: Provider, most_customers: int = 12):
        self.p, self.rng, self.most = provider, provider.rng, most_customers
        self.events: list[tuple[Callable[[date], Any], int]] = [
            (self.new_customer, 4), (self.new_license, 10), (self.move_tariff, 3), (self.end_license, 3), (self.drop_license, 1), (self.take_service, 3),
            (self.end_customer, 1), (self.lock_by_hand, 2), (self.unlock_by_hand, 3), (self.dispute, 2), (self.agree, 3), (self.give_up, 1), (self.cancel, 1),
            (self.respite, 1), (self.pay_in_advance, 6), (self.pay_at_the_desk, 3), (self.take_back, 2)]

    def day(self, day: date) -> None:
        if not self.p.model.customers:
            for _ in range(4):
                self.new_customer(day)
        for _ in range(self.rng.choice((0, 0, 1, 1, 2, 3))):
            event = self.rng.choices([one for one, _w in self.events], [weight for _e, weight in self.events])[0]
            event(day)
        self.clerk(day)

    # ---- customers and licenses ----------------------------------------------------------------------------------

    def new_customer(self, day: date) -> None:
        alive = [one for one in self.p.model.customers.values() if one.last_day is None]
        if len(alive) >= self.most:
            return
        number = len(self.p.model.customers) + 1
        name, prepaid = f"Kunde {number:03d} GmbH", number % 3 == 0
        codes = PREPAID if prepaid else POSTPAID

        def work() -> None:
            if db.session.scalar(select(Customer.id).where(Customer.company == name)) is None:
                create_customer(company=name, street="Hafenstraße 1", postcode="20457", city="Hamburg", country="DE", email=f"k{number}@example.org",
                                server_id=self.p.place, terms_days=TERMS)
            customer = self.p.customer(name)
            for code in codes:
                if not any(one.tariff_id == self.p.tariffs[code] for one in customer.assignments):
                    assign_tariff(customer, db.session.get_one(Tariff, self.p.tariffs[code]), day)

        if self.p.do("new customer", work):
            self.p.model.customers[name] = ModelCustomer(name, prepaid)
            for _ in range(self.rng.randrange(1, 4)):
                self.new_license(day, name)

    def _customer(self, prepaid: bool | None = None) -> str | None:
        names = [one.name for one in self.p.model.customers.values() if one.last_day is None and prepaid in (None, one.prepaid)]
        return self.rng.choice(names) if names else None

    def _license(self, day: date, ending: bool = False) -> ModelLicense | None:
        found = [one for one in self.p.model.licenses.values() if (one.last is None or ending) and one.lives(day) and self.p.model.customers[one.customer].last_day is None]
        return self.rng.choice(found) if found else None

    def new_license(self, day: date, name: str | None = None) -> None:
        name = name or self._customer()
        if name is None or len(self.p.model.licenses_of(name)) >= 8:
            return
        code = self.rng.choice(PREPAID if self.p.model.customers[name].prepaid else POSTPAID)
        first = day + timedelta(days=self.rng.choice((0, 0, 0, 1, 5, 14)))
        services = code == "TIER" and self.rng.random() < 0.4
        number = self.p.next()
        user = f"sim{number:05d}"

        def work() -> None:
            customer, tariff = self.p.customer(name), db.session.get_one(Tariff, self.p.tariffs[code])
            create_license(customer, tariff, user, first, server=db.session.get_one(PttServer, self.p.place), alias=f"Wagen {number}",
                           services=[db.session.get_one(Service, self.p.gps)] if services else [])

        if self.p.do("new license", work):
            self.p.model.licenses[user] = ModelLicense(user, name, number, first, None, [(first, code)], [["gps", first, None]] if services else [])
            self.p.ids[self.p.license(user).id] = user
            db.session.remove()

    def move_tariff(self, day: date) -> None:
        license = self._license(day)
        if license is None or license.tariffs[-1][0] > day:
            return
        now = license.tariff(day)
        code = self.rng.choice([one for one in (PREPAID if now in PREPAID else POSTPAID) if one != now])
        first = day + timedelta(days=self.rng.choice((0, 1, 9)))
        if self.p.do("move tariff", lambda: change_tariff(self.p.license(license.name), db.session.get_one(Tariff, self.p.tariffs[code]), first)):
            if license.tariffs[-1][0] == first:
                license.tariffs[-1] = (first, code)
            else:
                license.tariffs.append((first, code))
            if not self.p.model.tariffs[code].services:
                self._end_services(license, first - timedelta(days=1))

    @staticmethod
    def _end_services(license: ModelLicense, last: date) -> None:
        for span in license.services:
            if span[2] is None or span[2] > last:
                span[2] = last

    def take_service(self, day: date) -> None:
        license = self._license(day)
        if license is None or license.tariff(day) != "TIER" or len(license.tariffs) > 1 and license.tariffs[-1][0] > day:
            return
        has = license.has("gps", day)

        def work() -> None:
            change_license(self.p.license(license.name), services=[] if has else [db.session.get_one(Service, self.p.gps)])

        if any(first == day for _code, first, _last in license.services):
            return
        if self.p.do("service", work):
            if has:
                self._end_services(license, day - timedelta(days=1))
            elif license.services and license.services[-1][2] is not None and license.services[-1][2] >= day:
                license.services[-1][2] = None
            else:
                license.services.append(["gps", day, None])

    def end_license(self, day: date) -> None:
        license = self._license(day)
        last = day + timedelta(days=self.rng.randrange(0, 40))
        if license is not None and self.p.do("end license", lambda: terminate(self.p.license(license.name), last)):
            self._ends(license, last)

    def drop_license(self, day: date) -> None:
        license = self._license(day, ending=True)
        if license is not None and self.p.do("delete license", lambda: delete(self.p.license(license.name))):
            self._ends(license, day)

    def _ends(self, license: ModelLicense, last: date) -> None:
        license.last = last if license.last is None else min(last, license.last)
        license.tariffs = [span for span in license.tariffs if span[0] <= license.last] or license.tariffs[:1]
        self._end_services(license, license.last)

    def end_customer(self, day: date) -> None:
        name = self._customer()
        alive = [one for one in self.p.model.customers.values() if one.last_day is None]
        last = day + timedelta(days=self.rng.randrange(3, 40))
        if name is not None and len(alive) > 5 and self.p.do("end customer", lambda: set_termination(self.p.customer(name), last)):
            self.p.model.customers[name].last_day = last
            for license in self.p.model.licenses_of(name):
                if license.last is None or license.last > last:
                    license.last = last
                    self._end_services(license, last)

    # ---- locks ---------------------------------------------------------------------------------------------------

    def lock_by_hand(self, day: date) -> None:
        license, name = self._license(day), self._customer()
        if self.rng.random() < 0.5 and license is not None:
            if self.p.do("lock license", lambda: locks.lock_license(self.p.license(license.name), LockReason.MANUAL, "lost")):
                license.locked_by_staff = True
        elif name is not None and self.p.do("lock customer", lambda: locks.lock_account(self.p.customer(name), LockReason.MANUAL, "asked for")):
            self.p.model.customers[name].locked_by_staff = True

    def unlock_by_hand(self, day: date) -> None:
        for license in [one for one in self.p.model.licenses.values() if one.locked_by_staff and one.lives(day)][:2]:
            if self.p.do("unlock license", lambda: locks.unlock_license(self.p.license(license.name), LockReason.MANUAL, "found")):
                license.locked_by_staff = False
        for customer in [one for one in self.p.model.customers.values() if one.locked_by_staff and one.last_day is None][:2]:
            if self.p.do("unlock customer", lambda: locks.unlock_account(self.p.customer(customer.name), LockReason.MANUAL)):
                customer.locked_by_staff = False

    def respite(self, day: date) -> None:
        name = self._customer(prepaid=False)
        until = day + timedelta(days=self.rng.randrange(1, 20))
        if name is not None:
            self.p.do("respite", lambda: set_lock_hold(self.p.customer(name), until))

    # ---- demands -------------------------------------------------------------------------------------------------

    def _demand(self, *where: Any) -> str | None:
        found = db.session.scalars(select(OpenItem.reference).where(OpenItem.open > 0, OpenItem.kind == DemandKind.PRINCIPAL, OpenItem.invoice_id.is_not(None), *where)
                                   .order_by(OpenItem.reference)).all()
        db.session.remove()
        return self.rng.choice(list(found)) if found else None

    @staticmethod
    def _item(reference: str) -> OpenItem:
        return db.session.scalars(select(OpenItem).where(OpenItem.reference == reference, OpenItem.invoice_id.is_not(None))).one()

    def dispute(self, day: date) -> None:
        if reference := self._demand(~OpenItem.disputed):
            self.p.do("dispute", lambda: set_dispute(self._item(reference), True, "too much"))

    def agree(self, day: date) -> None:
        if reference := self._demand(OpenItem.disputed):
            self.p.do("agree", lambda: set_dispute(self._item(reference), False))

    def give_up(self, day: date) -> None:
        if reference := self._demand(OpenItem.due_on < day - timedelta(days=50)):
            self.p.do("write off", lambda: write_off(self._item(reference), "insolvent"))

    def cancel(self, day: date) -> None:
        """An invoice is cancelled; mostly it is written again."""
        rows = db.session.execute(select(Invoice.id, Invoice.number, Invoice.gross, Customer.company).join(Customer, Customer.id == Invoice.customer_id).where(
            Invoice.kind == InvoiceKind.INVOICE, Invoice.document_id.is_not(None), Invoice.issued_on > day - timedelta(days=60),
            Customer.state != CustomerState.DELETED).order_by(Invoice.number)).all()
        rows = [row for row in rows if not is_of_period(row.id)]
        cancelled = set(db.session.scalars(select(Invoice.cancels_id).where(Invoice.cancels_id.is_not(None))))
        db.session.remove()
        rows = [row for row in rows if row.id not in cancelled]
        if not rows:
            return
        row, again = self.rng.choice(rows), self.rng.random() < 0.7
        if self.p.do("cancel", lambda: cancel_invoice(row.id, "wrong", day, rebill=again)) and again:
            for month in (Month.of(day).previous.previous, Month.of(day).previous, Month.of(day)):
                self.issue(month)

    # ---- money ---------------------------------------------------------------------------------------------------

    def _pays(self, mark: str, name: str, amount: Decimal, for_prepaid: bool = False) -> None:
        self.p.model.payments[mark] = ModelPayment(mark, name, amount, for_prepaid)

    def pay_in_advance(self, day: date) -> None:
        name = self._customer(prepaid=True)
        if name is None:
            return
        _number, price = self.p.model.prepaid_price(name, day)
        amount = price * self.rng.choice((1, 1, 1, 2, 3)) + self.rng.choice((Decimal(0), Decimal(0), Decimal("-0.01"), Decimal("5.00")))
        mark = f"SIM{self.p.next():06d}"
        if amount > 0 and self.p.do("pay in advance", lambda: record_payment(mark, self.p.customer(name), amount, "EUR", day, "manual", mark, for_prepaid=True)):
            self._pays(mark, name, amount, True)

    def pay_at_the_desk(self, day: date) -> None:
        """A payment that staff enters, often of an odd sum."""
        name = self._customer(prepaid=False)
        mark, amount = f"SIM{self.p.next():06d}", Decimal(self.rng.randrange(1, 9000)) / 100
        if name is not None and self.p.do("pay at the desk", lambda: record_payment(mark, self.p.customer(name), amount, "EUR", day, "manual", mark)):
            self._pays(mark, name, amount)

    def take_back(self, day: date) -> None:
        """The bank takes a payment back."""
        found = [one for one in self.p.model.payments.values() if not one.returned]
        if not found:
            return
        one = self.rng.choice(found[-15:])
        payment = self.payment(one.mark)
        known = payment is not None and payment.customer_id is not None
        db.session.remove()
        if payment is not None and known and self.p.do("return", lambda: record_return(self.payment(one.mark), "AC04", RETURN_FEE, day)):
            one.returned = True
            self.p.model.customers[one.customer].fees_of_returns += RETURN_FEE

    @staticmethod
    def payment(mark: str) -> Any:
        return db.session.scalar(select(Payment).where(Payment.reference.contains(mark), Payment.method.in_(("manual", "bank"))))

    # ---- what the clerk does every day ---------------------------------------------------------------------------

    def clerk(self, day: date) -> None:
        for ident in db.session.scalars(select(ProvisioningOrder.id).where(ProvisioningOrder.state == OutboxState.HELD).order_by(ProvisioningOrder.id)).all():
            self.p.do("order again", lambda: retry_order(ident))
        unknown = db.session.execute(select(Payment.id, Payment.reference).where(Payment.customer_id.is_(None), Payment.state == PaymentState.BOOKED)
                                     .order_by(Payment.reference)).all()
        for row in unknown:
            owner = self.p.model.payments[mark_in(row.reference)].customer
            if self.rng.random() < 0.3:
                self.p.do("clear", lambda: assign_payment(db.session.get_one(Payment, row.id), self.p.customer(owner)))
        if day.day in (2, 4):
            self.issue(Month.of(day).previous)
        db.session.remove()

    def issue(self, month: Month) -> None:
        self.p.do("release", lambda: release_all(month))
        self.p.do("issue", lambda: run_now("billing.issue", params={"period": str(month)}))


def mark_in(reference: str) -> str:
    """The mark of the model's payment that a reference holds."""
    found = re.search(r"SIM\d{6}", reference)
    assert found is not None, reference
    return found.group()
