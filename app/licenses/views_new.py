"""New licenses: one with its services and price, or several from lines of text; the first ones of a new customer."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, make_response, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.catalog.models import Tariff, TariffState
from app.core import clock
from app.core.db import db
from app.core.fields import RelatedField, Required, ServiceForm
from app.core.page_parts import safe_url_for
from app.core.views import allowed, expose
from app.customers.models import Customer, CustomerKind, CustomerState
from app.customers.services import assigned_tariffs
from app.licenses.forms import LicenseForm, SeveralForm, StartForm, priced_services, tariff_choices
from app.licenses.prices import consequences
from app.licenses.services import create_license
from app.licenses.several import create_lines, parse_lines, problems_text, start_customer, try_lines


class NewLicenses:
    """Mixin of the license views: /add and /several, for a customer named in the address. `kind`: only such customers."""

    kind: CustomerKind | None = None

    def _customer(self) -> Customer | None:
        text = request.args.get("customer", "")
        view: Any = self.view_of(Customer)  # type: ignore[attr-defined]
        if not text or view is None:
            return None
        return view.datamodel.get(text) or abort(404)

    def _choose_customer(self, endpoint: str) -> Any:
        """First of all: whose license is it?"""
        view = self.view_of(Customer)  # type: ignore[attr-defined]
        lookup = self.lookup_of(Customer)  # type: ignore[attr-defined]

        which = [Customer.state != CustomerState.DELETED, *view.datamodel.scope(), *([Customer.kind == self.kind] if self.kind else [])]

        class ChooseForm(ServiceForm):
            customer = RelatedField(_l("Customer"), [Required()], model=Customer, lookup=lambda: lookup, narrow=lambda query: query.where(*which))

        return self.form_page(ChooseForm(), lambda form: redirect(url_for(endpoint, customer=form.customer.data.id), 303), title=self.add_title,  # type: ignore[attr-defined]
                              verb=_("Continue"), crumb=(self.list_title, self.list_url()), to=self.list_url(), template="licenses/choose.html",  # type: ignore[attr-defined]
                              new_customer=safe_url_for("CustomerView.add", **({"kind": self.kind.value} if self.kind else {})))  # type: ignore[attr-defined]

    def _no_tariff(self, customer: Customer) -> Any:
        """A customer without a tariff cannot have a license: say so, and where to go."""
        flash(_("%(name)s has no tariff that holds today. Assign one first.", name=customer.company), "warning")
        return redirect(self.url_of_any(customer) or self.list_url(), 303)  # type: ignore[attr-defined]

    @expose("/add", methods=["GET", "POST"])
    @allowed
    def add(self) -> Any:
        view: Any = self
        customer = self._customer()
        if customer is None:
            return self._choose_customer(f"{view.endpoint}.add")
        day = clock.today()
        tariffs = assigned_tariffs(customer, day)
        if not tariffs:
            return self._no_tariff(customer)
        priced = priced_services(tariffs)
        form = LicenseForm()
        form.tariff.choices = tariff_choices(tariffs)
        form.services.choices = [(service.id, service.name_en) for service in priced]
        if request.method == "GET":
            form.server.data, form.active_from.data = customer.server, day
        page = view.url_of_any(customer) or view.list_url()

        def save(form: LicenseForm) -> Any:
            tariff = next(t for t in tariffs if t.id == form.tariff.data)
            wanted = set(form.services.data or [])
            license = create_license(customer, tariff, form.user_name.data, form.active_from.data, server=form.server.data, alias=form.alias.data or "",
                                     phone=form.phone.data or "", device=form.device.data or "", network=form.network.data or "",
                                     permissions=form.permissions.text, services=[service for service in priced if service.id in wanted])
            flash(_("“%(name)s” was created. It is sent to the PTT server by itself.", name=str(license)), "success")
            if request.form.get("then") == "another":
                return redirect(url_for(f"{view.endpoint}.add", customer=customer.id), 303)
            return redirect(view.url_of(license) or view.list_url(), 303)

        return view.form_page(form, save, title=view.add_title, verb=_("Create license"), crumb=(customer.company, page), to=page, template="licenses/new.html",
                              customer=customer, priced=priced, costs=consequences(db.session(), customer, tariffs), needs_phone=[t.id for t in tariffs if t.mode.needs_phone])

    @expose("/several", methods=["GET", "POST"])
    @allowed("add")
    def several(self) -> Any:
        """Lines of text: checked without storing, then created one by one."""
        view: Any = self
        customer = self._customer()
        if customer is None:
            return self._choose_customer(f"{view.endpoint}.several")
        tariffs = assigned_tariffs(customer, clock.today())
        if not tariffs:
            return self._no_tariff(customer)
        form = SeveralForm()
        form.tariff.choices = tariff_choices(tariffs)
        if request.method == "GET":
            form.server.data, form.active_from.data = customer.server, clock.today()
        found: dict[str, Any] = {"tried": None, "cost": None}
        page = view.url_of_any(customer) or view.list_url()

        def save(form: SeveralForm) -> Any:
            tariff = next(t for t in tariffs if t.id == form.tariff.data)
            rows = (customer, tariff, parse_lines(form.lines.data), form.active_from.data, form.server.data)
            if request.form.get("step") != "create":
                found["tried"] = try_lines(*rows)
                good = [item for item in found["tried"] if not item.problem]
                found["cost"] = consequences(db.session(), customer, [tariff], len(good)).get(tariff.id) if good else None
                return make_response(view.render("licenses/several.html", form=form, title=_("Several licenses"), verb=_("Check"), crumb=(customer.company, page),
                                                 cancel=page, customer=customer, good=len(good), **found))
            results = create_lines(*rows)
            bad = [item for item in results if item.problem]
            if len(results) > len(bad):
                n = len(results) - len(bad)
                flash(ngettext("%(num)d license created. It is sent to the PTT server by itself.", "%(num)d licenses created. They are sent to the PTT server by themselves.", n), "success")
            if bad:
                flash(problems_text(bad), "danger")
            return redirect(page, 303)

        return view.form_page(form, save, title=_("Several licenses"), verb=_("Check"), crumb=(customer.company, page), to=page,
                              template="licenses/several.html", in_transaction=False, customer=customer, good=0, **found)

    @expose("/start/<int:customer_id>", methods=["GET", "POST"])
    @allowed("add")
    def start(self, customer_id: int) -> Any:
        """The step after a new customer was stored: tariff and first licenses on one page, all or nothing. Can be skipped."""
        view: Any = self
        customers: Any = view.view_of(Customer)
        customer = (customers.datamodel.get(customer_id) if customers else None) or abort(404)
        form = StartForm()
        form.tariff.narrow = lambda query: query.where(Tariff.state == TariffState.ACTIVE, Tariff.currency == customer.currency)
        if request.method == "GET":
            form.valid_from.data = clock.today()
        page = view.url_of_any(customer) or view.list_url()

        def save(form: StartForm) -> Any:
            number = start_customer(customer, form.tariff.data, form.valid_from.data, parse_lines(form.lines.data),
                                    [name.strip() for name in (form.groups.data or "").splitlines() if name.strip()])
            flash(ngettext("%(num)d license created. It is sent to the PTT server by itself.",
                           "%(num)d licenses created. They are sent to the PTT server by themselves.", number), "success")
            return redirect(page, 303)

        return view.form_page(form, save, title=_("Tariff, first licenses and groups"), verb=_("Create licenses"), crumb=(customer.company, page), to=page,
                              cancel_text=_("Skip for now"), template="licenses/start.html", customer=customer)
