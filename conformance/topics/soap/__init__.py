"""Topic "soap": the driver `ptt_soap` against servers that misbehave, and what it reads out of WSDL files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.runner import NotUnderstood, Verdict
from conformance.topics.soap import documents, responses, wsdls
from conformance.topics.soap.sentences import judge
from conformance.topics.soap.server import Reply, Script
from conformance.topics.soap.stage import Situation, Stage
from plugins.ptt_soap.faults import kind_of_name
from plugins.ptt_soap.wsdl import BadXml, inspect

# What a bare library did when the case was written: a remark beside the case, which asks nothing of the product.
REMARKS = ("zeep_",)


def check(case: dict[str, Any], files: Path) -> dict[str, Verdict]:
    kinds: dict[str, Callable[[dict[str, Any], Path], dict[str, Verdict]]] = {
        "fault_names": _fault_names, "real_wsdl": _real_wsdl, "response": _behaviour, "wsdl": _behaviour}
    kind = kinds.get(str(case.get("kind")))
    if kind is None:
        raise NotUnderstood(f"the kind {case.get('kind')!r}")
    return kind(case, files)


def _behaviour(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    """Play what the case describes; `product` is the sentence that is judged."""
    expect = case["expect"]
    if "product" not in expect:
        raise NotUnderstood("expect has no `product`, so nothing is asked")
    situations = responses.build(case) if case["kind"] == "response" else wsdls.build(case)
    verdicts = {key: Verdict(True, "a remark") for key in expect if key.startswith(REMARKS)}
    good, got = True, []
    for situation in situations:
        with Stage(situation).playing() as stage:
            verdict = judge(expect["product"], [stage])
        good &= verdict.ok
        got.append(str(verdict.got))
    verdicts["product"] = Verdict(good, " | ".join(got))
    return verdicts


def _real_wsdl(case: dict[str, Any], files: Path) -> dict[str, Verdict]:
    name = str(case.get("input", {}).get("file") or case.get("file", "")).rpartition("/")[2]
    path = files / "wsdl" / name
    if not name or not path.is_file():
        raise NotUnderstood(f"the file {name!r} is not there")
    with Stage(Situation(lambda _url: lambda *_request: Reply(), down=True)).playing() as stage:
        try:
            found = inspect(path.read_bytes())
        except BadXml as problem:
            if "error" in case["expect"]:
                return {"error": Verdict(bool(str(problem.reason)), str(problem.reason))}
            raise
        strangers = stage.strangers
    if strangers:
        raise AssertionError(f"the inspection contacted {strangers}")
    values: dict[str, Any] = {
        "services": found.services, "operations": found.operations, "imports": found.imports, "faults": found.faults,
        "bindings": [b.name for b in found.bindings], "addresses": found.addresses, "endpoints": found.addresses,
        "soap": [b.soap for b in found.bindings], "rpc": any(b.rpc for b in found.bindings),
        "encoded": any(b.encoded for b in found.bindings)}
    return {key: Verdict(_same(expected, values[key]), values[key]) for key, expected in case["expect"].items() if key in values}


def _same(expected: Any, found: Any) -> bool:
    """A number is the number of things found; a list is compared without order; the rest as it is."""
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, (int, float)):
        return len(found) == expected
    if isinstance(expected, dict):
        return {k: sorted(v) for k, v in expected.items()} == {k: sorted(v) for k, v in found.items()}
    if isinstance(expected, list):
        names = [n for names in found.values() for n in names] if isinstance(found, dict) else list(found)
        return sorted(map(str, expected)) == sorted(map(str, names))
    return expected in found


def _fault_names(case: dict[str, Any], _files: Path) -> dict[str, Verdict]:
    """A WSDL whose operation declares these faults: the product finds them, and when the server answers with one of them
    the order ends in a class that fits its words, with the name shown."""
    operation = case.get("input", {}).get("operation")
    names = case["expect"].get("faults")
    if not isinstance(operation, str) or not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise NotUnderstood("input.operation or expect.faults")
    operations = {**documents.OPERATIONS, "modify_user": operation}

    def at(url: str) -> Script:
        document = documents.wsdl(f"{url}/service", {call: (names if call == operation else ()) for call in operations.values()})

        def script(method: str, path: str, body: bytes) -> Reply:
            if method == "GET":
                return Reply(document)
            name = next(n for n in names if f">{n}<".encode() in body)
            detail = f'<t:{name} xmlns:t="{documents.NAMESPACE}"/>'
            return Reply(documents.fault("", detail=detail).encode(), 500)
        return script

    from app.plugin_api import UserState
    got: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        stage = stack.enter_context(Stage(Situation(at, operations=operations)).playing())
        declared = inspect(at(stage.server.url)("GET", "/", b"").body).faults[operation]     # type: ignore[arg-type]
        for name in names:
            outcome = stage.attempt(lambda n=name: stage.driver().apply_user(
                stage.access(), UserState("x", alias=n), UserState("x"), unsure=False))
            expected = {"later": ("TryLater",), "unknown": ("Unknown",), None: ("Unknown",)}.get(kind_of_name(name), ("Refused",))
            fits = outcome.kind in expected and name in outcome.reason
            got[name] = "declared and classed" if name in declared and fits else str(outcome)
    right = all(text == "declared and classed" for text in got.values()) and sorted(declared) == sorted(names)
    return {"faults": Verdict(right, got)}
