"""A secret setting: stored encrypted, shown to nobody, kept when its field is left empty, removed by a dash."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.db import db
from app.system import settings as system
from app.system.models import ProtocolEntry, SettingValue
from app.system.settings import Setting, change_settings, declare, is_given, setting

KEY = "sample.secret"


@pytest.fixture(autouse=True)
def declared(app):
    declare(Setting(KEY, str, "", "API key", "Sample", secret=True))
    yield
    system._declared.pop(KEY)


def test_it_is_stored_encrypted_and_named_nowhere(app):
    assert setting(KEY) == "" and not is_given(KEY)
    assert change_settings({KEY: "tell-nobody-77"}) == [KEY]
    assert setting(KEY) == "tell-nobody-77" and is_given(KEY) and "tell" not in repr(setting(KEY))
    stored = db.session.get(SettingValue, KEY).value
    entry = db.session.scalars(select(ProtocolEntry).where(ProtocolEntry.subject == KEY)).one()
    assert "tell" not in stored and "tell" not in str(entry.changes)
    assert change_settings({KEY: ""}) == [KEY] and setting(KEY) == "" and not is_given(KEY)
    assert change_settings({KEY: ""}) == []


def test_a_secret_has_no_default():
    with pytest.raises(TypeError):
        declare(Setting("sample.other", str, "abc", "Other", "Sample", secret=True))
