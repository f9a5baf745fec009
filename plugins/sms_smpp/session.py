"""One bound connection: a thread reads, others submit and wait for their answer. It lives until an error, then a new one is made."""

from __future__ import annotations

import itertools
import logging
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from smpplib import consts, exceptions, smpp
from smpplib.client import Client

from app.plugin_api import TryLater
from app.plugin_api.network import Forbidden, NetworkPolicy, NotConnected, connect
from plugins.sms_smpp.codes import status_words

log = logging.getLogger(__name__)
logging.getLogger("ptt.smpp").setLevel(logging.ERROR)      # smpplib's debug lines hold passwords and texts
LARGEST = 64 * 1024         # octets of a PDU
IDLE = 30.0                 # seconds without a PDU, then the other side is asked whether it is there
DEAD = 90.0                 # seconds without a PDU, then it is not
STALE = 10.0                # seconds without a PDU, then it is asked before a message is risked


class Lost(Exception):
    """The connection broke, or the answer did not come in time."""


@dataclass(frozen=True)
class Access:
    """How to reach the message centre. The password is in no repr."""

    host: str
    port: int
    tls: bool
    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    timeout: float = 10.0


class _Sequence:
    """Numbers for both threads."""

    def __init__(self) -> None:
        self._numbers, self.sequence = itertools.count(1), 1

    def next_sequence(self) -> int:
        self.sequence = next(self._numbers) % 0x7FFFFFFF or next(self._numbers)
        return self.sequence


class _Wire(Client):  # type: ignore[misc]
    """smpplib's client on a guarded connection, with a largest PDU."""

    _socket: Any = None
    begun = False           # whether a PDU is read in part

    def __init__(self, access: Access, policy: NetworkPolicy):
        super().__init__(access.host, access.port, timeout=access.timeout, sequence_generator=_Sequence(), logger_name="ptt.smpp", allow_unknown_opt_params=True)
        self.access, self.policy = access, policy

    def __del__(self) -> None:
        """smpplib would complain here; `Session.close` has closed it."""

    def connect(self) -> None:
        raw = connect(self.access.host, self.access.port, self.policy, self.access.timeout, ())
        raw.settimeout(self.access.timeout)
        if self.access.tls:
            context = ssl.create_default_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            try:
                raw = context.wrap_socket(raw, server_hostname=self.access.host)  # type: ignore[assignment]
            except (ssl.SSLError, OSError):
                raw.close()
                raise NotConnected(_("No secure connection to %(host)s came about.", host=self.access.host)) from None
        self._socket = raw
        self.state = consts.SMPP_CLIENT_STATE_OPEN

    def _recv_exact(self, exact_size: int) -> bytes:
        if not 0 <= exact_size <= LARGEST:
            raise exceptions.ConnectionError("a PDU of an impossible size")
        found = super()._recv_exact(exact_size)
        self.begun = True
        return found  # type: ignore[no-any-return]

    def has_data(self, seconds: float) -> bool:
        pending = getattr(self._socket, "pending", None)
        return bool(pending and pending()) or bool(select.select([self._socket], [], [], seconds)[0])


class Session:
    """`on_delivery(pdu)` is called for each deliver_sm and gives the status of its answer."""

    def __init__(self, access: Access, policy: NetworkPolicy, on_delivery: Callable[[Any], int]):
        """Connect and bind. TryLater with the reason when that is not possible."""
        self.access, self.on_delivery = access, on_delivery
        self.alive = False
        self._io = threading.Lock()             # TLS does not stand two threads at once
        self._waiting: dict[int, Future[Any]] = {}
        self._heard = self._asked = time.monotonic()
        self.wire = _Wire(access, policy)
        try:
            self.wire.connect()
            self.wire.bind_transceiver(system_id=access.system_id, password=access.password, system_type=access.system_type, interface_version=0x34)
        except (NotConnected, Forbidden) as error:
            raise TryLater(error.reason) from None
        except exceptions.PDUError as error:
            self._hang_up()
            status = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], int) else 0x0D
            raise TryLater(_("The message centre does not accept the sign-in: %(reason)s", reason=status_words(status))) from None
        except Exception:
            self._hang_up()
            raise TryLater(_("The message centre does not answer the sign-in.")) from None
        self.alive = True
        self.reader = threading.Thread(target=self._listen, name="smpp", daemon=True)
        self.reader.start()

    def submit(self, **fields: Any) -> Any:
        """The answer to a submit_sm. `Lost` when none came: the message may be on its way."""
        return self._request(smpp.make_pdu("submit_sm", client=self.wire, **fields), self.access.timeout)

    def is_there(self) -> bool:
        """Whether the other side answers; asked when nothing was heard for a while."""
        if self.alive and time.monotonic() - self._heard > STALE:
            try:
                self._request(smpp.make_pdu("enquire_link", client=self.wire), self.access.timeout)
            except Lost:
                self._fail()
        return self.alive

    def close(self) -> None:
        """Say goodbye and hang up."""
        if self.alive:
            try:
                self._request(smpp.make_pdu("unbind", client=self.wire), 2.0)
            except Lost:
                log.info("the message centre hung up first")
        self._fail()

    def _request(self, pdu: Any, seconds: float) -> Any:
        answer: Future[Any] = Future()
        self._waiting[pdu.sequence] = answer
        try:
            if not self.alive:
                raise Lost
            self._send(pdu)
            return answer.result(seconds)
        except (Lost, TimeoutError):
            raise Lost from None
        except Exception:
            self._fail()
            raise Lost from None
        finally:
            self._waiting.pop(pdu.sequence, None)

    def _send(self, pdu: Any) -> None:
        with self._io:
            self.wire.send_pdu(pdu)

    def _listen(self) -> None:
        try:
            while self.alive:
                if self.wire.has_data(0.5) and (pdu := self._read()) is not None:
                    self._heard = time.monotonic()
                    self._take(pdu)
                    continue
                quiet = time.monotonic() - self._heard
                if quiet > DEAD:
                    raise Lost
                if quiet > IDLE and time.monotonic() - self._asked > IDLE:
                    self._asked = time.monotonic()
                    self._send(smpp.make_pdu("enquire_link", client=self.wire))
        except Exception as error:          # whatever came that is no SMPP
            if self.alive:
                log.warning("the connection to the message centre ended: %s", type(error).__name__)
        finally:
            self._fail()

    def _read(self) -> Any:
        """A PDU, or None when what came was only TLS's own."""
        with self._io:
            self.wire.begun = False
            try:
                return self.wire.read_pdu()
            except TimeoutError:
                if self.wire.begun:
                    raise
        return None

    def _take(self, pdu: Any) -> None:
        if pdu.command in ("submit_sm_resp", "enquire_link_resp", "unbind_resp", "generic_nack"):
            waiting = self._waiting.pop(pdu.sequence, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(pdu)
        elif pdu.command == "deliver_sm":
            try:
                status = self.on_delivery(pdu)
            except Exception as error:      # not stored: it shall come again
                log.error("a receipt could not be stored: %s", type(error).__name__)
                status = consts.SMPP_ESME_RX_T_APPN
            self._answer("deliver_sm_resp", pdu, status)
        elif pdu.command == "enquire_link":
            self._answer("enquire_link_resp", pdu)
        elif pdu.command == "unbind":
            self._answer("unbind_resp", pdu)
            self._fail()

    def _answer(self, command: str, pdu: Any, status: int = consts.SMPP_ESME_ROK) -> None:
        answer = smpp.make_pdu(command, client=self.wire, status=status)
        answer.sequence = pdu.sequence
        self._send(answer)

    def drop(self) -> None:
        """Hang up without a word: it does not answer any more."""
        self._fail()

    def _fail(self) -> None:
        self.alive = False
        for waiting in list(self._waiting.values()):
            if not waiting.done():
                waiting.set_exception(Lost())
        self._hang_up()

    def _hang_up(self) -> None:
        """Safe from both threads, and more than once."""
        held, self.wire._socket, self.wire.state = self.wire._socket, None, consts.SMPP_CLIENT_STATE_CLOSED
        if held is not None:
            try:
                held.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            held.close()
