"""Addresses that a model server cannot have: those of the metadata services of clouds.

They give out credentials of the machine to every program that can send a request from it. Loopback
and private networks are allowed, because models run there.
"""

import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NETWORKS = tuple(
    ip_network(network)
    for network in (
        *("169.254.0.0/16", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32"),
        *("fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128"),
    )
)
_NAMES = frozenset({"metadata.google.internal"})
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")


def is_forbidden_host(host: str) -> bool:
    """Return whether a host of a URL is forbidden by its name, or as an address in any spelling.

    What a name resolves to is checked when it is connected to.
    """
    name = host.lower().rstrip(".")
    return name in _NAMES or is_forbidden_address(name)


def is_forbidden_address(text: str) -> bool:
    """Return whether an address is forbidden; false for what is no address."""
    address = _parse(text.partition("%")[0])
    if address is None:
        return False
    inner = _embedded(address) if isinstance(address, IPv6Address) else None
    return any(each in network for each in (address, inner) if each for network in _NETWORKS)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    with suppress(ValueError):
        return ip_address(text)
    try:  # decimal, hexadecimal and octal spellings, which resolvers accept
        return IPv4Address(socket.inet_aton(text))
    except (OSError, ValueError):
        return None


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address within an IPv6 address, if it is of a kind that has one."""
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
