"""How the texts on invoices look: what is set per language, and a sample as PDF."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from flask import abort, flash, redirect, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.billing import invoice_words
from app.billing.invoice_settings import seller_snapshot
from app.billing.invoicing import Line, tax_lines
from app.billing.models import InvoiceKind
from app.billing.pdf import PDF, _logo, html_of
from app.billing.pdf_process import renderer
from app.core import clock
from app.core.attachments import as_file
from app.core.choices import language_name
from app.core.db import db
from app.core.errors import DomainError
from app.core.period import Month
from app.core.views import AdminPage, allowed, expose
from app.plugin_api.payment import PaymentBlock
from app.system.settings import setting


class InvoiceTextsPage(AdminPage):
    route_base = "/invoice-texts"
    title = _l("Invoice texts")

    @expose("/")
    @allowed
    def index(self) -> Any:
        texts = [(code, language_name(code), setting(f"invoice.intro_{code}"), setting(f"invoice.closing_{code}") or setting("invoice.footer")) for code in invoice_words.INTRO]
        return self.page("billing_pages/invoice_texts.html", title=_("Invoice texts"), texts=texts, names=invoice_words.NAMES,
                         broken=[name for _code, name, intro, closing in texts if invoice_words.problem(intro) or invoice_words.problem(closing)])

    @expose("/sample/<language>")
    @allowed("index")
    def sample(self, language: str) -> Any:
        """An invoice to nobody, with today's settings; it is stored nowhere."""
        if language not in invoice_words.INTRO:
            abort(404)
        try:
            logo = _logo()
            html = html_of(*sample(language), "", logo is not None, PaymentBlock((_("Here stands how the invoice is paid."),)))
            db.session.rollback()
            data = renderer(logo).render(html)
        except DomainError as error:
            flash(str(error), "warning")
            return redirect(url_for(f"{self.endpoint}.index"), 303)
        return as_file(data, f"sample-{language}.pdf", PDF)


def sample(language: str) -> tuple[Any, list[Any], tuple[Any, ...]]:
    """(head, lines, taxes) as `invoice_parts` gives them. Raises InvalidInput while company data is missing."""
    day = clock.today()
    month = Month.of(day).previous
    line = Line("1000", "8400", "Business", Decimal(12), "C62", Decimal("9.9000"), Decimal("118.80"), "S", Decimal(19))
    taxes = tax_lines([line], "EUR")
    buyer = {"number": "10001", "name": "Hafenlotsen Emden", "contact": "Wiebke Janssen", "street": "Außenhafen 5", "address_extra": "", "postcode": "26725", "city": "Emden",
             "region": "", "country": "DE", "email": "", "business": True, "vat_id": "", "tax_number": "", "reference": "PO-77"}
    head = SimpleNamespace(id=0, kind=InvoiceKind.INVOICE, number=_("SAMPLE"), customer_id=0, issued_on=day, due_on=day, service_from=month.start, service_to=month.end, language=language,
                           currency="EUR", payment_method="transfer", net=line.net, tax=taxes[0].tax, gross=line.net + taxes[0].tax, buyer=buyer, seller=seller_snapshot(), notes=[])
    return head, [SimpleNamespace(number=1, **line._asdict())], taxes
