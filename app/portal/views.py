"""Staff pages of what customers ask for in the portal."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import func, select
from wtforms import TextAreaField, validators

from app.core import formats
from app.core.db import db
from app.core.fields import Required, ServiceForm, clean_text, no_control
from app.core.views import AdminEntry, AdminInterface, AdminView, action
from app.customers.models import Customer
from app.portal.data_copies import NOTE, answer_deletion
from app.portal.models import DeletionRequest, RequestState
from app.portal.views_partners import SalesPartnerView


class DoneForm(ServiceForm):
    answer = TextAreaField(_l("Answer"), [validators.Optional(), no_control, validators.Length(max=NOTE)], filters=[clean_text], description=_l("The customer sees it in the portal while he can still sign in."))


class RefuseForm(ServiceForm):
    answer = TextAreaField(_l("Reason"), [Required(), no_control, validators.Length(max=NOTE)], filters=[clean_text], description=_l("The customer sees it in the portal."))


class DeletionRequestView(AdminView):
    datamodel = AdminInterface(DeletionRequest)
    route_base = "/deletion-requests"
    list_title = _l("Deletion requests")
    list_help = _l("Customers who want their data deleted. Terminate the customer; invoices and payments stay as long as the law says.")
    empty_text = _l("Customers ask for it in the portal, under “Your data”.")
    list_columns = ["customer", "account", "state", "created_at", "answered_at"]
    show_columns = ["customer", "account", "note", "state", "created_at", "answer", "answered_at"]
    add_columns: list[str] = []
    edit_columns: list[str] = []
    search_columns = ["customer", "state", "created_at"]
    order_columns = ["created_at"]
    base_order = ("created_at", "desc")
    tab_of = (Customer,)
    tab_rank = 62
    label_columns = {"account": _l("Asked by"), "created_at": _l("Asked for"), "answered_at": _l("Answered"), "answer": _l("Answer")}
    formatters_columns = {"created_at": formats.instant, "answered_at": formats.instant}

    def parent_column(self, parent: object) -> str | None:
        return "customer"

    @action("done", _l("Done"), _l("The customer is terminated, and what could be deleted is."), "fa-check", form=DoneForm, multiple=False, when=lambda item: item.state is RequestState.OPEN)
    def done(self, items: list[DeletionRequest], form: DoneForm) -> None:
        self.each(items, lambda item: answer_deletion(item, RequestState.DONE, form.answer.data or ""), lambda n: ngettext("%(num)d request is done.", "%(num)d requests are done.", n))

    @action("refuse", _l("Refuse"), _l("The data stay. The customer sees the reason."), "fa-xmark", form=RefuseForm, multiple=False, when=lambda item: item.state is RequestState.OPEN)
    def refuse(self, items: list[DeletionRequest], form: RefuseForm) -> None:
        self.each(items, lambda item: answer_deletion(item, RequestState.REFUSED, form.answer.data or ""), lambda n: _("The request was refused."))


def open_requests() -> int:
    return db.session.scalar(select(func.count()).select_from(DeletionRequest).where(DeletionRequest.state == RequestState.OPEN)) or 0


VIEWS = [
    AdminEntry(SalesPartnerView, _l("Sales partners"), "customers", "fa-shop", rank=60),
    AdminEntry(DeletionRequestView, _l("Deletion requests"), "customers", "fa-user-slash", count=open_requests, rank=63),
]
