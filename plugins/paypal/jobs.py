"""Timed program of PayPal payments. What is on its way is asked for by the hourly run, as a source of payments."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.plugin_api import Job
from plugins.paypal.settling import look_for_missed

JOBS = [Job("paypal.missed", _l("Look for PayPal payments that were missed"), run=look_for_missed, once_per="day", at="04:20", catch_up=False,
            help=_l("Asks PayPal about every attempt of the last 30 days that was never paid: a payer may have agreed and neither his browser nor PayPal's message have come back."))]
