"""The list of parts names every locked one; the audit says what it knows, and never that all is well when nobody was asked."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.settings import ROOT
from tools import audit, sbom


def test_every_locked_part_is_in_the_list():
    lock, npm = (ROOT / "requirements.lock").read_text(), json.loads((ROOT / "package-lock.json").read_text())
    made = sbom.document(lock, npm, "1.0")
    names = {part["purl"] for part in made["components"]}
    pins = re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;\\]+)", lock, re.M)
    assert len(pins) > 60 and all(f"pkg:pypi/{name.lower().replace('_', '-')}@{version}" in names for name, version in pins)
    assert any(name.startswith("pkg:npm/bootstrap@") for name in names) and not any("axe-core" in name for name in names)
    assert len({part["bom-ref"] for part in made["components"]}) == len(made["components"])
    assert made["bomFormat"] == "CycloneDX" and made == sbom.document(lock, npm, "1.0"), "the same locks give the same list"
    flask = next(part for part in made["components"] if part["name"] == "flask")
    assert flask["licenses"] and any(item["name"] == "pttadmin:file:sha256" for item in flask["properties"])


@pytest.mark.parametrize(("judge", "code", "out", "err", "state"), [
    (audit.judge_python, 0, '{"dependencies": [{"name": "flask", "version": "3", "vulns": []}]}', "", "clean"),
    (audit.judge_python, 1, '{"dependencies": [{"name": "flask", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}]}', "", "found"),
    (audit.judge_python, 1, "", "ConnectionError: Max retries exceeded", "skipped"), (audit.judge_python, 1, '{"dependencies": []}', "x", "skipped"),
    (audit.judge_npm, 0, '{"metadata": {"vulnerabilities": {"total": 0}, "dependencies": {"total": 9}}, "vulnerabilities": {}}', "", "clean"),
    (audit.judge_npm, 1, '{"metadata": {"vulnerabilities": {"total": 1}}, "vulnerabilities": {"x": {"severity": "high"}}}', "", "found"),
    (audit.judge_npm, 1, '{"error": {"code": "ENOAUDIT"}}', "npm error ENOTFOUND", "skipped"), (audit.judge_npm, 1, "", "", "skipped"),
])
def test_what_the_audit_concludes(judge, code, out, err, state):
    assert judge(code, out, err)[0] == state
