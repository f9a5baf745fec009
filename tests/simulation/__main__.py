"""python -m tests.simulation --seed 7 --days 730 [--database postgres] [--seeds 3] [--dump file.json]"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from pathlib import Path

from tests.simulation.dump import differences, fingerprint
from tests.simulation.installation import Relay, installation, stand_ins
from tests.simulation.provider import Violation
from tests.simulation.run import Simulation, summary


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="The real services over simulated years, under faults, against a reference model.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, one after the other")
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="sqlite", help="both: the dumps must be equal")
    parser.add_argument("--kill", choices=("statements", "commits"), help="where processes die; commits, which are the same on both databases, when these are compared, else statements")
    parser.add_argument("--dump", type=Path, help="write the business dump of the last run")
    arguments = parser.parse_args()
    logging.disable(logging.ERROR)
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        dumps = {}
        for kind in ("sqlite", "postgres") if arguments.database == "both" else (arguments.database,):
            began, relay = time.monotonic(), Relay()
            with installation(kind) as flask_app, stand_ins(relay):
                simulation = Simulation(flask_app, seed, relay, at_commits=(arguments.kill or ("commits" if arguments.database == "both" else "statements")) == "commits")
                simulation.tell = lambda text: print(text, file=sys.stderr, flush=True)
                try:
                    dumps[kind] = simulation.run(arguments.days)
                except Violation as violation:
                    print(f"VIOLATION on {kind}: {violation}", file=sys.stderr)
                    return 1
            print(f"seed {seed}, {arguments.days} days, {kind}: {fingerprint(dumps[kind])}, {time.monotonic() - began:.0f} s, {json.dumps(summary(simulation))}", flush=True)
            if arguments.dump:
                arguments.dump.write_text(json.dumps(dumps[kind], indent=1, ensure_ascii=False))
        if len(dumps) == 2 and dumps["sqlite"] != dumps["postgres"]:
            print(f"VIOLATION seed {seed}: the databases differ:\n" + "\n".join(differences(dumps["sqlite"], dumps["postgres"])), file=sys.stderr)
            return 1
    return 0


if os.environ.get("PYTHONHASHSEED") != "0":     # so that a replay walks the same way, statement by statement
    os.execve(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})
sys.exit(main())
