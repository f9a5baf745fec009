"""Answers and WSDLs of a hostile or broken server: a clear error in time, nothing read, nothing contacted, no memory."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plugin_api import ProvisioningError, ServerAccess, UserState
from app.plugin_api.network import Answer
from conformance.topics.soap import documents as d
from conformance.topics.soap.server import Reply, Server, self_signed
from conformance.topics.soap.stage import SECRET, Situation, Stage
from plugins.ptt_soap.client import Client, Faulted
from plugins.ptt_soap.wsdl import BadXml, inspect, parse_xml

OPERATIONS = dict.fromkeys(d.OPERATIONS.values(), ())
GOOD = d.good("x").encode()


def answering(reply):
    def at(url):
        document = d.wsdl(f"{url}/service", OPERATIONS)
        return lambda method, path, body: Reply(document) if method == "GET" else reply
    return Situation(at)


def serving(reply, **options):
    return Situation(lambda url: lambda method, path, body: reply(url) if method == "GET" else Reply(GOOD), **options)


LOST = {
    "external entity": Reply(('<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + d.good("", inside="&x;")).encode()),
    "external document type": Reply(('<!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd">' + d.good("x")).encode()),
    "billion laughs": Reply(d.laughs(d.good("", inside="&e9;")).encode()),
    "laughs in an attribute": Reply(d.laughs('<a b="&e9;"/>').encode()),
    "quadratic": Reply(d.quadratic().encode()[:900_000]),
    "hidden in UTF-16": Reply(('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE d [<!ENTITY x "y">]>' + d.good("x")).encode("utf-16")),
    "behind a comment": Reply(('<!-- <a --><!DOCTYPE d [<!ENTITY x "y">]>' + d.good("", inside="&x;")).encode()),
    "deep": Reply(d.good("", inside="<a>" * 5000 + "</a>" * 5000).encode()),
    "truncated": Reply(GOOD[:-20]),
    "cut off": Reply(GOOD[:60], missing=100, then="close"),
    "closed": Reply(silent=True, then="close"),
    "reset": Reply(silent=True, then="reset"),
    "silent": Reply(silent=True, then="hang"),
    "headers only": Reply(b"", missing=500, then="hang"),
    "dripping": Reply(GOOD, pause=0.1),
    "empty": Reply(b""),
    "empty body": Reply(d.envelope("").encode()),
    "empty element": Reply(d.envelope(f'<R xmlns="{d.NAMESPACE}"/>').encode()),
    "another operation": Reply(d.envelope('<Other xmlns="urn:ptt"><r>x</r></Other>').encode()),
    "another user": Reply(d.good("somebody-else").encode()),
    "no envelope": Reply(b"<R xmlns='urn:ptt'><r>x</r></R>"),
    "web page": Reply(b"<!DOCTYPE html><html><body>Login</body></html>", headers=(("Content-Type", "text/html"),)),
    "not UTF-8": Reply(GOOD.replace(b"<r>x", b"<r>x\xff")),
    "control character": Reply(d.good("", inside="&#1;").encode()),
    "10 MB": Reply(lambda: d.stream("<a>", 10_000_000, "</a>")),
    "packed bomb": Reply(d.bomb(20_000_000), headers=(d.XML, ("Content-Encoding", "gzip"))),
    "not packed at all": Reply(GOOD, headers=(d.XML, ("Content-Encoding", "gzip"))),
    "gateway time-out": Reply(b"<html></html>", 504, (("Content-Type", "text/html"),)),
}


@pytest.mark.parametrize("name", LOST)
def test_an_answer_that_cannot_be_used_is_unclear_for_a_write_and_nothing_for_a_read(name):
    with Stage(replace(answering(LOST[name]), options={"read_timeout": 0.5})).playing() as stage:
        read, write = stage.read, stage.write
        assert (read.kind, write.kind) == ("TryLater", "Unknown"), (read, write)
        assert read.clean and write.clean and "<" not in write.reason
        assert max(read.seconds, write.seconds) < 2.5
        assert stage.growth < 40_000 and not stage.strangers and not stage.told_password
        assert "/etc/hostname" not in stage.opened
        # And the next attempt asks for the state before it sends anything.
        stage.server.requests.clear()
        again = stage.attempt(lambda: stage.driver().apply_user(stage.access(), UserState("x", enabled=False), None, unsure=True))
        assert again.kind == "Unknown"


@pytest.mark.parametrize(("status", "kinds"), [(503, ("TryLater", "TryLater")), (500, ("TryLater", "TryLater")), (429, ("TryLater", "TryLater")),
                                               (404, ("TryLater", "TryLater")), (401, ("Refused", "Refused")), (403, ("Refused", "Refused"))])
def test_a_status_says_what_happened(status, kinds):
    with Stage(answering(Reply(b"<html><br></html>", status, (("Content-Type", "text/html"),)))).playing() as stage:
        assert (stage.read.kind, stage.write.kind) == kinds
        assert str(status) in stage.write.reason


def test_a_redirect_is_not_followed():
    with Server(lambda *_: Reply(GOOD)) as other:
        with Stage(answering(Reply(b"", 307, (("Location", f"{other.url}/steal?x=1"),)))).playing() as stage:
            assert stage.write.kind == "TryLater" and f"{other.url}/steal" in stage.write.reason
        assert other.requests == []


@pytest.mark.parametrize("reply", [
    Reply(b"\xef\xbb\xbf" + GOOD), Reply(gzip.compress(GOOD), headers=(d.XML, ("Content-Encoding", "gzip"))),
    Reply(GOOD, chunked=True), Reply(GOOD, headers=(("Content-Type", "text/plain"),)), Reply(GOOD, headers=()),
    Reply(d.multipart(GOOD.decode())[1], headers=(d.multipart("")[0],)),
    Reply(('<?xml version="1.0" encoding="utf-16"?>' + GOOD.decode()).encode("utf-16")),
    Reply(d.good("x").replace("<r>", "<new>1</new><r>").encode()), Reply(d.good("", inside="<![CDATA[x]]>").encode()),
    Reply(GOOD.replace(b"soap:", b"q:").replace(b":soap", b":q"))])
def test_unusual_answers_that_are_right_are_understood(reply):
    with Stage(answering(reply)).playing() as stage:
        assert stage.read.kind == "value" and stage.read.value.name == "x"
        assert stage.write.kind == "value" and stage.write.value.enabled is False


def test_the_character_set_of_http_counts_where_the_document_is_silent():
    reply = Reply(d.good("Jürgen").encode("latin-1"), headers=(("Content-Type", "text/xml; charset=iso-8859-1"),))
    situation = replace(answering(reply), asked="Jürgen")
    with Stage(situation).playing() as stage:
        assert stage.read.value.name == "Jürgen"


def test_a_fault_that_repeats_the_password_does_not_pass_it_on():
    with Stage(answering(Reply(d.fault(f"bad login admin/{SECRET}", code="Client").encode(), 500))).playing() as stage:
        assert stage.read.clean and "bad login admin/…" in stage.read.reason and not stage.told_password


# WSDL ------------------------------------------------------------------------------------------------------------

def refused(situation):
    with Stage(situation).playing() as stage:
        read, health = stage.read, stage.health
        assert read.kind == "TryLater" and read.clean, read
        assert not health.ok and all(health.problems)
        assert not stage.strangers and not stage.leaks and stage.growth < 60_000
        assert read.seconds < 5
        return read.reason


@pytest.mark.parametrize(("options", "words"), [
    ({"prolog": d.laughs()}, "document type"), ({"prolog": '<!DOCTYPE d SYSTEM "http://127.0.0.1:9/">'}, "document type"),
    ({"schema": '<xs:import namespace="urn:o" schemaLocation="file:///etc/passwd"/>'}, "http://"),
    ({"schema": '<xs:include schemaLocation="/etc/passwd"/>'}, ""),
    ({"schema": '<xs:import namespace="urn:o" schemaLocation="http://internal/x.xsd"/>'}, "add internal to the allowed hosts"),
    ({"imports": '<import namespace="urn:o" location="http://internal/x.wsdl"/>'}, "another host"),
    ({"imports": '<import namespace="urn:o" location="http://169.254.169.254/x"/>'}, "another host"),
    ({"style": "rpc", "use": "encoded"}, "rpc/encoded"), ({"service": False}, "no service"),
    ({"schema": '<xs:element name="Broken" type="t:NoSuchType"/>'}, "")])
def test_a_wsdl_that_is_not_accepted(options, words):
    if options.get("schema", "").startswith("<xs:element"):
        reply = lambda url: Reply(d.wsdl(f"{url}/s", OPERATIONS, **options).replace(b'element="t:R"', b'element="t:Nothing"'))  # noqa: E731
    else:
        reply = lambda url: Reply(d.wsdl(f"{url}/s", OPERATIONS, **options))  # noqa: E731
    assert words in refused(serving(reply))


def test_the_address_in_the_wsdl_gets_no_password_on_another_host():
    with Server(lambda *_: Reply(GOOD)) as other:
        situation = serving(lambda _url: Reply(d.wsdl(f"{other.url}/service", OPERATIONS)))
        with Stage(situation).playing() as stage:
            assert stage.read.kind == "TryLater" and "another host" in stage.read.reason
            assert other.requests == []
            allowed = stage.access(allowed_hosts=frozenset({f"127.0.0.1:{other.port}"}))
            assert stage.driver().get_user(allowed, "x").name == "x"
            assert stage.driver().get_user(stage.access(endpoint=f"{stage.server.url}/service"), "x").name == "x"


def test_imports_of_an_allowed_host_get_no_password():
    with Server(lambda *_: Reply(b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:o"/>')) as other:
        schema = f'<xs:import namespace="urn:o" schemaLocation="{other.url}/o.xsd"/>'
        with Stage(serving(lambda url: Reply(d.wsdl(f"{url}/s", OPERATIONS, schema=schema)))).playing() as stage:
            allowed = stage.access(allowed_hosts=frozenset({f"127.0.0.1:{other.port}"}))
            assert stage.driver().get_user(allowed, "x").name == "x"
            assert any("authorization" in h for h in stage.server.headers)
        assert other.requests == [("GET", "/o.xsd")]
        assert not any("authorization" in h for h in other.headers)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_certificate_must_be_trusted_or_its_authority_given():
    with Stage(serving(lambda url: Reply(d.wsdl(f"{url}/s", OPERATIONS)), tls=True)).playing() as stage:
        assert stage.read.kind == "TryLater" and "certificate" in stage.read.reason
        assert stage.server.requests == []
        assert stage.driver().get_user(stage.access(ca_file=self_signed()[0]), "x").name == "x"
        assert stage.driver().get_user(stage.access(verify_tls=False), "x").name == "x"


def test_a_wsdl_over_https_does_not_lead_to_http():
    def reply(url):
        return Reply(d.wsdl(url.replace("https", "http") + "/s", OPERATIONS))
    with Stage(serving(reply, tls=True, options={"ca_file": self_signed()[0]})).playing() as stage:
        assert stage.read.kind == "TryLater" and "unprotected" in stage.read.reason


def test_tls_answers_end_in_time_too():
    def at(url):
        document = d.wsdl(f"{url}/s", OPERATIONS)
        return lambda method, path, body: Reply(document) if method == "GET" else Reply(GOOD, pause=0.2)
    with Stage(Situation(at, tls=True, options={"ca_file": self_signed()[0]})).playing() as stage:
        assert stage.write.kind == "Unknown" and stage.write.seconds < 2.5


def test_soap_1_2_works_and_its_faults_are_read():
    def at(url):
        document = d.wsdl(f"{url}/s", OPERATIONS, soap="1.2")

        def script(method, path, body):
            if method == "GET":
                return Reply(document)
            if b"lockOne" in body:
                return Reply(d.fault12("The line is busy").encode(), 500, (("Content-Type", "application/soap+xml"),))
            return Reply(d.good("x").replace(d.ENVELOPE, d.ENVELOPE12).encode(), headers=(("Content-Type", "application/soap+xml"),))
        return script
    with Stage(Situation(at)).playing() as stage:
        assert stage.read.kind == "value"
        assert stage.write.kind == "TryLater" and "The line is busy" in stage.write.reason


# The parsers, with anything -------------------------------------------------------------------------------------

class _Output:
    body = None
    _is_body_wrapped = False


class _Operation:
    style = "document"
    output = _Output()


BROKEN = st.one_of(st.binary(max_size=400), st.builds(lambda cut, junk: GOOD[:cut] + junk + GOOD[cut:],
                                                      st.integers(0, len(GOOD)), st.binary(max_size=12)))


@given(BROKEN, st.sampled_from([200, 202, 302, 401, 500, 503]),
       st.one_of(st.sampled_from(["text/xml", "text/html", "multipart/related; boundary=b1", "text/xml; charset=x-unknown"]), st.text(max_size=30)))
def test_any_bytes_are_an_answer_or_a_clean_error(content, status, kind):
    client = Client(ServerAccess(1, "x", "http://x/"), None, None, {"op": _Operation()}, None)
    try:
        client._read("op", Answer(status, {"Content-Type": kind}, content), True)
    except (ProvisioningError, Faulted) as problem:
        assert str(getattr(problem, "reason", "x"))


@given(st.one_of(st.binary(max_size=300), st.builds(lambda cut, junk: d.wsdl("u", OPERATIONS)[:cut] + junk,
                                                    st.integers(0, 3000), st.binary(max_size=12))))
def test_any_bytes_are_a_wsdl_or_refused(content):
    try:
        inspect(content)
    except BadXml as problem:
        assert str(problem.reason)


def test_comments_and_instructions_are_no_content():
    root = parse_xml(b"<a><!-- x --><?php y?><b/></a>")
    assert [child.tag for child in root] == ["b"]

