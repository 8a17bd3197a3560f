"""Where a URL must never lead: to the machine's own link, to a cloud's metadata service, or to nobody.

Asked of every address that a name resolves to, so that a name which somebody points there later leads
nowhere either. Loopback is allowed: the sandbox listens there.
"""

from __future__ import annotations

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from kazoo_operator.backend.errors import AddressRefused

_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "169.254.0.0/16",  # link-local, and in it most clouds' metadata services
        "100.100.100.200/32",  # the metadata service of Alibaba Cloud
        "168.63.129.16/32",  # what Azure's machines are given their secrets by
        "192.0.0.192/32",  # the metadata service of Oracle's first cloud
        "224.0.0.0/4",
        "255.255.255.255/32",
        "::/128",
        "fe80::/10",
        "fd00:ec2::254/128",  # the metadata service of AWS
        "fd20:ce::254/128",  # the metadata service of Google Cloud
        "ff00::/8",
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_refused(address: str) -> bool:
    """Whether nothing may be sent to this IP address; False for what is none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        within = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else None
        found = found.ipv4_mapped or found.sixtofour or within or ipaddress.IPv6Address(int(found))
    return any(found in network for network in _REFUSED if network.version == found.version)


def refuse(host: str, address: str) -> None:
    """Raises AddressRefused where nothing may be sent to `address`, to which `host` leads."""
    if is_refused(address):
        leads = "" if host == address else f", to which {host} leads,"
        raise AddressRefused(f"{address}{leads} is a link-local, multicast or metadata address")


class GuardedResolver(AbstractResolver):
    """The system's resolver, which gives no address out where one of a name's is refused."""

    def __init__(self) -> None:
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises AddressRefused, OSError."""
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            refuse(host, one["host"])
        return found

    async def close(self) -> None:
        """Nothing is held."""
        await self._resolver.close()
