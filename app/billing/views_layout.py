"""The layout of invoices: its versions, a new one with a preview before it is saved."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField, validators
from wtforms.widgets import ColorInput

from app.billing import layouts
from app.billing.invoice_words import INTRO
from app.billing.layout import BLOCKS, COLUMNS, FOOTER, NEEDED_BLOCKS, PLACES, USUAL, Layout, parse
from app.billing.layout_models import InvoiceLayout
from app.billing.pdf import PDF, _logo, html_of
from app.billing.pdf_process import renderer
from app.billing.views_invoice_texts import sample
from app.core import clock, formats
from app.core.access import may
from app.core.attachments import as_file
from app.core.choices import language_name
from app.core.db import db
from app.core.errors import DomainError
from app.core.fields import DayField, NumberField, Required, ServiceForm, clean_text, no_control
from app.core.views import AdminPage, allowed, expose
from app.plugin_api.payment import PaymentBlock

ORDERS = (("payment", "notes", "closing"), ("notes", "payment", "closing"), ("closing", "payment", "notes"), ("payment", "closing", "notes"), ("notes", "closing", "payment"),
          ("closing", "notes", "payment"), ("payment", "notes"), ("notes", "payment"))
SHOWN = 20


def _colour(label: Any, description: Any = "") -> StringField:
    return StringField(label, [Required()], widget=ColorInput(), description=description)


class LayoutForm(ServiceForm):
    """Fields are named as those of `Layout`; the footer has a field for each column."""

    ink = _colour(_l("Text"))
    quiet = _colour(_l("Small text"), _l("Labels, sender and footer."))
    accent = _colour(_l("Name of the company"), _l("Where there is no logo."))
    shade = _colour(_l("Background"), _l("Of the heading of the lines and of the payment block."))
    size = NumberField(_l("Size of the font"), [Required()], digits=1, description=_l("8 to 11 points."))
    logo = SelectField(_l("Place of the logo"), [Required()], choices=list(PLACES.items()))
    logo_height = IntegerField(_l("Height of the logo"), [Required()], description=_l("8 to 24 mm. The picture itself is chosen in the settings, section “Company”."))
    blocks = SelectField(_l("Below the sums"), [Required()], description=_l("What stands there, in which order. How it is paid and tax notes must stand on every invoice."))
    sender_line = BooleanField(_l("Sender above the address"), description=_l("The small line that shows in the window of an envelope."))
    customer_number = BooleanField(_l("Customer number"))
    footer_1 = TextAreaField(_l("Footer, first column"), [validators.Optional(), no_control], render_kw={"rows": 5})
    footer_2 = TextAreaField(_l("Footer, second column"), [validators.Optional(), no_control], render_kw={"rows": 5})
    footer_3 = TextAreaField(_l("Footer, third column"), [validators.Optional(), no_control], render_kw={"rows": 5})
    footer_4 = TextAreaField(_l("Footer, fourth column"), [validators.Optional(), no_control], render_kw={"rows": 5})
    valid_from = DayField(_l("From"), [Required()], default=clock.today, description=_l("Documents issued from this day on. What was issued before stays as it is, also when it is printed again."))
    note = StringField(_l("Note"), [validators.Optional(), no_control, validators.Length(max=200)], filters=[clean_text], description=_l("What changed, for your colleagues."))

    def show(self, layout: Layout) -> None:
        for name in ("ink", "quiet", "accent", "shade", "size", "logo", "logo_height", "sender_line", "customer_number"):
            self[name].data = getattr(layout, name)
        self.blocks.data = "+".join(layout.blocks)
        for number in range(COLUMNS):
            self[f"footer_{number + 1}"].data = "\n".join(layout.footer[number]) if number < len(layout.footer) else ""

    def values(self) -> dict[str, Any]:
        found = {name: self[name].data for name in ("ink", "quiet", "accent", "shade", "logo", "logo_height", "sender_line", "customer_number")}
        return {**found, "size": str(self.size.data), "blocks": (self.blocks.data or "").split("+"), "footer": [(self[f"footer_{n + 1}"].data or "").splitlines() for n in range(COLUMNS)]}


class InvoiceLayoutPage(AdminPage):
    route_base = "/invoice-layout"
    title = _l("Layout of invoices")

    @expose("/")
    @allowed
    def index(self) -> Any:
        session, today = db.session(), clock.today()
        rows = session.scalars(select(InvoiceLayout).order_by(InvoiceLayout.valid_from.desc(), InvoiceLayout.id.desc()).limit(SHOWN)).all()
        return self.page("billing_pages/invoice_layouts.html", rows=rows, today=today, now=layouts.version_of(session, today), broken=layouts.broken, languages=[(code, language_name(code)) for code in INTRO],
                         may_save=may(self, "can_new"))

    @expose("/new", methods=["GET", "POST"])
    @allowed
    def new(self) -> Any:
        """`step=preview` gives the PDF of a sample and stores nothing, `step=save` a new version."""
        form, status = LayoutForm(), 200
        form.blocks.choices = [("+".join(order), " · ".join(str(BLOCKS[name]) for name in order)) for order in ORDERS]
        if request.method == "GET":
            form.show(USUAL if request.args.get("usual") == "1" else layouts.layout_of(clock.today()))
        else:
            status = 422
            if form.validate():
                try:
                    if request.form.get("step") == "preview":
                        return self.sample_of(parse(form.values()), request.form.get("language", ""))
                    version = layouts.save(form.values(), form.valid_from.data or clock.today(), form.note.data or "")
                    flash(_("The layout is saved. Documents issued from %(day)s on have it.", day=formats.day(version.valid_from)), "success")
                    return redirect(url_for(f"{self.endpoint}.index"), 303)
                except DomainError as error:
                    error.field = "footer_1" if error.field == "footer" else error.field
                    self.put_error(form, error)
        return self.render("billing_pages/invoice_layout_new.html", status, title=_("New layout"), form=form, names=FOOTER, needed=[str(BLOCKS[name]) for name in NEEDED_BLOCKS],
                           languages=[(code, language_name(code)) for code in INTRO], list_title=self.title)

    @expose("/sample/<int:pk>/<language>")
    @allowed("index")
    def sample(self, pk: int, language: str) -> Any:
        """A sample as a version makes it; 0: the usual layout."""
        version = db.session.get(InvoiceLayout, pk) if pk else None
        if pk and version is None:
            abort(404)
        try:
            return self.sample_of(parse(version.data) if version is not None else USUAL, language)
        except DomainError as error:
            flash(str(error), "warning")
            return redirect(url_for(f"{self.endpoint}.index"), 303)

    @staticmethod
    def sample_of(look: Layout, language: str) -> Response:
        """An invoice to nobody; it is stored nowhere. Raises InvalidInput while company data is missing, PdfError when it cannot be rendered."""
        if language not in INTRO:
            abort(404)
        logo = _logo()
        html = html_of(*sample(language), "", logo is not None, PaymentBlock((_("Here stands how the invoice is paid."),)), look)
        db.session.rollback()
        return as_file(renderer(logo).render(html), f"sample-{language}.pdf", PDF)

    @expose("/withdraw/<int:pk>", methods=["POST"])
    @allowed("new")
    def withdraw(self, pk: int) -> Any:
        version = db.session.get(InvoiceLayout, pk) or abort(404)
        self.attempt(lambda: layouts.withdraw(version), _("The layout was withdrawn before it began."))
        return redirect(url_for(f"{self.endpoint}.index"), 303)
