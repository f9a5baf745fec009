"""The process that asks, each minute, what is due, and every 30 s, what waits. Two of them do no harm."""

from __future__ import annotations

import logging
import signal
import threading
import time

from sqlalchemy.exc import SQLAlchemyError

from app.factory import create_app

log = logging.getLogger(__name__)
SWEEP = 30.0
TICK = 60.0
LOOK = 300.0        # for what somebody has to be told of


def main() -> None:
    flask_app = create_app()
    logging.basicConfig(level=flask_app.config.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    pace = float(flask_app.config.get("PTT_TICK_SECONDS") or TICK)
    next_tick = next_sweep = next_look = 0.0
    while not stop.is_set():
        moment = time.monotonic()
        try:
            with flask_app.app_context():
                from app.system.ticks import sweep, tick

                if moment >= next_tick:
                    next_tick = moment + pace
                    tick()
                if moment >= next_sweep:
                    next_sweep = moment + min(SWEEP, pace)
                    sweep()
                if moment >= next_look:
                    next_look = moment + max(LOOK, pace) if pace >= TICK else moment + pace
                    look()
        except SQLAlchemyError:
            log.exception("the database is away; asked again in a moment")
        stop.wait(min(1.0, pace))


def look() -> None:
    """Tell of what is wrong. What cannot be judged or sent must not stop the jobs."""
    from app.admin.alerts import check

    try:
        check()
    except SQLAlchemyError:
        raise
    except Exception:
        log.exception("alerts could not be looked at or sent; tried again in a few minutes")


if __name__ == "__main__":
    main()
