"""Staff pages of issued invoices. They live here and not in billing, because what is paid is known here only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select

from app.billing import cancel as corrections
from app.billing import pdf as invoice_pdf
from app.billing.invoice_mail import KEY
from app.billing.models import Invoice, InvoiceKind
from app.billing.run_state import GOING, RENDER, progress
from app.billing.views_e_invoice import EInvoicePart
from app.core import clock, formats
from app.core.attachments import as_file
from app.core.choices import country_name, language_name
from app.core.db import db
from app.core.errors import DomainError, InvalidInput
from app.core.fields import parse_number
from app.core.listing import Cell
from app.core.text_index import any_of, has_part
from app.core.views import AdminInterface, AdminView, action, allowed, expose, with_row
from app.customers.models import Customer
from app.receivables import invoice_state
from app.receivables.forms import CancelInvoiceForm, CreditForm
from app.receivables.models import OpenItem
from app.receivables.prepaid_invoices import is_of_period
from app.receivables.queries import payments_of
from app.receivables.words import method_words, why_words
from app.system import job_runs
from app.system.documents import StoreError
from app.system.models import JobNote, JobRun, MailMessage


class InvoiceView(EInvoicePart, AdminView):
    datamodel = AdminInterface(Invoice)
    route_base = "/invoices"
    show_page = "receivables/invoice.html"
    list_title = _l("Invoices")
    list_help = _l("Issued documents never change. Paid or not is known from the payments.")
    empty_text = _l("Invoices are issued from released billing data, on the page of the billing run.")
    list_columns = ["number", "customer", "issued_on", "due", "settlement", "gross", "open"]
    show_columns = ["number", "customer", "cancels", "issued_on", "due_on", "service_from", "language", "payment_method"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "kind", "series", "issued_on", "due_on", "gross", "currency"]
    order_columns = ["number", "issued_on", "gross"]
    base_order = ("id", "desc")
    quick_search = ["number", "customer"]
    tab_of = (Customer,)
    tab_rank = 30
    label_columns = {"number": _l("Number"), "due": _l("Due"), "settlement": _l("State"), "gross": _l("Total"), "open": _l("Open"), "cancels": _l("Corrects"),
                     "service_from": _l("Service period"), "series": _l("Number series")}
    formatters_columns = {"open": with_row(lambda value, item: formats.money(value, item.currency)), "due": formats.day, "payment_method": method_words, "language": language_name}
    list_tabs = [
        ("all", _l("All"), None), ("open", _l("Open"), lambda: invoice_state.has_item(OpenItem.open > 0)),
        ("overdue", _l("Overdue"), lambda: invoice_state.has_item(OpenItem.open > 0, OpenItem.due_on < clock.today())), ("paid", _l("Paid"), invoice_state.is_paid),
        ("cancelled", _l("Cancelled"), lambda: invoice_state.corrected(InvoiceKind.CANCELLATION)),
        ("corrections", _l("Corrections"), Invoice.kind != InvoiceKind.INVOICE),
    ]

    def list_page(self, where: Sequence[Any] = (), hidden: Sequence[str] = ()) -> Any:
        page = super().list_page(where, hidden)
        self.complete(page.rows)
        return page

    def complete(self, invoices: list[Any]) -> None:
        """Give each invoice its standing; one statement for all."""
        found = invoice_state.standings(db.session(), invoices)
        for invoice in invoices:
            invoice.standing = found[invoice.id]

    def find(self, text: str) -> Any:
        """By number, or by the customer's name or number."""
        return any_of(Invoice.id, has_part(Invoice.number, text), Invoice.customer_id.in_(select(Customer.id).where(or_(has_part(Customer.company, text), Customer.number == text))))

    def raw(self, item: Any, column: str) -> Any:
        if column in ("due", "open", "settlement"):
            owed = item.standing.item
            return {"due": owed.due_on if owed else item.due_on, "open": owed.open if owed else None,
                    "settlement": invoice_state.badge(item, item.standing, clock.today())}[column]
        return super().raw(item, column)

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        found = super().cell(item, column, link)
        return Cell(found.text, "num") if column == "open" else Cell(found.text, "nowrap") if column == "due" else found

    # the page of one invoice

    def head_title(self, item: Any) -> str:
        return f"{formats.states.word(item.kind)} {item.number}"

    def head_state(self, item: Any) -> Any:
        return self.raw(item, "settlement")

    def head_facts(self, item: Any) -> list[tuple[Any, Any, str]]:
        owed = item.standing.item
        facts = [(_("Total"), formats.money(item.gross, item.currency), "")]
        if owed is not None:
            late = owed.open > 0 and owed.due_on < clock.today() and not owed.disputed
            facts += [(_("Open"), formats.money(owed.open, owed.currency), "is-bad" if late else ""), (_("Due"), formats.day(owed.due_on), "is-bad" if late else "")]
        return [*facts, (_("Issued"), formats.day(item.issued_on), ""), *super().head_facts(item)]

    def show_context(self, item: Any) -> dict[str, Any]:
        session = db.session()
        self.complete([item])
        owed = item.standing.item
        document, e_invoice = invoice_pdf.pdf_document(item.id), self.e_invoice_context(item)
        complete = document and (e_invoice["xml"] or not e_invoice["e_invoice"])
        return {
            **e_invoice, **self.extras_context(item), "document": document, "complete": complete, "going": None if complete else self.render_run(),
            "failure": None if complete else self.failure_of(item.number),
            "mail": session.scalar(select(MailMessage).where(MailMessage.key == f"{KEY}{item.number}")),
            "corrections": session.scalars(select(Invoice).where(Invoice.cancels_id == item.id).order_by(Invoice.id)).all(),
            "payments": payments_of(session, owed.id) if owed else [], "why_words": why_words, "method_words": method_words, "country_name": country_name,
        }

    @staticmethod
    def render_run() -> JobRun | None:
        return db.session.scalar(select(JobRun).where(JobRun.job == RENDER, JobRun.state.in_(GOING)).order_by(JobRun.id).limit(1))

    @staticmethod
    def failure_of(number: str) -> str | None:
        """Why the newest runs could not make the PDF or the e-invoice."""
        runs = select(JobRun.id).where(JobRun.job == RENDER).order_by(JobRun.id.desc()).limit(24).subquery()
        return db.session.scalar(select(JobNote.reason).where(JobNote.run_id.in_(select(runs.c.id)), JobNote.subject == number, JobNote.kind == "failed")
                                 .order_by(JobNote.id.desc()).limit(1))

    @expose("/pdf/<pk>")
    @allowed
    def pdf(self, pk: Any) -> Any:
        """The stored bytes, proved by their hash; always as an attachment."""
        invoice = self.datamodel.get(pk) or abort(404)
        try:
            data, name = invoice_pdf.reprint(invoice.id), f"{invoice.number}.pdf"
        except (InvalidInput, StoreError) as error:
            flash(str(error), "danger" if isinstance(error, StoreError) else "warning")
            return redirect(self.url_of(invoice) or self.list_url(), 303)
        return as_file(data, name, "application/pdf")

    @expose("/make_pdf/<pk>", methods=["POST"])
    @allowed
    def make_pdf(self, pk: Any) -> Any:
        invoice = self.datamodel.get(pk) or abort(404)
        if self.render_run() is not None:
            flash(_("PDFs are being made at the moment."), "info")
        else:
            self.attempt(lambda: job_runs.request_run(RENDER), _("The PDF is made as soon as a worker is free."))
        return redirect(self.url_of(invoice) or self.list_url(), 303)

    @expose("/progress/<int:run_id>")
    @allowed("show")
    def progress(self, run_id: int) -> Any:
        run = db.session.get(JobRun, run_id) if run_id < 2**31 else None
        return progress(run) if run is not None and run.job == RENDER else abort(404)

    # corrections

    @action("cancel", _l("Cancel invoice"), _l("A cancellation with a number of its own takes the invoice back as a whole. The invoice stays as it is; what was paid for it "
                                               "becomes the customer's credit. This cannot be undone."),
            "fa-ban", multiple=False, danger=True, form=CancelInvoiceForm, verb=_l("Issue cancellation"), when=lambda item: item.kind is InvoiceKind.INVOICE and not item.standing.cancelled
            and not item.standing.credited)
    def cancel(self, items: list[Any], form: Any) -> Any:
        if form.rebill.data and is_of_period(items[0].id):
            raise InvalidInput(_("This is the invoice of a prepaid period: a new one is written by itself within the hour. Take the tick away."), "rebill")
        issued = corrections.cancel_invoice(items[0].id, form.reason.data, rebill=form.rebill.data)
        flash(_("%(number)s was cancelled with %(other)s.", number=items[0].number, other=issued.number), "success")
        return redirect(f"{self.route_base}/show/{issued.invoice_id}", 303)

    @expose("/credit/<pk>", methods=["GET", "POST"])
    @allowed
    def credit(self, pk: Any) -> Any:
        """Give a part back: an amount for each line."""
        invoice = self.datamodel.get(pk, eager=["lines"]) or abort(404)
        if invoice.kind is not InvoiceKind.INVOICE:
            abort(404)
        self.complete([invoice])
        form, wrong = CreditForm(), {}

        def save(form: Any) -> Any:
            amounts = {}
            for line in invoice.lines:
                text = request.form.get(f"amount-{line.number}", "").strip()
                if text:
                    try:
                        amounts[line.number] = parse_number(text, 2)
                    except ValueError as error:
                        wrong[line.number] = str(error)
            if wrong:
                raise DomainError(_("Correct the amounts below."))
            issued = corrections.credit_invoice(invoice.id, amounts, form.reason.data)
            flash(_("The credit note %(number)s was issued.", number=issued.number), "success")
            return redirect(f"{self.route_base}/show/{issued.invoice_id}", 303)

        return self.form_page(form, save, title=_("Credit note for %(number)s", number=invoice.number), verb=_("Issue credit note"), to=self.url_of(invoice),
                              crumb=(self.head_title(invoice), self.url_of(invoice) or self.list_url()), template="receivables/credit.html", in_transaction=False,
                              invoice=invoice, wrong=wrong, intro=_("Enter the net amounts that are given back. The credit note gets a number of its own and settles as much of the "
                                                                    "invoice; what is over becomes the customer's credit."))
