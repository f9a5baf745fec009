"""Day after day: people act, the ticker asks, workers work and die, the invariants are looked at. First with faults, in the end in peace."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from app.core import clock
from app.core.actor import Actor, acting
from app.core.db import db
from app.core.jobs import Job
from app.housekeeping.invariants import broken
from app.licenses.delivery import deliver_provisioning, provisioning_is_due
from app.system.job_runs import OPEN, approve, execute, jobs, run_now
from app.system.mail import deliver_mail
from app.system.models import JobRun, MailMessage, ProtocolEntry, RunState
from app.system.outbox import OutboxState
from app.system.ticks import tick
from tests.simulation.bank import Bank
from tests.simulation.checks import Checks
from tests.simulation.dump import Dump, differences, dump
from tests.simulation.events import People
from tests.simulation.faults import Died, dying_at, meanwhile
from tests.simulation.installation import Relay
from tests.simulation.provider import BEGIN, CANARY, Provider, Violation, at, later

MOMENTS = ((0, 2), (7, 5), (12, 5), (18, 5))
LEASES_OVER = 40            # minutes
PEACE = 3                   # days at the end without faults


class Simulation:
    """`run(days)` returns the business dump. A Violation names the day and the event, and how to see it again."""

    def __init__(self, flask_app: Flask, seed: int, relay: Relay, only: Callable[[Job], bool] | None = None, at_commits: bool = False):
        """`at_commits`: processes die at commits, not at statements, so that it is the same on both databases."""
        if only is not None:
            flask_app.extensions["ptt_jobs"] = {name: job for name, job in flask_app.extensions["ptt_jobs"].items() if only(job)}
        self.p = Provider(flask_app, seed, relay)
        self.p.at_commits = at_commits
        self.people, self.bank, self.checks = People(self.p), Bank(self.p), Checks(self.p)
        self.day = BEGIN
        self.tell: Callable[[str], Any] | None = None

    def run(self, days: int) -> Dump:
        self.p.set_up()
        last = BEGIN + timedelta(days=days - 1)
        try:
            while self.day <= last:
                if self.day == last - timedelta(days=PEACE - 1):
                    self.make_peace()
                self.live()
                self.day += timedelta(days=1)
            self.day = last
            with clock.frozen(at(last, 23)):
                self.tick(at(last, 22))
                self.checks.settled()
                self.whole()
                return dump(self.p)
        except Exception as error:
            recent = "\n  ".join(self.p.log[-8:])
            raise Violation(f"seed {self.p.seed}, {self.day}: {type(error).__name__}: {error}\n  {recent}\n"
                            f"again: python -m tests.simulation --seed {self.p.seed} --days {(self.day - BEGIN).days + 1}{' --kill commits' if self.p.at_commits else ''}") from error

    def make_peace(self) -> None:
        """Faults stop; from now on everything must settle."""
        self.p.faults = self.p.server.moody = False
        self.p.relay.moods.clear()

    # ---- a day ---------------------------------------------------------------------------------------------------

    def live(self) -> None:
        moments = self.moments()
        for number, moment in enumerate(moments):
            if number == 2:
                with clock.frozen(at(self.day, 10)):
                    self.people.day(self.day)
                with clock.frozen(at(self.day, 11)):
                    self.bank.day(self.day)
            self.tick(moment)
            with clock.frozen(later(moment, LEASES_OVER + 5)):
                if number == 0 and self.day.day == 1 and self.day > BEGIN:
                    before = self.day - timedelta(days=1)
                    self.checks.month_billed(before.year, before.month)
                self.checks.moment(self.day, last=moment == moments[-1])
        with clock.frozen(at(self.day, 23, 30)):
            self.say(broken(settled=False, slow=False))
            self.p.counts["days"] += 1
            if (self.day + timedelta(days=1)).day == 1:
                self.whole()
                self.again()
                if self.tell is not None:
                    self.tell(f"seed {self.p.seed}: {self.day}")

    def moments(self) -> list[datetime]:
        """Four a day; each hour on the days on which the clock is changed."""
        length = at(self.day + timedelta(days=1), 0).astimezone(UTC) - at(self.day, 0).astimezone(UTC)
        if length == timedelta(days=1):
            return [at(self.day, hour, minute) for hour, minute in MOMENTS]
        start = at(self.day, 0, 2).astimezone(UTC)
        return [start + timedelta(hours=number) for number in range(int(length.total_seconds() // 3600))]

    def tick(self, moment: datetime) -> None:
        """What ticker, workers and outboxes do at a moment; those that died are followed by others when their leases are over."""
        rng = self.p.rng
        deaths = [rng.randrange(1, 120) if self.p.faults and rng.random() < 0.2 else None for _ in range(6)]
        company = rng.randrange(1, 9) if self.p.faults and rng.random() < 0.1 else None
        self.p.relay.moods = [rng.choice(("", "", "refuse", "cut")) for _ in range(3)] if self.p.faults and rng.random() < 0.1 else []
        with clock.frozen(moment):
            with acting(Actor("system", "ticker")):
                tick()
                if rng.random() < 0.1:
                    tick()          # a second ticker
            for death in deaths[:3]:
                self.work(moment, death, company)
        with clock.frozen(later(moment, LEASES_OVER)):
            for _round in range(12):
                if not self.work(later(moment, LEASES_OVER), None, None):
                    break
            self.deliver()

    def work(self, moment: datetime, death: int | None, company: int | None) -> int:
        """One pass over all that is open. `death`: in that statement of each run; `company`: after that commit a second worker does the same."""
        waiting = db.session.scalars(select(JobRun.id).where(JobRun.state.in_(OPEN)).order_by(JobRun.id)).all()
        db.session.remove()
        for number, run_id in enumerate(waiting):
            try:
                with meanwhile(self.p.app, company, moment, lambda: execute(run_id)), dying_at(death if death and number % 3 == death % 3 else None, self.p.at_commits):
                    execute(run_id)
            except Died:
                self.p.counts["killed jobs"] += 1
            db.session.remove()
        for run in db.session.execute(select(JobRun.id, JobRun.job).where(JobRun.state == RunState.HELD)).all():
            approve(run.id, "anna")
            self.p.counts[f"approved {run.job}"] += 1
        db.session.remove()
        if death is not None:
            self.deliver(death)
        return db.session.scalar(select(func.count()).select_from(JobRun).where(JobRun.state.in_(OPEN))) or 0

    def deliver(self, death: int | None = None) -> None:
        try:
            with dying_at(death, self.p.at_commits):
                for _round in range(20):
                    if not provisioning_is_due():
                        break
                    deliver_provisioning()
                deliver_mail(500)
        except Died:
            self.p.counts["killed deliveries"] += 1
        db.session.remove()

    # ---- what must hold ------------------------------------------------------------------------------------------

    @staticmethod
    def say(sentences: list[str]) -> None:
        if sentences:
            raise Violation("; ".join(sentences[:5]))

    def whole(self) -> None:
        """All invariants of the stored data, and what is seen from outside only."""
        self.say(broken())
        sent = list(self.p.relay.accepted)
        unsure = set(db.session.scalars(select(MailMessage.message_id).where(MailMessage.kind == "reminder")))
        if twice := {ident for ident in sent if sent.count(ident) > 1 and ident in unsure}:
            raise Violation(f"(32) reminders were sent twice: {sorted(twice)}")
        done = set(db.session.scalars(select(MailMessage.message_id).where(MailMessage.state == OutboxState.DONE)))
        if lost := done - set(sent):
            raise Violation(f"(32) counted as sent, never accepted: {sorted(lost)}")
        rows = db.session.scalar(select(func.count()).select_from(ProtocolEntry).where(ProtocolEntry.note.contains(CANARY)))
        if rows:
            raise Violation(f"(28) the server's password stands in {rows} rows of the protocol")
        db.session.remove()

    def again(self) -> None:
        """(30) A second run of every job changes nothing, but that servers are told once more what they know."""
        moody, self.p.server.moody = self.p.server.moody, False
        self.deliver()
        before = dump(self.p)
        for name, job in sorted(jobs().items()):
            if not job.once_per:
                continue
            run = run_now(name, by="anna")
            if run.state is RunState.HELD:
                approve(run.id, "anna")
                execute(run.id)
            db.session.remove()
        self.deliver()
        self.p.server.moody = moody
        after = dump(self.p)
        if before != after:
            raise Violation("(30) a second run of every job changed: " + "; ".join(differences(before, after)[:6]))
        self.p.counts["months"] += 1


def summary(simulation: Simulation) -> dict[str, Any]:
    return dict(sorted(simulation.p.counts.items()))


