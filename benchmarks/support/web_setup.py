"""A new installation with an administrator, in a process of its own: `python -m benchmarks.support.web_setup NAME PASSWORD`."""

from __future__ import annotations

import sys

from app.admin.setup import set_administrator, setup_all
from app.core.actor import Actor, acting
from app.factory import create_app
from app.system.settings import change_settings

with create_app().app_context():
    setup_all()
    change_settings({"staff.require_second_factor": False})     # the measured pages, not the page that sets it up
    with acting(Actor("cli", "benchmark")):
        set_administrator(sys.argv[1], sys.argv[2])
