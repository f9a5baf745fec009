"""A plugin from outside: written by the scaffold, made into the tutorial's, built, installed, upgraded, switched off, removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.plugin_scaffold import write_distribution
from tests.plugins.distributions import Environment, tutorial_files
from tests.support.databases import Databases

USE = """
import hashlib, hmac, json
from datetime import date
from decimal import Decimal
from app.customers.services import create_customer
from app.receivables.payments import record_payment
from app.system.settings import change_settings
from app.core.db import db
from pttadmin_visits.models import Note
customer = create_customer(company="Nordfunk", country="DE")
record_payment(key="t:1", customer=customer, amount=Decimal("10.00"), currency="EUR", method="transfer", received_on=date(2025, 1, 2))
change_settings({"visits.phone_key": "k"})
body = json.dumps({"id": "7", "customer": customer.number, "text": "Wants ten radios"}).encode()
sign = hmac.new(b"k", body, hashlib.sha256).hexdigest()
client = app.test_client()
call = lambda signature: client.post("/hooks/visits/call", data=body, content_type="application/json", headers={"X-Signature": signature}, base_url=app.config["BASE_URL"]).status_code
print("calls", call("wrong"), call(sign), call(sign))
print("notes", sorted((note.source, note.text) for note in db.session.query(Note)))
print("api", "/plugins/visits/notes" in app.test_client().get("/api/v1/openapi.json", base_url=app.config["BASE_URL"]).get_json()["paths"])
"""


NOTES = """
from pttadmin_visits.models import Note
from app.core.db import db
show = lambda: print("notes", [note.text for note in db.session.query(Note)])
"""


@pytest.mark.sqlite_only
def test_the_tutorial_from_the_first_file_to_the_last_table(database: str, databases: Databases, tmp_path: Path) -> None:
    place = Environment(tmp_path, databases.fresh(database))
    distribution = write_distribution("visits", tmp_path, "Visits")
    place.install(distribution)
    text = place.python('ptt("setup")\nptt("plugin list")')
    assert "visits" in text and "0.1.0" in text and "running" in text and "not loaded" not in text

    for path, content in tutorial_files().items():
        assert (distribution / path).parent.is_dir(), path
        (distribution / path).write_text(content, encoding="utf-8")
    project = distribution / "pyproject.toml"
    project.write_text(project.read_text().replace('version = "0.1.0"', 'version = "0.2.0"'))
    place.install(distribution)
    used = place.python(f'ptt("setup")\nptt("plugin list")\n{USE}\nptt("plugin remove visits")\nptt("plugin list", create_app(PLUGINS=["ptt_soap"]))')
    assert "0.2.0" in used and "calls 403 200 200" in used and "api True" in used
    assert "notes [('payment', 'Paid " in used and "('phone', 'Wants ten radios')]" in used
    assert "Its data stays: visits_alembic_version, visits_note" in used and "switched off" in used

    place.uninstall()
    assert "visits" not in place.python('ptt("setup")\nptt("plugin list")')
    place.install(distribution)
    text = place.python(f'{NOTES}\nshow()\ndb.session.rollback()\nptt("plugin remove visits --drop-data --yes")\nptt("setup")\nshow()')
    assert "'Wants ten radios'" in text and "Dropped: visits_alembic_version, visits_note" in text and "notes []" in text


@pytest.mark.parametrize("name", ["", "x", "Big", "with-dash", "billing", "core", "import", "9lives", "a" * 25, "../up"])
def test_names_that_cannot_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_distribution(name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    made = write_distribution("remarks", tmp_path, "Customer’s remarks")
    (made / "README.md").write_text("mine")
    with pytest.raises(ValueError, match="there already"):
        write_distribution("remarks", tmp_path)
    assert (made / "README.md").read_text() == "mine" and "Customer’s remarks" in (made / "pttadmin_remarks" / "__init__.py").read_text()
