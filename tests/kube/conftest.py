"""A scripted API server, an engine that does as it is told, and a run of both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kube.api_server import FakeApiServer, running_api_server, write_kubeconfig
from tests.kube.harness import Engine, Operator, options_for, running


@pytest.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    async with running_api_server() as api:
        yield api


@pytest.fixture
def kubeconfig(server: FakeApiServer, tmp_path: Path) -> Path:
    return write_kubeconfig(tmp_path / "config", server.url)


@pytest.fixture
async def engine() -> Engine:
    return Engine()


@pytest.fixture
async def operator(server: FakeApiServer, kubeconfig: Path, engine: Engine) -> AsyncIterator[Operator]:
    """A run that is ready."""
    async with running(options_for(kubeconfig), engine) as one:
        await one.until_ready()
        yield one
