"""A sandbox for each test, and clients to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from kazoo_operator.sandbox import Sandbox, running_sandbox
from tests.sandbox.client import Client


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_795_586_400.0  # 2026-11-25T05:00:00Z

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def compat() -> str:
    """The release that the sandbox imitates; tests parametrize it."""
    return "5.0"


@pytest.fixture
async def sandbox(clock: SetClock, compat: str) -> AsyncIterator[Sandbox]:
    async with running_sandbox(clock=clock, compat=compat) as sandbox:
        yield sandbox


@pytest.fixture
async def nobody(sandbox: Sandbox) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(sandbox.url) as session:
        yield Client(session, sandbox)


@pytest.fixture
async def master(nobody: Client) -> Client:
    return await nobody.log_in(nobody.sandbox.identity.master.api_key)


@pytest.fixture
async def reseller(nobody: Client) -> Client:
    return await nobody.log_in(nobody.sandbox.identity.reseller.api_key)
