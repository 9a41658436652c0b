"""Which addresses the server may call on behalf of an app: an app must not make it call what only the server can reach.

Server-side request forgery: a callback at a cloud's metadata service, a router or a database of the same network. What
counts is not the name but the address that it resolves to at the moment of the call.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from medauth.errors import ConfigError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: an IPv4 address in an IPv6 one, which a gateway unwraps."""


def networks_of(text: str) -> tuple[Network, ...]:
    """Networks in CIDR form with commas between. Raises `ConfigError`."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ConfigError(
            f"MEDAUTH_WEBHOOK_NETWORKS holds what is no network: {error}", expected="such as 10.20.0.0/16"
        ) from None


def may_be_called(text: str, networks: Sequence[Network] = (), *, loopback: bool = False) -> bool:
    """Whether a resolved address is one of the public internet, of a network that was allowed, or with `loopback` this
    machine. What wraps an IPv4 address is judged by that one.
    """
    try:
        address = _unwrapped(ipaddress.ip_address(text))
    except ValueError:  # with a zone: link-local
        return False
    if address.is_loopback:
        return loopback
    if any(address in network for network in networks):
        return True
    if isinstance(address, ipaddress.IPv6Address) and address.is_site_local:
        return False  # RFC 3879 took these back; what still uses them does so inside
    return address.is_global and not address.is_multicast and not address.is_reserved


def _unwrapped(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    wrapped = address.ipv4_mapped or address.sixtofour
    return wrapped or (address.teredo[1] if address.teredo else address)
