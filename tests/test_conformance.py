"""The conformance runner on the cases that came with the project, and its own rules."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import runner
from conformance.runner import Verdict, judge, read_topics, run_topic, write

ROOT = Path(__file__).resolve().parents[1]
CASES = Path(__file__).parent / "cases"


def topics():
    return [pytest.param(data, id=data["topic"]) for data in read_topics(CASES)[0]]


@pytest.mark.parametrize("data", topics())
def test_every_case_of_the_copied_topics_passes(data):
    report = run_topic(data, CASES / "files")
    assert report.applicable and len(report.passed) == report.cases > 0, write(report)


def test_the_command_prints_each_topic_and_ends_with_zero(tmp_path):
    (tmp_path / "files").mkdir()
    data = json.loads((CASES / "soap.json").read_text("utf-8"))
    data["cases"] = [case for case in data["cases"] if case["kind"] == "response"][:2]
    (tmp_path / "soap.json").write_text(json.dumps(data), "utf-8")
    (tmp_path / "zebra.json").write_text('{"topic": "zebra", "cases": [{"id": "z1"}, {"id": "z2"}]}', "utf-8")
    (tmp_path / "table.json").write_text('{"topic": "zebra_table", "rows": []}', "utf-8")
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "soap: 2 passed, 0 failed" in done.stdout and done.stdout.count("zebra: not yet applicable (2 cases)") == 1
    assert "table.json: a table, no cases" in done.stdout


def run(folder):
    return subprocess.run([sys.executable, "-m", "conformance", str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_the_command_fails_on_a_failed_case_a_broken_file_and_nothing_at_all(tmp_path):
    assert run(tmp_path).returncode == 2
    (tmp_path / "broken.json").write_text("{", "utf-8")
    assert run(tmp_path).returncode == 1
    (tmp_path / "broken.json").unlink()
    case = {"id": "s-1", "kind": "response", "name": "empty body", "input": {"response": ""}, "expect": {"product": "works"}}
    (tmp_path / "soap.json").write_text(json.dumps({"topic": "soap", "cases": [case]}), "utf-8")
    done = run(tmp_path)
    assert done.returncode == 1
    assert "FAILED s-1  product" in done.stdout and "expected  works" in done.stdout and "empty" in done.stdout


GOOD = {"id": "c", "kind": "k", "expect": {"a": 1}}


@pytest.mark.parametrize(("case", "verdicts", "words"), [
    ({**GOOD, "expect": {"a": 1, "b": 2}}, {"a": Verdict(True, 1)}, "not understood"),
    (GOOD, {"a": Verdict(False, 7)}, 7), ({"id": "c"}, {}, None), ({**GOOD, "expect": {}}, {}, {})])
def test_a_key_that_nothing_judges_fails(case, verdicts, words):
    failures = judge(case, lambda _case, _files: verdicts, CASES)
    assert len(failures) == 1 and (words in failures[0][3] if isinstance(words, str) else failures[0][3] == words)


def test_an_adapter_that_raises_fails_the_case_and_not_the_run(monkeypatch):
    def check(case, files):
        raise KeyError("oops")
    assert "KeyError" in judge(GOOD, check, CASES)[0][3]
    monkeypatch.setattr(runner, "adapter", lambda topic: 1 / 0)
    report = run_topic({"topic": "x", "cases": [GOOD]}, CASES)
    assert report.failed == ["c"]


def soap_case(kind, name, data, **expect):
    return {"id": "t", "kind": kind, "name": name, "input": data, "expect": expect}


@pytest.mark.parametrize("case", [
    soap_case("response", "x", {"response": "(plays the violin)"}, product="clean error"),
    soap_case("response", "empty", {"response": ""}, product="sing a song"),
    soap_case("response", "empty", {"response": ""}, product="clean error", colour="red"),
    soap_case("response", "empty", {"response": "", "moon": "full"}, product="clean error"),
    soap_case("response", "empty", {"response": ""}, zeep_4_3_3="Fault"),
    soap_case("wsdl", "x", {"what": "(plays the violin)"}, product="clean error"),
    soap_case("real_wsdl", "x", {"file": "not-there.wsdl"}, services=1),
    soap_case("dance", "x", {}, product="clean error")])
def test_what_the_soap_adapter_does_not_understand_fails(case):
    (failure,) = run_topic({"topic": "soap", "cases": [case]}, CASES / "files").failures
    assert "not understood" in str(failure[3])


PLAIN = ('<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>{}</soap:Body></soap:Envelope>')


@pytest.mark.parametrize("case", [
    soap_case("response", "good", {"response": PLAIN.format('<R xmlns="urn:ptt"><r>x</r></R>')}, product="clean error"),
    soap_case("response", "good", {"response": PLAIN.format('<R xmlns="urn:ptt"><r>x</r></R>')}, product="limit the size"),
    soap_case("response", "other", {"response": PLAIN.format('<O xmlns="urn:ptt"/>')}, product="works"),
    soap_case("response", "invalid name", {"response": PLAIN.format("<soap:Fault><faultcode>soap:Client</faultcode><faultstring>Invalid"
                                                                    " name</faultstring></soap:Fault>")}, product="the job is tried again"),
    soap_case("response", "hangs", {"response": "(no answer)"}, product="permanent: hold the job"),
    soap_case("wsdl", "5 MB", {"what": "5 MB"}, product="say which operation is missing"),
    soap_case("real_wsdl", "http.wsdl", {"file": "http.wsdl"}, services=2),
    soap_case("real_wsdl", "http.wsdl", {"file": "http.wsdl"}, operations=["Other"])])
def test_the_soap_adapter_can_fail(case):
    assert run_topic({"topic": "soap", "cases": [case]}, CASES / "files").failed == ["t"]


@pytest.mark.parametrize(("name", "what", "product"), [
    ("import of a file", 'xsd:import schemaLocation="file:///etc/passwd"', "never opens local files; refused"),
    ("import cycle", "a.wsdl imports b.wsdl imports a.wsdl", "no endless loop"),
    ("endless imports", "every xsd imports the next one, endless", "limit the number of documents"),
    ("web page", "login page (HTML, status 200)", "say that this is no WSDL"),
    ("certificate", "self-signed certificate", "verification stays on; a CA file can be given"),
    ("address", 'soap:address location="http://10.0.0.1/x"', "no request to another host; the endpoint can be overridden"),
    ("redirect loop", "HTTP 302 to itself", "clean error, no endless loop"),
    ("huge", "100 MB", "limit the size"), ("SOAP 1.2", "SOAP 1.2 binding only", "works")])
def test_further_wsdl_situations(name, what, product):
    report = run_topic({"topic": "soap", "cases": [soap_case("wsdl", name, {"what": what}, product=product)]}, CASES / "files")
    assert not report.failures, write(report)


@pytest.mark.parametrize(("name", "response", "product"), [
    ("HTTP 500 with HTML", "(HTTP 500, text/html)", "transient: tried again"), ("empty answer", "(empty body)", "must not be taken for success"),
    ("answer lost", "(connection closed after the request)", "outcome unknown: read the state first"),
    ("half", "(half of the answer, then closed)", "clean error"), ("drip", "(one byte per second)", "worker must not hang"),
    ("gzip bomb", "(50 MB of zeros, gzip)", "limit the size"), ("XInclude", "(xi:include of a file)", "the file is not read"),
    ("deep nesting", "(100,000 nested elements)", "refused, no crash"), ("login", "(HTTP 401)", "clean error that names the login"),
    ("no such user", PLAIN.format("<soap:Fault><faultcode>soap:Client</faultcode><faultstring>No such user</faultstring></soap:Fault>"),
     "delete: treat as done")])
def test_further_answers(name, response, product):
    report = run_topic({"topic": "soap", "cases": [soap_case("response", name, {"response": response}, product=product)]}, CASES / "files")
    assert not report.failures, write(report)
