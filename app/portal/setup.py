"""The link of a configuration SMS, for whoever holds the radio: opening it changes nothing, the button shows the settings once."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from app.core.errors import DomainError
from app.licenses import setup_links
from app.portal.forms import ConfirmForm
from app.portal.gate import public
from app.portal.pages import address, dead, in_language, page, portal, put


@portal.route("/setup/<token>", methods=["GET", "POST"])
@public
def setup_link(token: str) -> Any:
    try:
        link = setup_links.open_link(token, address())
    except DomainError as error:
        return dead(error, None, "")
    row = link.license
    mode = row.tariff.mode
    with in_language(row.customer.language):
        form, status = ConfirmForm(), 200
        if request.method == "POST":
            status = 422
            if form.validate():
                try:
                    found = setup_links.use_link(token, address())
                    return page("setup", title=_("Settings of %(name)s", name=str(found.license)), row=found.license, password=found.password, mode=found.license.tariff.mode)
                except setup_links.DeadLink as error:
                    return dead(error, None, "")
                except DomainError as error:
                    status = put(form, error)
        return page("setup_confirm", status, form=form, title=_("Set up %(name)s", name=str(row)), row=row, mode=mode)
