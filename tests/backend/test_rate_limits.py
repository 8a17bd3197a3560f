"""The client against a sandbox that limits rates, in both releases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import time

import aiohttp
import pytest
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.backend.errors import RateLimited
from kazoo_operator.core.documents import ACCOUNT
from kazoo_operator.sandbox import Sandbox, running_sandbox


class Clock:
    """The real clock, but as long as it is held: then nothing drips into the buckets."""

    held: float | None = None

    def __call__(self) -> float:
        return time() if self.held is None else self.held


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["5.0", "4.3"])
async def sandbox(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[Sandbox]:
    async with running_sandbox(compat=request.param, rate_limit=True, clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[Crossbar]:
    key = SecretStr(sandbox.identity.reseller.api_key)
    async with Crossbar(sandbox.url, lambda: key, requests_per_second=10_000) as client:
        yield client


async def drain(sandbox: Sandbox, path: str) -> None:
    """Another client at our address uses up a bucket, with requests that every release charges."""
    async with aiohttp.ClientSession() as session:
        statuses = set()
        while 429 not in statuses:
            async with session.get(f"{sandbox.url}/v2/{path}") as response:
                statuses.add(response.status)
    sandbox.journal.clear()


def statuses(sandbox: Sandbox) -> list[int]:
    return [entry["status"] for entry in sandbox.journal.shown()]


async def test_as_fast_as_the_bucket_allows_and_never_refused(sandbox: Sandbox, client: Crossbar) -> None:
    account_id = sandbox.identity.reseller.account_id
    await asyncio.gather(*(client.read(account_id, ACCOUNT) for _ in range(110)))
    assert statuses(sandbox) == [201, *[200] * 110]


async def test_after_a_first_429_there_is_no_second(sandbox: Sandbox, client: Crossbar, clock: Clock) -> None:
    """5.0 lets a good token through all the same, and tells what is left in the bucket."""
    account_id = sandbox.identity.reseller.account_id
    await client.identity()
    await asyncio.sleep(1.1)  # else we go on with what we know of the bucket
    clock.held = time()
    await drain(sandbox, f"accounts/{account_id}")
    asking = asyncio.gather(*(client.read(account_id, ACCOUNT) for _ in range(15)), return_exceptions=True)
    while not any(statuses(sandbox)):
        await asyncio.sleep(0.01)
    clock.held = None
    failures = [answer for answer in await asking if isinstance(answer, BaseException)]
    assert {type(failure) for failure in failures} <= {RateLimited}
    assert statuses(sandbox).count(429) == len(failures) <= 1
    assert len(statuses(sandbox)) == 15


async def test_a_login_that_is_refused_for_its_rate_is_not_tried_again_at_once(
    sandbox: Sandbox, client: Crossbar, clock: Clock
) -> None:
    account_id = sandbox.identity.reseller.account_id
    clock.held = time()
    await drain(sandbox, "search")
    answers = await asyncio.gather(
        *(client.read(account_id, ACCOUNT) for _ in range(10)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {RateLimited}
    assert statuses(sandbox) == [429]
    clock.held = None
    assert (await client.read(account_id, ACCOUNT))["realm"] == sandbox.identity.reseller.realm
    assert statuses(sandbox) == [429, 201, 200]
