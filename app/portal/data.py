"""The customer's data: a copy to download, a request to delete."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import PasswordField, TextAreaField
from wtforms.validators import Length, Optional

from app.core import clock
from app.core.attachments import as_file
from app.core.db import db
from app.core.errors import DomainError
from app.core.fields import Required, clean_text, no_control
from app.customers.account_changes import prove
from app.portal import data_copies
from app.portal.forms import PortalForm
from app.portal.gate import right, visit
from app.portal.models import DataExport, DeletionRequest
from app.portal.pages import page, portal, put
from app.system import documents
from app.system.outbox import OutboxState


class DeleteForm(PortalForm):
    note = TextAreaField(_l("What we should know"), [Optional(), no_control, Length(max=data_copies.NOTE)], filters=[clean_text], render_kw={"rows": 4})
    current = PasswordField(_l("Your password"), [Required(), Length(max=1000)], description=_l("To be sure that it is you."), render_kw={"autocomplete": "current-password"})


@portal.route("/data")
@right("data")
def data() -> Any:
    customer, account = visit().customer, visit().account
    copies = db.session.scalars(select(DataExport).options(joinedload(DataExport.document)).where(DataExport.customer_id == customer.id, DataExport.account_id == account.id).order_by(DataExport.id.desc()).limit(10)).all()
    asked = db.session.scalars(select(DeletionRequest).where(DeletionRequest.customer_id == customer.id).order_by(DeletionRequest.id.desc()).limit(5)).all()
    return page("data", title=_("Your data"), copies=copies, asked=asked, waiting=(OutboxState.WAITING, OutboxState.CLAIMED), crumb=(_("Account"), url_for("portal.account")))


@portal.route("/data/copy", methods=["POST"])
@right("data")
def data_copy() -> Any:
    try:
        data_copies.request_copy(visit().account, visit().customer)
        flash(_("The copy is being made. Load this page again in a minute."), "success")
    except DomainError as error:
        flash(str(error), "warning")
    return redirect(url_for("portal.data"), 303)


@portal.route("/data/copy/<int:copy_id>")
@right("data")
def data_file(copy_id: int) -> Any:
    """Only for who asked for it: conversations of his login are in it."""
    row = db.session.scalar(select(DataExport).options(joinedload(DataExport.document)).where(
        DataExport.id == (copy_id if copy_id < 2**31 else 0), DataExport.customer_id == visit().customer.id, DataExport.account_id == visit().account.id))
    if row is None or row.document is None or row.expires_at is None or row.expires_at < clock.now():
        abort(404)
    return as_file(documents.read(row.document), row.document.file_name, "application/zip")


@portal.route("/data/delete", methods=["GET", "POST"])
@right("data")
def data_delete() -> Any:
    now, form, status = visit(), DeleteForm(), 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                prove(now.account, form.current.data)
                data_copies.request_deletion(now.account, now.customer, form.note.data or "")
                flash(_("We have your request and answer it by e-mail."), "success")
                return redirect(url_for("portal.data"), 303)
            except DomainError as error:
                status = put(form, error)
    return page("form", status, form=form, title=_("Ask for deletion"), verb=_("Ask for deletion"), danger=True, cancel=url_for("portal.data"), crumb=(_("Your data"), url_for("portal.data")),
                intro=_("Of all data of %(name)s. The contract has to end first. Invoices and payments have to be kept for the time that the law says; everything else is deleted.", name=now.customer.company))
