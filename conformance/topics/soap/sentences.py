"""What `expect.product` asks, as checks on what was seen. Each sentence is English; each rule knows some of its words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.plugin_api import UserState
from conformance.runner import NotUnderstood, Verdict
from conformance.topics.soap import documents as d
from conformance.topics.soap.responses import idempotent
from conformance.topics.soap.server import self_signed
from conformance.topics.soap.stage import SECRET, Outcome, Situation, Stage
from plugins.ptt_soap import PttSoap

MAX_GROWTH = 64 * 1024          # kilobytes
MAX_SECONDS = 5.0
Judged = tuple[bool, str]


def _works(stage: Stage) -> Judged:
    outcomes = stage.both
    right = all(o.kind == "value" and o.value is not None and o.value.name == stage.situation.asked for o in outcomes)
    return right, _told(outcomes)


def _told(outcomes: list[Outcome]) -> str:
    return "; ".join(f"{name}: {o}" for name, o in zip(("read", "write", *"more"), outcomes, strict=False))


def _clean(stage: Stage) -> Judged:
    """A ProvisioningError with words for staff, nothing else; the test of the connection says so too."""
    outcomes = stage.both
    health = stage.health if stage.situation.wsdl else None
    fine = all(o.clean for o in outcomes) and (health is None or (not health.ok and all(health.problems)))
    return fine, _told(outcomes) + (f"; check: {health}" if health else "")


def _again(stage: Stage) -> Judged:
    return all(o.kind in ("TryLater", "Unknown") for o in stage.both), _told(stage.both)


def _held(stage: Stage) -> Judged:
    return all(o.kind == "Refused" for o in stage.both), _told(stage.both)


def _unclear(stage: Stage) -> Judged:
    """The write is Unknown, and the next attempt reads before it sends anything."""
    write = stage.write
    stage.server.requests.clear()
    again = stage.attempt(lambda: stage.driver().apply_user(
        stage.access(), UserState("x", enabled=False), UserState("x"), unsure=True))
    posts = [r for r in stage.server.requests if r[0] == "POST"]
    return write.kind == "Unknown" and again.kind in ("Unknown", "value") and len(posts) >= 1, f"{write}; then {again}"


def _no_file(stage: Stage) -> Judged:
    stage.both      # noqa: B018  played for what it may open
    crashed = [o for o in stage.both if o.kind == "crash"]
    return not stage.leaks and not crashed, f"leaks: {stage.leaks}; {_told(stage.both)}"


def _no_stranger(stage: Stage) -> Judged:
    outcomes = stage.both
    if stage.situation.wsdl:
        stage.health    # noqa: B018
    crashed = [o for o in outcomes if o.kind == "crash"]
    return not stage.strangers and not crashed, f"contacted: {stage.strangers}; {_told(outcomes)}"


def _allowed_host(stage: Stage) -> Judged:
    """Not contacted unless allowed; contacted once it is."""
    good, text = _no_stranger(stage)
    if good and stage.situation.foreign:
        canary = stage.situation.foreign[0]
        stage.attempt(lambda: stage.driver().get_user(
            stage.access(allowed_hosts=frozenset({f"127.0.0.1:{canary.port}"})), "x"))
        good, text = bool(canary.requests), f"{text}; once allowed it was asked {len(canary.requests)} times"
        canary.requests.clear()
    return good, text


def _bounded(stage: Stage) -> Judged:
    """Refused, with little memory, and not read to the end."""
    outcomes = stage.both
    fine = all(o.clean for o in outcomes) and stage.growth <= MAX_GROWTH and not stage.server.emptied
    return fine, (f"{stage.growth} kB more memory, {stage.server.sent} bytes sent, {stage.server.emptied} times to the end;"
                  f" {_told(outcomes)}")


def _small(stage: Stage) -> Judged:
    outcomes = stage.both
    crashed = [o for o in outcomes if o.kind == "crash"]
    return stage.growth <= MAX_GROWTH and not crashed, f"{stage.growth} kB more memory; {_told(outcomes)}"


def _quick(stage: Stage) -> Judged:
    return all(o.kind != "crash" and o.seconds <= MAX_SECONDS for o in stage.both), _told(stage.both)


def _cached(stage: Stage) -> Judged:
    driver, access = stage.driver(), stage.access(read_timeout=30.0)
    outcomes = [stage.attempt(lambda: driver.get_user(access, "x")) for _ in range(3)]
    times = sum(1 for method, _path in stage.server.requests if method == "GET")
    fine = times == 1 and all(o.kind == "value" for o in outcomes)
    return fine, f"the WSDL was read {times} times; {_told(outcomes)}"


def _names_missing(stage: Stage) -> Judged:
    health = stage.health
    lacks = stage.situation.lacks
    return bool(lacks) and not health.ok and any(lacks in p for p in health.problems), str(health)


def _starts(stage: Stage) -> Judged:
    """Made while the server is away, the driver works once it is there: nothing is asked at start, no failure is kept."""
    shipped = list(PttSoap().provisioning_drivers())
    driver = stage.driver()
    first = stage.attempt(lambda: driver.get_user(stage.access(), "x"))
    if not stage.situation.down:
        return bool(shipped) and first.kind != "crash", str(first)
    with stage.server:
        second = stage.attempt(lambda: driver.get_user(stage.access(), "x"))
    stage.server.requests.clear()
    return bool(shipped) and first.kind == "TryLater" and second.kind == "value", f"{first}; then {second}"


def _done_if_agreed(stage: Stage) -> Judged:
    """The fault of the case as answer to a create (or delete) whose first answer was lost."""
    text = stage.situation.answer or d.fault(stage.situation.fault or "User exists")
    found: list[str] = []
    fine = True
    for agrees in (True, False):
        with Stage(Situation(idempotent(text, agrees))).playing() as other:
            wanted = UserState("x", alias="wanted")
            got = other.attempt(lambda: other.driver().apply_user(other.access(), wanted, None, unsure=False))  # noqa: B023
            fine &= got.kind == "value" and got.value.name == "x" and got.value.alias == "wanted"
            found.append(f"data {'agree' if agrees else 'differ'}: {got}")
    return fine, "; ".join(found)


def _gone_is_done(stage: Stage) -> Judged:
    text = stage.situation.answer or d.fault(stage.situation.fault or "No such user")
    with Stage(Situation(idempotent(text, True))).playing() as other:
        got = other.attempt(lambda: other.driver().apply_user(other.access(), UserState("x", exists=False), UserState("x"),
                                                              unsure=False))
    return got.kind == "value" and not got.value.exists, str(got)


def _treated_as_done(stage: Stage) -> Judged:
    missing = re.search(r"not|no such|unknown|gone", stage.situation.fault, re.IGNORECASE)
    return _gone_is_done(stage) if missing else _done_if_agreed(stage)


def _not_success(stage: Stage) -> Judged:
    return all(o.clean for o in stage.both), _told(stage.both)


def _shows_fault(stage: Stage) -> Judged:
    text = " ".join(stage.situation.fault.split())
    return bool(text) and all(o.clean and text[:80] in o.reason for o in stage.both), _told(stage.both)


def _keeps_secret(stage: Stage) -> Judged:
    stage.both      # noqa: B018
    return not stage.told_password, f"the password {'was' if stage.told_password else 'was not'} shown; {_told(stage.both)}"


def _endpoint(stage: Stage) -> Judged:
    """The address of the WSDL is not used on another host; one that staff entered is."""
    outcome = stage.attempt(lambda: stage.driver().get_user(stage.access(endpoint=f"{stage.server.url}/service"), "x"))
    return outcome.kind == "value", str(outcome)


def _no_crash(stage: Stage) -> Judged:
    return all(o.kind != "crash" for o in stage.both), _told(stage.both)


def _harmless(stage: Stage) -> Judged:
    """After a few failures the server is left alone: the next calls fail at once, and another server is served."""
    driver = stage.driver()
    for _ in range(5):
        stage.attempt(lambda: driver.get_user(stage.access(), "x"))
    again = stage.attempt(lambda: driver.get_user(stage.access(), "x"))
    with Stage(Situation(idempotent("", True))).playing() as other:
        access = replace(other.access(), id=2)
        served = other.attempt(lambda: driver.get_user(access, "x"))
    return again.clean and again.seconds < 0.5 and served.kind == "value", f"{again}; another server: {served}"


def _own_authority(stage: Stage) -> Judged:
    """Not trusted as it is; trusted when staff gave the file of its authority."""
    first = stage.read
    second = stage.attempt(lambda: stage.driver().get_user(stage.access(ca_file=self_signed()[0]), "x"))
    return first.clean and second.kind == "value", f"{first}; with its authority: {second}"


def _login(stage: Stage) -> Judged:
    right = all(o.clean and SECRET not in o.reason and re.search("user name|password", o.reason) for o in stage.both)
    return right, _told(stage.both)


OR = re.compile(r"\bor\b", re.IGNORECASE)
Rule = Callable[[Stage], Judged]
RULES: list[tuple[str, Rule]] = [
    (r"which operation|name the (missing )?operation|operation (that )?is missing|missing operation|operations? missing", _names_missing),
    (r"application (still )?starts|start all the same|starts all the same|start(s|up)? (must )?not (fail|depend)", _starts),
    (r"\bcache|parsed once|read once|only once|per process|kept client|not (parsed|loaded) again", _cached),
    (r"treat(ed)? as (done|success)|idempotent|already done|counts? as done|as done", _treated_as_done),
    (r"delet.*(done|success|ignored)", _gone_is_done),
    (r"read (the )?(state|user|server)? ?(first|before)|read[- ]before|state is read|get.?user (first|before)|unknown (state|outcome|result)"
     r"|outcome (is )?unknown|\bunknown\b(?! (element|field|attribute|header|name|part|user|operation|content))|may have (happened|been|got)|not (be )?(blindly )?(repeated|resent|sent again)|no second|twice|duplicate"
     r"|ask (the server )?(first|what)", _unclear),
    (r"never read the file|file is (never |not )?(read|opened)|not read (the |any )?file|no file|read no file|must not open|never opens?"
     r"|file: |local files?", _no_file),
    (r"hosts? that the administrator allowed|allow-?list|allowed hosts?|imports? of other hosts", _allowed_host),
    (r"no (outgoing |network )?(request|connection|access)|(do|does|is|must|are) not follow|not followed|never follow|not fetch|never fetch"
     r"|no ssrf|other hosts?|another host|metadata|no network|not load", _no_stranger),
    (r"limit the (size|depth|length|number)|size limit|limit(ed)? (in|to)|too (large|big|deep)|bounded|maximum size|cap\b|\blimit", _bounded),
    (r"\bmemory\b", _small),
    (r"\bhang|within (a few |some )?(seconds?|\d+)|time-?\s?out|in time|quickly|at once|endless|infinite|loop|terminat|\bends\b|for ever|forever|deadline|block the worker", _quick),
    (r"(is|be|are|job|later|and)? ?(tried|try|tries|retry|retried|repeat\w*|sent) (again|later|with)|\bretr(y|ies|ied)\b|try ?later|transient"
     r"|temporar|next attempt|back-?off", _again),
    (r"(do|must|should|is|be)? ?not (be )?(retried|tried again|repeated)|no retry|permanent|\bheld\b|\bhold\b|give up|refused for good", _held),
    (r"password|secret|credential.* (log|shown|leak)|not in (the )?log", _keeps_secret),
    (r"other servers|breaker", _harmless),
    (r"crash|survive|robust|keeps? running|no traceback", _no_crash),
    (r"\bca\b|ca[- ]?(file|bundle)|own authority|own certificate|trust store", _own_authority),
    (r"log ?in|credentials|unauthori[sz]ed|user name", _login),
    (r"(show|pass|keep|give|display|report)\w* (the |its )?(fault|server's|text|message|reason)|fault ?string|text of the fault|reason (is )?shown",
     _shows_fault),
    (r"endpoint|configured address|address (in|of) the (setting|server)|overrid", _endpoint),
    (r"not (be )?(a |as |count\w* as |taken (as|for) |treated as )?(a )?success|never (a )?success|must not (count|pass|be taken)|not silently"
     r"|not (be )?ignored|is an error|as (an )?error|not none|error,? not", _not_success),
    (r"\bclean|clear (error|message|reason)|fails? (cleanly|with)|refuse|reject|error (is )?shown|error message|understandable|raise"
     r"|report(s|ed)? an error|say (so|why|what|that|which)|message (to|for)|name the|not accepted|do not accept|verif(y|ied|ication)|not trusted|detect"
     r"|abort|an error|inform|\btold\b|notif|\bwarn|alert|\blog(ged)? (the|it|this)|visible|entit|forbid", _clean),
    (r"\bworks?\b|must not break|not break|accept(s|ed)?\b|pars(e|es|ed)\b|ignored?\b|tolera|handle[sd]?\b|same (result|value)|understood"
     r"|supported|decode[sd]?|as usual|normal(ly)?|succeed|\bok\b|fine\b|strict ?= ?false", _works),
]


def rules_for(clause: str) -> list[Rule]:
    """Rules whose words stand in the clause; a later one of a pair that says the opposite is left out."""
    found = [rule for pattern, rule in RULES if re.search(pattern, clause, re.IGNORECASE)]
    if OR.search(clause):
        return found
    if _held in found and _again in found:
        found.remove(_again if re.search(r"not (be )?(retried|tried again|repeated)|no retry|permanent", clause) else _held)
    for stronger, weaker in ((_clean, _works), (_not_success, _works), (_unclear, _works), (_no_file, _works), (_no_stranger, _works),
                             (_held, _works), (_again, _works), (_treated_as_done, _works), (_treated_as_done, _not_success),
                             (_allowed_host, _no_stranger), (_treated_as_done, _gone_is_done), (_keeps_secret, _login),
                             (_names_missing, _clean), (_own_authority, _works)):
        if stronger in found and weaker in found:
            found.remove(weaker)
    return found


def judge(sentence: Any, stages: list[Stage]) -> Verdict:
    """Every clause must be understood, and hold in every situation."""
    if isinstance(sentence, list):
        sentence = "; ".join(map(str, sentence))
    if not isinstance(sentence, str) or not sentence.strip():
        raise NotUnderstood("expect.product is no sentence")
    got: list[str] = []
    good = True
    for clause in (c.strip() for c in re.split(r"[;\n]|\.\s", sentence) if c.strip()):
        rules = rules_for(clause)
        if not rules:
            raise NotUnderstood(f"what {clause!r} asks of the product")
        choice = any if OR.search(clause) else all
        for stage in stages:
            judged = [rule(stage) for rule in rules]
            fine = choice(ok for ok, _text in judged)
            good &= fine
            got += [f"{rule.__name__[1:]}: {text}" for rule, (ok, text) in zip(rules, judged, strict=True) if not (ok or fine)]
    return Verdict(good, "; ".join(got) or "as expected")
