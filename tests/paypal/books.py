"""A stand-in of PayPal, an account set up with it, and customers who pay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.core import clock
from app.core.db import db
from app.customers.models import Customer
from app.plugin_api.network import GuardedClient
from app.plugin_api.registry import plugins
from app.receivables.models import OpenItem, Payment
from app.receivables.open_items import add_demand
from app.system.settings import change_settings
from plugins.paypal import api, hosts, signature
from plugins.paypal.models import Attempt, Capture
from simulator.paypal import CLIENT_ID, SECRET, WEBHOOK_ID, Running, serve_in_thread
from tests import factories as make

_numbers = count(1)
HOOK = "/hooks/paypal/webhook"


def _nothing_is_held(work: Any) -> Any:
    def asked(*args: Any, **named: Any) -> Any:
        assert not db.session().in_transaction(), "PayPal is asked while a connection is held"
        return work(*args, **named)

    return asked


@contextmanager
def paypal(app: Flask) -> Iterator[Running]:
    with serve_in_thread(registered="http://localhost/hooks/paypal/webhook") as running, pytest.MonkeyPatch.context() as patched:
        patched.setattr(api.Client, "http_call", _nothing_is_held(api.Client.http_call))
        patched.setattr(GuardedClient, "request", _nothing_is_held(GuardedClient.request))
        app.config["PTT_PAYPAL_URL"] = running.url
        plugins().loaded["paypal"].answers["portal_form_targets"] = list(hosts.payer_origins())      # asked for at the start, before there was one
        api._clients.clear()
        signature._kept.clear()
        change_settings({"paypal.mode": "simulator", "paypal.client_id": CLIENT_ID, "paypal.secret": SECRET, "paypal.webhook_id": WEBHOOK_ID})
        yield running


def owing(amount: str = "59.97", **fields: Any) -> tuple[Customer, OpenItem]:
    customer = make.customer(**fields)
    return customer, add_demand(customer, f"RE-2026-{next(_numbers):06d}", Decimal(amount))


def agree(running: Running, answer: Any, outcome: str = "COMPLETED") -> str:
    """The payer agrees on the page that the answer leads to; the path that he comes back to."""
    order = re.fullmatch(rf"{re.escape(running.url)}/checkoutnow\?token=(\w+)", answer.headers["Location"])[1]
    running.book.approve(order, outcome)
    look = running.book.orders[order]["payment_source"]["paypal"]["experience_context"]
    return look["return_url"].removeprefix("http://localhost")


def deliver(app: Flask, running: Running, *events: dict[str, Any]) -> list[int]:
    """Messages to the webhook, signed; by default all that PayPal has not sent yet."""
    found = []
    for event in events or tuple(running.messages):
        headers, body = running.signed(event)
        found.append(app.test_client().post(HOOK, data=body, headers=headers, environ_base={"HTTP_HOST": "localhost"}).status_code)
    if not events:
        running.messages.clear()
    db.session.rollback()
    return found


def only_attempt() -> Attempt:
    return db.session.scalars(select(Attempt).execution_options(populate_existing=True)).one()


def captures() -> list[Capture]:
    return list(db.session.scalars(select(Capture).order_by(Capture.id).execution_options(populate_existing=True)))


def payments() -> list[Payment]:
    return list(db.session.scalars(select(Payment).order_by(Payment.id).execution_options(populate_existing=True)))


def open_of(item: OpenItem) -> Decimal:
    db.session.refresh(item)
    return item.open


def today() -> Any:
    return clock.today()
