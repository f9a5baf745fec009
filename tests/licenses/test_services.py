"""Licenses and groups: checked at the earliest point, ordered on the server, nothing half."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from app.catalog.models import TariffState
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import Conflict, IllegalTransition, InUse, InvalidInput
from app.customers import services as customers
from app.customers.models import MemberState
from app.licenses import groups, services
from app.licenses.models import License, LicenseState, LicenseTariff, OrderKind, ProvisioningOrder
from app.system.models import ProtocolEntry
from tests import factories as make


def orders() -> list[tuple[OrderKind, int]]:
    return [(o.kind, o.target_id) for o in db.session.scalars(select(ProvisioningOrder).order_by(ProvisioningOrder.id))]


@pytest.fixture
def account(app):
    tariff = make.tariff()
    return make.customer(tariff, server=make.server()), tariff


def refused(call, field=None):
    before = db.session.scalar(select(func.count()).select_from(License)), orders()
    with pytest.raises(InvalidInput) as caught:
        call()
    assert (db.session.scalar(select(func.count()).select_from(License)), orders()) == before
    assert caught.value.field == field, caught.value
    return str(caught.value)


def test_a_new_license_is_ordered_on_its_server(account):
    customer, tariff = account
    license = services.create_license(customer, tariff, "wagen01", alias="Wagen 01", phone="0171 4402118")
    assert (license.phone, license.state, license.server_id) == ("+491714402118", LicenseState.ACTIVE, customer.server_id)
    assert orders() == [(OrderKind.LICENSE, license.id)]
    entry = db.session.scalar(select(ProtocolEntry).where(ProtocolEntry.subject_type == "license"))
    assert (entry.action, entry.customer_id) == ("created", customer.id)


def test_bad_input_changes_nothing(account):
    customer, tariff = account
    services.create_license(customer, tariff, "wagen01")
    assert "exists already" in refused(lambda: services.create_license(customer, tariff, "wagen01"), "user_name")
    refused(lambda: services.create_license(customer, tariff, "a b"), "user_name")
    refused(lambda: services.create_license(customer, tariff, "wagen02", phone="12"), "phone")
    other = make.tariff()
    assert "not assigned" in refused(lambda: services.create_license(customer, other, "wagen02"), "tariff")
    refused(lambda: services.create_license(customer, tariff, "wagen02", date(2020, 1, 1)), "active_from")
    refused(lambda: services.create_license(customer, tariff, "wagen02", services=[make.service("gps")]), "services")


def test_a_license_without_server_or_with_one_that_cannot_is_refused(app):
    tariff = make.tariff()
    customer = make.customer(tariff)
    assert "PTT server" in refused(lambda: services.create_license(customer, tariff, "wagen01"), "server")
    wrong = make.server(modes=[make.mode("other")])
    refused(lambda: services.create_license(customer, tariff, "wagen01", server=wrong), "server")
    full = make.server(user_limit=0)
    assert "full" in refused(lambda: services.create_license(customer, tariff, "wagen01", server=full), "server")


def test_two_editors_the_second_is_told(account):
    customer, tariff = account
    license = services.create_license(customer, tariff, "wagen01")
    seen = license.version
    services.change_license(license, seen, alias="First")
    with pytest.raises(Conflict):
        services.change_license(license, seen, alias="Second")
    assert db.session.scalar(select(License.alias)) == "First"


def test_a_tariff_changes_from_a_day_on(account):
    customer, tariff = account
    newer = make.tariff()
    customers.assign_tariff(customer, newer, date(2020, 1, 1))
    license = make.license(customer, tariff, clock.today() - timedelta(days=20))
    services.change_tariff(license, newer)
    spans = [(s.tariff_id, s.valid_from, s.valid_to) for s in db.session.scalars(select(LicenseTariff).order_by(LicenseTariff.valid_from))]
    assert spans == [(tariff.id, clock.today() - timedelta(days=20), clock.today() - timedelta(days=1)), (newer.id, clock.today(), None)]
    assert license.tariff_id == newer.id
    with pytest.raises(InvalidInput):
        services.change_tariff(license, newer)


def test_an_ending_can_be_taken_back(account):
    customer, tariff = account
    license = services.create_license(customer, tariff, "wagen01")
    services.terminate(license, clock.today() + timedelta(days=5))
    assert license.state is LicenseState.ENDING and license.tariffs[0].valid_to == clock.today() + timedelta(days=5)
    services.terminate(license, None)
    assert (license.state, license.active_to, license.tariffs[0].valid_to) == (LicenseState.ACTIVE, None, None)
    with pytest.raises(InvalidInput):
        services.terminate(license, clock.today() - timedelta(days=1))


def test_deleting_takes_it_out_of_its_groups(account):
    customer, tariff = account
    license = services.create_license(customer, tariff, "wagen01")
    group = groups.create_group("Dispatch", customer=customer)
    groups.set_members(group, [license.id])
    services.delete(license)
    db.session.expire_all()
    assert license.state is LicenseState.DELETED and group.members == []
    with pytest.raises(InvalidInput):
        services.change_license(license, alias="x")


def test_groups_take_only_own_licenses_or_those_of_accepted_members(account):
    customer, tariff = account
    own = services.create_license(customer, tariff, "wagen01")
    stranger = make.customer(tariff, server=customer.server)
    foreign = services.create_license(stranger, tariff, "fremd01")
    group = groups.create_group("Dispatch", customer=customer)
    with pytest.raises(InvalidInput):
        groups.set_members(group, [own.id, foreign.id])
    assert db.session.scalar(select(func.count()).select_from(services.group_member)) == 0
    from app.customers.models import Association

    with transaction() as session:
        port = Association(name="Port", server=customer.server)
        session.add(port)
    shared = groups.create_group("Port all", association=port)
    mine, theirs = (customers.request_membership(port, c) for c in (customer, stranger))
    customers.accept_membership(mine)
    with pytest.raises(InvalidInput):
        groups.set_members(shared, [own.id, foreign.id])
    customers.accept_membership(theirs)
    assert groups.set_members(shared, [own.id, foreign.id]) == (2, 0)
    groups.leave_association(theirs)
    db.session.expire_all()
    assert [m.id for m in shared.members] == [own.id] and theirs.state is MemberState.LEFT


def test_assignments_do_not_overlap_and_need_an_active_tariff(account):
    customer, tariff = account
    with pytest.raises(InvalidInput, match="overlap"):
        customers.assign_tariff(customer, tariff, date(2026, 1, 1))
    draft = make.tariff(state=TariffState.DRAFT)
    with pytest.raises(InvalidInput, match="not active"):
        customers.assign_tariff(customer, draft, date(2026, 1, 1))
    dollars = make.tariff(currency="USD")
    with pytest.raises(InvalidInput, match="USD"):
        customers.assign_tariff(customer, dollars, date(2026, 1, 1))
    with pytest.raises(InvalidInput, match="before the first"):
        customers.assign_tariff(customer, make.tariff(), date(2026, 2, 1), date(2026, 1, 1))


def test_a_customer_in_use_is_not_deleted(account):
    customer, tariff = account
    services.create_license(customer, tariff, "wagen01")
    with pytest.raises(InUse, match="1 licenses"):
        customers.delete_unused_customer(customer)
    customers.delete_unused_customer(make.customer())


@pytest.mark.parametrize(("fields", "field"), [
    ({"company": " "}, "company"), ({"email": "no"}, "email"), ({"phone": "abc"}, "phone"), ({"country": "XX"}, "country"),
    ({"vat_id": "DE123456789"}, "vat_id"), ({"currency": "KWD"}, "currency"), ({"language": "fr"}, "language"), ({"terms_days": -1}, "terms_days"),
    ({"country": "BR", "tax_number": "111.111.111-11"}, "tax_number"),
])
def test_a_customer_is_checked_field_by_field(app, fields, field):
    with pytest.raises(InvalidInput) as caught:
        make.customer(**fields)
    assert caught.value.field == field


def test_customer_numbers_go_on_and_are_not_given_twice(app):
    first, second = make.customer(), make.customer()
    assert (first.number, second.number) == ("K10001", "K10002")
    with pytest.raises(InvalidInput, match="belongs to"):
        make.customer(number="K10001")


def test_states_walk_only_along_their_arrows(account):
    customer, tariff = account
    license = services.create_license(customer, tariff, "wagen01")
    license.state = LicenseState.DELETED
    with pytest.raises(IllegalTransition):
        license.move_to(LicenseState.ACTIVE)
    db.session.rollback()
