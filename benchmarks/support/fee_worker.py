"""One worker process of the fee run: builds the application, says that it is ready, works on the run it is told, says how much memory it took.

`python -m benchmarks.support.fee_worker URL`, then the id of the run on its standard input.
"""

from __future__ import annotations

import resource
import sys
import time

from benchmarks.support.application import make_app


def main(url: str) -> None:
    flask_app = make_app(url)
    with flask_app.app_context():
        from sqlalchemy import select

        from app.core.db import db
        from app.system.job_runs import execute
        from app.system.models import JobRun, RunState

        db.session.execute(select(1))
        db.session.rollback()
        print("ready", flush=True)
        run_id = int(sys.stdin.readline())
        while True:
            execute(run_id)
            state = db.session.scalar(select(JobRun.state).where(JobRun.id == run_id))
            db.session.rollback()
            if state not in (RunState.WAITING, RunState.RUNNING):
                break
            time.sleep(0.05)
        print(state.value, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
