"""The customers' portal: their boletos, each as a page with line and Pix, and as a PDF with a new due date when it is overdue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask import Blueprint, abort, flash, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, select

from app.plugin_api import InvalidInput, clock, db, portal_page, portal_visitor
from app.plugin_api.staff import as_file
from app.receivables.models import OpenItem
from app.receivables.queries import collectors
from plugins.boleto import slips
from plugins.boleto.barcode import formatted
from plugins.boleto.models import Slip, SlipState
from plugins.boleto.paper import PAYABLE, rest_copy, second_copy
from plugins.boleto.slip_pdf import SlipFacts, qr_png, slip_pdf
from plugins.boleto.slips import METHOD

blueprint = Blueprint("boleto", __name__, template_folder=str(Path(__file__).parent / "templates"))


def _payable() -> Select[tuple[Slip]]:
    """Boletos of the visitor's customer that wait for money: what was paid in another way is no longer offered, though the bank still has it."""
    return select(Slip).join(OpenItem, OpenItem.id == Slip.open_item_id).where(Slip.customer_id == portal_visitor().customer_id, Slip.state.in_(PAYABLE), OpenItem.open > 0)


def _offered(rows: Sequence[Slip]) -> list[Slip]:
    """Of one customer's: not those whose money another way to pay takes by itself."""
    taken = collectors(rows[0].customer.payment_method, {row.open_item_id: row.open_item.due_on for row in rows}, clock.today()) if rows else {}
    return [row for row in rows if not taken[row.open_item_id] - {METHOD}]


def _own(ident: int) -> Slip:
    found = db.session.scalar(_payable().where(Slip.id == ident))
    return found if found is not None and _offered([found]) else abort(404)


def _facts(slip: Slip) -> SlipFacts:
    return rest_copy(slip) if slip.is_part_paid else second_copy(slip)


@blueprint.route("/<int:slip_id>/rest", methods=["POST"])
@portal_page("pay")
def rest(slip_id: int) -> Any:
    """A new boleto over what is left to pay, at once as long as the bank does not know the old one."""
    slip = _own(slip_id)
    try:
        made = slips.renew(slip)
    except InvalidInput as problem:
        flash(str(problem), "danger")
        made = slip
    return redirect(url_for("boleto.show", slip_id=made.id), 303)


@blueprint.route("/item/<int:item_id>")
@portal_page("pay")
def open_item(item_id: int) -> Any:
    """From a demand to its boleto; to all of them where it has none."""
    found = db.session.scalar(_payable().where(Slip.open_item_id == item_id).order_by(Slip.id.desc()).limit(1))
    return redirect(url_for("boleto.show", slip_id=found.id) if found and _offered([found]) else url_for("boleto.index"), 303)


@blueprint.route("/")
@portal_page("pay")
def index() -> Any:
    rows = db.session.scalars(_payable().order_by(Slip.due_on, Slip.id).limit(100)).all()
    return render_template("boleto/portal.html", title=_("Boletos"), rows=_offered(rows))


@blueprint.route("/<int:slip_id>")
@portal_page("pay")
def show(slip_id: int) -> Any:
    slip = _own(slip_id)
    found = _facts(slip)
    return render_template("boleto/portal_slip.html", title=_("Boleto %(number)s", number=slip.document), slip=slip, fresh=slip.state is SlipState.NEW and not slip.open_item.disputed, facts=found, line=formatted(found.line))


@blueprint.route("/<int:slip_id>/pix.png")
@portal_page("pay")
def pix_png(slip_id: int) -> Any:
    found = _facts(_own(slip_id))
    response = make_response(qr_png(found.pix) if found.pix else abort(404))
    response.headers["Content-Type"] = "image/png"
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/<int:slip_id>/pdf")
@portal_page("pay")
def pdf(slip_id: int) -> Any:
    slip = _own(slip_id)
    if slip.is_part_paid:           # the page says what to do
        return redirect(url_for("boleto.show", slip_id=slip.id), 303)
    return as_file(slip_pdf(second_copy(slip)), f"boleto-{slip.document}.pdf", "application/pdf")
