"""Work screen of the collection: what would be collected now and what not, and why; then the files are prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import flash, redirect
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import func, select

from app.plugin_api import clock, db
from app.plugin_api.staff import WorkPage, allowed, expose, may, safe_url_for
from plugins.sepa.announcing import unannounced
from plugins.sepa.collecting import collect
from plugins.sepa.debit_models import PreNotification
from plugins.sepa.mandate_models import CreditorAccount, Mandate
from plugins.sepa.reading import decisions, earliest
from plugins.sepa.words import skip_words

SHOWN = 200


class CollectPage(WorkPage):
    route_base = "/sepa-collect"
    template_folder = str(Path(__file__).parent / "templates")
    title = _l("Collection run")

    @expose("/")
    @allowed
    def index(self) -> Any:
        session = db.session()
        plans = []
        for account in self.accounts():
            found = decisions(session, account, limit=5000)
            go, skip = [item for item in found if not item.skip], [item for item in found if item.skip]
            later = session.execute(select(func.min(PreNotification.collect_on), func.count(), func.sum(PreNotification.amount)).join(Mandate, Mandate.id == PreNotification.mandate_id)
                                    .where(PreNotification.state == "open", Mandate.account_id == account.id)).one()
            plans.append({"account": account, "earliest": earliest(account), "go": go, "skip": skip, "sum": sum((item.amount for item in go), 0), "later": later})
        return self.page("sepa/collect.html", plans=plans, shown=SHOWN, skip_words=skip_words, unannounced=len(unannounced(session)), today=clock.today(),
                         accounts_url=safe_url_for("CreditorAccountView.add"), item_url=self.item_url,
                         may_prepare=may(self, "can_prepare"))

    @staticmethod
    def item_url(item_id: int) -> str | None:
        return safe_url_for("OpenItemView.show", pk=item_id)

    @staticmethod
    def accounts() -> list[CreditorAccount]:
        return list(db.session.scalars(select(CreditorAccount).where(CreditorAccount.active).order_by(CreditorAccount.id)))

    @expose("/prepare", methods=["POST"])
    @allowed
    def prepare(self) -> Any:
        """Everything that is due for collection goes into files."""
        count = files = 0
        for account in self.accounts():
            outcome = collect(account)
            count, files = count + outcome.collected, files + len(outcome.batches)
        if files:
            flash(_("%(debits)s in %(files)s. Check and export them.", debits=ngettext("%(num)d direct debit", "%(num)d direct debits", count),
                    files=ngettext("%(num)d file", "%(num)d files", files)), "success")
        else:
            flash(_("Nothing is due for collection."), "warning")
        return redirect((safe_url_for("DebitBatchView.list") if files else None) or safe_url_for("CollectPage.index") or "/admin/", 303)
