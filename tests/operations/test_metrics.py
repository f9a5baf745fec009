"""Prometheus reads facts of the machine; nobody reads them without token or address, and nothing of customers is in them."""

from __future__ import annotations

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.admin import metrics
from app.core import clock
from app.core.db import transaction
from app.system.job_runs import jobs, run_now
from app.system.models import JobRun, MailMessage, Mark, RunState
from tests import factories as make

TOKEN = "metrics-token-0123456789-abcdef"


@pytest.fixture
def read(app, redis_server):
    app.config["METRICS_TOKEN"] = TOKEN

    def ask():
        answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200, answer.text
        return answer.text

    return ask


def values(text):
    return {(sample.name, *sorted(sample.labels.items())): sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


@pytest.mark.parametrize(("config", "headers", "status"), [
    ({}, {}, 404), ({}, {"Authorization": "Bearer "}, 404), ({"METRICS_TOKEN": TOKEN}, {}, 404), ({"METRICS_TOKEN": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"}, 404),
    ({"METRICS_TOKEN": TOKEN}, {"Authorization": "Bearer ключ"}, 404), ({"METRICS_TOKEN": TOKEN}, {"Authorization": f"Bearer {TOKEN}"}, 200),
    ({"METRICS_NETS": "10.0.0.0/8"}, {}, 404), ({"METRICS_NETS": "10.0.0.0/8, 127.0.0.0/8"}, {}, 200),
])
def test_who_may_read(app, config, headers, status):
    app.config.update({"METRICS_TOKEN": "", "METRICS_NETS": "", **config})
    headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    answer = app.test_client().get("/metrics", headers=headers)
    assert answer.status_code == status and ("ptt_" in answer.text) is (status == 200)


def test_jobs_outboxes_and_queues(app, read):
    run_now("system.sweep_documents")
    with transaction() as session:
        session.add(JobRun(job="system.backup", period="2026-11-24", state=RunState.FAILED))
        session.add(MailMessage(key="k", kind="invoice", recipient="secret@example.org", subject="s", body="b", message_id="<1@x>"))
        session.add(Mark(name="clock.high", value=clock.now().isoformat()))
    found = values(read())
    assert clock.now().timestamp() - found["ptt_job_last_success_timestamp_seconds", ("job", "system.sweep_documents")] < 60
    assert found["ptt_job_runs", ("job", "system.backup"), ("state", "failed")] == 1
    assert found["ptt_outbox_rows", ("outbox", "mail"), ("state", "waiting")] == 1 and found["ptt_outbox_oldest_seconds", ("outbox", "mail")] < 60
    assert found["ptt_queue_length", ("queue", "default")] == 0 and found["ptt_redis_up",] == 1 and found["ptt_quarantine",] == 0 and found["ptt_alerts",] == 1
    for job in jobs().values():
        if job.once_per:
            assert found["ptt_job_next_timestamp_seconds", ("job", job.name)] > clock.now().timestamp(), job.name


def test_requests_by_kind_of_route(app, read):
    before = values(read())
    client = app.test_client()
    client.get("/portal/login?number=K10001")
    client.get("/nothing/K10001-of-somebody")
    client.open("/healthz", method="BREW")
    after = values(read())

    def more(area, status, method="GET"):
        key = "ptt_http_requests_total", ("area", area), ("method", method), ("status", status)
        return after.get(key, 0) - before.get(key, 0)

    assert more("portal", "2xx") == 1 and more("site", "4xx") == 1 and more("machines", "4xx", "other") == 1
    assert after["ptt_http_request_seconds_count", ("area", "portal")] >= 1


def test_nothing_of_customers(app, read):
    row = make.customer(company="Geheim GmbH", email="geheim@example.org")
    app.test_client().get(f"/portal/login?number={row.number}")
    text = read()
    assert "Geheim" not in text and row.number not in text and "@" not in text
    labels = set(re.findall(r"(\w+)=\"", text))
    assert labels <= {"job", "state", "outbox", "queue", "place", "area", "method", "status", "le", "generation", "implementation", "major", "minor", "patchlevel", "version"}


def test_without_redis_the_rest_is_told(app, read, no_redis):
    found = values(read())
    assert found["ptt_redis_up",] == 0 and any(key[0] == "ptt_job_next_timestamp_seconds" for key in found)


def test_the_kind_of_a_path():
    assert [metrics.area(path) for path in ("/admin/x", "/portal/", "/api/v1/customers", "/hooks/paypal/", "/static/a.css", "/metrics", "/", "", "*", "/adminx")] == \
        ["admin", "portal", "api", "hooks", "static", "machines", "site", "site", "site", "site"]
