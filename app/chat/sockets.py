"""The sockets of the chat. Each event asks anew whose session it is and whether the conversation is his; rooms are chosen here.

What travels to a room is only that something changed. The page then asks for it with `since`, so nobody whose session has
ended meanwhile gets a word, and a page that was away misses nothing: it asks for all after the last number that it has.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import socketio
from flask import Flask, g, request
from flask_babel import gettext as _
from flask_socketio import ConnectionRefusedError, SocketIO, disconnect, join_room
from sqlalchemy.exc import TimeoutError as NoConnection

from app.chat import identity, services, wire
from app.chat.files import file_url
from app.chat.flood import Bucket
from app.chat.identity import Who
from app.chat.models import Conversation, Side
from app.chat.push import CHANNEL, DESK, NAMESPACE, room
from app.core.actor import Actor, acting
from app.core.db import db
from app.core.errors import DomainError
from app.overload import no_connection
from app.system.settings import forget_cached

log = logging.getLogger(__name__)
PATH = "/chat/socket"
MOST = 8192                 # bytes of a frame
SWEEP_SECONDS = 2
BY_ITSELF = frozenset({"open", "since", "read", "desk"})      # what the page sends while nobody touches anything


def origins(config: Any) -> list[str]:
    """Pages that may open a socket: those of the site, by the address that the configuration names."""
    base = urlsplit(config.get("BASE_URL") or "")
    found = [f"{base.scheme}://{base.netloc}"]
    if config.get("PTT_ENV") != "production" and base.port:
        found += [f"{base.scheme}://{host}:{base.port}" for host in ("localhost", "127.0.0.1")]
    return list(dict.fromkeys(found))


class Sockets:
    """Those of this process: whose each is, for the sweep, and how much it sends."""

    def __init__(self, flask_app: Flask, queue: str | None):
        self.app = flask_app
        self.known: dict[str, tuple[Side, int]] = {}
        self.buckets: dict[str, Bucket] = {}
        self.lock = threading.Lock()
        self.sweeper: Any = None
        manager = {"client_manager": socketio.RedisManager(queue, channel=CHANNEL, redis_options={"socket_connect_timeout": 3, "health_check_interval": 30})} if queue else {}
        self.io = SocketIO(flask_app, async_mode="threading", path=PATH, cors_allowed_origins=origins(flask_app.config), manage_session=False,
                           max_http_buffer_size=MOST, transports=["websocket"], allow_upgrades=False, ping_interval=20, ping_timeout=15, cookie=None, **manager)
        flask_app.extensions["ptt_chat_sockets"] = self.io
        self.io.on_event("connect", self.connect, namespace=NAMESPACE)
        self.io.on_event("disconnect", self.gone, namespace=NAMESPACE)
        for name, handler in (("open", self.open), ("since", self.since), ("say", self.say), ("read", self.read), ("typing", self.typing), ("desk", self.desk)):
            self.io.on_event(name, self._checked(name, handler), namespace=NAMESPACE)

    # coming and going

    def connect(self, auth: Any = None) -> None:
        side = Side.STAFF if isinstance(auth, dict) and auth.get("as") == "staff" else Side.CUSTOMER
        with self.app.app_context():
            g.asked_by_itself = True
            who = self._who(side)
            if who is None:
                raise ConnectionRefusedError("signed out")
            with self.lock:
                self.known[request.sid] = (side, who.session_id)  # type: ignore[attr-defined]
                self.buckets[request.sid] = Bucket(time.monotonic())  # type: ignore[attr-defined]
        with self.lock:
            if self.sweeper is None and not self.app.config.get("TESTING"):
                self.sweeper = self.io.start_background_task(self._sweep_for_ever)

    def gone(self, *_reason: Any) -> None:
        with self.lock:
            self.known.pop(request.sid, None)  # type: ignore[attr-defined]
            self.buckets.pop(request.sid, None)  # type: ignore[attr-defined]

    def _who(self, side: Side) -> Who | None:
        return identity.staff() if side is Side.STAFF else identity.customer()

    def _checked(self, name: str, handler: Callable[[Who, dict[str, Any]], Any]) -> Callable[[Any], Any]:
        """Around each event: flood, shape, session, errors. The answer is a dictionary, with `error` when it did not work."""
        def event(data: Any = None, *more: Any) -> Any:
            sid = request.sid  # type: ignore[attr-defined]
            bucket, known = self.buckets.get(sid), self.known.get(sid)
            if bucket is None or known is None:
                disconnect()
                return {"error": "signed out", "over": True}
            if not bucket.take(time.monotonic()):
                if bucket.is_flood:
                    log.warning("chat: a socket was cut because it flooded")
                    disconnect()
                return {"error": _("Too many messages at once. Wait some seconds, then send it again."), "later": True}
            if not isinstance(data, dict) or more:
                return {"error": _("This message is not complete. Load the page again.")}
            with self.app.app_context():        # everything that is kept per request is asked anew
                g.asked_by_itself = name in BY_ITSELF
                try:
                    who = self._who(known[0])
                    if who is None or who.session_id != known[1]:
                        disconnect()
                        return {"error": "signed out", "over": True}
                    with acting(Actor("staff" if known[0] is Side.STAFF else "portal", who.speaker.name, who.speaker.id, origin=request.remote_addr)):
                        return handler(who, data)
                except DomainError as error:
                    db.session.rollback()
                    return {"error": str(error)}
                except NoConnection:        # more at once than the database has connections for
                    db.session.rollback()
                    no_connection(f"at the chat's “{name}”")
                    return {"error": _("The service is busy"), "later": True}
                except Exception:
                    db.session.rollback()
                    log.exception("chat: an event failed")
                    return {"error": _("This did not work. Try again."), "later": True}
        return event

    # events

    def _conversation(self, who: Who, data: dict[str, Any]) -> Conversation:
        row = who.sees(data.get("conversation"))
        if row is None:
            log.warning("chat: a conversation was asked for that is not there or not the asker's")
            raise DomainError(_("There is no such conversation."))
        return row

    def open(self, who: Who, data: dict[str, Any]) -> Any:
        row = self._conversation(who, data)
        join_room(room(row.id))
        return self._answer(row, who, data)

    def since(self, who: Who, data: dict[str, Any]) -> Any:
        return self._answer(self._conversation(who, data), who, data)

    def _answer(self, row: Conversation, who: Who, data: dict[str, Any]) -> Any:
        after = data.get("after", 0)
        if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after < 2**31:
            raise DomainError(_("This message is not complete. Load the page again."))
        return wire.answer(row, after, who.speaker.side, file_url(who.speaker.side))

    def say(self, who: Who, data: dict[str, Any]) -> Any:
        row = self._conversation(who, data)
        self._may_write(who)
        message = services.reply(row.id, who.speaker, data.get("client_id"), data.get("text"))
        return {"number": message.number}

    def read(self, who: Who, data: dict[str, Any]) -> Any:
        row = self._conversation(who, data)
        self._may_write(who)
        services.mark_read(row.id, who.speaker.side, data.get("number"))
        return {}

    def typing(self, who: Who, data: dict[str, Any]) -> Any:
        """Told to the others in the room and kept nowhere."""
        row = self._conversation(who, data)
        self._may_write(who)
        self.io.emit("typing", {"conversation": row.id, "staff": who.speaker.side is Side.STAFF}, namespace=NAMESPACE, to=room(row.id), skip_sid=request.sid)  # type: ignore[attr-defined]
        return {}

    def desk(self, who: Who, data: dict[str, Any]) -> Any:
        if who.speaker.side is not Side.STAFF:
            raise DomainError(_("There is no such conversation."))
        join_room(DESK)
        return {}

    def _may_write(self, who: Who) -> None:
        if who.speaker.side is Side.STAFF and not identity.may_answer():
            raise DomainError(_("You may look at conversations, not answer them."))

    # sessions that end

    def _sweep_for_ever(self) -> None:
        while True:
            self.io.sleep(SWEEP_SECONDS)
            try:
                with self.app.app_context():
                    forget_cached()
                    self.sweep()
            except Exception:
                log.exception("chat: sessions could not be looked at; tried again in %s s", SWEEP_SECONDS)

    def sweep(self) -> int:
        """Cut the sockets whose sessions have ended (signed out, a new password, disabled, idle); returns how many."""
        with self.lock:
            known = dict(self.known)
        ended: list[str] = []
        for side in Side:
            ids = {session_id for of, session_id in known.values() if of is side}
            gone = identity.over(side, ids)
            ended += [sid for sid, (of, session_id) in known.items() if of is side and session_id in gone]
        for sid in ended:
            self.io.server.disconnect(sid, namespace=NAMESPACE)
        return len(ended)
