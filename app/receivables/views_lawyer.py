"""Staff pages of the lawyer list: choose demands that were reminded to the last level, hand them over, take them back."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import select

from app.core import clock, formats, own_rows, states
from app.core.access import may
from app.core.db import db
from app.core.money import total
from app.core.page_parts import view_of
from app.core.views import AdminInterface, AdminPage, AdminView, action, allowed, expose
from app.customers.models import Customer
from app.receivables import lawyer
from app.receivables.lawyer_models import CaseState, LawyerCase, LawyerFile, LawyerItem
from app.receivables.models import OpenItem
from app.receivables.reminder_run import LETTERS
from app.system.job_runs import request_run
from app.system.models import Document
from app.system.settings import setting

MOST = 200          # demands that can be chosen at once


class LawyerPage(AdminPage):
    route_base = "/lawyer-list"
    title = _l("Lawyer list")

    @expose("/")
    @allowed
    def index(self) -> Any:
        if own_rows.reader() is not None:
            abort(403)          # the list is about all customers
        session = db.session()
        items = lawyer.candidates(session, clock.today(), MOST)
        more: dict[int, list[OpenItem]] = {}
        for item in lawyer.belonging(session, [item.id for item in items]):
            more.setdefault(item.principal_id or 0, []).append(item)
        groups = [(customer, list(rows)) for customer, rows in groupby(items, key=lambda item: item.customer)]
        return self.page("receivables/lawyer_list.html", groups=groups, more=more, total=total, level=lawyer.last_level(session), second=setting("lawyer.second_person"), most=MOST, count=len(items),
                         may_choose=may(self, "can_choose"), cases=view_of(LawyerCase), customer_url=lambda customer: view_of(Customer).url_of(customer) if view_of(Customer) else None)

    @expose("/choose", methods=["POST"])
    @allowed
    def choose(self) -> Any:
        ids = [int(text) for text in request.form.getlist("item") if text.isdecimal() and len(text) < 19]
        made: list[LawyerCase] = []
        if not ids:
            flash(_("Tick at least one demand first."), "warning")
        elif self.attempt(lambda: made.extend(lawyer.propose(ids[:MOST], request.form.get("note", "")))):
            if setting("lawyer.second_person"):
                flash(ngettext("%(num)d case waits for a second person.", "%(num)d cases wait for a second person.", len(made)), "success")
            else:
                request_run(LETTERS, join_waiting=True)
                flash(ngettext("%(num)d case was handed over.", "%(num)d cases were handed over.", len(made)), "success")
        return redirect(url_for(f"{self.endpoint}.index"), 303)


class LawyerCaseView(AdminView):
    datamodel = AdminInterface(LawyerCase)
    route_base = "/lawyer-cases"
    show_page = "receivables/lawyer_case.html"
    list_title = _l("Lawyer cases")
    list_help = _l("Demands that were handed to a lawyer, or are to be.")
    empty_text = _l("A case is made on the page “Lawyer list”.")
    list_columns = ["created_at", "customer", "state", "total", "handed_at"]
    show_columns = ["customer", "state", "proposed_by", "created_at", "handed_by", "handed_at", "back_at", "note"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "state", "created_at"]
    order_columns = ["created_at", "total", "handed_at"]
    base_order = ("id", "desc")
    tab_of = (Customer,)
    tab_rank = 28
    label_columns = {"created_at": _l("Chosen on"), "proposed_by": _l("Chosen by"), "handed_by": _l("Handed over by"), "handed_at": _l("Handed over"), "back_at": _l("Ended"),
                     "total": _l("Handed over sum"), "note": _l("Note")}
    list_tabs = [("all", _l("All"), None), ("waiting", _l("Waits for a second person"), LawyerCase.state == CaseState.PROPOSED), ("handed", _l("With the lawyer"), LawyerCase.state == CaseState.HANDED)]

    def head_title(self, item: Any) -> str:
        return str(item.customer)

    def head_state(self, item: Any) -> Any:
        return formats.pill(item.state)

    def show_context(self, item: Any) -> dict[str, Any]:
        session = db.session()
        rows = session.execute(select(LawyerItem, OpenItem).join(OpenItem, OpenItem.id == LawyerItem.open_item_id).where(LawyerItem.case_id == item.id).order_by(LawyerItem.id)).all()
        document = view_of(Document)
        open_files = document is not None and may(document, "can_download")
        files = session.execute(select(LawyerFile.kind, LawyerFile.document_id).where(LawyerFile.case_id == item.id).order_by(LawyerFile.id)).all() if open_files else []
        return {"rows": rows, "paid": lawyer.payments_since(session, item), "states": states, "files": [(row.kind.upper(), f"{document.route_base}/download/{row.document_id}") for row in files]}

    @action("hand_over", _l("Hand over"), _l("The demands are neither reminded nor bear further interest from now on; the list is made as PDF, XLSX and CSV."), "fa-gavel", multiple=False,
            when=lambda item: item.state is CaseState.PROPOSED)
    def hand_over(self, items: list[Any]) -> None:
        def hand(item: Any) -> None:
            lawyer.hand_over(item)
            request_run(LETTERS, join_waiting=True)

        self.each(items, hand, lambda n: ngettext("%(num)d case was handed over.", "%(num)d cases were handed over.", n))

    @action("drop", _l("Drop"), _l("The demands may be chosen again."), "fa-xmark", multiple=False, when=lambda item: item.state is CaseState.PROPOSED)
    def drop(self, items: list[Any]) -> None:
        self.each(items, lawyer.drop, lambda n: ngettext("%(num)d case was dropped.", "%(num)d cases were dropped.", n))

    @action("take_back", _l("Take back"), _l("The lawyer is out of it. The demands may be reminded and handed over again."), "fa-rotate-left", multiple=False,
            when=lambda item: item.state is CaseState.HANDED)
    def take_back(self, items: list[Any]) -> None:
        self.each(items, lawyer.take_back, lambda n: ngettext("%(num)d case was taken back.", "%(num)d cases were taken back.", n))
