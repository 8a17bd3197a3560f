"""Where nothing is ever sent: the link's own addresses, metadata services, and names that lead to them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp.abc import ResolveResult
from aiohttp.resolver import ThreadedResolver
from pydantic import SecretStr

from kazoo_operator.backend.addresses import is_refused
from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.errors import AddressRefused, BackendError, Nonsense
from kazoo_operator.core.documents import ACCOUNT
from tests.backend.scripted import ACCOUNT_ID, KEY, Script, envelope, raw

REFUSED = (
    "169.254.169.254",
    "169.254.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "ff02::1",
    "::",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
)


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_is_refused(address: str) -> None:
    assert is_refused(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "192.168.1.1",
        "100.100.100.201",
        "203.0.113.7",
        "fd00:ec2::253",
        "name",
    ],
)
def test_an_address_is_allowed(address: str) -> None:
    assert not is_refused(address)


async def refusal(url: str) -> BackendError:
    """What a call to this URL ends with."""
    async with Crossbar(url, lambda: SecretStr(KEY), requests_per_second=10_000, deadline=5) as client:
        with pytest.raises(BackendError) as raised:
            await client.read(ACCOUNT_ID, ACCOUNT)
    return raised.value


@pytest.mark.parametrize(
    "url",
    ["http://169.254.169.254/latest", "https://[fd00:ec2::254]:8443", "http://[::ffff:169.254.169.254]"],
)
async def test_nothing_is_sent_to_a_literal_address_of_a_metadata_service(url: str) -> None:
    error = await refusal(url)
    assert isinstance(error, AddressRefused)
    assert "metadata address" in str(error)


async def test_an_address_in_disguise_is_seen_through() -> None:
    assert isinstance(await refusal("http://0xa9fea9fe"), AddressRefused)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, list[str]]]:
    """Names and what they resolve to."""
    known: dict[str, list[str]] = {}

    async def resolve(_self: Any, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=family, proto=0, flags=0)
            for one in known[host]
        ]

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    yield known


async def test_a_name_that_leads_to_a_metadata_service_is_refused_and_named(
    names: dict[str, list[str]], kazoo: Script
) -> None:
    names["kazoo.example"] = ["127.0.0.1", "169.254.169.254"]
    port = kazoo.url.rpartition(":")[2]
    error = await refusal(f"http://kazoo.example:{port}")
    assert isinstance(error, AddressRefused)
    assert "169.254.169.254, to which kazoo.example leads" in str(error)
    assert kazoo.calls("PUT", "/api_auth") == []  # the harmless address was not asked either


async def test_a_name_that_leads_to_loopback_is_followed(names: dict[str, list[str]], kazoo: Script) -> None:
    names["kazoo.example"] = ["127.0.0.1"]
    kazoo.on("GET", f"/accounts/{ACCOUNT_ID}", envelope({"name": "Acme"}))
    port = kazoo.url.rpartition(":")[2]
    async with Crossbar(f"http://kazoo.example:{port}", lambda: SecretStr(KEY)) as client:
        assert await client.read(ACCOUNT_ID, ACCOUNT) == {"name": "Acme"}


async def test_a_redirect_to_a_metadata_service_is_not_followed(kazoo: Script, client: Crossbar) -> None:
    kazoo.on("GET", f"/accounts/{ACCOUNT_ID}", raw("", 302, Location="http://169.254.169.254/"))
    with pytest.raises(Nonsense, match="redirect, which is not followed"):
        await client.read(ACCOUNT_ID, ACCOUNT)
