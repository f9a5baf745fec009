"""The short run, and what was found by the long ones. `python -m tests.simulation --seed N --days 730` is the long one."""

from __future__ import annotations

import os
from decimal import Decimal

import pytest

from app.receivables.overdue import Rules
from tests.simulation.dump import differences, fingerprint
from tests.simulation.installation import Relay, installation, stand_ins
from tests.simulation.provider import Violation
from tests.simulation.run import Simulation

SHORT = 45
UNRELATED = ("api.", "portal.", "statistics.", "housekeeping.", "exchange.", "datev.", "sepa.", "boleto.")      # the long run has them too



@pytest.mark.sqlite_only
def test_some_weeks_of_a_provider(app):
    """Two month ends under faults, then peace: nothing doubled, lost or locked that should not be."""
    from app.system.settings import change_settings

    change_settings({"locks.require_notice": True})
    relay = Relay()
    with stand_ins(relay):
        simulation = Simulation(app, 2, relay, lambda job: not job.name.startswith(UNRELATED))
        found = simulation.run(SHORT)
    assert len(found["charges"]) > 10 and len(found["invoices"]) > 5 and len(found["allocations"]) > 3
    assert simulation.p.counts["killed jobs"] > 5 and simulation.p.counts["months"] >= 1


@pytest.mark.skipif(os.environ.get("PTT_FAULTS") != "all", reason="long: make faults-long")
@pytest.mark.parametrize("seed", (101, 102))
def test_the_same_seed_gives_the_same_business_on_both_databases(seed):
    """A quarter of a year."""
    dumps = {}
    for kind in ("sqlite", "postgres"):
        relay = Relay()
        with installation(kind) as flask_app, stand_ins(relay):
            dumps[kind] = Simulation(flask_app, seed, relay, at_commits=True).run(100)
    assert fingerprint(dumps["sqlite"]) == fingerprint(dumps["postgres"]), differences(dumps["sqlite"], dumps["postgres"])


def floor(price: int, days: int, of_days: int, step: int = 1) -> int:
    """A price that is cut instead of rounded."""
    return price * days // (of_days * 100 * step) * step


def hasty() -> Rules:
    """Locks without a notice."""
    return Rules(Decimal("0.01"), 10, False)


@pytest.mark.skipif(os.environ.get("PTT_FAULTS") != "all", reason="long: make faults-long")
@pytest.mark.parametrize(("place", "mistake", "number"), [("app.billing.fees.line_net", floor, r"\(4\)"), ("app.receivables.lock_steps.lock_rules", hasty, r"\(15\)")])
def test_planted_mistakes_are_seen(monkeypatch, place, mistake, number):
    monkeypatch.setattr(place, mistake)
    relay = Relay()
    with installation("sqlite") as flask_app, stand_ins(relay), pytest.raises(Violation, match=number):
        Simulation(flask_app, 2, relay).run(60)
