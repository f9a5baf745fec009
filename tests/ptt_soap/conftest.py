"""A simulator in this process, a driver that may reach it, and the entry of the server."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import simulator
from app.plugin_api import ServerAccess, UserState
from app.plugin_api.network import NetworkPolicy
from plugins.ptt_soap.driver import SoapDriver
from plugins.ptt_soap.profile import FOLDER, make_profile

SECRET = "korrekt-Pferd-7"
LOOPBACK = NetworkPolicy.from_text("127.0.0.0/8")
ALICE = UserState("alice", alias="Alice Ölmann", phone="+491714402118", mode="npoc", device="TLK 150", network="Telekom",
                  services=frozenset({"gps", "chat"}), permissions=frozenset({"group_call"}))


@pytest.fixture
def ptt(tmp_path: Path) -> Iterator[simulator.Running]:
    with simulator.serve_in_thread(tmp_path / "ptt", username="admin", password=SECRET) as running:
        yield running


@pytest.fixture
def driver() -> SoapDriver:
    return SoapDriver(LOOPBACK)


@pytest.fixture
def access(ptt: simulator.Running) -> ServerAccess:
    return ServerAccess(1, "Berlin 1", ptt.wsdl, username="admin", password=SECRET, connect_timeout=1, read_timeout=1)


@pytest.fixture
def driver_with() -> Callable[[Callable[[dict[str, Any]], Any]], SoapDriver]:
    """A driver whose simulator profile was changed by a function on the data of its file."""
    def make(change: Callable[[dict[str, Any]], Any]) -> SoapDriver:
        data = tomllib.loads((FOLDER / "simulator.toml").read_text("utf-8"))
        change(data)
        profile = make_profile(data)
        return SoapDriver(LOOPBACK, {profile.code: profile})
    return make
