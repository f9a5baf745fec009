"""The public pages with real processes, a real SMTP server and a real browser."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.customers import accounts, terms
from app.customers.account_models import AccountState, PortalAccount
from app.customers.models import CustomerKind
from app.customers.prospects import register_prospect
from app.system.settings import change_settings
from tests import factories as make
from tests.portal.visitors import PASSWORD, set_sender, text_of
from tests.support.browser import axe

pytestmark = pytest.mark.browser


@pytest.mark.sqlite_only
def test_from_the_number_to_the_password(live_server, smtp_sink, page):
    set_sender()
    change_settings({"portal.terms_tick": True})
    terms.publish(terms.save_terms(name="2026-11", valid_from=clock.today(), text_en="Be kind."))
    customer = make.customer()
    page.goto(f"{live_server.url}/portal/password")
    page.get_by_label("Customer number").fill(customer.number)
    page.get_by_role("button", name="Send link").click()
    page.get_by_role("heading", name="Look into your mailbox").wait_for()
    (mail,) = smtp_sink.wait_for(1)
    link = re.search(r"https?://\S+", text_of(mail)).group()
    assert link.startswith(f"{live_server.url}/portal/password/")

    page.goto(link)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Choose password").click()
    page.get_by_text("Accept the terms to go on.").first.wait_for()
    page.faults.expect("422")
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Choose password").click()
    page.get_by_role("heading", name="Your password is chosen").wait_for()
    assert "was changed" in smtp_sink.wait_for(2)[1]["Subject"]
    db.session.rollback()
    assert db.session.scalars(select(PortalAccount.state)).one() is AccountState.ACTIVE
    page.goto(link)
    page.get_by_text("no longer valid").wait_for()
    page.faults.expect("404")


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "light"), (390, "dark")])
def test_pages_are_accessible_and_fit_a_phone(stack, page, width, scheme):
    set_sender()
    change_settings({"portal.terms_tick": True})
    terms.publish(terms.save_terms(name="2026-11", valid_from=clock.today(), text_en="1. Be kind.\n\n" + "Pay what you owe. " * 40))
    account = accounts.create_account(make.customer())
    from app.core.db import transaction
    from app.customers.account_models import LinkPurpose

    with transaction():
        _link, token = accounts.make_link(account, LinkPurpose.RESET)
    stack.web()
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    for path in ("/portal/password", f"/portal/password/{token}", "/portal/password/requested", "/portal/terms", "/portal/confirmed", "/portal/password/changed"):
        page.goto(stack.url + path)
        assert page.locator("h1").count() == 1
        assert axe(page) == [], path
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"), path
    page.goto(f"{stack.url}/portal/password")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.get_by_role("button", name="Send link").click()
    page.get_by_role("alert").wait_for()
    assert axe(page) == []
    page.faults.expect("422")


@pytest.mark.sqlite_only
def test_staff_pages_are_accessible(stack, administrator, page):
    set_sender()
    known = make.customer(company="Hafenlotsen Emden")
    prospect = register_prospect(CustomerKind.CLOSED, confirm=False, company="Hafenlotsen Emden e.V.", contact="Jan", email="jan@example.org", country="DE")
    row = terms.save_terms(name="2026-11", valid_from=clock.today(), text_en="Be kind.")
    accounts.send_welcome(known)
    stack.web()
    page.goto(f"{stack.url}/admin/")
    page.fill("#username", administrator[0])
    page.fill("#password", administrator[1])
    page.keyboard.press("Enter")
    page.wait_for_selector(".sidebar")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for path in ("prospects/list/", f"prospects/show/{prospect.id}", f"prospects/import/{prospect.id}", "prospects/add", "terms/list/", f"terms/show/{row.id}", f"terms/edit/{row.id}",
                     "portal-accounts/list/", "portal-accounts/add", "portal-accounts/show/1", "mail-texts/", "mail-texts/welcome/de", "mails/list/", f"customers/show/{known.id}?tab=PortalAccountView"):
            page.goto(f"{stack.url}/admin/{path}")
            assert axe(page) == [], path
            assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"), (path, width)
    page.goto(f"{stack.url}/admin/prospects/import/{prospect.id}")
    page.get_by_role("button", name="It is this one").click()
    page.wait_for_selector("#modal-confirm.in")
    page.locator("#modal-confirm-ok").click()
    page.get_by_text("The registration belongs to Hafenlotsen Emden now.").wait_for()
    page.goto(f"{stack.url}/admin/mail-texts/welcome/en")
    page.get_by_label("Subject").fill("Hello {{name}}")
    page.get_by_role("button", name="Show preview").click()
    page.get_by_text("Hello Jan Claasen").wait_for()
    assert page.url.endswith("#preview")
