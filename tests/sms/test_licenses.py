"""SMS to licenses: kinds of a PTT mode, texts, links to settings, bulk, groups; the portal's and the staff's pages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask

from app.core import clock
from app.core.db import db, transaction
from app.core.errors import InvalidInput
from app.licenses import groups, setup_links, sms
from app.licenses.delivery import deliver_provisioning
from app.licenses.models import License
from app.licenses.setup_models import SetupLink
from app.plugin_api import TryLater
from app.plugin_api.registry import plugins
from app.system.settings import change_settings
from app.system.sms import deliver_sms
from app.system.sms_models import Sms, SmsText
from app.system.sms_templates import body_of, save_body, template
from tests import factories
from tests.portal.visitors import Visitor
from tests.sms.world import gateway, radios

NONCE = "0" * 32


def _texts() -> list[str]:
    return [row.text for row in db.session.query(Sms).order_by(Sms.id)]


def test_kinds_follow_the_mode(session: object) -> None:
    gateway()
    radio, nokia = radios(1)[0], radios(1, "npoc")[0]
    assert sms.kinds_for([radio]) == ["configuration", "download"] and sms.kinds_for([nokia]) == ["configuration", "group_invitation", "download"]
    with pytest.raises(InvalidInput, match="no such SMS"):
        sms.send(sms.INVITATION, radio, NONCE)
    with transaction():
        radio.tariff.mode.configuration_sms, radio.tariff.mode.download_url = False, ""
    assert sms.kinds_for([radio]) == []
    change_settings({"sms.gateway": ""})
    assert sms.kinds_for([nokia]) == []


def test_the_same_form_counts_once(session: object) -> None:
    told = gateway()
    one, two = radios(2)
    assert sms.send(sms.DOWNLOAD, one, NONCE) and not sms.send(sms.DOWNLOAD, one, NONCE) and sms.send(sms.DOWNLOAD, two, NONCE)
    for bad in ("", "x" * 32, NONCE + "0"):
        with pytest.raises(InvalidInput):
            sms.send(sms.DOWNLOAD, one, bad)
    assert deliver_sms() == 2 and [m.text for m in told.sent] == [f"Nordfunk: download the app for Kran {n} here: https://ptt.example/app" for n in range(2)]


def test_texts_by_mode_and_language(session: object) -> None:
    gateway()
    radio = radios(1, language="de")[0]
    save_body("download", "", "de", "Alle: {{link}}")
    assert sms.draft(sms.DOWNLOAD, radio).text == "Alle: https://ptt.example/app"
    save_body("download", "talkip", "de", "{{user}} lädt {{link}} – los")
    shown = sms.draft(sms.DOWNLOAD, radio)
    assert shown.text == "Kran 0 lädt https://ptt.example/app – los" and shown.size.encoding == "ucs2"
    change_settings({"sms.simplify": True})
    assert sms.draft(sms.DOWNLOAD, radio).size.encoding == "gsm7"
    for wrong in ("", "{{nothing}} {{link}}", "no link", "{% if x %}{{link}}", "{{link", "a" * 1000 + "{{link}}", "bell \x07 {{link}}"):
        with pytest.raises(InvalidInput):
            save_body("download", "", "en", wrong)
    with transaction() as opened:
        opened.add(SmsText(purpose="download", variant="", language="en", body="{{gone}}"))
    assert body_of(template("download"), "talkip", "en") == template("download").texts["en"]       # a broken one is passed over


def test_a_preview_tells_what_will_be_charged(session: object) -> None:
    told = gateway()
    radio = radios(1)[0]
    shown = sms.draft(sms.CONFIGURATION, radio)
    sms.send(sms.CONFIGURATION, radio, NONCE)
    deliver_sms()
    row = db.session.query(Sms).one()
    assert row.parts == shown.size.parts and len(told.sent[0].text) == shown.size.places and "{{link}}" in row.text


def _link(told: object) -> str:
    return re.search(r"http://localhost/portal/setup/(\S+)", told.sent[-1].text).group(1)     # type: ignore[attr-defined]


def test_a_link_works_once_and_makes_a_password(app: Flask) -> None:
    told = gateway()
    radio = radios(1)[0]
    with transaction():
        radio.tariff.mode.setup_password = True
    driver = plugins().by_code("provisioning_drivers")["memory"]
    sms.send(sms.CONFIGURATION, radio, NONCE)
    deliver_sms()
    old = _link(told)
    sms.send(sms.CONFIGURATION, radio, "1" * 32)
    deliver_sms()
    token = _link(told)
    visitor = Visitor(app)
    assert visitor.get(f"/portal/setup/{old}").status_code == 404           # a newer one replaces an older one
    for _time in range(2):
        assert "Show settings" in visitor.get(f"/portal/setup/{token}").text        # mail scanners and previews follow links
    page = visitor.post(f"/portal/setup/{token}")
    assert page.status_code == 422 and "just being set up" in page.text and not [call for call in driver.calls if call[0] == "password"]
    deliver_provisioning()
    driver.raises = [TryLater("down")]
    assert "does not answer" in visitor.post(f"/portal/setup/{token}").text
    page = visitor.post(f"/portal/setup/{token}")
    assert page.status_code == 200 and radio.user_name in page.text and "no-store" in page.headers["Cache-Control"]
    assert re.search(r"<dt>Password</dt><dd><code[^>]*>[A-Za-z2-9]{14}</code>", page.text) and ("password", radio.user_name, False) in driver.calls
    assert visitor.get(f"/portal/setup/{token}").status_code == 404
    assert token not in str([(row.token_hash, row.phone) for row in db.session.query(SetupLink)])


@pytest.mark.parametrize("ends", ["time", "phone", "lock", "deleted"])
def test_a_link_ends(session: object, ends: str) -> None:
    from app.customers.locks import LockReason
    from app.licenses import locks, services

    gateway()
    radio = radios(1)[0]
    token = setup_links.make_link(radio, setup_links.life())
    assert setup_links.open_link(token, "198.51.100.9").license is radio
    now = clock.now()
    if ends == "phone":
        services.change_license(radio, radio.version, phone="+491714402999")
    elif ends == "lock":
        locks.lock_license(radio, LockReason.MANUAL, "test")
    elif ends == "deleted":
        services.delete(radio)
    with clock.frozen(now + (timedelta(hours=25) if ends == "time" else timedelta())), pytest.raises(setup_links.DeadLink):
        setup_links.use_link(token, "198.51.100.9")


def test_invitation_needs_a_member(session: object) -> None:
    told = gateway()
    inside, outside = radios(2, "npoc")
    group = groups.create_group("Hafen", inside.customer)
    groups.set_members(group, [inside.id])
    with pytest.raises(InvalidInput, match="Choose the group"):
        sms.send(sms.INVITATION, inside, NONCE)
    with pytest.raises(InvalidInput, match="no member"):
        sms.send(sms.INVITATION, outside, NONCE, group)
    assert sms.send(sms.INVITATION, inside, NONCE, group)
    deliver_sms()
    assert "group Hafen" in told.sent[0].text


def test_values_are_one_line_and_no_place_to_fill(session: object) -> None:
    gateway()
    radio = radios(1)[0]
    with transaction():
        radio.alias = "Evil {{link}}"
    assert "{ {link}}" in sms.draft(sms.DOWNLOAD, radio).text


def test_bulk_sends_each_once(session: object) -> None:
    from app.licenses import bulk
    from app.system.job_runs import execute

    told = gateway()
    rows: list[License] = [*radios(3)]
    with transaction():
        rows[2].phone = ""
    run = bulk.start("sms", [row.id for row in rows], {"kind": "download", "nonce": "a" * 32})
    execute(run.id)
    execute(run.id)
    execute(bulk.start("sms", [rows[0].id, rows[1].id], {"kind": "download", "nonce": "a" * 32}).id)        # the same form sent twice
    deliver_sms()
    assert len(told.sent) == 2 and [row.value for row, n in bulk.numbers(run.id).items() if n] == ["done", "failed"]


def test_partner_speaks_with_his_own_name(session: object) -> None:
    from app.customers.partners import save_partner

    gateway()
    radio = radios(1)[0]
    partner = factories.customer()
    save_partner(partner, brand="Radio Meier")
    with transaction():
        radio.customer.partner_id = partner.id
    assert sms.draft(sms.DOWNLOAD, radio).text.startswith("Radio Meier:")
