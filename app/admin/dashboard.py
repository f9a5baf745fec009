"""The overview: what needs somebody, then the figures, each a link to its list. What the reader may not open is not shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import url_for
from flask_appbuilder import IndexView, expose
from flask_babel import gettext as _
from sqlalchemy import func, select

from app.admin import checklist, queries
from app.billing.models import BillingDocument, Invoice
from app.core import clock, formats
from app.core.access import may
from app.core.db import db
from app.core.own_rows import own, reader
from app.core.page_parts import safe_url_for, view_of
from app.core.period import Month
from app.core.views import Routes
from app.customers.callback_models import Callback
from app.customers.models import Customer, CustomerState, TariffAssignment
from app.licenses.models import License, LicenseState
from app.plugin_api.registry import plugins
from app.receivables import base_rates
from app.receivables.models import OpenItem, Payment
from app.system.models import JobRun, MailMessage
from app.system.sms_models import Sms
from app.system.ticks import clock_is_doubtful


@dataclass
class Task:
    """A line of “What needs you”; `rank` 1 harms most."""

    rank: int
    icon: str
    text: str
    number: int | None
    url: str
    detail: str = ""

    @property
    def bad(self) -> bool:
        return self.rank < 30


def list_of(model: Any, **arguments: Any) -> str | None:
    """The filtered list of a model's view, when there is one and the reader may see it."""
    view = view_of(model)
    tabs = {key: where for key, _label, where in view.list_tabs} if view is not None else {}
    if arguments.get("tab") not in (None, *tabs):
        raise ValueError(f"{view.endpoint} has no tab {arguments['tab']}")
    if tabs and arguments and "tab" not in arguments:
        whole = next((key for key, where in tabs.items() if where is None), None)     # the tab that leaves nothing out
        arguments.update({"tab": whole} if whole is not None and whole != next(iter(tabs)) else {})
    return url_for(f"{view.endpoint}.list", **arguments) if view is not None and may(view, "can_list") else None


def amounts(sums: dict[str, Decimal]) -> list[str]:
    """One text per currency, the largest first; 0 without any."""
    return [formats.money(value, currency) for currency, value in sorted(sums.items(), key=lambda pair: -pair[1])] or [formats.number(Decimal(0), 2)]


def tasks() -> list[Task]:
    """What waits for somebody, most harmful first."""
    n = queries.waiting()
    today = clock.today()
    chats, calls = queries.support_waiting()
    jobs = safe_url_for("JobsPage.index")
    plugin_page = safe_url_for("PluginsPage.index")
    reactions = safe_url_for("EventFailureView.list")
    rate = base_rates.warning(today)
    broken, held = plugins().broken, queries.held_without_plugin()
    found: list[tuple[int, str, str, int | None, str | None, str]] = [
        (1, "fa-clock", _("The clock jumped: jobs that bill, lock or delete are held"), None, jobs if clock_is_doubtful() else None, _("Check the time, then confirm it.")),
        (5, "fa-plug-circle-xmark", _("Plugins that could not be loaded"), len(broken), plugin_page, ", ".join(sorted(broken))),
        (4, "fa-hand", _("Held, because a plugin is not running"), None, plugin_page if held else None, " ".join(held)),
        (10, "fa-triangle-exclamation", _("Licenses that failed on the PTT server"), n.failed_licenses, list_of(License, tab="failed"), ""),
        (12, "fa-gears", _("Job runs that failed"), n.failed_runs, list_of(JobRun, tab="failed"), ""),
        (14, "fa-hand", _("Job runs that wait for your decision"), n.held_runs, list_of(JobRun, tab="held"), ""),
        (16, "fa-plug", _("Events that a plugin could not take"), n.failed_reactions, reactions, ""),
        (20, "fa-envelope", _("E-mails that could not be sent"), n.failed_mails, list_of(MailMessage, tab="failed"), ""),
        (30, "fa-envelope-open", _("E-mails of which nobody knows whether they arrived"), n.unsure_mails, list_of(MailMessage, tab="unsure"), ""),
        (31, "fa-comment-sms", _("SMS that failed or are unclear"), n.failed_sms, list_of(Sms, tab="decide"), ""),
        (32, "fa-comments", _("Chats that wait"), chats, safe_url_for("ChatPage.index"), ""),
        (33, "fa-phone", _("People who wait for a call"), calls, list_of(Callback, tab="waiting"), ""),
        (35, "fa-file-circle-exclamation", _("Billing data held back"), n.held_documents, list_of(BillingDocument, tab="held"), ""),
        (38, "fa-percent", _("A base rate of default interest is missing"), None, safe_url_for("BaseRatePage.index") if rate else None, rate),
        (40, "fa-scale-balanced", _("Payments without a customer"), n.unmatched_payments, list_of(Payment, tab="unmatched"), ""),
        (45, "fa-coins", _("Payments that are not used up"), n.free_payments, list_of(Payment, tab="left", for_prepaid="no"), ""),
        (50, "fa-calendar-xmark", _("Tariffs of customers that end within %(days)s days", days=queries.EXPIRES_WITHIN), n.expiring_tariffs,
         list_of(TariffAssignment, valid_to__from=today.isoformat(), valid_to__to=(today + timedelta(days=queries.EXPIRES_WITHIN)).isoformat()), ""),
        (60, "fa-file-invoice", _("Billing data to review"), n.draft_documents, list_of(BillingDocument, tab="draft"), ""),
    ]
    return [Task(rank, icon, text, number, url, detail) for rank, icon, text, number, url, detail in found if url and (number is None or number > 0)]


def own_figures() -> list[tuple[str, str, str]]:
    """(what, number, address of the list) of the reader's own customers; asked anew each time, because each reader has others."""
    today = clock.today()
    late = {"tab": "overdue"}
    rows: list[tuple[str, Any, list[Any], dict[str, Any]]] = [
        (_("Customers"), Customer, [Customer.state != CustomerState.DELETED], {}),
        (_("Licenses"), License, [License.state != LicenseState.DELETED], {}),
        (_("Locked licenses"), License, [License.state != LicenseState.DELETED, License.lock_reasons != 0], {"tab": "locked"}),
        (_("Open items"), OpenItem, [OpenItem.open > 0], {"tab": "open"}),
        (_("Overdue items"), OpenItem, [OpenItem.open > 0, OpenItem.due_on < today, OpenItem.disputed.is_(False)], late),
    ]
    return [(words, formats.number(db.session.scalar(select(func.count()).select_from(model).where(*where, *own(model))) or 0), url)
            for words, model, where, arguments in rows if (url := list_of(model, **arguments))]


class Overview(Routes, IndexView):
    route_base = "/admin"

    @expose("/")
    def index(self) -> Any:
        today, month = clock.today(), Month.of(clock.today())
        if reader() is not None:
            return self.render_template("admin/own_dashboard.html", title=_("Overview"), today=formats.long_day(today), figures=own_figures())
        invoices, items, all_licenses = list_of(Invoice, issued_on__from=month.start.isoformat()), list_of(OpenItem, tab="open"), list_of(License)
        context: dict[str, Any] = {"title": _("Overview"), "today": formats.long_day(today), "tasks": tasks(), "checklist": checklist.for_reader(), "month": formats.month(month)}
        if invoices:
            now = queries.revenue(month)
            context["revenue"] = {"url": invoices, "amounts": amounts(now), "change": _change(now, queries.revenue_before(month.previous)), "before": formats.month(month.previous)}
            context["months"] = _bars(queries.revenue_of_months())
        if items:
            total, overdue = queries.open_items()
            context["open"] = {"url": items, "amounts": amounts(total.sums), "rows": total.rows}
            context["overdue"] = {"url": list_of(OpenItem, tab="overdue"), "amounts": amounts(overdue.sums),
                                  "rows": overdue.rows, "days": (today - overdue.oldest).days if overdue.oldest else 0}
        if all_licenses:
            context["licenses"] = queries.licenses()
            context["license_links"] = {"all": all_licenses, **{key: list_of(License, tab=key) for key in ("active", "ending", "locked", "pending", "failed")}}
        if list_of(JobRun):
            titles = queries.job_titles()
            context["runs"] = [(str(titles.get(run.job, run.job)), run, f"/admin/job-runs/show/{run.id}") for run in queries.recent_runs()]
            context["jobs_url"] = safe_url_for("JobsPage.index")
        return self.render_template("admin/dashboard.html", **context)


def _change(now: dict[str, Decimal], before: dict[str, Decimal]) -> str:
    """Against the month before, when both are in one and the same currency."""
    if len(now) != 1 or list(now) != list(before) or not any(before.values()):
        return ""
    part = next(iter(now.values())) / next(iter(before.values())) - 1
    return ("+" if part > 0 else "") + formats.percent(part)


def _bars(months: list[tuple[Month, dict[str, Decimal]]]) -> dict[str, Any]:
    """The main currency's revenue of each month: height in percent of the largest, from zero."""
    totals: dict[str, Decimal] = {}
    for _month, sums in months:
        for currency, value in sums.items():
            totals[currency] = totals.get(currency, Decimal(0)) + value
    if not totals:
        return {}
    main = max(totals, key=lambda currency: totals[currency])
    values = [(month, sums.get(main, Decimal(0))) for month, sums in months]
    top = max(value for _month, value in values) or Decimal(1)
    return {"currency": main, "bars": [{"month": formats.month(month), "text": formats.money(value, main), "short": formats.number(value.quantize(Decimal(1))),
                                        "height": max(0, round(float(value / top) * 82)), "url": list_of(Invoice, issued_on__from=month.start.isoformat(), issued_on__to=month.end.isoformat())}
                                       for month, value in values]}
