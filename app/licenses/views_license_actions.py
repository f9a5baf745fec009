"""What staff does to licenses: one service call a license, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select

from app.core import formats
from app.core.db import db
from app.core.errors import InvalidInput
from app.core.views import action
from app.customers.locks import LockReason
from app.licenses import locks, provisioning, services
from app.licenses.forms import LastDayForm, NoteForm, OptionalNoteForm, TariffChangeForm
from app.licenses.models import License, LicenseState, OrderKind, ProvisioningOrder, SyncState


def alive(license: License) -> bool:
    return license.state is not LicenseState.DELETED


def order_of(license: License) -> ProvisioningOrder | None:
    return db.session.scalar(select(ProvisioningOrder).where(ProvisioningOrder.kind == OrderKind.LICENSE, ProvisioningOrder.target_id == license.id))


class LicenseActions:
    """Buttons of a license's page and of the bulk bar."""

    each: Callable[..., None]

    @action("lock", _l("Lock"), _l("The users can no longer talk until they are unlocked. They are billed by the rule of their tariff."), "fa-lock", danger=True,
            form=NoteForm, when=lambda item: alive(item) and not item.lock_reasons & LockReason.MANUAL)
    def lock(self, items: list[License], form: NoteForm) -> None:
        def call(item: License) -> None:
            if not locks.lock_license(item, LockReason.MANUAL, form.note.data):
                raise InvalidInput(_("locked by staff already."))

        self.each(items, call, lambda n: ngettext("%(num)d license locked.", "%(num)d licenses locked.", n))

    @action("unlock", _l("Unlock"), _l("Only the lock by staff is lifted; unpaid demands, a locked customer or a lock of his own keep a license locked."), "fa-lock-open",
            form=OptionalNoteForm, when=lambda item: bool(item.lock_reasons & LockReason.MANUAL))
    def unlock(self, items: list[License], form: OptionalNoteForm) -> None:
        def call(item: License) -> None:
            if not locks.unlock_license(item, LockReason.MANUAL, form.note.data or ""):
                raise InvalidInput(_("not locked by staff."))

        self.each(items, call, lambda n: ngettext("%(num)d license unlocked.", "%(num)d licenses unlocked.", n))

    @action("unlock_customers", _l("Lift the customer's lock"), _l("The customer locked it himself in the portal, and could unlock it there."), "fa-lock-open", multiple=False,
            form=OptionalNoteForm, when=lambda item: alive(item) and bool(item.lock_reasons & LockReason.CUSTOMER))
    def unlock_customers(self, items: list[License], form: OptionalNoteForm) -> None:
        def call(item: License) -> None:
            if not locks.unlock_license(item, LockReason.CUSTOMER, form.note.data or ""):
                raise InvalidInput(_("not locked by the customer."))

        self.each(items, call, lambda n: _("The customer's lock was lifted."))

    @action("change_tariff", _l("Change tariff"), icon="fa-right-left", form=TariffChangeForm, when=alive)
    def change_tariff(self, items: list[License], form: TariffChangeForm) -> None:
        self.each(items, lambda item: services.change_tariff(item, form.tariff.data, form.from_day.data),
                  lambda n: ngettext("%(num)d license changed to %(tariff)s.", "%(num)d licenses changed to %(tariff)s.", n, tariff=form.tariff.data.name))

    @action("terminate", _l("Terminate"), _l("The licenses work and are billed up to this day."), "fa-calendar-xmark", danger=True, form=LastDayForm, when=alive)
    def terminate(self, items: list[License], form: LastDayForm) -> None:
        day = form.last_day.data
        self.each(items, lambda item: services.terminate(item, day),
                  lambda n: ngettext("%(num)d license ends on %(day)s.", "%(num)d licenses end on %(day)s.", n, day=formats.day(day)))

    @action("keep", _l("Take back termination"), _l("The license goes on without an end."), "fa-rotate-left", multiple=False,
            when=lambda item: item.state is LicenseState.ENDING)
    def keep(self, items: list[License]) -> None:
        self.each(items, lambda item: services.terminate(item, None), lambda n: _("The termination was taken back."))

    @action("reprovision", _l("Send again"), _l("Each user is read on the PTT server and made to match."), "fa-rotate", when=alive)
    def reprovision(self, items: list[License]) -> None:
        self.each(items, lambda item: provisioning.reprovision([item.id]), lambda n: ngettext("%(num)d license is sent again.", "%(num)d licenses are sent again.", n))

    @action("retry", _l("Retry now"), icon="fa-play", multiple=False, when=lambda item: item.sync_state is SyncState.FAILED)
    def retry(self, items: list[License]) -> None:
        def call(item: License) -> None:
            order = order_of(item)
            if order is not None:
                provisioning.retry_order(order.id)
            else:
                provisioning.reprovision([item.id])

        self.each(items, call, lambda n: _("The PTT server is asked again."))

    @action("give_up", _l("Give up"), _l("The server stays as it is. The difference remains visible on the license."), "fa-ban", multiple=False, danger=True,
            when=lambda item: item.sync_state is SyncState.FAILED and order_of(item) is not None)
    def give_up(self, items: list[License]) -> None:
        def call(item: License) -> None:
            if (order := order_of(item)) is None:
                raise InvalidInput(_("There is no order left to give up."))
            provisioning.give_up_order(order.id)

        self.each(items, call, lambda n: _("The order was given up."))

    @action("remove", _l("Delete"), _l("The users are deleted on the PTT server at once, and are billed up to today. This cannot be undone."), "fa-trash", danger=True, when=alive)
    def remove(self, items: list[License]) -> None:
        self.each(items, services.delete, lambda n: ngettext("%(num)d license deleted.", "%(num)d licenses deleted.", n))
