from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.portal.visitors import Visitor, set_sender
from tests.support.mail import SmtpSink


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)


@pytest.fixture
def mailbox(app: Flask, smtp_sink: SmtpSink) -> Any:
    """A real SMTP server; e-mails of the product go there."""
    set_sender()
    return smtp_sink
