"""Commission of representatives: plans, entries from what customers paid, monthly statements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.plugin_api import AdminPage, Job, MailTemplate, Plugin
from app.receivables.events import AllocationReversed, PaymentAllocated


class Commission(Plugin):
    name = "commission"
    title = _("Commission")
    api = 1
    version = "1.0"

    def settings(self) -> Iterable[Any]:
        from plugins.commission.settings import SETTINGS

        return SETTINGS

    def mail_templates(self) -> Iterable[MailTemplate]:
        from plugins.commission.mail_texts import MAILS

        return MAILS

    def jobs(self) -> Iterable[Job]:
        from plugins.commission.jobs import JOBS

        return JOBS

    def reactions(self) -> Mapping[type, Callable[[Any], None]]:
        from plugins.commission.entries import allocated

        return {PaymentAllocated: allocated, AllocationReversed: allocated}

    def admin_pages(self) -> Iterable[AdminPage]:
        from plugins.commission import views_plans, views_statements

        return [
            AdminPage(views_statements.StatementView, _("Commission statements"), "accounting", "fa-hand-holding-dollar", area="receivables", count=views_statements.to_release),
            AdminPage(views_statements.CommissionEntryView, _("Commission entries"), "accounting", "fa-list-ul", area="receivables"),
            AdminPage(views_plans.PlanView, _("Commission plans"), "accounting", "fa-percent", area="receivables"),
        ]

    def needs_invoices(self, invoice_ids: Sequence[int]) -> Iterable[int]:
        from plugins.commission.facts import unentered

        return unentered(invoice_ids)

    def load_demo(self) -> None:
        from plugins.commission.demo import load

        load()
