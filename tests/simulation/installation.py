"""A fresh installation for a run outside of pytest, and what of the outside world is stood in for."""

from __future__ import annotations

import hashlib
import shutil
import smtplib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from flask import Flask

from app.billing.pdf_process import Renderer
from app.core.db import db
from app.licenses import delivery
from app.system import mail, outbox
from tests.support.databases import Postgres, address, admin, make_run_folder
from tests.support.settings import settings


class Relay:
    """An SMTP relay in memory; `moods` are taken one per message: "", "refuse", "cut" (after it has the message)."""

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.moods: list[str] = []

    def send_message(self, message: Any) -> None:
        mood = self.moods.pop(0) if self.moods else ""
        if mood == "refuse":
            raise smtplib.SMTPDataError(451, b"try later")
        self.accepted.append(message["Message-ID"])
        if mood == "cut":
            raise smtplib.SMTPServerDisconnected("cut after DATA")

    def quit(self) -> None:
        pass


@contextmanager
def stand_ins(relay: Relay) -> Iterator[None]:
    """No child that renders PDFs, no relay, one worker that calls servers, no jitter: what is left depends on the seed alone."""
    def pdf(_self: Any, html: str) -> bytes:
        return b"%PDF-1.4 " + hashlib.sha256(html.encode()).hexdigest().encode()

    def delay(attempts: int) -> timedelta:
        return timedelta(seconds=min(outbox.LONGEST_DELAY, outbox.FIRST_DELAY * 2 ** max(0, attempts - 1)))

    pool = ThreadPoolExecutor(1)
    with (mock.patch.object(Renderer, "render", pdf), mock.patch.object(mail, "_connect", lambda _url: relay), mock.patch.object(outbox, "delay", delay),
          mock.patch.object(delivery, "_pool", lambda: pool)):
        yield
    pool.shutdown()


@contextmanager
def installation(kind: str) -> Iterator[Flask]:
    """A set up application in its context, on a database of its own that goes with it."""
    from app.admin.setup import setup_all
    from app.factory import create_app
    from app.system.settings import change_settings

    folder = make_run_folder() if kind == "postgres" else Path(tempfile.mkdtemp(prefix="ptt-simulation-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    server = Postgres(folder) if kind == "postgres" else None
    try:
        if server is None:
            uri = f"sqlite:///{folder / 'simulation.db'}"
        else:
            with admin(server.base) as connection:
                connection.execute("CREATE DATABASE simulation")
            uri = address(server.base, "simulation")
        flask_app = create_app(**settings(uri, folder))
        with flask_app.app_context():
            setup_all()
            change_settings({"staff.require_second_factor": False})
            yield flask_app
            db.session.remove()
            db.engine.dispose()
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
