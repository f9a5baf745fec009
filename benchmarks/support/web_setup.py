"""A new installation with an administrator, in a process of its own: `python -m benchmarks.support.web_setup NAME PASSWORD`."""

from __future__ import annotations

import sys

from app.admin.setup import set_administrator, setup_all
from app.core.actor import Actor, acting
from app.factory import create_app

with create_app().app_context():
    setup_all()
    with acting(Actor("cli", "benchmark")):
        set_administrator(sys.argv[1], sys.argv[2])
