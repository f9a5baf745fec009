"""Financial accounting: a small double-entry journal of what is sold, paid and lost, and its export for DATEV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask_babel import lazy_gettext as _

from app.plugin_api import AccountingExport, AdminPage, Job, Plugin


class Datev(Plugin):
    name = "datev"
    title = _("Financial accounting (DATEV)")
    api = 1
    version = "1.0"

    def settings(self) -> Iterable[Any]:
        from plugins.datev.settings import SETTINGS

        return SETTINGS

    def needs_invoices(self, invoice_ids: Sequence[int]) -> Iterable[int]:
        from plugins.datev.books import needs_invoices

        return needs_invoices(invoice_ids)

    def jobs(self) -> Iterable[Job]:
        from plugins.datev.jobs import JOBS

        return JOBS

    def accounting_exports(self) -> Iterable[AccountingExport]:
        from plugins.datev.exports import DatevExport

        return [DatevExport()]

    def admin_pages(self) -> Iterable[AdminPage]:
        from plugins.datev.views import EntryView, ExportView, TrialBalancePage

        return [AdminPage(EntryView, _("Accounting journal"), "accounting", "fa-book", area="receivables"), AdminPage(TrialBalancePage, _("Trial balance"), "accounting", "fa-scale-balanced", area="receivables"),
                AdminPage(ExportView, _("DATEV batches"), "accounting", "fa-layer-group", area="receivables")]
