"""Which addresses may be reached."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from flask import Flask

from app.plugin_api import ServerAccess, TryLater
from app.plugin_api.network import Forbidden, NetworkPolicy, configured_policy, origin, shown
from plugins.ptt_soap.driver import SoapDriver
from tests.ptt_soap.conftest import LOOPBACK

NEVER = ["169.254.169.254", "169.254.1.1", "fe80::1", "::ffff:169.254.169.254", "100.100.100.200", "fd00:ec2::254",
         "0.0.0.0", "::", "224.0.0.1", "ff02::1", "2002:a9fe:a9fe::1", "64:ff9b::a9fe:a9fe"]
PRIVATE = ["127.0.0.1", "::1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "100.64.0.1", "fd12::1", "::ffff:127.0.0.1",
           "::ffff:10.0.0.1", "2002:7f00:1::1", "192.0.2.1"]


@pytest.mark.parametrize("address", NEVER)
def test_link_local_metadata_and_the_like_are_never_reached(address):
    with pytest.raises(Forbidden):
        NetworkPolicy.from_text("0.0.0.0/0, ::/0").permits(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_only_where_allowed(address):
    assert not NetworkPolicy().permits(address)
    assert NetworkPolicy.from_text("0.0.0.0/0 ::/0").permits(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111"])
def test_public_addresses_are_open(address):
    assert NetworkPolicy().permits(address)


def test_the_setting_names_networks():
    policy = NetworkPolicy.from_text("127.0.0.0/8, 10.1.0.0/16")
    assert policy.permits("10.1.255.1") and not policy.permits("10.2.0.1")
    with pytest.raises(ValueError, match=r"10\.1\.0\.0/99"):
        NetworkPolicy.from_text("10.1.0.0/99")


def test_the_policy_comes_from_the_application_or_the_environment(monkeypatch):
    monkeypatch.setenv("PTT_ALLOWED_NETS", "10.0.0.0/8")
    assert configured_policy().permits("10.0.0.1")
    app = Flask("t")
    app.config["PTT_ALLOWED_NETS"] = "192.168.0.0/16"
    with app.app_context():
        assert configured_policy().permits("192.168.1.1") and not configured_policy().permits("10.0.0.1")


def resolve_to(monkeypatch, *addresses):
    real = socket.getaddrinfo

    def fake(host, port, *rest, **named):
        if host == "ptt.example":
            return [(socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]
        return real(host, port, *rest, **named)
    monkeypatch.setattr(socket, "getaddrinfo", fake)


@pytest.mark.parametrize("addresses", [["169.254.169.254"], ["127.0.0.1", "169.254.169.254"], ["10.0.0.5"]])
def test_a_name_is_judged_by_the_address_that_is_connected_to(monkeypatch, addresses):
    resolve_to(monkeypatch, *addresses)
    health = SoapDriver(LOOPBACK).check(ServerAccess(1, "x", "http://ptt.example/soap?wsdl"))
    assert not health.ok and len(health.problems) == 1


def test_a_name_that_changes_its_address_later_gains_nothing(monkeypatch, ptt, access, driver):
    """Rebinding: the WSDL was read from a good address, then the name points to a forbidden one."""
    resolve_to(monkeypatch, "127.0.0.1")
    named = replace(access, wsdl=f"http://ptt.example:{ptt.port}/soap?wsdl", endpoint=None)
    assert driver.get_user(named, "nobody") is None
    client = driver.clients.get(named)
    client.transport.client.close()
    resolve_to(monkeypatch, "169.254.169.254")
    with pytest.raises(TryLater, match="never contacted"):
        driver.get_user(named, "nobody")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "gopher://x", "//x/y", "x", "", "http://", "http://u:p@x/",
                                 "http://x:99999/", "http://[::1"])
def test_other_schemes_and_odd_addresses_are_refused(driver, url):
    with pytest.raises(Forbidden) as forbidden:
        origin(url)
    assert "u:p" not in str(forbidden.value.reason)
    assert not driver.check(ServerAccess(1, "x", url)).ok


def test_an_address_is_shown_without_what_may_be_secret():
    assert shown("https://user:geheim@host:8443/path?token=abc#x") == "https://host:8443/path"
    assert len(shown("http://host/" + "x" * 5000)) == 120


def test_proxies_of_the_environment_are_not_used(monkeypatch, driver, access):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert driver.check(access).ok
