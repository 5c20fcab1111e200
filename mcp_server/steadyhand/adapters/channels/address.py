"""Where a message that leaves for an address from the configuration may go: no way into our own networks.

The name is resolved once, every address it has is checked, and the connection is made to a checked address;
so a name server that changes its mind between the check and the connection changes nothing.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx2

from steadyhand.ports import SourceRefused, SourceUnavailable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits
_V4_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Place:
    """A checked address to connect to, and the name the far end must prove to have."""

    url: str
    host: str
    tls_name: str


async def locate(source: str, url: str, allowed: Sequence[Network]) -> Place:
    """Resolve and check. Plain http is for allowed networks alone.

    Raises SourceRefused where it may not go, SourceUnavailable where the name has no address now.
    No error quotes the address: it is a secret.
    """
    parts = _parse(source, url)
    found = await _resolve(source, parts)
    inside = [any(one in network for network in allowed) for one in found]
    if parts.scheme == "http" and not all(inside):
        raise SourceRefused(source, "its address must be https; allowed_networks may say otherwise")
    for one, known in zip(found, inside, strict=True):
        if not known and not _public(one):
            raise SourceRefused(source, "its address leads into a private network that is not allowed")
    return Place(
        url=str(parts.copy_with(host=str(found[0]))),
        host=parts.netloc.decode("ascii"),
        tls_name=parts.raw_host.decode("ascii"),
    )


def _parse(source: str, url: str) -> httpx2.URL:
    try:
        parts = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        raise SourceRefused(source, "its address is not valid") from None  # the text quotes it
    if parts.scheme not in ("http", "https") or not parts.host:
        raise SourceRefused(source, "its address must be https://host/path")
    if parts.userinfo:
        raise SourceRefused(source, "its address must hold no user and password")
    return parts


async def _resolve(source: str, parts: httpx2.URL) -> list[Address]:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.raw_host.decode("ascii").strip("[]")
    try:
        rows = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SourceUnavailable(source, f"its host has no address: {error.strerror}") from error
    found = {plain_address(str(row[4][0])) for row in rows}
    # IPv4 first: many a name has an IPv6 address that leads nowhere.
    return sorted(found, key=lambda one: (one.version, int(one)))


def plain_address(text: str) -> Address:
    """The address itself, taken out of the IPv6 forms that carry an IPv4 address."""
    one = ip_address(text)
    if isinstance(one, IPv6Address):
        if one in _NAT64:
            return IPv4Address(int(one) & _V4_BITS)
        return one.ipv4_mapped or one.sixtofour or one
    return one


def _public(one: Address) -> bool:
    return one.is_global and not one.is_multicast
