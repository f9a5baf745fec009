"""Schemathesis against the interface's own description: never a 5xx, every answer as described. PTT_FUZZ sets the examples an operation."""

from __future__ import annotations

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.api import routes  # noqa: F401  declares the operations
from app.api.openapi import document
from tests import factories as make

EXAMPLES = int(os.environ.get("PTT_FUZZ", "12"))
OPERATIONS = [(path, method) for path, methods in document()["paths"].items() for method in methods]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{m} {p}" for p, m in OPERATIONS])
def test_operation(api, app, path, method):
    tariff = make.tariff()
    owner = make.customer(tariff, server=make.server())
    from app.core import clock

    make.license(owner, tariff, clock.today(), user_name="wagen1")
    schema = schemathesis.openapi.from_dict(document())
    schema.app = app
    operation = schema[path][method.upper()]

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], database=None, derandomize=True)
    @given(case=operation.as_strategy(), key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
    def run(case, key):
        answer = api(method.upper(), case.formatted_path, key=key if method != "get" else "",
                     query_string={k: v if isinstance(v, str) else str(v).lower() if isinstance(v, bool) else v for k, v in (case.query or {}).items()},
                     **({"json": case.body} if isinstance(case.body, dict | list | str | int) else {}))
        assert answer.status_code < 500, (answer.status_code, answer.text[:300])
        described = document()["paths"][path][method]["responses"]
        assert str(answer.status_code) in described, answer.status_code
        if answer.status_code >= 400:
            assert answer.json["error"]["message"]

    run()


