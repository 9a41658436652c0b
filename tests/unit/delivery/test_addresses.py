"""Which addresses the server may call: those of the public internet, and what its operator named beside them."""

from __future__ import annotations

import pytest

from medauth.delivery.addresses import may_be_called, networks_of
from medauth.errors import ConfigError


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_may_be_called(address: str) -> None:
    assert may_be_called(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "fec0::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:db8::1",
        "app.example",
        "",
    ],
)
def test_what_only_the_server_can_reach_may_not(address: str) -> None:
    assert not may_be_called(address)


def test_a_network_that_the_operator_named_may_be_called_and_no_other() -> None:
    networks = networks_of("10.20.0.0/16, fd12::/32")
    assert may_be_called("10.20.3.4", networks)
    assert may_be_called("::ffff:10.20.3.4", networks)
    assert may_be_called("fd12::7", networks)
    assert not may_be_called("10.21.0.1", networks)
    assert not may_be_called("127.0.0.1", networks_of("127.0.0.0/8")), "this machine is a setting of its own"


def test_this_machine_may_be_called_where_that_is_meant() -> None:
    assert may_be_called("127.0.0.1", loopback=True)
    assert may_be_called("::1", loopback=True)
    assert not may_be_called("10.0.0.1", loopback=True)


@pytest.mark.parametrize("text", ["10.0.0.1/8", "app.example", "10.0.0.0/40"])
def test_what_is_no_network_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match="MEDAUTH_WEBHOOK_NETWORKS"):
        networks_of(text)
