"""A server that answers as the test says, a sandbox of either release, and clients of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from kazoo_operator.sandbox import running_sandbox
from tests.backend.scripted import KEY, Script
from tests.backend.stage import Clock, Stage


@pytest.fixture
async def kazoo() -> AsyncIterator[Script]:
    script = Script()
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", script.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    script.url = f"http://{host}:{port}"
    yield script
    await runner.cleanup()


@pytest.fixture
async def client(kazoo: Script) -> AsyncIterator[Crossbar]:
    async with Crossbar(
        kazoo.url, lambda: SecretStr(KEY), requests_per_second=10_000, deadline=5
    ) as crossbar:
        yield crossbar


@pytest.fixture(params=["5.0", "4.3"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    clock = Clock()
    async with running_sandbox(clock=clock, compat=request.param) as sandbox:
        key = SecretStr(sandbox.identity.reseller.api_key)
        async with Crossbar(sandbox.url, lambda: key, requests_per_second=10_000) as client:
            yield Stage(sandbox, clock, request.param, client)
