"""A server that answers as the test says, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import SecretStr

from kazoo_operator.backend.crossbar import Crossbar
from tests.backend.scripted import KEY, Script


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
