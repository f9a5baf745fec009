"""Staff pages of statements and entries."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import or_, select

from app.customers.models import Customer, Representative
from app.plugin_api import DomainError, clock, db, formats
from app.plugin_api.staff import (
    AdminInterface,
    AdminView,
    PageLink,
    action,
    allowed,
    any_of,
    as_file,
    expose,
    has_part,
    link_to,
)
from app.system.job_runs import request_run
from plugins.commission import letters
from plugins.commission.jobs import LETTERS
from plugins.commission.models import Claim, CommissionEntry, Statement, StatementState
from plugins.commission.statements import prepare_one, release

DRAFT, RELEASED = StatementState.DRAFT, StatementState.RELEASED


class CommissionEntryView(AdminView):
    datamodel = AdminInterface(CommissionEntry)
    route_base = "/commission-entries"
    list_title = _l("Commission entries")
    list_help = _l("One for each payment of an invoice, and a negative one when it is taken back. What was settled without money (credit notes, write-offs) brings none.")
    empty_text = _l("Entries come by themselves when customers of a representative with a plan pay.")
    list_columns = ["claim", "on_date", "representative", "customer", "paid", "amount", "statement"]
    show_columns = ["claim", "on_date", "representative", "customer", "paid", "amount", "statement", "created_at"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["on_date", "representative", "customer", "currency"]
    order_columns = ["on_date", "amount"]
    base_order = ("id", "desc")
    quick_search = ["claim"]
    list_tabs = [("all", _l("All"), None), ("open", _l("On no statement yet"), CommissionEntry.statement_id.is_(None)), ("back", _l("Taken back"), CommissionEntry.paid < 0)]
    tab_of = (Statement, Representative)
    tab_rank = 30
    label_columns = {"claim": _l("Invoice"), "on_date": _l("Paid on"), "representative": _l("Representative"), "customer": _l("Customer"), "paid": _l("Paid"), "amount": _l("Commission"),
                     "statement": _l("Statement"), "created_at": _l("Entered on"), "currency": _l("Currency")}

    def where_parent(self, parent: Any) -> Any:
        return CommissionEntry.statement_id == parent.id if isinstance(parent, Statement) else CommissionEntry.representative_id == parent.id

    def find(self, text: str) -> Any:
        return any_of(CommissionEntry.id, CommissionEntry.claim_id.in_(select(Claim.id).where(has_part(Claim.reference, text))),
                      CommissionEntry.customer_id.in_(select(Customer.id).where(or_(has_part(Customer.company, text), Customer.number == text))))

    def head_facts(self, item: CommissionEntry) -> list[tuple[Any, Any, str]]:
        claim = item.claim
        return [(_("Invoice"), formats.money(claim.gross, claim.currency), ""), (_("Commissionable net"), formats.money(claim.base, claim.currency), ""),
                (_("Commission when paid in full"), formats.money(claim.amount, claim.currency), ""), *super().head_facts(item)]


class StatementView(AdminView):
    datamodel = AdminInterface(Statement)
    route_base = "/commission-statements"
    list_title = _l("Commission statements")
    list_help = _l("On the 2nd of each month the statements of the month before are drafted. Look at them and release them: then they are numbered, printed, filed and sent.")
    empty_text = _l("The first statements are drafted on the 2nd of the month after the first payments.")
    list_columns = ["name", "period", "representative", "state", "entries_sum", "opening", "net", "carried", "payout"]
    show_fieldsets = [(_l("Statement"), {"fields": ["number", "representative", "period", "issued_on", "released_by", "document", "problem"]}),
                      (_l("Sums"), {"fields": ["entries_sum", "opening", "net", "tax_rate", "tax", "payout", "carried"]})]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["representative", "period", "state", "currency", "issued_on"]
    order_columns = ["period", "payout", "net"]
    base_order = ("id", "desc")
    quick_search = ["number", "representative"]
    list_tabs = [("all", _l("All"), None), ("draft", _l("To release"), Statement.state == DRAFT), ("carried", _l("Carried forward"), Statement.carried < 0)]
    related_views = [CommissionEntryView]
    tab_of = (Representative,)
    tab_rank = 10
    main_actions = ("release", "refresh")
    label_columns = {"name": _l("Statement"), "period": _l("Month"), "representative": _l("Representative"), "entries_sum": _l("Commission of the month"), "opening": _l("Carried over from before"),
                     "net": _l("Net"), "tax_rate": _l("VAT in percent"), "tax": _l("VAT"), "payout": _l("To be paid"), "carried": _l("Carried forward"), "number": _l("Number"),
                     "issued_on": _l("Released on"), "released_by": _l("Released by"), "document": _l("PDF"), "problem": _l("Problem"), "currency": _l("Currency")}
    description_columns = {"payout": _l("Net and VAT; known when the statement is released."), "carried": _l("A negative sum is set off against the next statement.")}

    def where_parent(self, parent: Any) -> Any:
        return Statement.representative_id == parent.id

    def raw(self, item: Statement, column: str) -> Any:
        if column == "payout" and item.state is DRAFT:
            return None
        return (item.number or _("Draft")) if column == "name" else super().raw(item, column)

    def find(self, text: str) -> Any:
        return any_of(Statement.id, has_part(Statement.number, text), Statement.representative_id.in_(select(Representative.id).where(has_part(Representative.name, text))))

    def head_title(self, item: Statement) -> str:
        return item.number or f"{item.representative} {letters.month_words(item)}"

    def head_facts(self, item: Statement) -> list[tuple[Any, Any, str]]:
        facts = [(_("Representative"), str(item.representative), ""), (_("Month"), letters.month_words(item), ""), (_("Commission of the month"), formats.money(item.entries_sum, item.currency), "")]
        if item.opening:
            facts.append((_("Carried over from before"), formats.money(item.opening, item.currency), "is-bad"))
        if item.carried:
            facts.append((_("Carried forward"), formats.money(item.carried, item.currency), "is-bad"))
        else:
            facts.append((_("To be paid"), formats.money(item.payout, item.currency), "") if item.state is RELEASED else (_("Net"), formats.money(item.net, item.currency), ""))
        if item.problem:
            facts.append((_("Problem"), item.problem, "is-bad"))
        return [*facts, *super().head_facts(item)]

    def head_links(self, item: Statement) -> list[PageLink]:
        text = _("PDF") if item.state is RELEASED else _("Preview")
        link = link_to(f"{self.endpoint}.paper", text, "fa-file-pdf", pk=item.id)
        return [*([link] if link else []), *super().head_links(item)]

    @expose("/paper/<pk>")
    @allowed("show")
    def paper(self, pk: Any) -> Any:
        """The archived PDF, or what a draft would look like."""
        item = self.datamodel.get(pk) or abort(404)
        here = self.url_of(item) or self.list_url()
        name = f"{item.number or 'preview'}.pdf"
        try:
            data = letters.pdf(item) if item.state is RELEASED else letters.preview(item)
        except DomainError as error:
            flash(str(error), "warning")
            return redirect(here, 303)
        return as_file(data, name, letters.PDF, shown=True)

    @action("release", _l("Release"), _l("The statement gets its number and is never changed again; it is printed, filed and sent to the representative."), "fa-check-double",
            verb=_l("Release"), when=lambda item: item.state is DRAFT)
    def release(self, items: list[Statement]) -> None:
        self.each(sorted(items, key=lambda item: (item.period, item.id)), release, lambda n: ngettext("%(num)d statement was released.", "%(num)d statements were released.", n))
        request_run(LETTERS, join_waiting=True)

    @action("refresh", _l("Look again"), _l("Adds what came in late for this month."), "fa-rotate", when=lambda item: item.state is DRAFT)
    def refresh(self, items: list[Statement]) -> None:
        self.each(items, lambda row: prepare_one(row.representative_id, row.currency, row.period), lambda n: _("The drafts are up to date as of %(time)s.", time=formats.day(clock.today())))


def to_release() -> int:
    """The number beside the menu's entry."""
    return len(db.session.scalars(select(Statement.id).where(Statement.state == DRAFT).limit(100)).all())
