"""Bank statements: hand files in, see what each line will become, book; the lines that wait for a person; own accounts."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from app.billing.forms import reason_field
from app.billing.invoice_settings import iban as iban_rules
from app.core import formats
from app.core.access import may
from app.core.db import db
from app.core.errors import DomainError, InvalidInput
from app.core.fields import ServiceForm
from app.core.listing import Cell
from app.core.page_parts import view_of
from app.core.text_index import any_of, has_part
from app.core.views import AdminInterface, AdminPage, AdminView, action, allowed, expose, with_row
from app.customers.models import Customer
from app.receivables.bank import booking, gaps, intake
from app.receivables.bank.xml import MOST_BYTES
from app.receivables.bank_models import BankAccount, BankFile, BankLine, BankStatement, LineState, PayerAccount

MOST_SHOWN = 50
MOST_UPLOADS = 30


def to_look_at() -> int:
    """The number beside the menu's entry: files that nobody has booked, and lines that wait for a person."""
    files = db.session.scalar(select(func.count()).select_from(BankFile).where(BankFile.released_at.is_(None))) or 0
    return files + (db.session.scalar(select(func.count()).select_from(BankLine).where(BankLine.state == LineState.OPEN)) or 0)


class BankPage(AdminPage):
    route_base = "/bank-statements"
    title = _l("Bank statements")

    @expose("/")
    @allowed
    def index(self) -> Any:
        session = db.session()
        waiting = session.scalars(select(BankFile).where(BankFile.released_at.is_(None)).order_by(BankFile.id)).all()
        new = (select(BankLine).join(BankFile, BankFile.id == BankLine.file_id).where(BankFile.released_at.is_(None), BankLine.state == LineState.NEW))
        lines = session.scalars(new.options(joinedload(BankLine.account)).order_by(BankLine.booked_on, BankLine.id).limit(MOST_SHOWN)).all()
        plans = [(line, booking.plan(session, line)) for line in lines]
        known = {customer.id: customer for customer in session.scalars(select(Customer).where(Customer.id.in_({p.payer.customer_id for _line, p in plans if p.payer})))}
        files = session.scalars(select(BankFile).where(BankFile.released_at.is_not(None)).order_by(BankFile.id.desc()).limit(15)).all()
        return self.page("receivables/bank.html", waiting=waiting, plans=plans, customers=known, count=session.scalar(select(func.count()).select_from(new.subquery())) or 0,
                         files=files, balances=self.balances(), missing={row.id for rows in gaps.told(session, released=False).values() for row in gaps.missing_before(rows)}, open_lines=session.scalar(select(func.count()).select_from(BankLine).where(BankLine.state == LineState.OPEN)) or 0,
                         may_take=may(self, "can_upload"), why_words=why_words, customer_url=url_of, refund_url=url_of, lines_url=self.lines_url(), accounts_url=list_url(BankAccount), file_url=lambda file: url_of(file.document))

    @staticmethod
    def balances() -> list[tuple[BankAccount, BankStatement | None]]:
        """Own accounts with the last statement that names a closing balance."""
        last = (select(BankStatement.id).where(BankStatement.account_id == BankAccount.id, BankStatement.closing.is_not(None))
                .order_by(BankStatement.closing_on.desc(), BankStatement.id.desc()).limit(1).correlate(BankAccount).scalar_subquery())
        rows = db.session.execute(select(BankAccount, BankStatement).outerjoin(BankStatement, BankStatement.id == last).where(BankAccount.active).order_by(BankAccount.title))
        return [(account, statement) for account, statement in rows]

    @staticmethod
    def lines_url() -> str | None:
        return list_url(BankLine)

    @expose("/upload", methods=["POST"])
    @allowed
    def upload(self) -> Any:
        """Several files, each for itself: one that is refused does not keep the others out."""
        given = [file for file in request.files.getlist("files") if file.filename]
        if not given:
            flash(_("Choose a file."), "danger")
        if len(given) > MOST_UPLOADS:
            flash(_("At most %(n)s files at once.", n=MOST_UPLOADS), "danger")
            given = []
        for file in given:
            name = str(file.filename)
            try:
                for inner, data in intake.unpack(name, file.stream.read(MOST_BYTES + 1)):
                    self.take(inner, data)
            except DomainError as error:
                flash(f"{name[:80]}: {error}", "danger")
        return redirect(url_for(f"{self.endpoint}.index"), 303)

    @staticmethod
    def take(name: str, data: bytes) -> None:
        try:
            intake.take_file(name, data)
        except DomainError as error:
            flash(f"{name[:80]}: {error}", "danger")

    @expose("/book", methods=["POST"])
    @allowed
    def book(self) -> Any:
        if booking.release():
            done = booking.book_new(booking.AT_ONCE)
            flash(_("%(n)s lines booked: %(payments)s payments, %(open)s wait for you.", n=sum(done.values()), payments=done.get("payment", 0), open=done.get("open", 0)), "success")
            if failed := done.get("failed"):
                flash(ngettext("%(num)d line could not be booked. The reason stands beside it; the hourly run tries again, and locks nobody before.",
                               "%(num)d lines could not be booked. The reason stands beside each; the hourly run tries again, and locks nobody before.", failed), "danger")
            left = db.session.scalar(select(func.count()).select_from(BankLine).where(BankLine.state == LineState.NEW)) or 0
            if left:
                flash(_("%(n)s more lines are booked by the next hourly run.", n=left), "info")
        else:
            flash(_("Nothing waits: it was booked already."), "info")
        return redirect(url_for(f"{self.endpoint}.index"), 303)

    @expose("/discard", methods=["POST"])
    @allowed
    def discard(self) -> Any:
        self.attempt(intake.discard_pending, _("The files were put aside. They can be handed in again."))
        return redirect(url_for(f"{self.endpoint}.index"), 303)


def list_url(model: Any) -> str | None:
    view = view_of(model)
    return view.list_url() if view is not None and may(view, "can_list") else None


def url_of(item: Any) -> str | None:
    view = view_of(type(item))
    return view.url_of(item) if view is not None else None


def why_words(why: str) -> Any:
    return {"reference": _("Number in the text"), "iban": _("Known account and exact amount"), "customer_number": _("Customer number and exact amount")}.get(why, why)


class BankAccountView(AdminView):
    datamodel = AdminInterface(BankAccount)
    route_base = "/bank-accounts"
    list_title, add_title, edit_title = _l("Bank accounts"), _l("New bank account"), _l("Edit bank account")
    list_help = _l("Accounts of your company. Only statements of these are taken in; the account of the settings counts by itself.")
    empty_text = _l("The account of the settings is added with its first statement.")
    list_columns = ["title", "number", "active"]
    show_columns = ["title", "number", "active"]
    add_columns = ["title", "number"]
    edit_columns = ["title", "active"]
    search_columns = ["active"]
    order_columns = ["title"]
    base_order = ("title", "asc")
    label_columns = {"title": _l("Name"), "number": _l("IBAN or account number"), "active": _l("In use")}
    description_columns = {"number": _l("As the bank writes it in its files.")}

    def do_add(self, form: Any) -> Any:
        number = iban_rules.compact(form.number.data or "").replace(" ", "").upper()
        if number[:2].isalpha() and not iban_rules.is_valid(number):
            raise InvalidInput(_("This IBAN is not valid: check its digits."), "number")
        form.number.data = number
        return super().do_add(form)


class NoteForm(ServiceForm):
    note = reason_field(_l("What it is"), _l("It is kept beside the line, for example: rent paid back."), 1000)


def is_open(line: BankLine) -> bool:
    return line.state is LineState.OPEN


class BankLineView(AdminView):
    datamodel = AdminInterface(BankLine)
    route_base = "/bank-lines"
    list_title = _l("Lines of bank statements")
    list_help = _l("What the bank told. Payments whose customer is not known wait under “Clearing”; what is no payment of a customer for certain waits here.")
    empty_text = _l("Hand in the first statement under “Bank statements”.")
    list_columns = ["booked_on", "party", "text", "amount", "state", "note"]
    show_columns = ["booked_on", "amount", "party", "party_iban", "text", "state", "note", "payment", "refund", "account", "file", "end_to_end_id", "mandate_id", "reason_code", "reason_text", "original", "fee",
                    "bank_code", "bank_reference", "source"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["booked_on", "amount", "state", "party", "party_iban", "account"]
    order_columns = ["booked_on", "amount"]
    base_order = ("id", "desc")
    quick_search = ["party", "text"]
    label_columns = {"booked_on": _l("Booked on"), "party": _l("From or to"), "party_iban": _l("Account"), "text": _l("Text"), "note": _l("Remark"), "account": _l("Bank account"), "file": _l("File"),
                     "end_to_end_id": _l("End-to-end id"), "mandate_id": _l("Mandate"), "reason_code": _l("Reason of the return"), "reason_text": _l("In words"), "original": _l("Had been collected"),
                     "fee": _l("Fee of the bank"), "refund": _l("Refund"), "bank_code": _l("Code of the bank"), "bank_reference": _l("Reference of the bank"), "source": _l("Message")}
    list_tabs = [("open", _l("To clear"), BankLine.state == LineState.OPEN), ("all", _l("All"), None), ("payments", _l("Payments"), BankLine.state == LineState.PAYMENT),
                 ("returns", _l("Returned direct debits"), BankLine.returned)]
    formatters_columns = {"note": lambda text: text or formats.NOTHING,
                          "amount": with_row(lambda value, item: formats.money(value, item.currency))}
    main_actions = ("book", "again", "settle")

    def tab_clause(self, key: str) -> Any:
        """Without a tab what waits is shown; `?tab=all` asks for all."""
        return super().tab_clause(key or "open")

    def find(self, text: str) -> Any:
        return any_of(BankLine.id, or_(has_part(BankLine.party, text), has_part(BankLine.text, text)))

    def cell(self, item: Any, column: str, link: bool = True) -> Cell:
        return Cell(formats.NOTHING) if column == "text" and not item.text else super().cell(item, column, link)

    def head_title(self, item: Any) -> str:
        amount = formats.money(abs(item.amount), item.currency)
        return _("%(amount)s from %(who)s", amount=amount, who=item) if item.amount > 0 else _("%(amount)s to %(who)s", amount=amount, who=item)

    @action("book", _l("Book as payment"), _l("The money becomes a payment. Whose it is is found as for any other line, or said under “Clearing”."), "fa-coins", multiple=False,
            when=lambda line: is_open(line) and line.amount > 0)
    def book_it(self, items: list[Any]) -> None:
        self.each(items, booking.book_as_payment, lambda n: _("The payment was booked."))

    @action("again", _l("Look for the direct debit again"), icon="fa-rotate-right", multiple=False, when=lambda line: is_open(line) and booking.is_debit(line))
    def again(self, items: list[Any]) -> None:
        self.each(items, booking.announce_again, lambda n: _("The direct debit was found and booked."))

    @action("settle", _l("Say what it is"), icon="fa-check", form=NoteForm, when=is_open)
    def settle(self, items: list[Any], form: NoteForm) -> None:
        self.each(items, lambda line: booking.settle(line, form.note.data or ""), lambda n: ngettext("%(num)d line is cleared.", "%(num)d lines are cleared.", n))


class PayerAccountView(AdminView):
    datamodel = AdminInterface(PayerAccount)
    route_base = "/payer-accounts"
    list_title = _l("Paying accounts")
    list_help = _l("Accounts that payments of the customer came from. A payment from one of them that is exactly what he owes is his.")
    empty_text = _l("An account is remembered with the first payment of a bank statement that is surely the customer's.")
    list_columns = ["iban", "customer", "last_on"]
    show_columns = ["iban", "customer", "last_on"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "iban"]
    order_columns = ["last_on"]
    base_order = ("last_on", "desc")
    quick_search = "iban"
    tab_of = (Customer,)
    tab_rank = 88
    deletable = True
    label_columns = {"iban": _l("Account"), "last_on": _l("Last payment")}
