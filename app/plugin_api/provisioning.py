"""What a provisioning driver is asked to do: make one PTT server match a desired state.

States are values, not rows: the core builds them from licenses and groups, a driver compares them with
what the server says. Every call may be repeated (a lost answer, a worker killed in the middle), so a driver
never counts on having been called once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar


class ProvisioningError(Exception):
    """`reason` is shown to staff beside the license. `partly`: earlier calls of the same order went through, so the state
    is read before anything is sent again, whatever the order wants then."""

    partly: bool = False

    def __init__(self, reason: Any):
        super().__init__(reason)
        self.reason = reason


class TryLater(ProvisioningError):
    """Transient: server down, slow, overloaded. The outbox tries again with back-off. Nothing was changed."""


class Refused(ProvisioningError):
    """Permanent: the server said no. The order is held and shown until somebody acts."""


class Unknown(ProvisioningError):
    """The answer was lost: it may or may not have happened. The state is read before anything is sent again."""


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """How to reach one server. `password` is the decrypted secret: it is in no repr and in no log."""

    id: int
    name: str
    wsdl: str                                   # address of the WSDL (http/https)
    endpoint: str | None = None                 # overrides the address that the WSDL names
    username: str = ""
    password: str = field(default="", repr=False)
    profile: str = "simulator"                  # names of operations and arguments; see the driver
    verify_tls: bool = True
    ca_file: str | None = None
    connect_timeout: float = 5.0                # seconds
    read_timeout: float = 10.0                  # seconds
    allowed_hosts: frozenset[str] = frozenset() # further hosts that WSDL imports may name; the WSDL's own host always
    revision: int = 0                           # rises with each change of the server's row: a kept client is rebuilt


@dataclass(frozen=True, slots=True)
class UserState:
    """One user (license) on the server. `exists=False` asks for deletion; the other fields are then ignored."""

    name: str                                   # user name, unique per server
    exists: bool = True
    enabled: bool = True                        # False = locked
    alias: str = ""                             # display name
    phone: str = ""                             # E.164 or empty
    mode: str = ""                              # code of the PTT mode, e.g. "npoc", "oma", "talkip"
    device: str = ""
    network: str = ""                           # mobile network provider
    services: frozenset[str] = frozenset()      # codes, e.g. "gps", "chat", "sos"
    permissions: frozenset[str] = frozenset()   # codes, e.g. "group_call", "private_call"


@dataclass(frozen=True, slots=True)
class GroupState:
    """One talk group on the server. `members` are user names; those that the server does not know are refused."""

    name: str                                   # unique per server, given by the core, stable for life
    exists: bool = True
    title: str = ""
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Health:
    """Answer of `check`: `ok` False comes with `problems`, each a sentence for staff."""

    ok: bool
    problems: tuple[str, ...] = ()
    version: str = ""
    latency_ms: int | None = None


class ProvisioningDriver(ABC):
    """Talks to one kind of PTT server. Raises `TryLater`, `Refused` or `Unknown`, nothing else.

    One instance serves all servers and threads of the process.
    """

    code: ClassVar[str]
    title: ClassVar[Any]

    @abstractmethod
    def capabilities(self) -> frozenset[str]:
        """What it can: of {"user", "password", "lock", "group", "member", "list", "services"}."""

    @abstractmethod
    def check(self, server: ServerAccess) -> Health:
        """Test the connection: WSDL readable, every operation of the profile there, credentials accepted. Never raises."""

    @abstractmethod
    def apply_user(self, server: ServerAccess, desired: UserState, observed: UserState | None, *, unsure: bool) -> UserState:
        """Make the user match. `observed` is what was last seen (None: never there); with `unsure` the server is read
        first because an earlier attempt may have got through. Returns what is on the server now."""

    @abstractmethod
    def apply_group(self, server: ServerAccess, desired: GroupState, observed: GroupState | None, *, unsure: bool) -> GroupState:
        """Make the group and its members match. As `apply_user`."""

    @abstractmethod
    def get_user(self, server: ServerAccess, name: str) -> UserState | None: ...

    @abstractmethod
    def list_users(self, server: ServerAccess) -> Iterator[UserState]: ...

    @abstractmethod
    def list_groups(self, server: ServerAccess) -> Iterator[GroupState]: ...

    @abstractmethod
    def set_password(self, server: ServerAccess, name: str, password: str) -> None: ...
