"""`serve()` in this process, with an engine that does as the test says."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from kazoo_operator.core.custom_resource import Resource
from kazoo_operator.core.outcome import Outcome, Pass, Reason
from kazoo_operator.kube import term
from kazoo_operator.kube.options import Options, WatchedKind
from kazoo_operator.kube.process import serve
from kazoo_operator.kube.reconciler import Progress
from kazoo_operator.surroundings import Surroundings
from tools.stack import PATIENCE

ACCOUNT = WatchedKind("Account", "accounts")

# An end within it has waited for no pass in vain.
GRACE = term._GRACE

Work = Callable[[Resource, Progress], Awaitable[Pass]]


async def ready(resource: Resource, progress: Progress) -> Pass:
    """A pass that finds everything in order."""
    return Pass(Outcome.of(Reason.READY, "It is so."), {"balance": "25.00"})


class Engine:
    """Counts its passes; `work` makes them, `in_flight` is what `finish` waits for."""

    def __init__(self) -> None:
        self.work: Work = ready
        self.passes: list[str] = []
        self.cut: list[str] = []
        self.terms = 0
        self.surroundings: Surroundings | None = None
        self.in_flight = asyncio.Event()
        self.in_flight.set()
        self.closed = False

    @property
    def owner(self) -> str:
        """What stands in our marks; empty before the first term."""
        return self.surroundings.owner if self.surroundings else ""

    async def reconcile(self, resource: Resource, progress: Progress) -> Pass:
        self.passes.append(resource.key.name)
        try:
            return await self.work(resource, progress)
        except asyncio.CancelledError:
            self.cut.append(resource.key.name)
            raise

    async def finish(self) -> None:
        await self.in_flight.wait()

    @asynccontextmanager
    async def start(self, surroundings: Surroundings) -> AsyncIterator[Engine]:
        self.surroundings = surroundings
        self.terms += 1
        try:
            yield self
        finally:
            self.closed = True


class Operator:
    """The running operator."""

    def __init__(self, options: Options, engine: Engine) -> None:
        self.options = options
        self.engine = engine
        self.task = asyncio.create_task(serve(options, engine.start))

    async def until(self, true: Callable[[], Any], within: float = PATIENCE) -> None:
        """Wait until `true()` holds; AssertionError after so many seconds, or when the operator has ended."""
        async with asyncio.timeout(within):
            while not true():
                assert not self.task.done(), self.task.result()
                await asyncio.sleep(0.01)

    async def probe(self, path: str) -> tuple[int, str]:
        """Status and text of a probe; (0, "") when nobody listens."""
        port = self.options.metrics_port if path == "/metrics" else self.options.probe_port
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{port}{path}") as response,
            ):
                return response.status, await response.text()
        except aiohttp.ClientConnectionError:
            return 0, ""

    async def until_ready(self, within: float = PATIENCE) -> None:
        """Wait until /readyz says so."""
        async with asyncio.timeout(within):
            while (await self.probe("/readyz"))[0] != 200:
                assert not self.task.done(), self.task.result()
                await asyncio.sleep(0.02)

    async def quiet(self, seconds: float = 0.3) -> None:
        """Give what should not happen a little time to happen."""
        await asyncio.sleep(seconds)
        assert not self.task.done(), self.task.result()

    async def end(self, within: float = PATIENCE) -> float:
        """SIGTERM; the seconds until `serve` has returned."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(within):
            await self.task
        return loop.time() - began


# Each worker of pytest-xdist has a range of its own, and gives no port twice: two of one run must differ.
_FIRST = 10_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 10 * 2_000
_PORTS = itertools.cycle(random.sample(range(_FIRST, _FIRST + 2_000), 2_000))


def free_port() -> int:
    """A port that nobody listens on, below the range from which the kernel gives ports to others."""
    for port in _PORTS:
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("0.0.0.0", port))
            return port
    raise AssertionError("a cycle does not end")


def options_for(kubeconfig: Path, **changes: Any) -> Options:
    """Options on free ports."""
    options = Options(
        kinds=(ACCOUNT,), kubeconfig=kubeconfig, probe_port=free_port(), metrics_port=free_port()
    )
    return replace(options, **changes)


@asynccontextmanager
async def running(options: Options, engine: Engine) -> AsyncIterator[Operator]:
    """The operator for the length of the block; it must not end by itself."""
    operator = Operator(options, engine)
    try:
        yield operator
    finally:
        if not operator.task.done():
            await operator.end()
